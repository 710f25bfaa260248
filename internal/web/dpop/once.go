package dpop

import (
	"sync"
	"time"
)

// Once remembers which proofs were used. A proof is forgotten only when its
// nonce is too old to be accepted, so the memory is bounded by rate × life.
//
// It knows what it saw itself. What no gate takes to the keeper, which remembers for
// all servers, must ask there: see NewOnceEverywhere.
type Once struct {
	ask      func(run uint64, proof [16]byte) error // of all servers' memory; may be nil
	mu       sync.Mutex
	life     time.Duration
	turned   time.Time
	now, old map[[16]byte]struct{}
}

// NewOnce makes a Once for proofs whose nonces live for life.
func NewOnce(life time.Duration) *Once {
	return &Once{life: life, now: map[[16]byte]struct{}{}, old: map[[16]byte]struct{}{}}
}

// NewOnceEverywhere makes a Once that asks what all servers remember as well; ask
// returns ErrReplay for a proof used before, and ErrNonce for a run that is over.
func NewOnceEverywhere(life time.Duration, ask func(run uint64, proof [16]byte) error) *Once {
	o := NewOnce(life)
	o.ask = ask
	return o
}

// Use returns ErrReplay when the proof was used before.
func (o *Once) Use(p Proof, at time.Time) error {
	if err := o.note(p.Name(), at); err != nil || o.ask == nil {
		return err
	}
	return o.ask(p.Run, p.Name())
}

func (o *Once) note(id [16]byte, at time.Time) error {
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
