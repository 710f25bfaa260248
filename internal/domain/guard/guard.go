// Package guard decides whether somebody may view a person's records: their role, what
// for, whether their facility treats the person, whether the records are restricted, and
// whether a second person stands by them.
//
// It is pure, and the first line only. What it says the keeper enforces again where the
// keys are, from signatures and journaled statements of its own; the numbers here are the
// ones it counts by (keeper/desk).
package guard

import (
	"time"

	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of decisions.
var (
	ErrRole    = fault.New(fault.Denied, "your role or your rights do not let you view records")
	ErrPurpose = fault.New(fault.Denied, "records are viewed for treatment or, in an emergency, by break-glass")
	ErrExport  = fault.New(fault.Denied, "records leave in bulk by an approved export only: amanah export request")
)

// Norms of viewing, in people: who is viewed again within the hour is counted once.
const (
	Clinician  = 60    // of the facility's own patients, an hour and clinician
	Client     = 2000  // of the facility's own patients, an hour and system
	Strangers  = 10    // without a care relationship, an hour and actor
	Rush       = 50    // in RushTime and actor, whatever else holds, without a second person
	GlassHour  = 3     // emergencies, an hour and actor
	GlassDay   = 10    // emergencies, a day and actor
	All        = 20000 // an hour, over all actors
	ExportsDay = 5000  // by all approved exports, a day
)

// RushTime is the time in which Rush counts.
const RushTime = 10 * time.Minute

// Purpose is what somebody views records for.
type Purpose uint8

// Purposes.
const (
	Treatment Purpose = 1 + iota
	BreakGlass
	Export
)

// Question is one thing that may be or not.
type Question struct {
	Role       staff.Role
	Rights     staff.Rights
	Purpose    Purpose
	Care       bool // their facility treats the person
	Restricted bool // the person's records are restricted
	Second     bool // a second person stands by them, for this hour
}

// Verdict is the answer. With an error the rest is zero.
type Verdict struct {
	Err  error
	Loud bool // an emergency: the person is told by message, and whoever runs the server by its log
	Hour int  // people an hour on this ground
	Rush int  // people in RushTime on any ground; zero when a second person lifted it
}

// Decide answers a question.
func Decide(q Question) Verdict {
	switch q.Role {
	case staff.RoleClient, staff.RoleClinician:
	default: // an office has no right over records, and nobody else has any
		return Verdict{Err: ErrRole}
	}
	switch {
	case q.Purpose == Export:
		return Verdict{Err: ErrExport}
	case !q.Rights.May(staff.View):
		return Verdict{Err: ErrRole}
	case q.Purpose != Treatment && q.Purpose != BreakGlass:
		return Verdict{Err: ErrPurpose}
	case q.Restricted && q.Purpose != BreakGlass:
		return Verdict{Err: record.ErrRestricted}
	}
	v := Verdict{Hour: Strangers, Rush: Rush}
	switch {
	case q.Purpose == BreakGlass:
		v.Hour, v.Loud = GlassHour, true
	case q.Care && q.Role == staff.RoleClient:
		v.Hour = Client
	case q.Care:
		v.Hour = Clinician
	}
	if q.Second {
		v.Rush = 0
	}
	return v
}
