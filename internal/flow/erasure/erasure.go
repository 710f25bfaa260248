// Package erasure is how somebody's records come to be destroyed: an officer asks for it
// with a purpose and signs, another officer signs the same, and a command on the keeper's
// host has it done, unless a legal hold or the duty to keep forbids it by then.
//
// The flow believes neither signature itself: it shows both to the keeper, which alone
// can destroy a key.
package erasure

import (
	"context"
	"strconv"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// ErrOther: whoever runs an erasure means somebody else than those who signed.
var ErrOther = fault.New(fault.Conflict, "this is not the person whose erasure was approved: compare the NIK, and ask anew if the request is of the wrong person")

// Keeper destroys keys.
type Keeper interface {
	Erase(ctx context.Context, e keeper.Erase) (keeper.Erased, error)
	Erasures(ctx context.Context) ([]keeper.Erased, error)
}

// Care finds people, knows what keeps their records, and removes what is left.
type Care interface {
	Find(ctx context.Context, nik identity.NIK) (record.Ref, error)
	Known(ctx context.Context, who identity.PersonID) (bool, error)
	MayErase(ctx context.Context, c care.Caller, who identity.PersonID) error
	Forget(ctx context.Context, who identity.PersonID) error
}

// Flow is how somebody is erased.
type Flow struct {
	DB      store.DB
	Keeper  Keeper // nil where erasures are asked for alone
	Care    Care
	Unindex func(ctx context.Context, who identity.PersonID) error // takes somebody out of the trace index; nil: there is none
	Now     func() time.Time
}

// Whom names somebody by their NIK, or by their number.
type Whom struct {
	NIK    identity.NIK
	Person identity.PersonID // zero: by NIK
}

// ParseWhom reads a NIK, 16 digits, or a number of fewer.
func ParseWhom(text string) (Whom, error) {
	if n, err := strconv.ParseUint(text, 10, 64); err == nil && n > 0 && len(text) < 16 {
		return Whom{Person: identity.PersonID(n)}, nil
	}
	nik, err := identity.ParseNIK(text)
	return Whom{NIK: nik}, err
}

// Ask asks for somebody's erasure in an officer's name; the officer signs next, and then
// another. Nothing is destroyed by it.
func (f *Flow) Ask(ctx context.Context, m staff.Member, purpose string, whom Whom, reason string) (staff.Request, error) {
	if m.Role != staff.RoleOfficer {
		return staff.Request{}, staff.ErrNotYours
	}
	who, err := f.who(ctx, whom)
	if err != nil {
		return staff.Request{}, err
	}
	now := f.Now().Truncate(time.Second)
	r := staff.Request{
		Kind: staff.AskErase, By: m.ID, Place: m.Facility, Purpose: purpose, Asked: now, Until: now.Add(staff.ExportLife),
		Body: staff.Erasure{Person: who, Reason: reason}.Body(),
	}
	if _, err := staff.ParseErasure(r.Body); err != nil {
		return r, err
	}
	if err := r.Check(); err != nil {
		return r, err
	}
	return r, f.DB.Update(ctx, func(s store.Stores) error { return s.Requests.Put(r) })
}

// who finds somebody who is registered; record.ErrNobody.
func (f *Flow) who(ctx context.Context, whom Whom) (identity.PersonID, error) {
	if whom.Person == 0 {
		ref, err := f.Care.Find(ctx, whom.NIK)
		return ref.Person, err
	}
	known, err := f.Care.Known(ctx, whom.Person)
	if err == nil && !known {
		err = record.ErrNobody
	}
	return whom.Person, err
}

// Run has an approved erasure done, of the person whom whoever runs it means, and removes
// what is left of them. Run again it returns the same certificate, and removes what an
// interruption left; by number then, for their NIK finds them no more.
func (f *Flow) Run(ctx context.Context, id staff.RequestID, whom Whom) (keeper.Erased, error) {
	var e keeper.Erase
	err := f.DB.View(ctx, func(s store.Stores) (err error) {
		if e.Request, err = s.Requests.Get(id); err != nil {
			return err
		}
		e.Approvals, err = s.Requests.Approvals(id)
		return err
	})
	if err != nil {
		return keeper.Erased{}, err
	}
	body, err := staff.ParseErasure(e.Request.Body)
	if err != nil || e.Request.Kind != staff.AskErase {
		return keeper.Erased{}, staff.ErrNoRequest
	}
	who := whom.Person
	if who == 0 {
		if who, err = f.who(ctx, whom); err != nil {
			return keeper.Erased{}, err
		}
	}
	if who != body.Person {
		return keeper.Erased{}, ErrOther
	}
	all, err := f.Keeper.Erasures(ctx)
	if err != nil {
		return keeper.Erased{}, err
	}
	for _, done := range all {
		if done.Person == who {
			return done, f.forget(ctx, who) // a run before may have been stopped there
		}
	}
	if _, _, err := staff.Granted(e.Request, e.Approvals, f.Now()); err != nil {
		return keeper.Erased{}, err
	}
	if err := f.Care.MayErase(ctx, care.Caller{Actor: e.Request.By, Role: staff.RoleOfficer}, who); err != nil {
		return keeper.Erased{}, err
	}
	done, err := f.Keeper.Erase(ctx, e)
	if err != nil {
		return done, err
	}
	return done, f.forget(ctx, who)
}

// forget removes what is left of somebody erased, from the trace index, too.
func (f *Flow) forget(ctx context.Context, who identity.PersonID) error {
	if f.Unindex != nil {
		if err := f.Unindex(ctx, who); err != nil {
			return err
		}
	}
	return f.Care.Forget(ctx, who)
}
