package memory

import (
	"cmp"
	"math"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/venue"
)

// told is a partner on a day.
type told struct {
	day     day.Day
	partner number
}

func (a told) compare(b told) int {
	return cmp.Or(cmp.Compare(a.day, b.day), a.partner.compare(b.partner))
}

type journeys struct{ *tx }

func (t journeys) Put(j venue.Journey) (venue.Journey, error) {
	if err := t.write(); err != nil {
		return venue.Journey{}, err
	}
	if kept, known := t.journeys.get(id16(j.ID)); known {
		return kept, nil
	}
	t.journeys.put(id16(j.ID), j)
	t.asked.put(due{int64(j.Asked), id16(j.ID)}, none{})
	return j, nil
}

func (t journeys) Get(id venue.JourneyID) (venue.Journey, error) {
	j, _ := t.journeys.get(id16(id))
	return j, t.err
}

func (t journeys) Count(p partner.ID, d day.Day, by int) (int, error) {
	if err := t.write(); err != nil {
		return 0, err
	}
	key := told{d, number(p)}
	n, _ := t.told.get(key)
	n = max(n+by, 0)
	t.told.put(key, n)
	return n, nil
}

func (t journeys) Forget(before day.Day, n int) (int, error) {
	if err := t.write(); err != nil || n <= 0 {
		return 0, err
	}
	gone := 0
	for k := range t.asked.from(due{leavesBy: math.MinInt64}) { // over them as they were
		if gone >= n || k.leavesBy >= int64(before) {
			break
		}
		t.journeys.drop(k.id)
		t.asked.drop(k)
		gone++
	}
	for k := range t.told.from(told{day: math.MinInt32}) {
		if k.day >= before {
			break
		}
		t.told.drop(k)
	}
	return gone, nil
}
