package storetest

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

var errMine = errors.New("the closure's own error")

// run is Update or Bulk.
type run func(ctx context.Context, fn func(store.Stores) error) error

func lanes(db store.DB) map[string]run {
	return map[string]run{"update": db.Update, "bulk": db.Bulk}
}

func wantPeople(t *testing.T, db store.DB, why string, want ...identity.Stored) {
	t.Helper()
	view(t, db, func(s store.Stores) error {
		got, err := s.People.Walk(0, 1000)
		same(t, why, got, want)
		return err
	})
}

func testErrorUndoes(t *testing.T, db store.DB) {
	for name, run := range lanes(db) {
		err := run(t.Context(), func(s store.Stores) error {
			if err := errors.Join(s.People.Put(persons(1, 3)), s.Visits.Put(visits(1, 3))); err != nil {
				return err
			}
			return errMine
		})
		if !errors.Is(err, errMine) {
			t.Errorf("%s: got %v", name, err)
		}
		wantPeople(t, db, name)
		wantVisits(t, db, name, []venue.VisitID{id16(1)}, venue.Visit{})
	}
	update(t, db, func(s store.Stores) error { return s.People.Put(persons(1, 1)) })
	wantPeople(t, db, "afterwards", person(1))
}

func testPanicUndoes(t *testing.T, db store.DB) {
	value := &struct{ n int }{7}
	for name, run := range lanes(db) {
		func() {
			defer func() {
				if got := recover(); got != value {
					t.Errorf("%s: recovered %v", name, got)
				}
				wantPeople(t, db, name+": undone before the panic goes on")
			}()
			err := run(t.Context(), func(s store.Stores) error {
				if err := s.People.Put(persons(1, 3)); err != nil {
					return err
				}
				panic(value)
			})
			t.Errorf("%s: returned %v", name, err)
		}()
	}
	update(t, db, func(s store.Stores) error { return s.People.Put(persons(4, 4)) })
	func() {
		defer func() {
			if got := recover(); got != value {
				t.Errorf("view: recovered %v", got)
			}
		}()
		_ = db.View(t.Context(), func(store.Stores) error { panic(value) })
	}()
	wantPeople(t, db, "afterwards", person(4))
}

func testGoexitUndoes(t *testing.T, db store.DB) {
	var done sync.WaitGroup
	for _, run := range lanes(db) {
		done.Go(func() {
			_ = run(t.Context(), func(s store.Stores) error {
				if err := s.People.Put(persons(1, 3)); err != nil {
					return err
				}
				runtime.Goexit()
				return nil
			})
			t.Error("a closure that exited returned")
		})
		done.Wait()
		wantPeople(t, db, "undone")
	}
	update(t, db, func(s store.Stores) error { return s.People.Put(persons(4, 4)) })
}

func testFailureSticks(t *testing.T, db store.DB) {
	update(t, db, func(s store.Stores) error { return s.People.Put(persons(1, 1)) })
	for name, run := range lanes(db) {
		var second error
		err := run(t.Context(), func(s store.Stores) error {
			if err := s.People.Put(persons(2, 2)); err != nil {
				return err
			}
			clash := person(1)
			clash.NIK = spread(99)
			if err := s.People.Put([]identity.Stored{clash}); !errors.Is(err, store.ErrConstraint) {
				t.Errorf("%s: %v", name, err)
			}
			second = s.People.Put(persons(3, 3))
			return nil // hides what failed
		})
		if !errors.Is(err, store.ErrConstraint) || !errors.Is(second, store.ErrConstraint) {
			t.Errorf("%s: returned %v, the next statement %v", name, err, second)
		}
		wantPeople(t, db, name, person(1))
	}
}

// testNeighbours: whatever closures do to themselves, exactly the writes of those
// that succeeded are there.
func testNeighbours(t *testing.T, db store.DB) {
	const n = 64
	var done sync.WaitGroup
	var want []identity.Stored
	for i := 1; i <= n; i++ {
		if i%4 == 0 {
			want = append(want, person(i))
		}
		done.Go(func() {
			defer func() {
				if got := recover(); (got != nil) != (i%4 == 1) {
					t.Errorf("closure %d: recovered %v", i, got)
				}
			}()
			err := persist(db, func(s store.Stores) error {
				if err := s.People.Put(persons(i, i)); err != nil {
					return err
				}
				switch i % 4 {
				case 1:
					panic(i)
				case 2:
					return errMine
				case 3:
					_ = s.Venues.Add([]venue.Delta{{Venue: 1, By: 1}}) // unknown
				}
				return nil
			})
			if (err == nil) != (i%4 == 0) {
				t.Errorf("closure %d: %v", i, err)
			}
		})
	}
	done.Wait()
	wantPeople(t, db, "those that succeeded", want...)
}

func testStale(t *testing.T, db store.DB) {
	var kept []store.Stores
	keep := func(s store.Stores) error {
		kept = append(kept, s)
		return nil
	}
	update(t, db, keep)
	view(t, db, keep)
	_ = db.Bulk(t.Context(), func(s store.Stores) error {
		kept = append(kept, s)
		return errMine
	})
	for i, s := range kept {
		if err := s.People.Put(persons(1, 1)); err == nil {
			t.Errorf("stores %d: wrote after the end", i)
		}
		if _, err := s.People.Walk(0, 1); err == nil {
			t.Errorf("stores %d: read after the end", i)
		}
	}
	wantPeople(t, db, "nothing")
}

func testViewWrites(t *testing.T, db store.DB) {
	for name, write := range map[string]func(s store.Stores) error{
		"people":        func(s store.Stores) error { return s.People.Put(persons(1, 1)) },
		"quarantine":    func(s store.Stores) error { return s.People.Quarantine([]identity.Quarantined{{ID: 1}}) },
		"links":         func(s store.Stores) error { return s.Links.Put(link(1)) },
		"authorization": func(s store.Stores) error { return s.Authorizations.Put(authorization(1)) },
		"refresh":       func(s store.Stores) error { return s.Refresh.Advance(id16(1), 1) },
		"progress":      func(s store.Stores) error { return s.Progress.SetProgress(identity.Progress{Source: "a"}) },
		"colours":       func(s store.Stores) error { return s.Status.PutColours([]status.SealedColour{colour(1, 1)}) },
		"evidence":      func(s store.Stores) error { return s.Status.PutEvidence([]status.SealedEvidence{evidence(1, 1)}) },
		"venues":        func(s store.Stores) error { return s.Venues.Put(place(1)) },
		"visits":        func(s store.Stores) error { return s.Visits.Put(visits(1, 1)) },
		"leaves":        func(s store.Stores) error { return s.Log.Put(manyLeaves(1)) },
	} {
		var inner error
		outer := db.View(t.Context(), func(s store.Stores) error {
			inner = write(s)
			return nil
		})
		if inner == nil || outer == nil {
			t.Errorf("%s: wrote in a View: %v, %v", name, inner, outer)
		}
	}
	wantPeople(t, db, "nothing")
	wantVisits(t, db, "nothing", []venue.VisitID{id16(1)}, venue.Visit{})
}

func testSnapshot(t *testing.T, db store.DB) {
	update(t, db, func(s store.Stores) error { return s.People.Put(persons(1, 2)) })
	view(t, db, func(s store.Stores) error {
		before, err := s.People.Walk(0, 9)
		if err != nil {
			return err
		}
		wrote := make(chan error)
		go func() {
			wrote <- persist(db, func(s store.Stores) error {
				return errors.Join(s.People.Put(persons(3, 4)), s.Visits.Put(visits(1, 1)))
			})
		}()
		if err := <-wrote; err != nil {
			return err
		}
		after, err := s.People.Walk(0, 9)
		same(t, "a View sees one state", after, before)
		if err != nil {
			return err
		}
		v, err := s.Visits.Get([]venue.VisitID{id16(1)})
		same(t, "in every table", v, []venue.Visit{{}})
		return err
	})
	wantPeople(t, db, "the next View sees the new state", persons(1, 4)...)
}

func testOwnWrites(t *testing.T, db store.DB) {
	for name, run := range lanes(db) {
		err := run(t.Context(), func(s store.Stores) error {
			if err := s.People.Put(persons(1, 2)); err != nil {
				return err
			}
			got, err := s.People.Get([]identity.PersonID{2})
			same(t, name, got, persons(2, 2))
			if err != nil {
				return err
			}
			return errMine
		})
		if !errors.Is(err, errMine) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// testCancelled: a caller who gives up while queued has written nothing, then or
// later. An engine without a queue just serves them.
func testCancelled(t *testing.T, db store.DB) {
	held, release := make(chan struct{}), make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		if err := db.Bulk(t.Context(), func(s store.Stores) error {
			close(held)
			<-release
			return nil
		}); err != nil {
			t.Errorf("the holder: %v", err)
		}
	})
	<-held
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	ran := false
	err := db.Update(ctx, func(s store.Stores) error {
		ran = true
		return s.People.Put(persons(1, 1))
	})
	close(release)
	done.Wait()
	update(t, db, func(s store.Stores) error { return s.People.Put(persons(2, 2)) }) // passed what was queued
	switch {
	case err == nil && ran:
		wantPeople(t, db, "served", persons(1, 2)...)
	case errors.Is(err, context.DeadlineExceeded) && !ran:
		wantPeople(t, db, "given up", person(2))
	default:
		t.Errorf("returned %v, ran %v", err, ran)
	}
}

func testCancelledBefore(t *testing.T, db store.DB) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	all := lanes(db)
	all["view"] = db.View
	for name, run := range all {
		err := run(ctx, func(store.Stores) error {
			t.Errorf("%s: ran", name)
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func testCancelledRunning(t *testing.T, db store.DB) {
	n := 0
	for name, run := range lanes(db) {
		ctx, cancel := context.WithCancel(t.Context())
		n++
		err := run(ctx, func(s store.Stores) error {
			if err := s.People.Put(persons(2*n, 2*n)); err != nil {
				return err
			}
			cancel()
			return s.People.Put(persons(2*n+1, 2*n+1))
		})
		if err != nil {
			t.Errorf("%s: a transaction that had begun heeded its caller's context: %v", name, err)
		}
	}
	wantPeople(t, db, "all written", persons(2, 5)...)
}
