package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/store"
)

func manyLeaves(n int) (out []accesslog.Leaf) {
	for i := range n {
		out = append(out, leaf(1, i, 3))
	}
	return out
}

// testBulk: long work and short writes both get on while the other is busy.
func testBulk(t *testing.T, db store.DB) {
	var short, long atomic.Int64
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			n := int(short.Add(1))
			if err := persist(db, func(s store.Stores) error { return s.Visits.Put(visits(n, n)) }); err != nil {
				t.Errorf("update: %v", err)
				return
			}
		}
	})
	for long.Load() < 10 || short.Load() < 10 {
		n := int(long.Add(1))
		err := db.Bulk(t.Context(), func(s store.Stores) error {
			time.Sleep(8 * time.Millisecond) // longer than an Update may take
			return s.People.Put(persons(n, n))
		})
		if errors.Is(err, store.ErrBatch) {
			long.Add(-1)
			continue
		}
		if err != nil {
			t.Fatalf("bulk: %v", err)
		}
	}
	close(stop)
	done.Wait()
	wantPeople(t, db, "bulk", persons(1, int(long.Load()))...)
}

func testClose(t *testing.T, db store.DB) {
	update(t, db, func(s store.Stores) error { return s.People.Put(persons(1, 1)) })
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	all := lanes(db)
	all["view"] = db.View
	for name, run := range all {
		err := run(t.Context(), func(store.Stores) error {
			t.Errorf("%s: ran", name)
			return nil
		})
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
}

func testCloseWaits(t *testing.T, db store.DB) {
	began := make(chan struct{})
	ended := make(chan error, 2)
	go func() {
		ended <- db.Bulk(t.Context(), func(s store.Stores) error {
			began <- struct{}{}
			time.Sleep(30 * time.Millisecond)
			return s.People.Put(persons(1, 1))
		})
	}()
	<-began
	go func() {
		ended <- db.View(t.Context(), func(s store.Stores) error {
			began <- struct{}{}
			time.Sleep(30 * time.Millisecond)
			_, err := s.People.Walk(0, 1)
			return err
		})
	}()
	<-began
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("a closure that ran while closing: %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("closed, but a closure still runs")
		}
	}
}
