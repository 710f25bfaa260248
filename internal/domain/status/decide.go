package status

import (
	"log/slog"
	"time"
)

// Decision is a colour with all that its person may know about it. It is health
// data: it prints as [redacted].
type Decision struct {
	At      time.Time
	Colour  Colour
	Reason  Reason
	Set     SetNumber
	Rule    string
	Because []string // the records it rests on, by their Ref; may be none
	Next    *Change  // nil when nothing changes within the Horizon
}

// Change is what a colour or its reason becomes by itself. At is in UTC.
type Change struct {
	At     time.Time
	Colour Colour
	Reason Reason
}

// Decide says which colour a person has at a time, why, by which records, and
// what comes next if no evidence comes. It is a pure function. It fails as
// Evidence.Validate does, or with ErrNoRules.
func Decide(e Evidence, s *Schedule, at time.Time) (Decision, error) {
	h, err := newHistory(e)
	if err != nil {
		return Decision{}, err
	}
	var d Decision
	from := minuteOf(at)
	err = s.walk(h, from, from+minute(Horizon/time.Minute), func(v verdict) bool {
		if d.Colour != 0 {
			d.Next = &Change{At: v.from.time(), Colour: v.rule.colour, Reason: v.rule.reason}
			return false
		}
		d = Decision{At: at, Colour: v.rule.colour, Reason: v.rule.reason, Set: v.set.number, Rule: v.rule.name}
		d.Because = factsAt(h, v.set.single, from).refs(v.rule.because)
		return true
	})
	if err != nil {
		return Decision{}, err
	}
	return d, nil
}

// String hides the decision.
func (d Decision) String() string { return "[redacted]" }

// GoString hides the decision.
func (d Decision) GoString() string { return "[redacted]" }

// LogValue hides the decision.
func (d Decision) LogValue() slog.Value { return slog.StringValue("[redacted]") }
