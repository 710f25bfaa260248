package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/flow/check"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/flow/lookup"
	"github.com/amanah-project/amanah/internal/keeper"
)

// job is work that a server does by itself. Every server of an installation may
// run every job: each is safe to run twice and beside itself.
type job struct {
	name  string
	every time.Duration
	run   func(ctx context.Context) error
}

func (s *Server) jobs() []job {
	return []job{
		{"partners", pollEvery, func(ctx context.Context) error { return s.members.poll(ctx, s.db) }},
		{"venues", 2 * time.Second, func(ctx context.Context) error { return s.book.Refresh(ctx, s.db) }},
		{"run", 2 * time.Second, func(ctx context.Context) error {
			r, err := s.keeper.Use(ctx, 0, nil)
			s.meet(r)
			return err
		}},
		{"keys", 10 * time.Minute, func(ctx context.Context) error {
			return s.ring.renew(ctx, s.keeper, s.cfg.Host, s.gateway, s.codes, time.Now)
		}},
		{"check-out", 15 * time.Second, s.checkOut},
		{"numbers", time.Minute, s.settle},
		{"notices", 10 * time.Second, s.tell},
		{"forget", time.Hour, s.forget},
		{"forget-cards", time.Hour, s.forgetCards},
		{"forget-passes", time.Hour, s.forgetPasses},
		{"forget-journeys", time.Hour, s.forgetJourneys},
		{"attempts", time.Minute, s.lapse},
		{"staff", time.Hour, s.tidyStaff},
		{"sweep", time.Hour, s.sweep},
		{"documents", time.Hour, s.sweepDocuments},
		{"trace-index", 10 * time.Minute, s.feedIndex},
		{"ledger-follow", 2 * time.Second, s.followLedger},
		{"ledger", 10 * time.Second, func(ctx context.Context) error { return check.MarkLedger(ctx, s.db, s.keeper) }},
		{"ledger-prune", time.Hour, s.pruneLedger()},
	}
}

// pruneLedger goes up to where the keeper's mark stood an hour before: nobody asks for an
// entry below it any more.
func (s *Server) pruneLedger() func(ctx context.Context) error {
	below := uint64(0)
	return func(ctx context.Context) error {
		if err := check.PruneLedger(ctx, s.db, below); err != nil {
			return err
		}
		mark, err := s.keeper.Ledger(ctx)
		below = mark.Seq
		return err
	}
}

// startJobs runs each job at its pace until ctx ends.
func (s *Server) startJobs(ctx context.Context) *sync.WaitGroup {
	var done sync.WaitGroup
	done.Go(func() { s.linking.courier.Run(ctx) })
	done.Go(func() { s.follow(ctx) })
	for _, j := range s.jobs() {
		done.Go(func() {
			tick := time.NewTicker(j.every)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
				if err := j.run(ctx); err != nil && ctx.Err() == nil {
					s.log.Warn("job", "name", j.name, "error", err)
				}
			}
		})
	}
	return &done
}

// checkOut ends visits whose stay is over.
func (s *Server) checkOut(ctx context.Context) error {
	for {
		n, err := gate.Expire(ctx, s.db, time.Now(), 256)
		if err != nil || n < 256 {
			return err
		}
	}
}

// forget destroys the keys of days past their retention, and then the rows that
// nobody can read any more.
func (s *Server) forget(ctx context.Context) error {
	first := day.Of(time.Now()).Add(-s.cfg.Retention.VisitDays)
	health, err := s.keeper.Health(ctx)
	if err != nil {
		return err
	}
	for d := health.FirstDay; health.Days > 0 && d < first; d++ {
		_, err := s.keeper.DestroyDay(ctx, d)
		if errors.Is(err, keeper.ErrDay) {
			continue // nobody checked in on that day
		}
		if err != nil {
			return err
		}
		s.log.Info("day key destroyed", "day", d.String())
	}
	for {
		n, err := gate.Forget(ctx, s.db, first.Start(), 2000)
		if err != nil || n < 2000 {
			return err
		}
	}
}

// forgetCards removes cards long expired and yesterday's counts of wrong PINs.
func (s *Server) forgetCards(ctx context.Context) error {
	for {
		n, err := lookup.Forget(ctx, s.db, time.Now(), 2000)
		if err != nil || n < 2000 {
			return err
		}
	}
}

// forgetPasses removes passes that nobody may report any more.
func (s *Server) forgetPasses(ctx context.Context) error {
	for {
		n, err := gate.ForgetPasses(ctx, s.db, time.Now(), 2000)
		if err != nil || n < 2000 {
			return err
		}
	}
}
