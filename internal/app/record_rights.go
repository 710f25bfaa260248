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

// Whom names somebody by their NIK, or by their number.
type Whom struct {
	NIK    identity.NIK
	Person identity.PersonID // zero: by NIK
}

// who finds them.
func (o *Operator) who(ctx context.Context, w Whom) (*care.Flow, identity.PersonID, error) {
	if w.Person == 0 {
		return o.of(ctx, w.NIK)
	}
	f, err := o.care()
	return f, w.Person, err
}

// Erase destroys somebody's key, unless a hold or the duty to keep their records
// forbids it, removes what is left of them, and returns the keeper's certificate. Asked
// again by number it returns the same one, and removes what an erasure that was
// interrupted left.
func (o *Operator) Erase(ctx context.Context, whom Whom, officers [2]string, why record.Reason) (keeper.Erased, error) {
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
	f, who, err := o.who(ctx, whom)
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
			return done, o.forget(ctx, f, whom, who) // a run before may have been stopped there
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
	return done, o.forget(ctx, f, whom, who)
}

// forget removes what is left of somebody erased: from the trace index first, as long as
// their NIK still finds them, so that a run that stops between the two can go on.
func (o *Operator) forget(ctx context.Context, f *care.Flow, whom Whom, who identity.PersonID) error {
	if whom.Person == 0 {
		if err := o.unindex(ctx, whom.NIK); err != nil {
			return err
		}
	}
	return f.Forget(ctx, who)
}

// Due lists people whose records were kept as long as the law asks.
func (o *Operator) Due(ctx context.Context, step func(people int64)) ([]care.Due, error) {
	f, err := o.care()
	if err != nil {
		return nil, err
	}
	return f.Due(ctx, step)
}
