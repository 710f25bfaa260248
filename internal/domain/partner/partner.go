// Package partner says who may relay: a partner's agreement, its keys and where it
// stands in its life cycle.
//
// An agreement is terms that both sides signed; a partner without one in force is
// served nothing. Rules are here, and nothing is done: flow/rollout takes the steps
// and every call is held against Grant.
package partner

import (
	"strconv"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of this package.
var (
	ErrUnknown   = fault.New(fault.Denied, "partner is not known")
	ErrSuspended = fault.New(fault.Denied, "partner is suspended")
)

// ID is a partner's number, given in the order partners join. Zero is none.
type ID uint32

// String writes the number.
func (id ID) String() string { return strconv.FormatUint(uint64(id), 10) }

// State says whether a partner's relay is served.
type State uint8

// States of a partner. The numbers are stored: they never change.
const (
	Live      State = 1 // serving people, in stages of growing population
	Suspended State = 2 // not served, by either side's wish or the kill switch
	Applied   State = 3 // asked to join; nothing is served
	Sandbox   State = 4 // serves synthetic people only
	Certified State = 5 // passed the published cases; still synthetic people only
	Ended     State = 6 // for good
)

// String names the state.
func (s State) String() string {
	switch s {
	case Live:
		return "live"
	case Suspended:
		return "suspended"
	case Applied:
		return "applied"
	case Sandbox:
		return "sandbox"
	case Certified:
		return "certified"
	case Ended:
		return "ended"
	}
	return "none"
}

// Partner is one organisation whose app carries check-ins.
type Partner struct {
	ID     ID
	Name   string
	Relay  [32]byte // RFC 7638 thumbprint of the relay's key last agreed to
	State  State
	Stage  int   // of Live, from 1; 0 before it was ever live
	Held   State // what a suspended partner goes back to
	Joined time.Time
}

// Standing is where the partner is in its life cycle.
func (p Partner) Standing() Standing { return Standing{p.State, p.Stage, p.Held} }

// At returns the partner in another standing.
func (p Partner) At(s Standing) Partner {
	p.State, p.Stage, p.Held = s.State, s.Stage, s.Held
	return p
}

// Store keeps partners and the log of their steps. Methods run inside the caller's
// transaction.
type Store interface {
	// Put adds or changes a partner.
	Put(p Partner) error
	// All returns every partner, by ID.
	All() ([]Partner, error)
	// Get returns a partner, held until the transaction ends; the zero Partner when
	// unknown.
	Get(id ID) (Partner, error)
	// Log adds a step under the partner's next number.
	Log(s Step) error
	// Steps returns a partner's steps, by number.
	Steps(id ID) ([]Step, error)
}
