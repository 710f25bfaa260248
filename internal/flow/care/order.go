package care

import (
	"context"
	"errors"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/store"
)

// Restrict begins or ends a restriction: the person's records go on being entered, and
// nobody views them but in an emergency, or the office itself (UU PDP art. 11, 41).
func (f *Flow) Restrict(ctx context.Context, c Caller, who identity.PersonID, on bool, why record.Reason) error {
	return f.order(ctx, c, who, func(s *record.Stand, o record.Order) { s.Restricted = o }, on, why)
}

// Hold begins or ends a legal hold, which keeps the records from being destroyed.
func (f *Flow) Hold(ctx context.Context, c Caller, who identity.PersonID, on bool, why record.Reason) error {
	return f.order(ctx, c, who, func(s *record.Stand, o record.Order) { s.Hold = o }, on, why)
}

func (f *Flow) order(ctx context.Context, c Caller, who identity.PersonID, set func(*record.Stand, record.Order), on bool, why record.Reason) error {
	if c.Role != staff.RoleOfficer {
		return ErrOffice
	}
	if _, err := record.ParseReason(string(why)); err != nil {
		return err
	}
	stand, at, err := f.stand(ctx, c, who)
	if err != nil {
		return err
	}
	set(&stand, record.Order{On: on, Why: why, By: string(c.Actor), At: f.Now().UTC(), Since: string(c.Facility)})
	var done Done
	j := &job{caller: c, entry: &Entry{}, done: &done, person: who, stand: &stand, standAt: at}
	if err := f.write(ctx, []*job{j}); err != nil {
		return err
	}
	return done.Err
}

// Stand returns how a person's records stand: restricted, held, and why.
func (f *Flow) Stand(ctx context.Context, c Caller, who identity.PersonID) (record.Stand, error) {
	if c.Role != staff.RoleOfficer {
		return record.Stand{}, ErrOffice
	}
	s, _, err := f.stand(ctx, c, who)
	return s, err
}

func (f *Flow) stand(ctx context.Context, c Caller, who identity.PersonID) (record.Stand, uint64, error) {
	o, err := f.unseal(ctx, who, func(have []record.Version) []record.Version {
		if at := current(have, record.Standing); at > 0 {
			return []record.Version{{Number: record.Standing, Version: at}}
		}
		return nil
	}, f.platform("stand", c.Actor))
	if errors.Is(err, record.ErrNone) {
		err = nil
	}
	return o.stand, o.standAt, err
}

// MayErase opens all that a person has, shows none of it, and says whether it may be destroyed:
// record.ErrHeld, record.ErrKept, or nil. The last visit is the latest encounter.
func (f *Flow) MayErase(ctx context.Context, c Caller, who identity.PersonID) error {
	if c.Role != staff.RoleOfficer {
		return ErrOffice
	}
	_, err := f.lastVisit(ctx, who, "retention", c.Actor)
	return err
}

// lastVisit is when somebody whose records may be destroyed was last seen; zero for who
// never visited. record.ErrHeld and ErrKept for the others.
func (f *Flow) lastVisit(ctx context.Context, who identity.PersonID, purpose string, by staff.ActorID) (visit time.Time, err error) {
	stand, _, err := f.stand(ctx, Caller{Actor: by}, who) // of its own: a hold keeps also who has no records yet
	if err != nil {
		return visit, err
	}
	o, err := f.unseal(ctx, who, everything, f.platform(purpose, by))
	if err != nil && !errors.Is(err, record.ErrNone) {
		return visit, err
	}
	for i := range o.records {
		visit = record.LastVisit(visit, &o.records[i].Meta)
	}
	return visit, record.MayErase(stand, visit, f.Now())
}

// everything is the current version of each record but Standing.
func everything(have []record.Version) (want []record.Version) {
	for i, v := range have {
		if v.Number != record.Standing && (i+1 == len(have) || have[i+1].Number != v.Number) {
			want = append(want, v)
		}
	}
	return want
}

// Known reports whether the platform has a person of that number.
func (f *Flow) Known(ctx context.Context, who identity.PersonID) (bool, error) {
	known := false
	err := f.DB.View(ctx, func(s store.Stores) error {
		rows, err := s.People.Get([]identity.PersonID{who})
		known = err == nil && rows[0].ID != 0
		return err
	})
	return known, err
}
