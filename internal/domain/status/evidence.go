package status

import (
	"cmp"
	"log/slog"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/fault"
)

// Bounds of evidence.
const (
	MaxItems   = 64 // items of all kinds together
	MaxRef     = 48 // bytes of a Ref
	MaxVaccine = 24 // bytes of a vaccine's code
)

// Errors of evidence; none repeats what was given.
var (
	ErrTooMuch   = fault.New(fault.Invalid, "a person's evidence has at most 64 items")
	ErrRef       = fault.New(fault.Invalid, "evidence names its record by 1 to 48 printable characters without spaces")
	ErrRefTwice  = fault.New(fault.Invalid, "two items of evidence of one kind name the same record")
	ErrVaccine   = fault.New(fault.Invalid, "a vaccine is named by a code of 1 to 24 lower-case letters, digits, hyphens and underscores")
	ErrTest      = fault.New(fault.Invalid, "a test is pcr or antigen, and its time is given to the minute")
	ErrDates     = fault.New(fault.Invalid, "evidence is dated between the birth and the year 2150")
	ErrExemption = fault.New(fault.Invalid, "an exemption ends on or after the day it begins")
	ErrArrival   = fault.New(fault.Invalid, "an arrival is cleared on or after its day, or not at all")
	ErrEvidence  = fault.New(fault.Invalid, "the sealed evidence is malformed")
)

// Evidence is all that a person's colour rests on. Items may be in any order and
// may lie in the future; each counts from its own day on. Ref names the record
// behind an item and is shown to the person alone.
//
// Evidence is health data: it prints as [redacted].
type Evidence struct {
	Birth      day.Day
	Doses      []Dose
	Tests      []Test
	Recoveries []Recovery
	Contacts   []Contact
	Exemptions []Exemption
	Arrivals   []Arrival
	Inquiries  []Inquiry
}

// Dose is one vaccination. Doses of one day count once: they are one dose
// reported twice.
type Dose struct {
	On      day.Day
	Vaccine string // lower-case code, such as sinovac or janssen
	Abroad  bool
	Ref     string
}

// TestKind is how a test was made.
type TestKind uint8

// Kinds of test.
const (
	PCR TestKind = 1 + iota
	Antigen
)

// String returns pcr or antigen.
func (k TestKind) String() string {
	switch k {
	case PCR:
		return "pcr"
	case Antigen:
		return "antigen"
	}
	return "none"
}

// Test is one laboratory result. At is when the sample was taken, to the minute.
type Test struct {
	At       time.Time
	Kind     TestKind
	Positive bool
	Ref      string
}

// Recovery is a registry's word that the person had recovered on that day. It is
// never inferred from tests.
type Recovery struct {
	On  day.Day
	Ref string
}

// Contact is close contact with a case, on its last day.
type Contact struct {
	On  day.Day
	Ref string
}

// Exemption is a doctor's letter that the person cannot be vaccinated, valid on
// both of its days and between.
type Exemption struct {
	From, Until day.Day
	Ref         string
}

// Arrival is an entry from abroad, and the day the border released the person.
type Arrival struct {
	On        day.Day
	Cleared   bool
	ClearedOn day.Day // zero unless Cleared
	Ref       string
}

// Inquiry records that the vaccination registry was asked and held nothing, by
// which "unvaccinated" is told apart from "no data".
type Inquiry struct {
	On  day.Day
	Ref string
}

// Len returns the number of items.
func (e Evidence) Len() int {
	return len(e.Doses) + len(e.Tests) + len(e.Recoveries) + len(e.Contacts) +
		len(e.Exemptions) + len(e.Arrivals) + len(e.Inquiries)
}

// Validate returns why e cannot be evidence, or nil.
func (e Evidence) Validate() error {
	if e.Len() > MaxItems {
		return ErrTooMuch
	}
	if e.Birth < firstDay || e.Birth >= lastDay {
		return ErrDates
	}
	return cmp.Or(
		e.checkDoses(), e.checkTests(), e.checkExemptions(), e.checkArrivals(),
		check(&e, e.Recoveries, Recovery.key),
		check(&e, e.Contacts, Contact.key),
		check(&e, e.Inquiries, Inquiry.key))
}

func (e *Evidence) checkDoses() error {
	for _, d := range e.Doses {
		if !isCode(d.Vaccine, MaxVaccine) {
			return ErrVaccine
		}
	}
	return check(e, e.Doses, Dose.key)
}

func (e *Evidence) checkTests() error {
	for _, t := range e.Tests {
		if t.Kind != PCR && t.Kind != Antigen || !t.At.Truncate(time.Minute).Equal(t.At) {
			return ErrTest
		}
	}
	return check(e, e.Tests, Test.key)
}

func (e *Evidence) checkExemptions() error {
	for _, x := range e.Exemptions {
		if x.Until < x.From {
			return ErrExemption
		}
		if x.Until >= lastDay {
			return ErrDates
		}
	}
	return check(e, e.Exemptions, Exemption.key)
}

func (e *Evidence) checkArrivals() error {
	for _, a := range e.Arrivals {
		if a.Cleared && a.ClearedOn < a.On || !a.Cleared && a.ClearedOn != 0 {
			return ErrArrival
		}
		if a.ClearedOn >= lastDay {
			return ErrDates
		}
	}
	return check(e, e.Arrivals, Arrival.key)
}

// key is by what items of one kind are dated and told apart.
type key struct {
	on  day.Day
	at  minute // tells tests of one day apart
	ref string
}

func (d Dose) key() key      { return key{on: d.On, ref: d.Ref} }
func (t Test) key() key      { return key{on: day.Of(t.At), at: minuteOf(t.At), ref: t.Ref} }
func (r Recovery) key() key  { return key{on: r.On, ref: r.Ref} }
func (c Contact) key() key   { return key{on: c.On, ref: c.Ref} }
func (x Exemption) key() key { return key{on: x.From, ref: x.Ref} }
func (a Arrival) key() key   { return key{on: a.On, ref: a.Ref} }
func (i Inquiry) key() key   { return key{on: i.On, ref: i.Ref} }

func (k key) compare(o key) int {
	return cmp.Or(cmp.Compare(k.on, o.on), cmp.Compare(k.at, o.at), cmp.Compare(k.ref, o.ref))
}

// check refuses dates and references that no item of any kind may have.
func check[T any](e *Evidence, items []T, keyOf func(T) key) error {
	for i, it := range items {
		k := keyOf(it)
		if !isRef(k.ref) {
			return ErrRef
		}
		if k.on < e.Birth || k.on >= lastDay {
			return ErrDates
		}
		for _, before := range items[:i] {
			if keyOf(before).ref == k.ref {
				return ErrRefTwice
			}
		}
	}
	return nil
}

// The days that evidence may name.
const (
	firstDay day.Day = -25567 // 1900-01-01
	lastDay  day.Day = 65744  // 2150-01-01; spans under 292 years fit a time.Duration
)

func isRef(s string) bool {
	return len(s) >= 1 && len(s) <= MaxRef && !slices.ContainsFunc([]byte(s), func(c byte) bool { return c <= ' ' || c > '~' })
}

func isCode(s string, most int) bool {
	ok := func(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' }
	return len(s) >= 1 && len(s) <= most && !slices.ContainsFunc([]byte(s), func(c byte) bool { return !ok(c) })
}

// Merge returns e with the items of o added; an item of o replaces the item of
// its kind that names the same record, so that merging twice changes nothing.
// The birth is e's.
func (e Evidence) Merge(o Evidence) Evidence {
	return Evidence{
		Birth:      e.Birth,
		Doses:      merge(e.Doses, o.Doses, Dose.key),
		Tests:      merge(e.Tests, o.Tests, Test.key),
		Recoveries: merge(e.Recoveries, o.Recoveries, Recovery.key),
		Contacts:   merge(e.Contacts, o.Contacts, Contact.key),
		Exemptions: merge(e.Exemptions, o.Exemptions, Exemption.key),
		Arrivals:   merge(e.Arrivals, o.Arrivals, Arrival.key),
		Inquiries:  merge(e.Inquiries, o.Inquiries, Inquiry.key),
	}
}

// Without returns e without the items that name a record.
func (e Evidence) Without(ref string) Evidence {
	return Evidence{
		Birth:      e.Birth,
		Doses:      without(e.Doses, ref, Dose.key),
		Tests:      without(e.Tests, ref, Test.key),
		Recoveries: without(e.Recoveries, ref, Recovery.key),
		Contacts:   without(e.Contacts, ref, Contact.key),
		Exemptions: without(e.Exemptions, ref, Exemption.key),
		Arrivals:   without(e.Arrivals, ref, Arrival.key),
		Inquiries:  without(e.Inquiries, ref, Inquiry.key),
	}
}

func without[T any](items []T, ref string, keyOf func(T) key) []T {
	return slices.DeleteFunc(slices.Clone(items), func(it T) bool { return keyOf(it).ref == ref })
}

func merge[T any](have, add []T, keyOf func(T) key) []T {
	out := slices.Clone(have)
	for _, a := range add {
		same := func(b T) bool { return keyOf(b).ref == keyOf(a).ref }
		if i := slices.IndexFunc(out, same); i >= 0 {
			out[i] = a
		} else {
			out = append(out, a)
		}
	}
	return out
}

// String hides the evidence.
func (e Evidence) String() string { return "[redacted]" }

// GoString hides the evidence.
func (e Evidence) GoString() string { return "[redacted]" }

// LogValue hides the evidence.
func (e Evidence) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// MarshalJSON hides the evidence.
func (e Evidence) MarshalJSON() ([]byte, error) { return []byte(`"[redacted]"`), nil }
