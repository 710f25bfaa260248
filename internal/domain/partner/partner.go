// Package partner says who may relay: a partner's key and whether it is live.
//
// It also holds the rules of agreements and of a partner's life cycle. So far they
// are rules alone: nothing stores an agreement, no command or call reads one, the
// platform countersigns none, and what a relay is served depends on Admit only.
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
	Relay  [32]byte // RFC 7638 thumbprint of the relay's key
	State  State
	Joined time.Time
}

// Admit returns nil for a live partner, else why it is not served.
func (p Partner) Admit() error {
	switch p.State {
	case Live:
		return nil
	case Suspended:
		return ErrSuspended
	}
	return ErrUnknown
}

// Store keeps partners. Methods run inside the caller's transaction.
type Store interface {
	// Put adds or changes a partner.
	Put(p Partner) error
	// All returns every partner, by ID.
	All() ([]Partner, error)
}
