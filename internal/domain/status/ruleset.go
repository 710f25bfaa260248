package status

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/fault"
)

// ErrNoRules is returned for a time before the first rule set.
var ErrNoRules = fault.New(fault.Unavailable, "no rule set was in force at that time")

// SetNumber identifies a rule set for ever; 1 to 65535.
type SetNumber uint16

// ReasonNumber identifies a reason for ever, across rule sets; 1 to MaxReason.
type ReasonNumber uint16

// MaxReason is the largest ReasonNumber: a step keeps two of its 16 bits for the colour.
const MaxReason ReasonNumber = 1<<14 - 1

// Reason is why a colour was decided, in words for the person. The zero Reason
// is none. Codes that admission policies know, such as exempt and no_data, keep
// their number and meaning in every rule set.
type Reason struct {
	Code       string
	Number     ReasonNumber
	Indonesian string
	English    string
}

// grounds names which items of evidence a rule rests on.
type grounds uint8

const (
	groundDoses     grounds = iota // every dose so far
	groundPositive                 // the last positive test
	groundNegatives                // negative tests after the last positive test or contact
	groundContact                  // the last contact
	groundRecovery                 // the last recovery
	groundExemption                // exemptions valid today
	groundArrival                  // arrivals on the last day of arrival
	groundInquiry                  // the last inquiry
	groundCount
)

func (g grounds) String() string {
	return [...]string{"doses", "positive", "negatives", "contact", "recovery", "exemption", "arrival", "inquiry"}[g]
}

type rule struct {
	name    string
	colour  Colour
	reason  Reason
	because []grounds
	program cel.Program
}

// RuleSet is one dated set of rules that has loaded: its conditions cannot fail,
// its cases pass, and its last rule always holds. It never changes.
type RuleSet struct {
	id         string
	number     SetNumber
	from       minute
	source     string
	single     []string
	reasons    []Reason
	rules      []rule
	thresholds thresholds
	plain      []uint8 // rule by plainClass, for histories of which nothing is known
	digest     [sha256.Size]byte
}

// ID returns the set's name, such as 2022-07-17.
func (r *RuleSet) ID() string { return r.id }

// Number returns the set's number.
func (r *RuleSet) Number() SetNumber { return r.number }

// ValidFrom returns the minute from which the set is in force, until the next one is.
func (r *RuleSet) ValidFrom() time.Time { return r.from.time() }

// Source returns on whose authority the set stands, and what it was taken from.
func (r *RuleSet) Source() string { return r.source }

// Reasons returns the reasons the set may give.
func (r *RuleSet) Reasons() []Reason { return slices.Clone(r.reasons) }

// Digest returns the SHA-256 of the file the set was read from.
func (r *RuleSet) Digest() [sha256.Size]byte { return r.digest }

// decide returns the index of the first rule that holds.
func (r *RuleSet) decide(h *history, now minute) (int, error) {
	if !h.plain() || r.plain == nil {
		return r.evaluate(factsAt(h, r.single, now))
	}
	age := ageOn(h.Birth, now.day())
	asked := slices.ContainsFunc(h.Inquiries, func(i Inquiry) bool { return i.On <= now.day() })
	return int(r.plain[r.plainClass(age, now, asked)]), nil
}

func (r *RuleSet) evaluate(f *facts) (int, error) {
	for i := range r.rules {
		v, _, err := r.rules[i].program.Eval(f)
		if err != nil {
			// The language has nothing that fails; a program that does is a defect.
			return 0, fmt.Errorf("evaluate rule %s of set %d: %w", r.rules[i].name, r.number, err)
		}
		if v == types.True {
			return i, nil
		}
	}
	return 0, fmt.Errorf("no rule of set %d holds", r.number)
}

// plainClass numbers what a plain history shows to conditions.
func (r *RuleSet) plainClass(age int64, now minute, asked bool) int {
	t := &r.thresholds
	class := t.passed(clockAge, age)*(len(t[clockNow])+1) + t.passed(clockNow, int64(now))
	if asked {
		return 2*class + 1
	}
	return 2 * class
}

// fillPlain decides beforehand for everybody of whom nothing is known.
func (r *RuleSet) fillPlain() error {
	ages := append([]int64{0}, r.thresholds[clockAge]...)
	times := append([]int64{int64(startOf(firstDay))}, r.thresholds[clockNow]...)
	plain := make([]uint8, 2*len(ages)*len(times))
	for _, age := range ages {
		for _, now := range times {
			for _, asked := range []bool{false, true} {
				f := factsAt(&history{Evidence{Birth: firstDay}}, r.single, minute(now))
				f.clocks[clockAge], f.asked = age, asked
				i, err := r.evaluate(f)
				if err != nil {
					return err
				}
				plain[r.plainClass(age, minute(now), asked)] = uint8(i)
			}
		}
	}
	r.plain = plain
	return nil
}

// refs names the records that a rule rests on.
func (f *facts) refs(because []grounds) []string {
	var out []string
	for _, g := range because {
		for _, ref := range f.ground(g) {
			if !slices.Contains(out, ref) {
				out = append(out, ref)
			}
		}
	}
	return out
}

func (f *facts) ground(g grounds) []string {
	switch g {
	case groundDoses:
		return named(f.doses, Dose.key, func(Dose) bool { return true })
	case groundPositive:
		return last(named(f.tests, Test.key, func(t Test) bool { return t.Positive }))
	case groundNegatives:
		return named(f.tests, Test.key, f.releases)
	case groundContact:
		return last(named(f.history.Contacts, Contact.key, func(c Contact) bool { return c.On <= f.today }))
	case groundRecovery:
		return last(named(f.history.Recoveries, Recovery.key, func(r Recovery) bool { return r.On <= f.today }))
	case groundExemption:
		return named(f.history.Exemptions, Exemption.key, f.covers)
	case groundArrival:
		on := f.today - day.Day(f.clocks[clockArrival])
		return named(f.history.Arrivals, Arrival.key, func(a Arrival) bool { return a.On == on })
	case groundInquiry:
		return last(named(f.history.Inquiries, Inquiry.key, func(i Inquiry) bool { return i.On <= f.today }))
	}
	return nil
}

// releases reports whether t is a negative test that may end an isolation.
func (f *facts) releases(t Test) bool {
	item := &testItem{f, &t}
	return !t.Positive && (item.afterPositive() != types.Int(-1) || item.afterContact() != types.Int(-1))
}

func named[T any](items []T, keyOf func(T) key, when func(T) bool) []string {
	var out []string
	for _, it := range items {
		if when(it) {
			out = append(out, keyOf(it).ref)
		}
	}
	return out
}

func last(refs []string) []string { return refs[max(0, len(refs)-1):] }
