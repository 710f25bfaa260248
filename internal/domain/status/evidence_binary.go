package status

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/amanah-project/amanah/internal/day"
)

// evidenceFormat is the first byte of sealed evidence.
const evidenceFormat = 1

// maxEvidence bounds the sealed form: a header, seven counts and MaxItems items.
const maxEvidence = 1 + 4 + 7 + MaxItems*(4+1+1+MaxVaccine+1+MaxRef)

// MarshalBinary writes the one form in which this evidence is sealed: equal
// evidence, in whatever order, has equal bytes. It fails as Validate does.
//
// The form is a version byte, the birth (day, 4 bytes), and for each kind of
// item in the order of the struct a count byte and the items in order of time
// and record. Days are big-endian int32; minutes of tests are int32 since 2020.
func (e Evidence) MarshalBinary() ([]byte, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	b := make([]byte, 0, 16+32*e.Len())
	b = append(b, evidenceFormat)
	b = appendDay(b, e.Birth)
	b = appendItems(b, e.Doses, Dose.key, appendDose)
	b = appendItems(b, e.Tests, Test.key, appendTest)
	b = appendItems(b, e.Recoveries, Recovery.key, func(b []byte, r Recovery) []byte { return appendText(appendDay(b, r.On), r.Ref) })
	b = appendItems(b, e.Contacts, Contact.key, func(b []byte, c Contact) []byte { return appendText(appendDay(b, c.On), c.Ref) })
	b = appendItems(b, e.Exemptions, Exemption.key, appendExemption)
	b = appendItems(b, e.Arrivals, Arrival.key, appendArrival)
	return appendItems(b, e.Inquiries, Inquiry.key, func(b []byte, i Inquiry) []byte { return appendText(appendDay(b, i.On), i.Ref) }), nil
}

func appendItems[T any](b []byte, items []T, keyOf func(T) key, one func([]byte, T) []byte) []byte {
	byKey := func(x, y T) int { return keyOf(x).compare(keyOf(y)) }
	if !slices.IsSortedFunc(items, byKey) {
		items = slices.SortedFunc(slices.Values(items), byKey)
	}
	b = append(b, byte(len(items)))
	for _, it := range items {
		b = one(b, it)
	}
	return b
}

func appendDay(b []byte, d day.Day) []byte { return binary.BigEndian.AppendUint32(b, uint32(d)) }

func appendText(b []byte, s string) []byte { return append(append(b, byte(len(s))), s...) }

func appendFlag(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendDose(b []byte, d Dose) []byte {
	return appendText(appendText(appendFlag(appendDay(b, d.On), d.Abroad), d.Vaccine), d.Ref)
}

func appendTest(b []byte, t Test) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(int32(minuteOf(t.At))))
	return appendText(appendFlag(append(b, byte(t.Kind)), t.Positive), t.Ref)
}

func appendExemption(b []byte, x Exemption) []byte {
	return appendText(appendDay(appendDay(b, x.From), x.Until), x.Ref)
}

func appendArrival(b []byte, a Arrival) []byte {
	return appendText(appendDay(appendFlag(appendDay(b, a.On), a.Cleared), a.ClearedOn), a.Ref)
}

// ParseEvidence reads what MarshalBinary wrote; ErrEvidence for anything else,
// other spellings of the same evidence included.
func ParseEvidence(b []byte) (Evidence, error) {
	if len(b) > maxEvidence || len(b) == 0 || b[0] != evidenceFormat {
		return Evidence{}, ErrEvidence
	}
	r := &reader{rest: b[1:]}
	e := Evidence{Birth: r.day()}
	e.Doses = readItems(r, readDose)
	e.Tests = readItems(r, readTest)
	e.Recoveries = readItems(r, func(r *reader) Recovery { return Recovery{On: r.day(), Ref: r.text()} })
	e.Contacts = readItems(r, func(r *reader) Contact { return Contact{On: r.day(), Ref: r.text()} })
	e.Exemptions = readItems(r, func(r *reader) Exemption { return Exemption{From: r.day(), Until: r.day(), Ref: r.text()} })
	e.Arrivals = readItems(r, func(r *reader) Arrival {
		return Arrival{On: r.day(), Cleared: r.flag(), ClearedOn: r.day(), Ref: r.text()}
	})
	e.Inquiries = readItems(r, func(r *reader) Inquiry { return Inquiry{On: r.day(), Ref: r.text()} })
	if r.bad || len(r.rest) != 0 {
		return Evidence{}, ErrEvidence
	}
	again, err := e.MarshalBinary()
	if err != nil || !bytes.Equal(again, b) {
		return Evidence{}, ErrEvidence
	}
	return e, nil
}

func readDose(r *reader) Dose {
	return Dose{On: r.day(), Abroad: r.flag(), Vaccine: r.text(), Ref: r.text()}
}

func readTest(r *reader) Test {
	at := minute(int32(r.uint32()))
	return Test{At: at.time(), Kind: TestKind(r.byte()), Positive: r.flag(), Ref: r.text()}
}

// reader reads from bytes; after the first fault it is bad and yields zeros.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) take(n int) []byte {
	if r.bad || len(r.rest) < n {
		r.bad = true
		return make([]byte, n)
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) byte() byte     { return r.take(1)[0] }
func (r *reader) uint32() uint32 { return binary.BigEndian.Uint32(r.take(4)) }
func (r *reader) day() day.Day   { return day.Day(int32(r.uint32())) }
func (r *reader) text() string   { return string(r.take(int(r.byte()))) }

func (r *reader) flag() bool {
	b := r.byte()
	r.bad = r.bad || b > 1
	return b == 1
}

func readItems[T any](r *reader, one func(*reader) T) []T {
	n := int(r.byte())
	if r.bad || n == 0 {
		return nil
	}
	if n > MaxItems {
		r.bad = true
		return nil
	}
	out := make([]T, 0, n)
	for range n {
		out = append(out, one(r))
	}
	return out
}
