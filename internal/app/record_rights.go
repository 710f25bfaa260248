package app

import (
	"context"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/keeper"
)

// office is the caller of what an operator does in the name of the office for data
// protection; officer is who decided it.
func office(officer string) (care.Caller, error) {
	id, err := staff.ParseActor(officer)
	return care.Caller{Actor: id, Role: staff.RoleOfficer}, err
}

// of finds whom an order of the office is about.
func (o *Operator) of(ctx context.Context, nik identity.NIK) (*care.Flow, identity.PersonID, error) {
	f, err := o.care()
	if err != nil {
		return nil, 0, err
	}
	ref, err := f.Find(ctx, nik)
	return f, ref.Person, err
}

// Hold begins or ends a legal hold on somebody's records.
func (o *Operator) Hold(ctx context.Context, nik identity.NIK, officer string, on bool, why record.Reason) error {
	by, err := office(officer)
	if err != nil {
		return err
	}
	f, who, err := o.of(ctx, nik)
	if err != nil {
		return err
	}
	return f.Hold(ctx, by, who, on, why)
}

// Restrict begins or ends a restriction of somebody's records.
func (o *Operator) Restrict(ctx context.Context, nik identity.NIK, officer string, on bool, why record.Reason) error {
	by, err := office(officer)
	if err != nil {
		return err
	}
	f, who, err := o.of(ctx, nik)
	if err != nil {
		return err
	}
	return f.Restrict(ctx, by, who, on, why)
}

// Erase destroys somebody's key, unless a hold or the duty to keep their records
// forbids it, and returns the keeper's certificate. Asked again for somebody erased it
// returns the same one.
func (o *Operator) Erase(ctx context.Context, nik identity.NIK, officers [2]string, why record.Reason) (keeper.Erased, error) {
	e := keeper.Erase{Reason: string(why), Officers: officers}
	if err := e.Check(); err != nil {
		return keeper.Erased{}, err
	}
	for _, officer := range officers {
		if _, err := staff.ParseActor(officer); err != nil {
			return keeper.Erased{}, err
		}
	}
	if _, err := record.ParseReason(string(why)); err != nil {
		return keeper.Erased{}, err
	}
	f, who, err := o.of(ctx, nik)
	if err != nil {
		return keeper.Erased{}, err
	}
	e.Person = who
	all, err := o.Keeper.Erasures(ctx)
	if err != nil {
		return keeper.Erased{}, err
	}
	for _, done := range all {
		if done.Person == who {
			return done, o.unindex(ctx, nik) // a run before may have been stopped there
		}
	}
	by, err := office(officers[0])
	if err != nil {
		return keeper.Erased{}, err
	}
	if err := f.MayErase(ctx, by, who); err != nil {
		return keeper.Erased{}, err
	}
	done, err := o.Keeper.Erase(ctx, e)
	if err != nil {
		return done, err
	}
	return done, o.unindex(ctx, nik)
}
