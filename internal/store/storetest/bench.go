package storetest

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

// OneVenue measures check-ins to one venue, each an Update of its own: as fast as
// some callers can, and arriving at 500 a second. Commits counts the database's
// commits so far; without it each acknowledged Update is one.
func OneVenue(b *testing.B, db store.DB, commits func() uint64) {
	err := db.Update(b.Context(), func(s store.Stores) error { return s.Venues.Put(place(1)) })
	if err != nil {
		b.Fatal(err)
	}
	v := &oneVenue{db: db, commits: commits}
	if commits == nil {
		v.commits = func() uint64 { return uint64(v.inside.Load()) }
	}
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			v.measure(b, func() {
				var done sync.WaitGroup
				var taken atomic.Int64
				for range callers {
					done.Go(func() {
						for taken.Add(1) <= int64(b.N) {
							v.checkIn(b)
						}
					})
				}
				done.Wait()
			})
		})
	}
	b.Run("rate=500", func(b *testing.B) {
		v.measure(b, func() {
			var done sync.WaitGroup
			began := time.Now()
			for n := range b.N {
				time.Sleep(time.Until(began.Add(time.Duration(n) * 2 * time.Millisecond)))
				done.Go(func() { v.checkIn(b) })
			}
			done.Wait()
		})
	})
	err = db.View(b.Context(), func(s store.Stores) error {
		got, err := s.Venues.Inside([]venue.ID{1})
		if err == nil && int64(got[0]) != v.inside.Load() {
			b.Errorf("%d inside, want %d", got[0], v.inside.Load())
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}

type oneVenue struct {
	db      store.DB
	commits func() uint64

	next, runs, inside atomic.Int64

	mu   sync.Mutex
	took []time.Duration
}

func (v *oneVenue) checkIn(b *testing.B) {
	began := time.Now()
	if err := checkIn(v.db, OneVisit(1, int(v.next.Add(1))), func() { v.runs.Add(1) }); err != nil {
		b.Errorf("check in: %v", err)
		return
	}
	v.inside.Add(1)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.took = append(v.took, time.Since(began))
}

// measure reports what fn's b.N check-ins cost.
func (v *oneVenue) measure(b *testing.B, fn func()) {
	v.took = v.took[:0]
	commits, runs := v.commits(), v.runs.Load()
	b.ResetTimer()
	fn()
	b.StopTimer()
	n := float64(b.N)
	b.ReportMetric(float64(v.commits()-commits)/n, "commits/op")
	b.ReportMetric(float64(v.runs.Load()-runs)/n, "runs/op")
	b.ReportMetric(n/b.Elapsed().Seconds(), "checkins/s")
	if slices.Sort(v.took); len(v.took) > 0 {
		ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
		b.ReportMetric(ms(v.took[len(v.took)*99/100]), "p99-ms")
		b.ReportMetric(ms(v.took[len(v.took)-1]), "slowest-ms")
	}
}
