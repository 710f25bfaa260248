package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/flow/evidence"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

const (
	sweepBatch = 1024
	// sweepAgain is the age at which colours are decided anew although nothing
	// changed: far less than the 180 days that a timeline covers.
	sweepAgain = 30 * 24 * time.Hour
)

// sweep goes over everybody: every colour is compared with its head, and all are
// decided anew when the rules have changed or a month is over. It pauses between
// batches, because the gate comes first.
func (s *Server) sweep(ctx context.Context) error {
	flow := &evidence.Flow{DB: s.db, Keeper: s.keeper, Rules: s.rules, Now: time.Now, Actor: "sweep", Budget: keeper.BudgetJob}
	began := time.Now()
	p := identity.Progress{Source: "sweep " + rulesDigest(s.rules)}
	if err := s.db.View(ctx, func(st store.Stores) (err error) {
		found, err := st.Progress.Progress(p.Source)
		if found.Source != "" {
			p = found
		}
		return err
	}); err != nil {
		return err
	}
	all := began.Sub(p.Updated) > sweepAgain
	var total evidence.Swept
	for after := identity.PersonID(0); ; {
		next, swept, err := flow.Sweep(ctx, after, sweepBatch, all)
		total.People += swept.People
		total.Odd += swept.Odd
		total.Decided += swept.Decided
		total.Closed += swept.Closed
		if err != nil {
			return err
		}
		if after = next; after == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	s.metrics.Swept(total.Odd, total.Decided, total.Closed)
	if total.Odd > 0 || total.Closed > 0 {
		s.log.Warn("colours differed from the keeper's heads", "people", total.People, "odd", total.Odd, "decided", total.Decided, "closed", total.Closed)
	}
	if !all {
		return nil
	}
	p.Updated, p.Added = began, p.Added+int64(total.Decided)
	return s.db.Update(ctx, func(st store.Stores) error { return st.Progress.SetProgress(p) })
}

// rulesDigest names the rule sets in force.
func rulesDigest(s *status.Schedule) string {
	h := sha256.New()
	for _, set := range s.Sets() {
		d := set.Digest()
		h.Write(d[:])
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
