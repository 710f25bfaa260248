package memory

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

type asks struct{ *tx }

func (t asks) Put(add []venue.Ask) error {
	if err := t.write(); err != nil {
		return err
	}
	for _, a := range add {
		if a.Times <= 0 || !fits(a.Leaf.Seq) {
			return t.fail(store.ErrConstraint)
		}
		key := trail{a.Day, id16(a.Who), a.ID}
		if old, known := t.asks.get(key); known {
			a.Times += old.Times
		}
		a.At = whole(a.At)
		t.asks.put(key, a)
	}
	return nil
}

func (t asks) Of(trails []venue.Trail) ([][]venue.Ask, error) {
	out := make([][]venue.Ask, len(trails))
	for i, tr := range trails {
		for k, a := range t.asks.from(trail{day: tr.Day, who: id16(tr.Who)}) {
			if k.day != tr.Day || k.who != id16(tr.Who) {
				break
			}
			out[i] = append(out[i], a)
		}
		slices.SortFunc(out[i], func(a, b venue.Ask) int {
			return cmp.Or(a.At.Compare(b.At), id16(a.ID).compare(id16(b.ID)))
		})
	}
	return out, t.err
}

func (t asks) Forget(before time.Time, n int) (int, error) {
	if err := t.write(); err != nil {
		return 0, err
	}
	gone := 0
	for k := range t.asks.from(trail{day: math.MinInt32}) { // over them as they were
		if gone >= n || k.day >= day.Of(before) {
			break
		}
		t.asks.drop(k)
		gone++
	}
	return gone, nil
}
