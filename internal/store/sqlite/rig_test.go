package sqlite

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	zs "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/sqlstore"
)

var errPanicked = errors.New("panicked")

// stores makes a closure over stores one over a connection.
func stores(fn func(store.Stores) error) func(*handle) error {
	return func(h *handle) error { return over(fn)(sqlstore.New(h, nil)) }
}

// closure is one member of a batch.
type closure = func(store.Stores) error

// rig is a database whose batches a test composes.
type rig struct {
	*testing.T
	db   *DB
	path string
}

func newRig(t *testing.T, opt Options) *rig {
	t.Helper()
	r := &rig{T: t, path: filepath.Join(t.TempDir(), "amanah.db")}
	r.open(opt)
	return r
}

// testLimit is a closure's time in a test: enough that a busy machine is not what
// cuts it, and far below the 300 ms of the closures that must be cut.
const testLimit = 60 * time.Millisecond

func (r *rig) open(opt Options) {
	r.Helper()
	if opt.Limit == 0 {
		opt.Limit = testLimit
	}
	db, err := Open(r.path, opt)
	if err != nil {
		r.Fatal(err)
	}
	r.db = db
	r.Cleanup(func() { db.Close() })
}

// reopen is what an operator does after a failure.
func (r *rig) reopen() {
	r.Helper()
	r.db.Close() // its transaction may have failed to end: that is the point
	r.open(Options{Limit: time.Minute})
}

// hold stops the writer until the function returned is called, so that Updates
// queue up and then share one transaction.
func (r *rig) hold() (release func()) {
	held, free, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- r.db.Bulk(context.Background(), func(store.Stores) error {
			close(held)
			<-free
			return nil
		})
	}()
	<-held
	return func() {
		close(free)
		<-done // its own commit may be the one that a test breaks
	}
}

// enqueue puts one closure into the queue and returns where its result comes.
func (r *rig) enqueue(ctx context.Context, fn func(*handle) error) chan error {
	r.Helper()
	at := r.db.Stats().Waiting
	result := make(chan error, 1)
	go func() {
		defer func() {
			if recover() != nil {
				result <- errPanicked
			}
		}()
		result <- r.db.do(ctx, r.db.writer.updates, fn)
	}()
	for limit := time.Now().Add(10 * time.Second); r.db.Stats().Waiting == at; {
		if time.Now().After(limit) {
			r.Fatal("not queued")
		}
		time.Sleep(50 * time.Microsecond)
	}
	return result
}

// batch queues closures in order and lets the writer run them in one go.
func (r *rig) batch(fns ...closure) []chan error {
	r.Helper()
	release := r.hold()
	results := make([]chan error, len(fns))
	for i, fn := range fns {
		results[i] = r.enqueue(context.Background(), stores(fn))
	}
	release()
	return results
}

func (r *rig) get(result chan error) error {
	r.Helper()
	select {
	case err := <-result:
		return err
	case <-time.After(10 * time.Second):
		r.Fatal("no answer")
		return nil
	}
}

// results waits for all of a batch.
func (r *rig) results(batch []chan error) []error {
	r.Helper()
	out := make([]error, len(batch))
	for i, c := range batch {
		out[i] = r.get(c)
	}
	return out
}

// want compares each member's answer with the error it must be; nil is success.
func (r *rig) want(got []error, want ...error) {
	r.Helper()
	for i := range want {
		if !errors.Is(got[i], want[i]) {
			r.Errorf("member %d: got %v, want %v", i+1, got[i], want[i])
		}
	}
}

// wantSeen fails unless exactly these visits are in the file.
func (r *rig) wantSeen(why string, want ...int) {
	r.Helper()
	if d := cmp.Diff(want, r.seen()); d != "" {
		r.Errorf("%s: visits in the file (-want +got):\n%s", why, d)
	}
}

// seen lists the visits as a stranger's connection finds them, and fails on one
// that is there by half.
func (r *rig) seen() []int {
	r.Helper()
	conn, err := connect(r.path, reading, 64)
	if err != nil {
		r.Fatal(err)
	}
	defer conn.Close()
	// One snapshot for both tables: others may be writing.
	if err := sqlitex.ExecuteTransient(conn, "BEGIN", nil); err != nil {
		r.Fatal(err)
	}
	rows := func(sql string) []int {
		found := map[int]bool{}
		err := sqlitex.ExecuteTransient(conn, sql, &sqlitex.ExecOptions{ResultFunc: func(s *zs.Stmt) error {
			var id venue.VisitID
			s.ColumnBytes(0, id[:])
			found[int(binary.BigEndian.Uint64(id[:]))] = true
			return nil
		}})
		if err != nil {
			r.Fatal(err)
		}
		return slices.Sorted(maps.Keys(found))
	}
	visits, trails := rows("SELECT id FROM venue_visit"), rows("SELECT visit_id FROM venue_trail")
	if !slices.Equal(visits, trails) {
		r.Errorf("half written: visits %v, trails %v", visits, trails)
	}
	return visits
}

func visit(n int) []venue.Visit {
	v := venue.Visit{Venue: 1, Party: 1, Decision: venue.Admit, Entered: time.Unix(1, 0), LeavesBy: time.Unix(2, 0)}
	binary.BigEndian.PutUint64(v.ID[:], uint64(n))
	binary.BigEndian.PutUint64(v.Who[:], uint64(n)*0x9e3779b97f4a7c15)
	return []venue.Visit{v}
}

// put is the closure that writes the n-th visit: a visit and its trail.
func put(n int) closure {
	return func(s store.Stores) error { return s.Visits.Put(visit(n)) }
}

// then runs one closure after another.
func then(fns ...closure) closure {
	return func(s store.Stores) error {
		for _, fn := range fns {
			if err := fn(s); err != nil {
				return err
			}
		}
		return nil
	}
}

// pragma sets one on the writer's own connection.
func (r *rig) pragma(name string, value int64) {
	r.Helper()
	release := r.hold()
	defer release()
	if err := sqlitex.ExecuteTransient(r.db.writer.s.conn, fmt.Sprintf("PRAGMA %s=%d", name, value), nil); err != nil {
		r.Fatal(err)
	}
}
