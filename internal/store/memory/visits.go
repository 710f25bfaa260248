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

type visits struct{ *tx }

func (t visits) Put(add []venue.Visit) error {
	if err := t.write(); err != nil {
		return err
	}
	for _, v := range add {
		if !names(uint64(v.Venue)) || !fits(v.Leaf.Seq) {
			return t.fail(store.ErrConstraint)
		}
		if _, known := t.visits.get(id16(v.ID)); known {
			continue
		}
		v.Entered, v.LeavesBy, v.Left = whole(v.Entered), whole(v.LeavesBy), whole(v.Left)
		t.visits.put(id16(v.ID), v)
		t.trails.put(trail{v.Day, id16(v.Who), id16(v.ID)}, none{})
		if v.Open() {
			t.due.put(due{micros(v.LeavesBy), id16(v.ID)}, none{})
		}
	}
	return nil
}

func (t visits) Get(ids []venue.VisitID) ([]venue.Visit, error) {
	out := make([]venue.Visit, len(ids))
	for i, id := range ids {
		out[i], _ = t.visits.get(id16(id))
	}
	return out, t.err
}

func (t visits) Of(trails []venue.Trail) ([][]venue.Visit, error) {
	out := make([][]venue.Visit, len(trails))
	for i, tr := range trails {
		for k := range t.trails.from(trail{day: tr.Day, who: id16(tr.Who)}) {
			if k.day != tr.Day || k.who != id16(tr.Who) {
				break
			}
			v, _ := t.visits.get(k.id)
			out[i] = append(out[i], v)
		}
		slices.SortFunc(out[i], func(a, b venue.Visit) int {
			return cmp.Or(a.Entered.Compare(b.Entered), id16(a.ID).compare(id16(b.ID)))
		})
	}
	return out, t.err
}

func (t visits) Leave(l []venue.Leaving) ([]int, error) {
	if err := t.write(); err != nil {
		return nil, err
	}
	out := make([]int, len(l))
	for i, one := range l {
		if micros(one.At) == 0 {
			return nil, t.fail(store.ErrConstraint)
		}
		v, known := t.visits.get(id16(one.ID))
		if !known || !v.Open() {
			continue
		}
		t.due.drop(due{micros(v.LeavesBy), id16(v.ID)})
		v.Left = whole(one.At)
		t.visits.put(id16(v.ID), v)
		out[i] = 1
	}
	return out, nil
}

func (t visits) Due(before time.Time, n int) ([]venue.Visit, error) {
	var out []venue.Visit
	for k := range t.due.from(due{leavesBy: math.MinInt64}) {
		if len(out) >= n || k.leavesBy >= micros(before) {
			break
		}
		v, _ := t.visits.get(k.id)
		out = append(out, v)
	}
	return out, t.err
}

func (t visits) Forget(before time.Time, n int) (int, error) {
	if err := t.write(); err != nil {
		return 0, err
	}
	gone := 0
	for k := range t.trails.from(trail{day: math.MinInt32}) { // over the trails as they were
		if gone >= n || k.day >= day.Of(before) {
			break
		}
		v, _ := t.visits.get(k.id)
		t.due.drop(due{micros(v.LeavesBy), k.id})
		t.visits.drop(k.id)
		t.trails.drop(k)
		gone++
	}
	return gone, nil
}
