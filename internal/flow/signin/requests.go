package signin

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/format/jose"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Pending is a request as somebody sees it.
type Pending struct {
	staff.Request
	Approvals []staff.Approval
	From      time.Time // of its grant; zero while it has none
	To        time.Time
	May       error // why the one who looks may not approve it; nil when they may
}

// Signed are who approved it, in their order; none is an empty list.
func (p Pending) Signed() []staff.ActorID {
	out := make([]staff.ActorID, len(p.Approvals))
	for i, a := range p.Approvals {
		out[i] = a.Actor
	}
	return out
}

// shown is how far back requests are listed, and how many.
const (
	shownFor = staff.ExportLife
	shownMax = 100
)

// Ask asks for something that takes a second person.
func (f *Flow) Ask(ctx context.Context, m staff.Member, kind staff.Ask, purpose string) (staff.Request, error) {
	now := f.Now().Truncate(time.Second)
	r := staff.Request{
		Kind: kind, By: m.ID, Place: m.Facility, Purpose: purpose, Asked: now, Until: now.Add(staff.RequestLife),
	}
	switch {
	case kind != staff.AskElevate && kind != staff.AskWiden: // asked for on the keeper's host: amanah export request, amanah leak request
		return r, staff.ErrRequest
	case (kind == staff.AskElevate) != (m.Role == staff.RoleOfficer):
		return r, staff.ErrNotYours
	}
	return r, f.Put(ctx, r)
}

// Put stores a request.
func (f *Flow) Put(ctx context.Context, r staff.Request) error {
	if err := r.Check(); err != nil {
		return err
	}
	return f.DB.Update(ctx, func(s store.Stores) error { return s.Requests.Put(r) })
}

// Pending returns the requests of late that somebody may see, the newest first: an
// officer all, others their own and those of their facility that they may approve.
func (f *Flow) Pending(ctx context.Context, m staff.Member) ([]Pending, error) {
	var out []Pending
	now := f.Now()
	err := f.DB.View(ctx, func(s store.Stores) error {
		out = nil
		all, err := s.Requests.Since(now.Add(-shownFor), shownMax)
		if err != nil {
			return err
		}
		for _, r := range all {
			p, err := pending(s, r, m, now)
			if err != nil {
				return err
			}
			if m.Role == staff.RoleOfficer || r.By == m.ID || p.May == nil {
				out = append(out, p)
			}
		}
		return nil
	})
	return out, err
}

func pending(s store.Stores, r staff.Request, m staff.Member, now time.Time) (Pending, error) {
	had, err := s.Requests.Approvals(r.ID())
	p := Pending{Request: r, Approvals: had, May: staff.MayApprove(r, m.Actor, had, now)}
	if from, until, gerr := staff.Granted(r, had, now); gerr == nil || errors.Is(gerr, staff.ErrOver) {
		p.From, p.To = from, until
		if len(had) >= r.Kind.Needs() && p.May == nil {
			p.May = staff.ErrApproved
		}
	}
	return p, err
}

// Approve stores somebody's approval, after their passkey's signature over the whole
// request was checked. The keeper checks it again where it counts.
func (f *Flow) Approve(ctx context.Context, m staff.Member, a staff.Approval) (Pending, error) {
	key, err := jose.ParseKey(m.Key)
	if err != nil {
		return Pending{}, err
	}
	a.Actor, a.At = m.ID, f.Now().Truncate(time.Second)
	if err := a.Verify(f.Site, key); err != nil {
		return Pending{}, err
	}
	var p Pending
	err = f.DB.Update(ctx, func(s store.Stores) error {
		r, err := s.Requests.Get(a.Request)
		if err != nil {
			return err
		}
		had, err := s.Requests.Approvals(a.Request)
		if err != nil {
			return err
		}
		if err := staff.MayApprove(r, m.Actor, had, a.At); err != nil {
			return err
		}
		if err := s.Requests.Approve(a); err != nil {
			return err
		}
		p, err = pending(s, r, m, a.At)
		return err
	})
	return p, err
}

// Elevated returns ErrElevated unless a second person elevated an officer within the
// hour. The officer is looked up again: somebody ended is elevated no more.
func (f *Flow) Elevated(ctx context.Context, id staff.ActorID) error {
	return f.granted(ctx, id, staff.AskElevate, ErrElevated)
}

// Widened returns keeper.ErrSecond's like, staff.ErrUnapproved, unless a second person
// let somebody open more than 50 people in ten minutes.
func (f *Flow) Widened(ctx context.Context, id staff.ActorID) error {
	return f.granted(ctx, id, staff.AskWiden, staff.ErrUnapproved)
}

// Widen passes a second person's signed word for somebody on to the keeper, when it is for
// a request that this second person approved.
func (f *Flow) Widen(ctx context.Context, second staff.Member, id staff.ActorID, by keeper.Ask) error {
	if err := f.Widened(ctx, id); err != nil {
		return err
	}
	if second.ID == id {
		return staff.ErrOneself
	}
	return f.Keeper.Approve(ctx, by)
}

func (f *Flow) granted(ctx context.Context, id staff.ActorID, kind staff.Ask, none error) error {
	now := f.Now()
	return f.DB.View(ctx, func(s store.Stores) error {
		m, err := s.Staff.Get(id)
		if err != nil {
			return err
		}
		if m.State() != "enrolled" {
			return none
		}
		all, err := s.Requests.Since(now.Add(-staff.RequestLife-staff.GrantLife), 1000)
		if err != nil {
			return err
		}
		for _, r := range all {
			if r.Kind != kind || r.By != id {
				continue
			}
			had, err := s.Requests.Approvals(r.ID())
			if err != nil {
				return err
			}
			if had, err = f.good(s, had); err != nil {
				return err
			}
			if _, _, err := staff.Granted(r, had, now); err == nil {
				return nil
			}
		}
		return none
	})
}

// good keeps the approvals whose signature holds under the key of somebody who is
// enrolled: rows that somebody else wrote into the database approve nothing.
func (f *Flow) good(s store.Stores, had []staff.Approval) ([]staff.Approval, error) {
	for _, a := range had {
		m, err := s.Staff.Get(a.Actor)
		if err != nil {
			return nil, err
		}
		key, kerr := jose.ParseKey(m.Key)
		if kerr != nil || m.State() != "enrolled" || a.Verify(f.Site, key) != nil {
			had = slices.DeleteFunc(slices.Clone(had), func(b staff.Approval) bool { return b.Actor == a.Actor })
		}
	}
	return had, nil
}

// Tidy forgets invitations and sessions that were over a day ago, at most n of each, and
// says how many.
func Tidy(ctx context.Context, db store.DB, now time.Time, n int) (int, error) {
	gone := 0
	err := db.Update(ctx, func(s store.Stores) error {
		a, err1 := s.Invitations.Forget(now.Add(-24*time.Hour), n)
		b, err2 := s.SignIns.Forget(now.Add(-24*time.Hour), n)
		gone = a + b
		return errors.Join(err1, err2)
	})
	return gone, err
}

// Members returns everybody, by name.
func (f *Flow) Members(ctx context.Context) (all []staff.Member, err error) {
	err = f.DB.View(ctx, func(s store.Stores) (err error) {
		all, err = s.Staff.All()
		return err
	})
	return all, err
}
