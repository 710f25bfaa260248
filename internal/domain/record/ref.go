// Package record says what a health record is: its number, its kind, and when it
// belongs to a person.
//
// What a record says is sealed before it is stored; the package holds rules and types
// over what is open in memory.
package record

import (
	"strconv"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/fault"
)

// ErrRef: text that names neither a person nor one of their records.
var ErrRef = fault.New(fault.Invalid, "a record is named by two numbers, as 123-65536, a patient by the first alone")

// Number is a record's number among its person's, ascending in the order in which
// they were entered. Zero names the person.
type Number uint64

// First is the first number of a health record; the numbers below it are the
// platform's own (package keeper).
const First Number = 1 << 16

// Records that everybody has one of, once they have any. The others are numbered
// from Entered on.
const (
	Patient  = First     // the FHIR resource Patient, which Ref names by the person alone
	Standing = First + 1 // what holds for all of a person's records: see Stand
	Entered  = First + 2
)

// Ref names a record of a person, or with Number zero the person as a patient. It is
// the logical id of a resource (FHIR R4 §2.27.1.0.1) and says nothing of either: the
// platform's own numbers, in the order of registration and of entry.
type Ref struct {
	Person identity.PersonID
	Number Number
}

// Stored is the number under which a record of that name is stored.
func (r Ref) Stored() Number {
	if r.Number == 0 {
		return Patient
	}
	return r.Number
}

// Names reports whether a record could be found under the name: Patient has the
// person's, and Standing has none.
func (r Ref) Names() bool { return r.Person != 0 && (r.Number == 0 || r.Number >= Entered) }

// RefOf names a stored record.
func RefOf(who identity.PersonID, n Number) Ref {
	if n == Patient {
		n = 0
	}
	return Ref{who, n}
}

// String writes 123 for a person and 123-65536 for a record.
func (r Ref) String() string {
	s := strconv.FormatUint(uint64(r.Person), 10)
	if r.Number != 0 {
		s += "-" + strconv.FormatUint(uint64(r.Number), 10)
	}
	return s
}

// ParseRef reads what String writes, in that one spelling; ErrRef.
func ParseRef(s string) (Ref, error) {
	var r Ref
	person, number, of := strings.Cut(s, "-")
	p, err := strconv.ParseUint(person, 10, 64)
	if err != nil {
		return Ref{}, ErrRef
	}
	r.Person = identity.PersonID(p)
	if of {
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil || Number(n) < First {
			return Ref{}, ErrRef
		}
		r.Number = Number(n)
	}
	if r.Person == 0 || r.String() != s {
		return Ref{}, ErrRef
	}
	return r, nil
}
