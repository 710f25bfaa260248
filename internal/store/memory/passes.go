package memory

import (
	"math"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

type passes struct{ *tx }

func (t passes) Put(add []venue.Pass) error {
	if err := t.write(); err != nil {
		return err
	}
	for _, p := range add {
		if !fits(uint64(p.Use.Venue)) || !fits(p.Leaf.Seq) {
			return t.fail(store.ErrConstraint)
		}
		key := pair{id16(p.Serial), id16(p.ID)}
		if _, known := t.passes.get(key); known {
			continue
		}
		p.Issued, p.Expires, p.Use.At = whole(p.Issued), whole(p.Expires), whole(p.Use.At)
		t.passes.put(key, p)
		t.passDays.put(passDay{p.Day, key}, none{})
	}
	return nil
}

func (t passes) Of(serials []venue.VisitID) ([][]venue.Pass, error) {
	out := make([][]venue.Pass, len(serials))
	for i, serial := range serials {
		for k, p := range t.passes.from(pair{first: id16(serial)}) {
			if k.first != id16(serial) {
				break
			}
			out[i] = append(out[i], p)
		}
	}
	return out, t.err
}

func (t passes) Use(serials []venue.VisitID, uses []venue.PassUse) ([]bool, error) {
	if err := t.write(); err != nil {
		return nil, err
	}
	if len(serials) != len(uses) {
		return nil, t.fail(store.ErrConstraint)
	}
	out := make([]bool, len(serials))
	for i, use := range uses {
		if !names(uint64(use.Venue)) {
			return nil, t.fail(store.ErrConstraint)
		}
		use.At = whole(use.At)
		for k, p := range t.passes.from(pair{first: id16(serials[i])}) { // over them as they were
			if k.first != id16(serials[i]) {
				break
			}
			if !p.Used() {
				p.Use, out[i] = use, true
				t.passes.put(k, p)
			}
		}
	}
	return out, nil
}

func (t passes) Forget(before day.Day, n int) (int, error) {
	if err := t.write(); err != nil {
		return 0, err
	}
	gone := 0
	for k := range t.passDays.from(passDay{day: math.MinInt32}) { // over them as they were
		if gone >= n || k.day >= before {
			break
		}
		t.passes.drop(k.pass)
		t.passDays.drop(k)
		gone++
	}
	return gone, nil
}
