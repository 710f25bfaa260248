package app

import (
	"context"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/erasure"
	"github.com/amanah-project/amanah/internal/flow/signin"
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

// Erase has an approved erasure done, of the person whom the operator means
// (erasure.Flow).
func (o *Operator) Erase(ctx context.Context, id staff.RequestID, whom erasure.Whom) (keeper.Erased, error) {
	f, err := o.care()
	if err != nil {
		return keeper.Erased{}, err
	}
	flow := &erasure.Flow{DB: o.DB, Keeper: o.Keeper, Care: f, Unindex: o.unindex, Now: o.now}
	return flow.Run(ctx, id, whom)
}

// Erasures returns the erasures asked for lately, the newest first, with their approvals.
func (o *Operator) Erasures(ctx context.Context) ([]signin.Pending, error) {
	all, err := o.asked(ctx)
	return slices.DeleteFunc(all, func(p signin.Pending) bool { return p.Kind != staff.AskErase }), err
}

// Due lists people whose records were kept as long as the law asks.
func (o *Operator) Due(ctx context.Context, step func(people int64)) ([]care.Due, error) {
	f, err := o.care()
	if err != nil {
		return nil, err
	}
	return f.Due(ctx, step)
}
