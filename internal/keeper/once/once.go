// Package once remembers, for all servers, which proofs of possession were used. It is kept
// in memory alone: a proof carries a nonce that was made under this run's key, so
// that what an earlier run took, this one refuses unseen.
package once

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/keeper"
)

// Once remembers the proofs of one run.
type Once struct {
	Run  keeper.Run
	mu   sync.Mutex
	from time.Time // when young began
	// A use is kept for at least life, and at most twice as long.
	young, old map[keeper.Proof]uint64 // by whom it was used
	limit      int                     // of young
	life       time.Duration
}

const (
	// Life is longer than any nonce lives at a server whose clock is a little off.
	Life = 6 * time.Minute
	// maxOnce bounds each half, at about 40 bytes a use: 20,000 requests a second.
	maxOnce = 16 << 20
)

// New remembers each use for at least life.
func New(life time.Duration) *Once {
	o := &Once{young: map[keeper.Proof]uint64{}, limit: maxOnce, life: life, Run: keeper.Run{Nonce: make(keeper.Secret, 32)}}
	rand.Read(o.Run.Nonce)
	var id [8]byte
	rand.Read(id[:])
	o.Run.ID = binary.BigEndian.Uint64(id[:]) | 1 // 0 is no run
	return o
}

// Use takes proofs that one request came with, their nonces given in that run. The
// same request may ask again, as a server does that lost the keeper's answer.
// Whatever it answers, proofs of this run are used afterwards.
func (o *Once) Use(now time.Time, run uint64, list keeper.Proofs, by uint64) error {
	proofs, err := list.All()
	if err != nil || len(proofs) == 0 {
		return err
	}
	if run != o.Run.ID {
		return keeper.ErrRun
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.turn(now)
	if len(o.young)+len(proofs) > o.limit {
		return keeper.ErrLoad // to forget one early would be to take it twice
	}
	for _, p := range proofs {
		if who, used := o.find(p); !used {
			o.young[p] = by
		} else if who != by && remembers {
			err = keeper.ErrUsed
		}
	}
	return err
}

func (o *Once) find(p keeper.Proof) (uint64, bool) {
	if by, ok := o.young[p]; ok {
		return by, true
	}
	by, ok := o.old[p]
	return by, ok
}

// Take takes one proof, once and from nobody again.
func (o *Once) Take(now time.Time, p keeper.Proof) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.turn(now)
	if _, used := o.find(p); used {
		return keeper.ErrUsed
	}
	if len(o.young) >= o.limit {
		return keeper.ErrLoad
	}
	o.young[p] = 0
	return nil
}

// turn forgets. A clock that goes back keeps uses longer, never shorter.
func (o *Once) turn(now time.Time) {
	if o.from.IsZero() {
		o.from = now
	}
	if now.Sub(o.from) < o.life {
		return
	}
	o.old, o.young, o.from = o.young, map[keeper.Proof]uint64{}, now
}

// Kept is how many uses are remembered.
func (o *Once) Kept() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.young) + len(o.old)
}
