// Package staff says who works with records: facilities, the people and systems that
// act for them, and what each may do.
//
// There is no standing administrator: roles give the three rights over records (enter,
// correct, view) or an office, never both, and what an office does beyond its desk
// takes a second person. Actors are named by numbers and names of systems; who stands
// behind one is known to their facility, not to this package.
package staff

import (
	"time"

	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of names.
var (
	ErrFacility = fault.New(fault.Invalid, "a facility is named by 1 to 40 lower-case letters, digits and hyphens, as rs-99-001")
	ErrRight    = fault.New(fault.Denied, "this needs a right that you do not have: enter, correct or view")
	ErrActor    = fault.New(fault.Invalid, "an actor is named by 1 to 40 lower-case letters, digits and hyphens, as client-rs-99-001 or staff-17; never a person's name")
)

// FacilityID names a hospital, clinic or laboratory: 1 to 40 lower-case letters,
// digits and hyphens.
type FacilityID string

// ActorID names somebody, or a facility's system, who acts: 1 to 40 lower-case
// letters, digits and hyphens. It is never personal data.
type ActorID string

// Role is what somebody is enrolled as. The numbers are stored and journaled.
type Role uint8

// Roles.
const (
	RoleClient    Role = 1 + iota // a facility's own system, that asks for whom it treats
	RoleClinician                 // a doctor or nurse, signed in by a passkey
	RoleOfficer                   // the office that enrols, elevates and answers for data protection
)

// Rights are what may be done with records (Permenkes 24/2022: enter, correct, view).
type Rights uint8

// The three rights, and there is no fourth.
const (
	Enter Rights = 1 << iota
	Correct
	View
)

// May reports whether all of want is held.
func (r Rights) May(want Rights) bool { return r&want == want }

// Need returns ErrRight unless all of want is held.
func (r Rights) Need(want Rights) error {
	if !r.May(want) {
		return ErrRight
	}
	return nil
}

// Actor is somebody who may ask: enrolled in the keeper, which alone believes their
// signatures. Key is a public JWK (P-256 or Ed25519) whose proofs of possession
// (RFC 9449) name each request of a system's; for a person it is the key of a passkey,
// which endorses the browser's key for one sign-in.
type Actor struct {
	ID       ActorID
	Facility FacilityID
	Role     Role
	Rights   Rights
	Key      []byte
	Since    time.Time
	Ended    time.Time // zero while it may ask
}

// ParseFacility reads a facility's name; ErrFacility.
func ParseFacility(s string) (FacilityID, error) {
	if !plain(s) {
		return "", ErrFacility
	}
	return FacilityID(s), nil
}

// ParseActor reads an actor's name; ErrActor.
func ParseActor(s string) (ActorID, error) {
	if !plain(s) {
		return "", ErrActor
	}
	return ActorID(s), nil
}

func plain(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= 40
}
