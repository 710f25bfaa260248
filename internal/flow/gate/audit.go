package gate

import (
	"context"
	"crypto/ed25519"
	"fmt"

	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
)

// ErrAudit is returned for an access log in which something does not hold.
var ErrAudit = fault.New(fault.Conflict, "the access log does not hold: see the faults")

// Audit is what a check of the access log found.
type Audit struct {
	Gates  int      `json:"gates"`
	Leaves uint64   `json:"leaves"`
	Events uint64   `json:"events"`
	Voided uint64   `json:"voided"` // leaves whose check-ins were not committed
	Faults []string `json:"faults,omitempty"`
}

// Err returns ErrAudit when anything does not hold.
func (a Audit) Err() error {
	if len(a.Faults) > 0 {
		return ErrAudit
	}
	return nil
}

// AuditLog checks every leaf: its events make its root and count, the keeper
// signed it, and it follows the one before. It cannot see leaves cut off a gate's
// end; the transparency log will.
func AuditLog(ctx context.Context, db store.DB, log ed25519.PublicKey) (Audit, error) {
	var a Audit
	var tallies []accesslog.Tally
	if err := db.View(ctx, func(s store.Stores) (err error) {
		tallies, err = s.Log.Gates()
		return err
	}); err != nil {
		return a, err
	}
	a.Gates = len(tallies)
	for _, t := range tallies {
		if err := a.walk(ctx, db, t.Gate, log); err != nil {
			return a, err
		}
	}
	return a, nil
}

func (a *Audit) walk(ctx context.Context, db store.DB, gate accesslog.GateID, log ed25519.PublicKey) error {
	var last *accesslog.Leaf
	for next := uint64(0); ; {
		var leaves []accesslog.Leaf
		if err := db.View(ctx, func(s store.Stores) (err error) {
			leaves, err = s.Log.Of(gate, next, 64)
			return err
		}); err != nil {
			return err
		}
		if len(leaves) == 0 {
			return nil
		}
		for i := range leaves {
			a.leaf(&leaves[i], last, log)
			last = &leaves[i]
		}
		next = last.Seq + 1
	}
}

func (a *Audit) leaf(l, last *accesslog.Leaf, log ed25519.PublicKey) {
	a.Leaves++
	a.Events += uint64(l.Count)
	if l.Voided {
		a.Voided++
	}
	if err := l.Check(log); err != nil {
		a.fault(l, "is not what the keeper signed")
	}
	switch {
	case last == nil && l.Seq != 0:
		a.fault(l, "is the gate's first: those before it are gone")
	case last != nil && l.Seq != last.Seq+1:
		a.fault(l, fmt.Sprintf("follows %d: those between are gone", last.Seq))
	case last != nil && l.Prev != last.Hash():
		a.fault(l, "does not follow the one before it")
	}
}

func (a *Audit) fault(l *accesslog.Leaf, what string) {
	if len(a.Faults) < 1000 {
		a.Faults = append(a.Faults, fmt.Sprintf("leaf %d of gate %x %s", l.Seq, l.Gate[:4], what))
	}
}
