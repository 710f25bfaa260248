package status

import (
	"fmt"
	"iter"
	"time"
)

// Changes says how many people would have which colour instead of which. It
// holds counts only.
type Changes struct {
	People  uint64
	Changed uint64                       // whose colour differs
	Reason  uint64                       // whose colour stays and reason differs
	Counts  [Black + 1][Black + 1]uint64 // by colour before, colour after
}

// Count returns how many people go from one colour to another.
func (c Changes) Count(before, after Colour) uint64 {
	if before > Black || after > Black {
		return 0
	}
	return c.Counts[before][after]
}

// Diff decides for every person by two schedules at one time. It stops at the
// first error, of the people or of a decision.
func Diff(before, after *Schedule, people iter.Seq2[Evidence, error], at time.Time) (Changes, error) {
	var c Changes
	for e, err := range people {
		if err != nil {
			return Changes{}, fmt.Errorf("read person %d: %w", c.People+1, err)
		}
		h, err := newHistory(e)
		if err != nil {
			return Changes{}, fmt.Errorf("person %d: %w", c.People+1, err)
		}
		a, err := before.verdictAt(h, minuteOf(at))
		if err != nil {
			return Changes{}, fmt.Errorf("decide by the rules before: %w", err)
		}
		b, err := after.verdictAt(h, minuteOf(at))
		if err != nil {
			return Changes{}, fmt.Errorf("decide by the rules after: %w", err)
		}
		c.People++
		c.Counts[a.rule.colour][b.rule.colour]++
		switch {
		case a.rule.colour != b.rule.colour:
			c.Changed++
		case !a.same(b):
			c.Reason++
		}
	}
	return c, nil
}
