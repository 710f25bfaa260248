package memory

import (
	"math"

	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

type venues struct{ *tx }

func (t venues) Put(v venue.Venue) error {
	if err := t.write(); err != nil {
		return err
	}
	if !names(uint64(v.ID)) {
		return t.fail(store.ErrConstraint)
	}
	t.venues.put(number(v.ID), v)
	inside, _ := t.inside.get(number(v.ID))
	t.inside.put(number(v.ID), inside)
	return nil
}

func (t venues) All() ([]venue.Venue, error) {
	var out []venue.Venue
	for _, v := range t.venues.from(0) {
		out = append(out, v)
	}
	return out, t.err
}

func (t venues) Inside(ids []venue.ID) ([]int, error) {
	out := make([]int, len(ids))
	for i, id := range ids {
		out[i], _ = t.inside.get(number(id))
	}
	return out, t.err
}

func (t venues) Add(deltas []venue.Delta) error {
	if err := t.write(); err != nil {
		return err
	}
	for _, d := range deltas {
		inside, known := t.inside.get(number(d.Venue))
		if !known {
			return t.fail(venue.ErrUnknown)
		}
		t.inside.put(number(d.Venue), max(inside+d.By, 0))
		entered, _ := t.entered.get(number(d.Venue))
		t.entered.put(number(d.Venue), entered+uint64(d.Entered))
	}
	return nil
}

func (t venues) Entered(id venue.ID) (uint64, error) {
	n, _ := t.entered.get(number(id))
	return n, t.err
}

func (t venues) Recount(id venue.ID) (int, error) {
	if err := t.write(); err != nil {
		return 0, err
	}
	if _, known := t.inside.get(number(id)); !known {
		return 0, t.fail(venue.ErrUnknown)
	}
	inside := 0
	for k := range t.due.from(due{leavesBy: math.MinInt64}) {
		if v, _ := t.visits.get(k.id); v.Venue == id {
			inside += v.Party
		}
	}
	t.inside.put(number(id), inside)
	return inside, t.err
}

type lookups struct{ *tx }

func (t lookups) Get(v venue.ID) (venue.Lookups, error) {
	l, known := t.lookups.get(number(v))
	if !known {
		l.Venue = v
	}
	return l, t.err
}

func (t lookups) Put(l venue.Lookups) error {
	if err := t.write(); err != nil {
		return err
	}
	if _, known := t.venues.get(number(l.Venue)); !known || !fits(l.Mark) || !fits(l.Before) || l.Used < 0 {
		return t.fail(store.ErrConstraint)
	}
	t.lookups.put(number(l.Venue), l)
	return nil
}
