package index

import (
	"encoding/binary"

	"github.com/amanah-project/amanah/internal/domain/leak"
)

// Trait is what a version of a record is known by besides its number, as it is kept beside
// the record, behind its documents: 2 bytes, and 8 more of a patient who has an address. It is
// bound to the person and, of visits, to the record too, so that it comes once however many
// people were there on that day, live there, or came back.
type Trait struct {
	Visit   uint16 // Version.Visit
	Address Tag    // Identity.Address; zero where there is none
}

// Trait tags a trait of a person's record.
func (t *Tagger) Trait(person, of leak.Row, l *leak.Trait) (out Trait) {
	if len(l.Visit) > 0 {
		out.Visit = t.Visit(person, of, l.Visit, l.Kind)
	}
	if len(l.Address) > 0 {
		out.Address = t.Address(person, l.Address)
	}
	return out
}

// traitLens are how long a trait may be; all shorter than a document.
const visitLen, traitLen = 2, 2 + 8

// Known appends the trait to what Document.Known wrote; nothing when it tells nothing.
func (t Trait) Known(b []byte) []byte {
	if t == (Trait{}) {
		return b
	}
	b = binary.LittleEndian.AppendUint16(b, t.Visit)
	if t.Address != 0 {
		b = binary.LittleEndian.AppendUint64(b, uint64(t.Address))
	}
	return b
}

// ParseTrait reads what Trait.Known appended; zero of what has none.
func ParseTrait(known []byte) (t Trait) {
	_, b := parseKnown(known)
	switch len(b) {
	case traitLen:
		t.Address = Tag(binary.LittleEndian.Uint64(b[visitLen:]))
		fallthrough
	case visitLen:
		t.Visit = binary.LittleEndian.Uint16(b)
	}
	return t
}
