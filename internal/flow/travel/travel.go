// Package travel is the flow by which a partner's server is told whether a person may
// make one journey: admit or refuse, never a colour.
//
// A journey is decided once: asking again is answered from what is kept, opens nothing
// and costs nothing. The first asking is one of the person's twelve colours of the day
// and one of the partner's decisions, and the person sees it.
package travel

import (
	"context"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/store"
)

// Gate opens the colour, and records that it was asked for.
type Gate interface {
	Do(ctx context.Context, a gate.Ask) gate.Answer
}

// Flow decides about journeys.
type Flow struct {
	DB   store.DB
	Gate Gate
	Now  func() time.Time
}

// Question is what a partner's server asks.
type Question struct {
	Partner partner.ID
	Member  gate.Member // of a link for decisions
	Key     identity.Thumbprint
	Journey string // the partner's own name for it
	On      day.Day
	For     venue.Category
	PerDay  int // decisions that the partner may be told in a day
	// SyntheticOnly: the partner is not live, and no real person is served through it.
	SyntheticOnly bool
}

// Decide answers admit or refuse. identity.ErrNoLink unless the link lives and is one
// for decisions; venue.ErrDecisions when the partner's of the day are used up.
func (f *Flow) Decide(ctx context.Context, q Question) (venue.Decision, error) {
	now := f.Now()
	today := day.Of(now)
	id, err := venue.NameJourney(q.Member.Link, q.Journey)
	if err != nil {
		return 0, err
	}
	if err := venue.CheckJourney(q.On, today); err != nil {
		return 0, err
	}
	kept, err := f.kept(ctx, q, id, today)
	if err != nil || kept.Decision != 0 {
		return kept.Decision, err
	}
	a := f.Gate.Do(ctx, gate.Ask{
		Act: venue.ActDecide, Partner: q.Partner, Member: q.Member, Device: q.Key, At: venue.Moment(q.On, now), For: q.For,
		SyntheticOnly: q.SyntheticOnly,
	})
	if a.Err != nil {
		return 0, a.Err
	}
	err = f.DB.Update(ctx, func(s store.Stores) (err error) {
		kept, err = s.Journeys.Put(venue.Journey{ID: id, Asked: today, Decision: venue.Travel(a.Outcome)})
		return err
	})
	return kept.Decision, err
}

// kept finds what was decided before, or counts a new decision.
func (f *Flow) kept(ctx context.Context, q Question, id venue.JourneyID, today day.Day) (kept venue.Journey, err error) {
	err = f.DB.Update(ctx, func(s store.Stores) error {
		links, err := s.Links.Get([]identity.LinkID{q.Member.Link})
		if err != nil {
			return err
		}
		if links[0].Altered {
			return store.ErrAltered
		}
		if l := links[0]; !l.Live() || l.Scope != identity.LinkDecision || l.Device != q.Key || l.Partner != q.Partner {
			return identity.ErrNoLink
		}
		if kept, err = s.Journeys.Get(id); err != nil || kept.Decision != 0 {
			return err
		}
		n, err := s.Journeys.Count(q.Partner, today, 1)
		if err == nil && n > q.PerDay {
			err = venue.ErrDecisions
		}
		return err
	})
	return kept, err
}

// Forget removes up to n decisions whose journeys are long over, and old counts.
func Forget(ctx context.Context, db store.DB, now time.Time, n int) (int, error) {
	var gone int
	err := db.Bulk(ctx, func(s store.Stores) (err error) {
		gone, err = s.Journeys.Forget(day.Of(now).Add(-2*venue.JourneyDays), n)
		return err
	})
	return gone, err
}
