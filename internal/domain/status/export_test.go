package status

import (
	"fmt"
	"time"
)

// Afresh decides in one minute by evaluating every condition: without computed
// moments, without what was decided beforehand for plain histories.
func Afresh(e Evidence, s *Schedule, at time.Time) (Colour, ReasonNumber, error) {
	h, err := newHistory(e)
	if err != nil {
		return 0, 0, err
	}
	i := s.inForce(minuteOf(at))
	if i < 0 {
		return 0, 0, ErrNoRules
	}
	set := s.sets[i]
	n, err := set.evaluate(factsAt(h, set.single, minuteOf(at)))
	if err != nil {
		return 0, 0, err
	}
	return set.rules[n].colour, set.rules[n].reason.Number, nil
}

// Conditions makes a rule set of bare conditions: the i-th gives reason i+1, all
// give red. It is not subject to cases, as loaded sets are.
func Conditions(from time.Time, when ...string) (*RuleSet, error) {
	l, err := theLanguage()
	if err != nil {
		return nil, err
	}
	set := &RuleSet{id: "conditions", number: 1, from: minuteOf(from), single: []string{"janssen"}}
	for i, w := range append(when, "true") {
		program, flaws := l.compile(w, &set.thresholds)
		if len(flaws) > 0 {
			return nil, fmt.Errorf("%s: %v", w, flaws)
		}
		r := Reason{Code: fmt.Sprintf("r%d", i+1), Number: ReasonNumber(i + 1)}
		set.reasons = append(set.reasons, r)
		set.rules = append(set.rules, rule{name: r.Code, colour: Red, reason: r, program: program})
	}
	return set, set.fillPlain()
}

// Forgetful returns the set without its thresholds: the protection that the
// search for missed moments must miss.
func (r *RuleSet) Forgetful() *RuleSet {
	c := *r
	c.thresholds = thresholds{}
	c.plain = nil
	return &c
}

// SearchFinds reports whether the search made at loading finds a moment that the
// set's thresholds miss for e.
func (r *RuleSet) SearchFinds(e Evidence, at time.Time) bool {
	alone, err := NewSchedule(r)
	if err != nil {
		return false
	}
	_, ok := (&loader{set: r}).search(alone, e, minuteOf(at))
	return !ok
}

// Flaws returns what the language refuses in a condition.
func Flaws(when string) []string {
	l, err := theLanguage()
	if err != nil {
		return []string{err.Error()}
	}
	_, flaws := l.compile(when, &thresholds{})
	var out []string
	for _, f := range flaws {
		out = append(out, fmt.Sprintf("%d:%d: %s; %s", f.line, f.column, f.what, f.mend))
	}
	return out
}
