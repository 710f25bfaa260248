package status

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
)

// Horizon is how far ahead a Timeline looks.
const Horizon = 180 * 24 * time.Hour

// ErrSchedule is wrapped by every reason why rule sets do not go together.
var ErrSchedule = fault.New(fault.Invalid, "the rule sets do not go together")

// Schedule is a series of rule sets, each in force from its date until the
// next one's. It never changes; a set is published or withdrawn by making
// another Schedule.
type Schedule struct {
	sets    []*RuleSet // ascending by from
	reasons map[ReasonNumber]Reason
}

// NewSchedule puts rule sets in order. Numbers, names and dates must differ, and
// a reason must have one number and one code throughout.
func NewSchedule(sets ...*RuleSet) (*Schedule, error) {
	if len(sets) == 0 {
		return nil, fmt.Errorf("%w: there is none", ErrSchedule)
	}
	s := &Schedule{sets: slices.Clone(sets), reasons: map[ReasonNumber]Reason{}}
	slices.SortFunc(s.sets, func(a, b *RuleSet) int { return cmp.Compare(a.from, b.from) })
	numbers := map[string]ReasonNumber{}
	for i, set := range s.sets {
		for _, other := range s.sets[:i] {
			if other.number == set.number || other.id == set.id || other.from == set.from {
				return nil, fmt.Errorf("%w: sets %s and %s share number, name or date", ErrSchedule, other.id, set.id)
			}
		}
		for _, r := range set.reasons {
			if n, ok := numbers[r.Code]; ok && n != r.Number {
				return nil, fmt.Errorf("%w: reason %s has two numbers, %d and %d", ErrSchedule, r.Code, n, r.Number)
			}
			if was, ok := s.reasons[r.Number]; ok && was.Code != r.Code {
				return nil, fmt.Errorf("%w: reasons %s and %s share number %d", ErrSchedule, was.Code, r.Code, r.Number)
			}
			numbers[r.Code], s.reasons[r.Number] = r.Number, r
		}
	}
	return s, nil
}

// With returns a Schedule with further sets; a set replaces the one of its number.
func (s *Schedule) With(sets ...*RuleSet) (*Schedule, error) {
	all := slices.Clone(sets)
	for _, have := range s.sets {
		if !slices.ContainsFunc(sets, func(r *RuleSet) bool { return r.number == have.number }) {
			all = append(all, have)
		}
	}
	return NewSchedule(all...)
}

// Without returns a Schedule without a set, as when a publication is rolled back.
func (s *Schedule) Without(n SetNumber) (*Schedule, error) {
	return NewSchedule(slices.DeleteFunc(slices.Clone(s.sets), func(r *RuleSet) bool { return r.number == n })...)
}

// Sets returns the rule sets in order of their dates.
func (s *Schedule) Sets() []*RuleSet { return slices.Clone(s.sets) }

// At returns the rule set in force, and whether there is one.
func (s *Schedule) At(t time.Time) (*RuleSet, bool) {
	i := s.inForce(minuteOf(t))
	if i < 0 {
		return nil, false
	}
	return s.sets[i], true
}

func (s *Schedule) inForce(m minute) int {
	for i := len(s.sets) - 1; i >= 0; i-- {
		if s.sets[i].from <= m {
			return i
		}
	}
	return -1
}

// Reason returns a reason in the words of the latest set that has it, or the
// zero Reason.
func (s *Schedule) Reason(n ReasonNumber) Reason { return s.reasons[n] }

// verdict is what one rule of one set says from a minute on.
type verdict struct {
	from minute
	set  *RuleSet
	rule *rule
}

func (v verdict) same(o verdict) bool {
	return v.rule.colour == o.rule.colour && v.rule.reason.Number == o.rule.reason.Number
}

// verdictAt returns what holds in one minute.
func (s *Schedule) verdictAt(h *history, m minute) (verdict, error) {
	i := s.inForce(m)
	if i < 0 {
		return verdict{}, ErrNoRules
	}
	n, err := s.sets[i].decide(h, m)
	if err != nil {
		return verdict{}, err
	}
	return verdict{m, s.sets[i], &s.sets[i].rules[n]}, nil
}

// walk yields the verdict at from and each later one before to whose colour or
// reason differs from the one before, until yield returns false.
func (s *Schedule) walk(h *history, from, to minute, yield func(verdict) bool) error {
	i := s.inForce(from)
	if i < 0 {
		return ErrNoRules
	}
	var last verdict
	step := func(m minute) (bool, error) {
		v, err := s.verdictAt(h, m)
		if err != nil {
			return false, err
		}
		if last.rule != nil && v.same(last) {
			return true, nil
		}
		last = v
		return yield(v), nil
	}
	for ; i < len(s.sets) && s.sets[i].from < to; i++ {
		start, end := max(from, s.sets[i].from), to
		if i+1 < len(s.sets) {
			end = min(end, s.sets[i+1].from)
		}
		if more, err := step(start); err != nil || !more {
			return err
		}
		for _, m := range s.sets[i].thresholds.moments(h, start, end) {
			if more, err := step(m); err != nil || !more {
				return err
			}
		}
	}
	return nil
}
