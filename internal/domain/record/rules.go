package record

import (
	"encoding/json"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of the rules.
var (
	ErrRestricted = fault.New(fault.Denied, "these records are restricted: they are entered and not viewed, but in an emergency")
	ErrVersion    = fault.New(fault.Conflict, "the record has moved on: read its current version and correct that one")
	ErrNone       = fault.New(fault.NotFound, "there is no such record")
	ErrHeld       = fault.New(fault.Conflict, "a legal hold keeps these records")
	ErrKept       = fault.New(fault.Conflict, "records are kept for 25 years from the last visit (Permenkes 24/2022)")
	ErrType       = fault.New(fault.Conflict, "a record keeps its type: enter another one")
	ErrReason     = fault.New(fault.Invalid, "a reason is a code of 1 to 40 lower-case letters, digits and hyphens, never a person's data")
)

// Stand is what holds for all of a person's records. It is a record itself
// (Standing), of which every change is a version, so that nobody lifts a restriction
// unnoticed by writing the database.
type Stand struct {
	Restricted Order
	Hold       Order
	Claim      *StoredClaim `json:",omitempty"` // of records set aside: who they say they are about
}

// Order is something that holds, and since when; its zero value is nothing.
type Order struct {
	On    bool      `json:",omitempty"`
	Why   Reason    `json:",omitempty"`
	By    string    `json:",omitempty"`
	At    time.Time `json:",omitzero"`
	Since string    `json:",omitempty"` // the facility of who ordered it
}

// StoredClaim is a claim as it is sealed.
type StoredClaim struct {
	NIK     string
	Names   []string
	Birth   string
	Against identity.PersonID
	Reason  Reason
}

// Marshal writes what is sealed.
func (s Stand) Marshal() ([]byte, error) { return json.Marshal(s) }

// ParseStand reads what Marshal wrote; ErrContent.
func ParseStand(b []byte) (s Stand, err error) {
	if json.Unmarshal(b, &s) != nil {
		return Stand{}, ErrContent
	}
	return s, nil
}

// ParseReason reads a reason's code; ErrReason.
func ParseReason(s string) (Reason, error) {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return "", ErrReason
		}
	}
	if s == "" || len(s) > 40 {
		return "", ErrReason
	}
	return Reason(s), nil
}

// Retention is how long records are kept from the last visit: Permenkes 24/2022
// art. 39.
const Retention = 25 // years

// MayErase says whether a person's records may be destroyed: no hold, and the last
// visit long enough ago. Who never visited has nothing that must be kept.
func MayErase(s Stand, lastVisit, now time.Time) error {
	if s.Hold.On {
		return ErrHeld
	}
	if !lastVisit.IsZero() && now.Before(lastVisit.AddDate(Retention, 0, 0)) {
		return ErrKept
	}
	return nil
}

// LastVisit returns the latest of two visits, m being one when it is an encounter that
// took place.
func LastVisit(before time.Time, m *Meta) time.Time {
	if m.Type != "Encounter" || m.Void() || m.Status == "cancelled" || m.Status == "planned" {
		return before
	}
	at := m.Until
	if at.Equal(forever) || at.IsZero() {
		at = m.From
	}
	if at.IsZero() {
		at = m.Entered
	}
	if at.After(before) {
		return at
	}
	return before
}
