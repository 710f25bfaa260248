package dpop

import (
	"crypto/sha256"
	"sync"
	"time"
)

// Once remembers which proofs were used. A proof is forgotten only when its
// nonce is too old to be accepted, so the memory is bounded by rate × life.
type Once struct {
	mu       sync.Mutex
	life     time.Duration
	turned   time.Time
	now, old map[[16]byte]struct{}
}

// NewOnce makes a Once for proofs whose nonces live for life.
func NewOnce(life time.Duration) *Once {
	return &Once{life: life, now: map[[16]byte]struct{}{}, old: map[[16]byte]struct{}{}}
}

// Use returns ErrReplay when the proof was used before.
func (o *Once) Use(p Proof, at time.Time) error {
	sum := sha256.Sum256(append(p.Thumbprint[:], p.ID...))
	id := [16]byte(sum[:])
	o.mu.Lock()
	defer o.mu.Unlock()
	if at.Sub(o.turned) > o.life {
		o.old, o.now, o.turned = o.now, map[[16]byte]struct{}{}, at
	}
	if _, ok := o.now[id]; ok {
		return ErrReplay
	}
	if _, ok := o.old[id]; ok {
		return ErrReplay
	}
	o.now[id] = struct{}{}
	return nil
}
