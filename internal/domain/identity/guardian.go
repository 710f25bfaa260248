package identity

import (
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of guardianship.
var (
	ErrOfAge   = fault.New(fault.Denied, "this person is of age and links by their own consent only")
	ErrOneself = fault.New(fault.Denied, "nobody is their own guardian")
	ErrProof   = fault.New(fault.Invalid, "a guardian is recorded by birth-certificate, family-card or court-order")
	ErrOffice  = fault.New(fault.Invalid, "an office is named by 1 to 40 lower-case letters, digits and hyphens, as facility-12")
)

const majority = 18 // years

// Proof is the kind of document by which a guardian was recorded. The numbers are
// stored: they never change.
type Proof uint8

// Kinds of proof.
const (
	BirthCertificate Proof = 1
	FamilyCard       Proof = 2
	CourtOrder       Proof = 3
)

// String names the kind of document.
func (p Proof) String() string {
	switch p {
	case BirthCertificate:
		return "birth-certificate"
	case FamilyCard:
		return "family-card"
	case CourtOrder:
		return "court-order"
	}
	return "none"
}

// ParseProof reads what String writes; ErrProof.
func ParseProof(s string) (Proof, error) {
	for p := BirthCertificate; p <= CourtOrder; p++ {
		if p.String() == s {
			return p, nil
		}
	}
	return 0, ErrProof
}

// Guardianship says that one person consents for another.
type Guardianship struct {
	Guardian PersonID
	Child    PersonID
	Proof    Proof
	Office   string // the facility that saw the document, never a person
	Recorded time.Time
	Ended    time.Time // zero while it holds
}

// CheckOffice returns ErrOffice unless s may name an office.
func CheckOffice(s string) error {
	if s == "" || len(s) > 40 {
		return ErrOffice
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return ErrOffice
		}
	}
	return nil
}

// OfAge returns the first instant at which somebody born on birth consents for
// themselves: their eighteenth birthday at 00:00 Western Indonesian Time; 1 March
// when they were born on a leap day and that year has none.
func OfAge(birth day.Day) time.Time {
	b := birth.Start()
	// time.Date makes 29 February of a common year 1 March.
	return day.Of(time.Date(b.Year()+majority, b.Month(), b.Day(), 0, 0, 0, 0, day.Zone())).Start()
}

// Guard returns until when a guardian's consent carries a link for a child born
// on birth. ErrOneself when both are one person, ErrOfAge from the eighteenth
// birthday on.
func Guard(guardian, child PersonID, birth day.Day, at time.Time) (until time.Time, err error) {
	if guardian == child {
		return time.Time{}, ErrOneself
	}
	until = OfAge(birth)
	if !at.Before(until) {
		return time.Time{}, ErrOfAge
	}
	return until, nil
}
