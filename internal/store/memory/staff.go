package memory

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/store"
)

// opinion is an approver of a request.
type opinion struct {
	request id32
	actor   text
}

func (a opinion) compare(b opinion) int {
	return cmp.Or(a.request.compare(b.request), a.actor.compare(b.actor))
}

// lapse is when something under a hash is over, in microseconds.
type lapse struct {
	at   int64
	hash id32
}

func (a lapse) compare(b lapse) int {
	return cmp.Or(cmp.Compare(a.at, b.at), a.hash.compare(b.hash))
}

type members struct{ *tx }

func (t members) PutFacility(f staff.Facility) error {
	if err := t.write(); err != nil {
		return err
	}
	f.Since, f.Ended = whole(f.Since), whole(f.Ended)
	t.facilities.put(text(f.ID), f)
	return nil
}

func (t members) Facilities() ([]staff.Facility, error) {
	var out []staff.Facility
	for _, f := range t.facilities.from("") {
		out = append(out, f)
	}
	return out, t.err
}

func (t members) Put(m staff.Member) error {
	if err := t.write(); err != nil {
		return err
	}
	if len(m.Credential) > 0 {
		if whose, known := t.passkeys.get(text(m.Credential)); known && whose != m.ID {
			return staff.ErrKnown
		}
	}
	if had, known := t.staff.get(text(m.ID)); known && len(had.Credential) > 0 {
		t.passkeys.drop(text(had.Credential))
	}
	if len(m.Credential) > 0 {
		t.passkeys.put(text(m.Credential), m.ID)
	}
	m.Registered, m.Since, m.Ended = whole(m.Registered), whole(m.Since), whole(m.Ended)
	m.Key, m.Credential = bytes.Clone(m.Key), bytes.Clone(m.Credential)
	t.staff.put(text(m.ID), m)
	return nil
}

func (t members) Get(id staff.ActorID) (staff.Member, error) {
	m, _ := t.staff.get(text(id))
	return member(m), t.err
}

func member(m staff.Member) staff.Member {
	m.Key, m.Credential = bytes.Clone(m.Key), bytes.Clone(m.Credential)
	return m
}

func (t members) ByCredential(credential []byte) (staff.Member, error) {
	id, known := t.passkeys.get(text(credential))
	if !known || t.err != nil {
		return staff.Member{}, t.err
	}
	return t.Get(id)
}

func (t members) All() ([]staff.Member, error) {
	var out []staff.Member
	for _, m := range t.staff.from("") {
		out = append(out, member(m))
	}
	return out, t.err
}

type invitations struct{ *tx }

func (t invitations) Put(i staff.Invitation) error {
	if err := t.write(); err != nil {
		return err
	}
	if had, known := t.invitations.get(id32(i.Code)); known {
		t.stale.drop(lapse{micros(had.Until), id32(i.Code)})
	}
	i.Made, i.Until, i.Used = whole(i.Made), whole(i.Until), whole(i.Used)
	t.invitations.put(id32(i.Code), i)
	t.stale.put(lapse{micros(i.Until), id32(i.Code)}, none{})
	return nil
}

func (t invitations) Get(code staff.Hash) (staff.Invitation, error) {
	i, _ := t.invitations.get(id32(code))
	return i, t.err
}

func (t invitations) Of(id staff.ActorID) ([]staff.Invitation, error) {
	var out []staff.Invitation
	for _, i := range t.invitations.from(id32{}) {
		if i.Actor == id {
			out = append(out, i)
		}
	}
	return out, t.err
}

func (t invitations) Forget(before time.Time, n int) (int, error) {
	if err := t.write(); err != nil {
		return 0, err
	}
	gone := 0
	for k := range t.stale.from(lapse{at: math.MinInt64}) { // over them as they were
		if gone >= n || k.at >= micros(before) {
			break
		}
		t.invitations.drop(k.hash)
		t.stale.drop(k)
		gone++
	}
	return gone, nil
}

type sessions struct{ *tx }

func (t sessions) Put(s staff.Session) error {
	if err := t.write(); err != nil {
		return err
	}
	key := id32(s.Token)
	if had, known := t.signins.get(key); known {
		if had.Ended.IsZero() {
			had.Ended = whole(s.Ended)
			t.signins.put(key, had)
		}
		return nil
	}
	s.Began, s.Until, s.Ended = whole(s.Began), whole(s.Until), whole(s.Ended)
	s.Endorsement = bytes.Clone(s.Endorsement)
	t.signins.put(key, s)
	t.over.put(lapse{micros(s.Until), key}, none{})
	return nil
}

func (t sessions) Get(token staff.Hash) (staff.Session, error) {
	s, _ := t.signins.get(id32(token))
	s.Endorsement = bytes.Clone(s.Endorsement)
	return s, t.err
}

func (t sessions) Of(id staff.ActorID) ([]staff.Session, error) {
	var out []staff.Session
	for _, s := range t.signins.from(id32{}) {
		if s.Actor == id {
			s.Endorsement = bytes.Clone(s.Endorsement)
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b staff.Session) int { return a.Began.Compare(b.Began) })
	return out, t.err
}

func (t sessions) Forget(before time.Time, n int) (int, error) {
	if err := t.write(); err != nil {
		return 0, err
	}
	gone := 0
	for k := range t.over.from(lapse{at: math.MinInt64}) { // over them as they were
		if gone >= n || k.at >= micros(before) {
			break
		}
		t.signins.drop(k.hash)
		t.over.drop(k)
		gone++
	}
	return gone, nil
}

type requests struct{ *tx }

func (t requests) Put(r staff.Request) error {
	if err := t.write(); err != nil {
		return err
	}
	if r.Check() != nil {
		return t.fail(store.ErrConstraint)
	}
	r.Asked, r.Until, r.Body = whole(r.Asked), whole(r.Until), bytes.Clone(r.Body)
	id := id32(r.ID())
	if _, known := t.requests.get(id); known {
		return nil
	}
	t.requests.put(id, r)
	t.wanted.put(lapse{micros(r.Asked), id}, none{})
	return nil
}

func (t requests) Get(id staff.RequestID) (staff.Request, error) {
	r, known := t.requests.get(id32(id))
	if t.err == nil && !known {
		return staff.Request{}, staff.ErrNoRequest
	}
	r.Body = bytes.Clone(r.Body)
	return r, t.err
}

func (t requests) Since(at time.Time, n int) ([]staff.Request, error) {
	var out []staff.Request
	for k := range t.wanted.from(lapse{at: micros(at)}) {
		r, _ := t.requests.get(k.hash)
		r.Body = bytes.Clone(r.Body)
		out = append(out, r)
	}
	slices.Reverse(out)
	return out[:min(max(n, 0), len(out))], t.err
}

func (t requests) Approve(a staff.Approval) error {
	if err := t.write(); err != nil {
		return err
	}
	key := opinion{id32(a.Request), text(a.Actor)}
	if _, known := t.approvals.get(key); known {
		return staff.ErrApproved
	}
	a.At = whole(a.At)
	t.approvals.put(key, approval(a))
	return nil
}

func approval(a staff.Approval) staff.Approval {
	a.AuthData, a.ClientData, a.Signature = bytes.Clone(a.AuthData), bytes.Clone(a.ClientData), bytes.Clone(a.Signature)
	return a
}

func (t requests) Approvals(id staff.RequestID) ([]staff.Approval, error) {
	var out []staff.Approval
	for k, a := range t.approvals.from(opinion{request: id32(id)}) {
		if k.request != id32(id) {
			break
		}
		out = append(out, approval(a))
	}
	slices.SortStableFunc(out, func(a, b staff.Approval) int { return a.At.Compare(b.At) })
	return out, t.err
}
