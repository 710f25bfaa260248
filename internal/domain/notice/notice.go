// Package notice says what of their records' fate people are told by a message, and when
// it is tried again.
//
// The keeper's journal is where it stands what happened; a database holds places in it and
// when each is due, and nothing about anybody.
package notice

import (
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
)

// Kind is what somebody is told of.
type Kind uint8

// Kinds of notice. A bulk export is none: docs/decisions/0014-notices.md says why.
const (
	Emergency Kind = 1 + iota // their records were opened in an emergency, without a care relationship
	Sent                      // their records were sent from a facility to another
	Taken                     // their records were taken along from the platform's own page
)

// Notice is one thing that happened with somebody's records.
type Notice struct {
	Place  uint64 // of the keeper's journal, ascending
	Person identity.PersonID
	Kind   Kind
	At     time.Time
}

// Waiting is a notice that was not brought yet.
type Waiting struct {
	Place uint64
	Due   time.Time // of the next try
	Tries int
}

const (
	// Life is how long after it happened somebody is told: as long as UU 27/2022 art. 46
	// gives for what went wrong.
	Life = 72 * time.Hour
	// first is between a try and the second; each wait is twice the one before, up to most.
	first = time.Minute
	most  = 6 * time.Hour
)

// Again returns when a notice is due that was tried so often, the last time now.
func Again(tries int, now time.Time) time.Time {
	wait := most
	if tries < 10 {
		wait = min(first<<max(tries-1, 0), most)
	}
	return now.Add(wait)
}

// Over reports whether it is too late to tell of what happened then.
func Over(at, now time.Time) bool { return now.Sub(at) >= Life }

// Store keeps what waits. Methods run inside the caller's transaction.
type Store interface {
	// Put adds places, due at a moment; those that are there stay as they are.
	Put(places []uint64, due time.Time) error
	// Due returns up to n that are due at a moment, the earliest first.
	Due(at time.Time, n int) ([]Waiting, error)
	// Move changes one that is there.
	Move(w Waiting) error
	// Drop removes some.
	Drop(places []uint64) error
}
