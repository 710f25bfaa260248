package sqlite

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	zs "zombiezen.com/go/sqlite"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/sqlstore"
)

var errMine = errors.New("the closure's own error")

func TestBatchIsOneCommit(t *testing.T) {
	r := newRig(t, Options{})
	before := r.db.Stats().Commits
	r.want(r.results(r.batch(put(1), put(2), put(3))), nil, nil, nil)
	if got := r.db.Stats().Commits - before; got != 2 { // the holder's is one
		t.Errorf("%d commits, want 2", got)
	}
	r.wantSeen("all", 1, 2, 3)
}

func TestPanicInBatch(t *testing.T) {
	for name, end := range map[string]func(){"panic": func() { panic("boom") }, "exit": runtime.Goexit} {
		for at := range 3 {
			r := newRig(t, Options{})
			fns := []closure{put(1), put(2), put(3)}
			fns[at] = then(put(at+1), func(store.Stores) error { end(); return nil })
			batch := r.batch(fns...)
			var want []int
			for i := range fns {
				if i == at {
					if name == "panic" {
						r.want([]error{r.get(batch[i])}, errPanicked)
					}
					continue
				}
				want = append(want, i+1)
				r.want([]error{r.get(batch[i])}, nil)
			}
			r.wantSeen(name+": neighbours", want...)
		}
	}
}

// TestErrorInBatch: a closure's own error is its own.
func TestErrorInBatch(t *testing.T) {
	fail := func(store.Stores) error { return errMine }
	r := newRig(t, Options{})
	r.want(r.results(r.batch(then(put(1), fail), put(2), then(put(3), fail), put(4), then(put(5), fail))),
		errMine, nil, errMine, nil, errMine)
	r.wantSeen("neighbours", 2, 4)
	r.want(r.results(r.batch(then(put(6), fail), then(put(7), fail))), errMine, errMine)
	r.wantSeen("no neighbours", 2, 4)
}

// TestOverlong: a closure that blocks loses the connection and its writes; its
// neighbours do not wait for it, and what it does later is nothing.
func TestOverlong(t *testing.T) {
	for at := range 3 {
		r := newRig(t, Options{})
		free := make(chan struct{})
		var later error
		fns := []closure{put(1), put(2), put(3)}
		fns[at] = then(put(at+1), func(s store.Stores) error {
			<-free
			later = s.Visits.Put(visit(9))
			return nil
		})
		batch := r.batch(fns...)
		var want []int
		for i := range fns {
			if i != at {
				want = append(want, i+1)
				r.want([]error{r.get(batch[i])}, nil)
			}
		}
		r.wantSeen("neighbours, while it blocks", want...)
		close(free)
		r.want([]error{r.get(batch[at])}, store.ErrSlow)
		if !errors.Is(later, store.ErrSlow) {
			t.Errorf("a statement after the limit: %v", later)
		}
		r.wantSeen("neighbours", want...)
		if got := r.db.Stats().Slow; got != 1 {
			t.Errorf("%d slow, want 1", got)
		}
	}
}

// TestSpinning: a closure that computes instead of waiting is cut as well.
func TestSpinning(t *testing.T) {
	r := newRig(t, Options{})
	batch := r.batch(put(1), then(put(2), func(store.Stores) error {
		for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); {
		}
		return nil
	}), put(3))
	r.want(r.results(batch), nil, store.ErrSlow, nil)
	r.wantSeen("neighbours", 1, 3)
}

// TestNeverReturns: one closure that never returns costs nobody but its caller.
func TestNeverReturns(t *testing.T) {
	r := newRig(t, Options{})
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	r.batch(then(put(1), func(store.Stores) error { <-never; return nil }))
	for n := 2; n < 50; n++ {
		if err := r.db.Update(t.Context(), put(n)); err != nil {
			t.Fatal(err)
		}
	}
	closed := make(chan error, 1)
	go func() { closed <- r.db.Close() }()
	if err := r.get(closed); err != nil {
		t.Error(err)
	}
}

func TestCancelledInBatch(t *testing.T) {
	r := newRig(t, Options{})
	queued, drop := context.WithCancel(t.Context())
	running, cut := context.WithCancel(t.Context())
	after, late := context.WithCancel(t.Context())
	release := r.hold()
	batch := []chan error{
		r.enqueue(t.Context(), stores(put(1))),
		r.enqueue(queued, stores(put(2))),
		r.enqueue(running, stores(then(put(3), func(store.Stores) error { cut(); return nil }, put(4)))),
		r.enqueue(after, stores(put(5))),
	}
	drop()
	r.want([]error{r.get(batch[1])}, context.Canceled)
	release()
	r.want([]error{r.get(batch[0]), r.get(batch[2]), r.get(batch[3])}, nil, nil, nil)
	late()
	r.wantSeen("all but the one given up in the queue", 1, 3, 4, 5)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.db.Update(gone, put(6)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
	r.wantSeen("nor the one given up before", 1, 3, 4, 5)
}

func TestConstraintInBatch(t *testing.T) {
	bad := func(s store.Stores) error { return s.People.Put([]identity.Stored{{ID: 0}}) }
	r := newRig(t, Options{})
	r.want(r.results(r.batch(then(put(1), bad), put(2), then(put(3), bad), put(4))),
		store.ErrConstraint, nil, store.ErrConstraint, nil)
	r.wantSeen("neighbours", 2, 4)
}

// TestTransactionLost: a statement that makes SQLite roll back everything fails
// the whole batch, and nothing commits by itself afterwards.
func TestTransactionLost(t *testing.T) {
	r := newRig(t, Options{})
	release := r.hold()
	first := r.enqueue(t.Context(), stores(put(1)))
	second := r.enqueue(t.Context(), func(h *handle) error {
		none := func(int, *sqlstore.Args) {}
		_ = h.ExecEach("INSERT OR ROLLBACK INTO identity_person (id, version, sealed) VALUES (0, 0, x'00')", 1, none, nil)
		return stores(put(2))(h) // would commit by itself: SQLite is in autocommit now
	})
	third := r.enqueue(t.Context(), stores(put(3)))
	release()
	r.want([]error{r.get(first), r.get(second), r.get(third)}, store.ErrBatch, store.ErrConstraint, nil)
	r.wantSeen("only the next batch", 3)
	if got := r.db.Stats().Lost; got != 1 {
		t.Errorf("%d batches lost, want 1", got)
	}
}

// TestCommitRefused: COMMIT itself meets a constraint and leaves the transaction
// open; the writer must end it.
func TestCommitRefused(t *testing.T) {
	r := newRig(t, Options{})
	release := r.hold()
	first := r.enqueue(t.Context(), stores(put(1)))
	second := r.enqueue(t.Context(), func(h *handle) error {
		none := func(int, *sqlstore.Args) {}
		if err := h.ExecEach("PRAGMA defer_foreign_keys=1", 1, none, nil); err != nil {
			return err
		}
		return h.ExecEach("INSERT INTO identity_nik (tag, person_id) VALUES (x'00', 77)", 1, none, nil)
	})
	release()
	if a, b := r.get(first), r.get(second); a == nil || b == nil {
		t.Errorf("answers %v, %v: want both to fail", a, b)
	}
	r.wantSeen("nothing")
	r.want([]error{r.db.Update(t.Context(), put(3))}, nil)
	r.wantSeen("goes on", 3)
}

// TestFull: no room in the database. Whoever got an answer without an error is
// there, nobody else, and there is life after it.
func TestFull(t *testing.T) {
	r := newRig(t, Options{})
	big := func(n int) closure {
		return then(put(n), func(s store.Stores) error {
			return s.Status.PutEvidence([]status.SealedEvidence{{Person: identity.PersonID(n), Version: 1, Sealed: make([]byte, 20_000)}})
		})
	}
	r.pragma("max_page_count", 60)
	var fns []closure
	for n := 1; n <= 20; n++ {
		fns = append(fns, big(n))
	}
	got, full := r.results(r.batch(fns...)), 0
	var want []int
	for i, err := range got {
		switch {
		case err == nil:
			want = append(want, i+1)
		case errors.Is(err, store.ErrFull):
			full++
		case !errors.Is(err, store.ErrBatch):
			t.Errorf("member %d: %v", i+1, err)
		}
	}
	if full == 0 {
		t.Errorf("control: the database never filled up: %v", got)
	}
	r.wantSeen("full", want...)
	r.pragma("max_page_count", 1<<30)
	r.want([]error{r.db.Update(t.Context(), big(99))}, nil)
	r.wantSeen("room again", append(want, 99)...)
}

// TestFsyncFails: after a failed fsync nobody knows what the disk holds, so the
// writer refuses work until the file is opened again. Views go on.
func TestFsyncFails(t *testing.T) {
	r := newRig(t, Options{})
	r.want([]error{r.db.Update(t.Context(), put(1))}, nil)
	release := r.hold()
	r.db.writer.s.seam = func(sql string, step func() (bool, error)) (bool, error) {
		if sql == "COMMIT" {
			return false, zs.ResultIOErrFsync.ToError()
		}
		return step()
	}
	release()
	for range 2 {
		if err := r.db.Update(t.Context(), put(2)); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("got %v, want an Unavailable fault", err)
		}
	}
	if !r.db.Stats().Broken {
		t.Error("not reported as broken")
	}
	err := r.db.View(t.Context(), func(s store.Stores) error {
		_, err := s.Venues.All()
		return err
	})
	r.want([]error{err}, nil)
	r.reopen()
	r.want([]error{r.db.Update(t.Context(), put(3))}, nil)
	r.wantSeen("opened again", 1, 3)
}

// TestAnswersAfterCommit: nobody is answered while COMMIT runs, and at the moment
// Update returns a stranger's connection sees the write.
func TestAnswersAfterCommit(t *testing.T) {
	r := newRig(t, Options{})
	release := r.hold()
	var batch []chan error
	for n := 1; n <= 8; n++ {
		batch = append(batch, r.enqueue(t.Context(), stores(put(n))))
	}
	watched := 0
	r.db.writer.s.seam = func(sql string, step func() (bool, error)) (bool, error) {
		if sql == "COMMIT" {
			time.Sleep(20 * time.Millisecond)
			for _, c := range batch {
				watched += 1 + 1000*len(c)
			}
		}
		return step()
	}
	release()
	r.want(r.results(batch), make([]error, 8)...)
	if watched != 2*8 { // the holder's COMMIT and theirs
		t.Errorf("watched %d: answered before COMMIT, or the watch did not run", watched)
	}
	var done sync.WaitGroup
	for g := range 8 {
		done.Go(func() {
			for n := range 10 {
				id := 100 + 10*g + n
				if err := r.db.Update(t.Context(), put(id)); err != nil {
					t.Errorf("%d: %v", id, err)
				} else if !seenBy(r, id) {
					t.Errorf("%d was acknowledged and is not seen", id)
				}
			}
		})
	}
	done.Wait()
}

func seenBy(r *rig, id int) bool {
	for _, n := range r.seen() {
		if n == id {
			return true
		}
	}
	return false
}

// TestSlowOnce: a closure that a busy machine held up is run again, and counts once.
func TestSlowOnce(t *testing.T) {
	r := newRig(t, Options{})
	runs := 0
	slow := func(s store.Stores) error {
		err := s.Visits.Put(visit(1))
		if runs++; runs == 1 {
			time.Sleep(5 * testLimit)
		}
		return err
	}
	r.want([]error{r.db.do(t.Context(), r.db.writer.updates, stores(slow))}, store.ErrSlow) // control: one try
	r.wantSeen("one try")
	runs = 0
	r.want([]error{r.db.Update(t.Context(), slow)}, nil)
	if runs != 2 {
		t.Errorf("%d runs, want 2", runs)
	}
	r.wantSeen("again", 1)
	runs = -100
	always := func(s store.Stores) error { runs++; time.Sleep(5 * testLimit); return nil }
	if err := r.db.Update(t.Context(), always); !errors.Is(err, store.ErrSlow) || runs != -100+tries {
		t.Errorf("always slow: %d runs, %v", runs+100, err)
	}
}
