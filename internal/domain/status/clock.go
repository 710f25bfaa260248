package status

import (
	"slices"

	"github.com/amanah-project/amanah/internal/day"
)

// clock names a quantity of the rule language that moves with time. An
// expression may only compare it with a constant, and each such constant puts
// the moments at which the comparison turns into the rule set's thresholds.
type clock uint8

const (
	clockNone      clock = iota
	clockAge             // completed years
	clockNow             // the minute itself
	clockDose            // days since each dose
	clockTest            // days since each test
	clockTestHours       // hours since each test
	clockPositive        // days since each positive test
	clockContact         // days since each contact
	clockRecovery        // days since each recovery
	clockArrival         // days since each arrival
	clockClearance       // days since each release at the border
	clocks
)

// never is what a clock shows when there is nothing to count from; it is above
// every constant that an expression may compare with.
const never = 1 << 30

// most returns the largest constant that a clock may be compared with.
func (c clock) most() int64 {
	switch c {
	case clockAge:
		return 150
	case clockTestHours:
		return 24 * 366
	}
	return 3660
}

// thresholds are the values a clock must reach for some comparison to turn; for
// clockNow they are minutes.
type thresholds [clocks][]int64

func (t *thresholds) add(c clock, v int64) {
	if i, found := slices.BinarySearch(t[c], v); !found {
		t[c] = slices.Insert(t[c], i, v)
	}
}

func (t *thresholds) size() int {
	n := 0
	for _, reached := range t {
		n += len(reached)
	}
	return n
}

// passed returns how many thresholds of a clock v has reached.
func (t *thresholds) passed(c clock, v int64) int {
	n := 0
	for n < len(t[c]) && t[c][n] <= v {
		n++
	}
	return n
}

// span collects the moments between two minutes, both excluded.
type span struct {
	from, to minute
	found    []minute
}

func (s *span) add(m minute) {
	if m > s.from && m < s.to {
		s.found = append(s.found, m)
	}
}

// since adds the moments of a clock that counts days from d.
func (s *span) since(d day.Day, reached []int64) {
	for _, n := range reached {
		s.add(startOf(d.Add(int(n))))
	}
}

// moments returns, ascending, every minute between from and to, both excluded,
// at which an expression with these thresholds may change its value for h:
// outside them all facts but the clocks stand still, and no clock reaches a
// threshold.
func (t *thresholds) moments(h *history, from, to minute) []minute {
	s := span{from: from, to: to}
	for _, n := range t[clockNow] {
		s.add(minute(n))
	}
	t.birthdays(h.Birth, &s)
	for _, d := range h.Doses {
		s.add(startOf(d.On))
		s.since(d.On, t[clockDose])
	}
	t.ofTests(h.Tests, &s)
	for _, r := range h.Recoveries {
		s.add(startOf(r.On))
		s.since(r.On, t[clockRecovery])
	}
	for _, c := range h.Contacts {
		s.add(startOf(c.On))
		s.since(c.On, t[clockContact])
	}
	for _, x := range h.Exemptions {
		s.add(startOf(x.From))
		s.add(startOf(x.Until.Add(1)))
	}
	for _, a := range h.Arrivals {
		s.add(startOf(a.On))
		s.since(a.On, t[clockArrival])
		if a.Cleared {
			s.add(startOf(a.ClearedOn))
			s.since(a.ClearedOn, t[clockClearance])
		}
	}
	for _, i := range h.Inquiries {
		s.add(startOf(i.On))
	}
	slices.Sort(s.found)
	return slices.Compact(s.found)
}

func (t *thresholds) ofTests(tests []Test, s *span) {
	for _, x := range tests {
		at, on := minuteOf(x.At), day.Of(x.At)
		s.add(at)
		s.since(on, t[clockTest])
		for _, n := range t[clockTestHours] {
			s.add(at + minute(n)*60)
		}
		if x.Positive {
			s.since(on, t[clockPositive])
		}
	}
}

func (t *thresholds) birthdays(birth day.Day, s *span) {
	for _, n := range t[clockAge] {
		s.add(startOf(birthday(birth, int(n))))
	}
}
