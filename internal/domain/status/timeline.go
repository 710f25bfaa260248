package status

import (
	"encoding/binary"
	"errors"
	"log/slog"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/fault"
)

// ErrTimeline is returned for bytes that are no timeline.
var ErrTimeline = fault.New(fault.Invalid, "the sealed colour is malformed")

// MaxSteps is how many steps a Timeline holds; what comes after them is left to
// the next decision.
const MaxSteps = 8

// TimelineSize is the length of a timeline's plaintext, whatever it says.
const TimelineSize = 64

// Timeline is a person's colours from one decision on, so long as no evidence
// comes and no rule set is published. The zero Timeline says nothing.
//
// It is health data: it prints as [redacted]. Timelines compare with ==.
type Timeline struct {
	Set   SetNumber // the rule set of the first step
	Birth day.Day   // for venues' rules about age
	until uint32    // minute
	count uint8
	steps [MaxSteps]step
}

type step struct {
	from   uint32 // minute
	colour Colour
	reason ReasonNumber
}

// Step is a colour and its reason from a time on. From is in UTC and a whole minute.
type Step struct {
	From   time.Time
	Colour Colour
	Reason ReasonNumber
}

func (s step) public() Step { return Step{minute(s.from).time(), s.colour, s.reason} }

// MakeTimeline decides a person's colours from a time on, over the Horizon and by
// the rule sets in force then, scheduled ones included. It is a pure function. It
// fails as Evidence.Validate does, or with ErrNoRules; times before 2020 have no
// timeline.
func MakeTimeline(e Evidence, s *Schedule, at time.Time) (Timeline, error) {
	h, err := newHistory(e)
	if err != nil {
		return Timeline{}, err
	}
	from := minuteOf(at)
	to := from + minute(Horizon/time.Minute)
	if from < 0 || to > 1<<32-1 {
		return Timeline{}, ErrNoRules
	}
	t := Timeline{Birth: e.Birth, until: uint32(to)}
	err = s.walk(h, from, to, func(v verdict) bool {
		if t.count == MaxSteps {
			t.until = uint32(v.from)
			return false
		}
		if t.count == 0 {
			t.Set = v.set.number
		}
		t.steps[t.count] = step{uint32(v.from), v.rule.colour, v.rule.reason.Number}
		t.count++
		return true
	})
	if err != nil {
		return Timeline{}, err
	}
	return t, nil
}

// Steps returns the steps in order; neighbours differ in colour or reason.
func (t Timeline) Steps() []Step {
	out := make([]Step, t.count)
	for i := range out {
		out[i] = t.steps[i].public()
	}
	return out
}

// Until returns the time from which the timeline says nothing: decide again before.
func (t Timeline) Until() time.Time { return minute(t.until).time() }

// Covers reports whether the timeline says what holds at a time.
func (t Timeline) Covers(at time.Time) bool {
	m := minuteOf(at)
	return t.count > 0 && m >= minute(t.steps[0].from) && m < minute(t.until)
}

// At returns the step that holds at a time, and the next one or nil. Before the
// first step it returns that one, after the last the last: see Covers. The zero
// Timeline has neither.
func (t Timeline) At(at time.Time) (Step, *Step) {
	if t.count == 0 {
		return Step{}, nil
	}
	m := minuteOf(at)
	i := int(t.count) - 1
	for i > 0 && minute(t.steps[i].from) > m {
		i--
	}
	if i+1 == int(t.count) {
		return t.steps[i].public(), nil
	}
	next := t.steps[i+1].public()
	return t.steps[i].public(), &next
}

// The plaintext of a timeline, big-endian, is a version byte, the number of
// steps, the rule set (2 bytes), the birth (4), the end (4), then for each of
// MaxSteps steps the minute since 2020 (4) and the reason with the colour, less
// one, in its upper two bits (2). Steps not used and the last 4 bytes are zero.
const (
	timelineFormat = 1
	timelineHeader = 12
	stepSize       = 6
)

// Marshal writes the timeline's plaintext for sealing.
func (t Timeline) Marshal() [TimelineSize]byte {
	var b [TimelineSize]byte
	b[0], b[1] = timelineFormat, t.count
	binary.BigEndian.PutUint16(b[2:], uint16(t.Set))
	binary.BigEndian.PutUint32(b[4:], uint32(t.Birth))
	binary.BigEndian.PutUint32(b[8:], t.until)
	for i, s := range t.steps[:t.count] {
		at := b[timelineHeader+i*stepSize:]
		binary.BigEndian.PutUint32(at, s.from)
		binary.BigEndian.PutUint16(at[4:], uint16(s.colour-1)<<14|uint16(s.reason))
	}
	return b
}

// ParseTimeline reads what Marshal wrote; ErrTimeline for anything else.
func ParseTimeline(b [TimelineSize]byte) (Timeline, error) {
	t := Timeline{
		Set:   SetNumber(binary.BigEndian.Uint16(b[2:])),
		Birth: day.Day(int32(binary.BigEndian.Uint32(b[4:]))),
		until: binary.BigEndian.Uint32(b[8:]),
		count: b[1],
	}
	if b[0] != timelineFormat || t.count == 0 || t.count > MaxSteps {
		return Timeline{}, ErrTimeline
	}
	for i := range t.steps[:t.count] {
		at := b[timelineHeader+i*stepSize:]
		word := binary.BigEndian.Uint16(at[4:])
		t.steps[i] = step{binary.BigEndian.Uint32(at), Colour(word>>14) + 1, ReasonNumber(word) & MaxReason}
	}
	if !t.wellFormed() || t.Marshal() != b {
		return Timeline{}, ErrTimeline
	}
	return t, nil
}

// wellFormed reports whether MakeTimeline could have made t.
func (t Timeline) wellFormed() bool {
	if t.Set == 0 || t.until <= t.steps[t.count-1].from {
		return false
	}
	for i, s := range t.steps[:t.count] {
		if s.reason == 0 {
			return false
		}
		if i > 0 && (s.from <= t.steps[i-1].from || s.colour == t.steps[i-1].colour && s.reason == t.steps[i-1].reason) {
			return false
		}
	}
	return true
}

// String hides the timeline.
func (t Timeline) String() string { return "[redacted]" }

// GoString hides the timeline.
func (t Timeline) GoString() string { return "[redacted]" }

// LogValue hides the timeline.
func (t Timeline) LogValue() slog.Value { return slog.StringValue("[redacted]") }

var errOpaque = errors.New("status: a timeline has no JSON form")

// MarshalJSON fails: a timeline leaves only sealed.
func (t Timeline) MarshalJSON() ([]byte, error) { return nil, errOpaque }
