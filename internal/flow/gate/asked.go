package gate

import (
	"bytes"
	"context"
	"crypto/rand"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// AskPage is the number of asks of one page, so that a page fits an answer.
const AskPage = 5

// Asks is a part of all that asked for a person's colour, newest first.
type Asks struct {
	Asked []Asked
	More  bool
}

// Asked is one time that somebody asked for a person's colour, as that person sees
// it.
type Asked struct {
	At       time.Time
	Act      venue.Act
	Outcome  venue.AskOutcome
	Colour   status.Colour  // none unless it was told
	Decision venue.Decision // none unless it came to a visit
	Visit    venue.VisitID  // of a check-in, or of a pass that was admitted
	Venue    venue.ID       // the same
	Link     identity.LinkID
	Partner  string // name; empty for a partner that is not on record
	Times    int    // how many asks it stands for
}

// trace finds the event of one ask, of which a visit came or none.
type trace struct {
	day   day.Day
	ask   venue.Ask
	visit venue.Visit
}

// Asks returns the page-th part, from 0, of what asked for a person's colour within
// the days of the history: check-ins, which are visits, and all else. Only what is
// on the page is opened.
func (h *History) Asks(ctx context.Context, who Member, page int) (Asks, error) {
	all, err := h.traces(ctx, who.Person)
	if err != nil {
		return Asks{}, err
	}
	from, to := min(page*AskPage, len(all)), min((page+1)*AskPage, len(all))
	out, all := Asks{More: to < len(all)}, all[from:to]
	refs := make([]venue.LeafRef, len(all))
	for i, t := range all {
		refs[i] = t.ask.Leaf
	}
	sealed, err := h.sealed(ctx, refs)
	if err != nil {
		return Asks{}, err
	}
	names, err := h.names(ctx)
	if err != nil {
		return Asks{}, err
	}
	for i := 0; i < len(all); {
		n := i + 1
		for n < len(all) && all[n].day == all[i].day {
			n++
		}
		events, err := h.openDay(ctx, who, all[i].day, sealed[i:n])
		if err != nil {
			return Asks{}, err
		}
		for j, e := range events {
			one, err := all[i+j].read(who, e)
			if err != nil {
				return Asks{}, err
			}
			one.Partner = names[one.detail.Partner]
			out.Asked = append(out.Asked, one.Asked)
		}
		i = n
	}
	return out, nil
}

// traces finds all asks of the history's days, newest first.
func (h *History) traces(ctx context.Context, who identity.PersonID) ([]trace, error) {
	trails, err := h.trails(ctx, who, h.Now())
	if err != nil {
		return nil, err
	}
	var all []trace
	err = h.DB.View(ctx, func(s store.Stores) error {
		all = nil
		visits, err := s.Visits.Of(trails)
		if err != nil {
			return err
		}
		asks, err := s.Asks.Of(trails)
		if err != nil {
			return err
		}
		came := map[venue.LeafRef]bool{} // of passes whose visits came: one ask each, not two
		for _, v := range slices.Concat(visits...) {
			if v.Altered {
				return store.ErrAltered
			}
			came[v.Leaf] = true
			all = append(all, trace{v.Day, venue.Ask{ID: v.ID, At: v.Entered, Outcome: venue.AskGiven, Times: 1, Leaf: v.Leaf}, v})
		}
		for _, a := range slices.Concat(asks...) {
			if a.Altered {
				return store.ErrAltered
			}
			if came[a.Leaf] {
				continue
			}
			all = append(all, trace{day: a.Day, ask: a})
		}
		return nil
	})
	// By day first: a page's events are opened day by day.
	slices.SortFunc(all, func(a, b trace) int {
		if a.day != b.day {
			return int(b.day) - int(a.day)
		}
		if c := b.ask.At.Compare(a.ask.At); c != 0 {
			return c
		}
		return bytes.Compare(b.ask.ID[:], a.ask.ID[:])
	})
	return all, err
}

// openDay opens events of one day under one intent.
func (h *History) openDay(ctx context.Context, who Member, d day.Day, sealed []keeper.SealedEvent) ([]keeper.Event, error) {
	i := keeper.Intent{Actor: "link/" + who.Link.String(), Purpose: "own-asks", Budget: keeper.BudgetSelf}
	rand.Read(i.ID[:])
	events, err := h.Keeper.OpenEvents(ctx, i, d, sealed)
	if err == nil && len(events) != len(sealed) {
		err = keeper.ErrUnavailable
	}
	return events, err
}

// opened is an ask with its event's detail.
type opened struct {
	Asked
	detail venue.Detail
}

// read joins an ask with what its event says; ErrCorrupt when they do not belong
// together.
func (t trace) read(who Member, e keeper.Event) (opened, error) {
	d, err := venue.ParseDetail(e.Detail)
	if err != nil {
		return opened{}, err
	}
	if e.Person != who.Person || t.visit.ID != (venue.VisitID{}) && d.Visit != t.visit.ID {
		return opened{}, ErrCorrupt
	}
	out := opened{Asked{
		At: t.ask.At, Act: d.Act, Outcome: t.ask.Outcome, Decision: t.visit.Decision,
		Visit: d.Visit, Venue: d.Venue, Link: d.Link, Times: t.ask.Times,
	}, d}
	if d.Act == venue.ActPass { // which names no place until a door has reported it
		out.Venue = t.visit.Venue
	}
	if t.ask.Idle() {
		return out, nil
	}
	line, err := status.ParseTimeline(e.Timeline)
	if err != nil {
		return opened{}, ErrCorrupt
	}
	now, _ := line.At(d.At)
	out.Colour = now.Colour
	return out, nil
}
