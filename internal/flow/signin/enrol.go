package signin

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/format/jose"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// State is what came of an officer's word for somebody.
type State string

// What comes of it.
const (
	Done       State = "done"
	NeedHost   State = "host"   // the only officer signed: the keeper's host confirms, within Proposed
	NeedSecond State = "second" // an officer signed: another signs the same, within a day
)

// Proposed is how long what the only officer signed waits for the keeper's host: as long
// as the keeper takes the signature's time for now.
const Proposed = 5 * time.Minute

// ConfirmHost enrols an officer on the keeper's own host: the first one, or the second
// whom the first one signed for within Proposed. Who runs the command compared the
// fingerprint with the one that the officer's browser shows.
func (f *Flow) ConfirmHost(ctx context.Context, id staff.ActorID, fingerprint string) error {
	m, err := f.compare(ctx, id, fingerprint)
	if err != nil {
		return err
	}
	if m.Role != staff.RoleOfficer {
		return staff.ErrNotYours
	}
	var by keeper.Ask
	err = f.DB.View(ctx, func(s store.Stores) error {
		n, err := officers(s)
		if err != nil || n == 0 {
			return err
		}
		if n > 1 {
			return ErrFirst
		}
		by, err = proposed(s, m.ID, f.Now())
		return err
	})
	if err != nil {
		return err
	}
	_, err = f.enrol(ctx, m, by)
	return err
}

// Confirm enrols somebody who registered, by an elevated officer's request that names the
// digest of all that is enrolled of them. While there is one officer, nobody can elevate
// them, and for the second one the keeper's host is the second person.
func (f *Flow) Confirm(ctx context.Context, officer staff.Session, id staff.ActorID, fingerprint string, by keeper.Ask) (State, error) {
	m, err := f.compare(ctx, id, fingerprint)
	if err != nil {
		return "", err
	}
	if m.ID == officer.Actor {
		return "", staff.ErrOneself
	}
	n := 0
	err = f.DB.View(ctx, func(s store.Stores) (err error) {
		n, err = officers(s)
		return err
	})
	if err == nil && n == 1 && m.Role == staff.RoleOfficer {
		return NeedHost, f.propose(ctx, officer.Actor, m.ID, by)
	}
	if err == nil {
		err = f.Elevated(ctx, officer.Actor)
	}
	if err != nil {
		return "", err
	}
	return f.enrol(ctx, m, by)
}

// officers counts those who are enrolled.
func officers(s store.Stores) (n int, err error) {
	all, err := s.Staff.All()
	for _, m := range all {
		if m.Role == staff.RoleOfficer && m.State() == "enrolled" {
			n++
		}
	}
	return n, err
}

func proposal(id staff.ActorID) string { return "enrol " + string(id) }

// propose keeps what the only officer signed for the keeper's host.
func (f *Flow) propose(ctx context.Context, officer, id staff.ActorID, by keeper.Ask) error {
	m, err := f.member(ctx, officer)
	if err != nil {
		return err
	}
	if m.Role != staff.RoleOfficer || m.State() != "enrolled" {
		return staff.ErrNotYours
	}
	body, err := json.Marshal(by)
	if err != nil {
		return err
	}
	now := f.Now().Truncate(time.Second)
	return f.Put(ctx, staff.Request{
		Kind: staff.AskEnrol, By: officer, Place: m.Facility, Purpose: proposal(id), Body: body, Asked: now, Until: now.Add(Proposed),
	})
}

func proposed(s store.Stores, id staff.ActorID, now time.Time) (by keeper.Ask, err error) {
	all, err := s.Requests.Since(now.Add(-Proposed), 100)
	if err != nil {
		return by, err
	}
	for _, r := range all {
		if r.Kind == staff.AskEnrol && r.Purpose == proposal(id) && now.Before(r.Until) {
			return by, json.Unmarshal(r.Body, &by)
		}
	}
	return by, ErrFirst
}

// compare returns somebody who registered, when the fingerprint is their key's.
func (f *Flow) compare(ctx context.Context, id staff.ActorID, fingerprint string) (staff.Member, error) {
	m, err := f.member(ctx, id)
	if err != nil {
		return m, err
	}
	key, err := jose.ParseKey(m.Key)
	switch {
	case err != nil:
	case m.State() == "ended":
		err = staff.ErrEnded
	case subtle.ConstantTimeCompare([]byte(staff.Fingerprint(key)), []byte(fingerprint)) != 1:
		err = staff.ErrCompare
	}
	return m, err
}

func (f *Flow) enrol(ctx context.Context, m staff.Member, by keeper.Ask) (State, error) {
	if m.State() == "enrolled" {
		return Done, nil
	}
	err := f.Keeper.Enrol(ctx, keeper.Enrolment{Actor: m.Actor, By: by})
	if errors.Is(err, keeper.ErrSecond) {
		return NeedSecond, nil
	}
	if err != nil {
		return "", err
	}
	since := f.Now().Truncate(time.Second)
	return Done, f.change(ctx, m.ID, func(had *staff.Member) { had.Since = since })
}

// Dismiss ends somebody by an elevated officer's signed request: in the keeper first, and
// then here with their sign-ins.
func (f *Flow) Dismiss(ctx context.Context, officer staff.Session, id staff.ActorID, by keeper.Ask) (State, error) {
	if err := f.Elevated(ctx, officer.Actor); err != nil {
		return "", err
	}
	m, err := f.member(ctx, id)
	if err != nil || m.State() == "ended" {
		return Done, err
	}
	if m.State() == "enrolled" {
		m.Ended = f.Now().Truncate(time.Second)
		err := f.Keeper.Enrol(ctx, keeper.Enrolment{Actor: m.Actor, By: by})
		if errors.Is(err, keeper.ErrSecond) {
			return NeedSecond, nil
		}
		if err != nil {
			return "", err
		}
	}
	return Done, f.End(ctx, id)
}

// End ends somebody here, with their sign-ins: no server lets them in again. Whom the
// keeper believes only an officer's signature changes.
func (f *Flow) End(ctx context.Context, id staff.ActorID) error {
	now := f.Now().Truncate(time.Second)
	return f.DB.Update(ctx, func(s store.Stores) error {
		m, err := s.Staff.Get(id)
		if err != nil {
			return err
		}
		if m.ID == "" {
			return staff.ErrNobody
		}
		open, err := s.SignIns.Of(id)
		if err != nil {
			return err
		}
		for _, one := range open {
			one.Ended = now
			if err := s.SignIns.Put(one); err != nil {
				return err
			}
		}
		if m.Ended.IsZero() {
			m.Ended = now
		}
		return s.Staff.Put(m)
	})
}
