// Package memory keeps everything in memory, for demonstrations and as the model
// that the databases are tested against.
//
// It keeps the port's promises but one: nothing survives the process. A state is
// immutable and shares what it has in common with the one before; Views read the
// state they began with, Updates run one after the other on a state of their own
// that replaces the old one when they succeed.
package memory

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/amanah-project/amanah/internal/store"
)

var (
	errReadOnly = errors.New("store: write in a View")
	errStale    = errors.New("store: used after its transaction")
)

// DB is a database in memory. It is safe for concurrent use.
type DB struct {
	state atomic.Pointer[state]
	turn  chan struct{} // held by the transaction that writes

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

var _ store.DB = (*DB)(nil)

// New returns an empty database.
func New() *DB {
	db := &DB{turn: make(chan struct{}, 1)}
	db.state.Store(&state{})
	return db
}

// View runs fn over the state of now.
func (db *DB) View(ctx context.Context, fn func(store.Stores) error) error {
	if err := db.enter(ctx); err != nil {
		return err
	}
	defer db.running.Done()
	t := &tx{state: *db.state.Load(), reads: true}
	defer t.end()
	if err := fn(t.stores()); err != nil {
		return err
	}
	return t.err
}

// Update runs fn alone. ctx governs the wait for its turn.
func (db *DB) Update(ctx context.Context, fn func(store.Stores) error) error {
	if err := db.enter(ctx); err != nil {
		return err
	}
	defer db.running.Done()
	select {
	case db.turn <- struct{}{}:
	case <-ctx.Done():
		return queueing(ctx)
	}
	defer func() { <-db.turn }()
	t := &tx{state: *db.state.Load()}
	defer t.end()
	if err := fn(t.stores()); err != nil {
		return err
	}
	if t.err != nil {
		return t.err
	}
	done := t.state
	db.state.Store(&done)
	return nil
}

// Bulk is Update.
func (db *DB) Bulk(ctx context.Context, fn func(store.Stores) error) error {
	return db.Update(ctx, fn)
}

// Close waits for running closures.
func (db *DB) Close() error {
	db.mu.Lock()
	db.closed = true
	db.mu.Unlock()
	db.running.Wait()
	return nil
}

func (db *DB) enter(ctx context.Context) error {
	if ctx.Err() != nil {
		return queueing(ctx)
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return store.ErrClosed
	}
	db.running.Add(1)
	return nil
}

func queueing(ctx context.Context) error {
	return fmt.Errorf("wait for the database: %w", ctx.Err())
}

// tx is one transaction. Like a database it fails for good with its first
// failure.
type tx struct {
	state
	reads bool
	err   error
}

func (t *tx) stores() store.Stores {
	return store.Stores{
		People:         people{t},
		Links:          links{t},
		Authorizations: authorizations{t},
		Bindings:       bindings{t},
		Guardians:      guardians{t},
		Guesses:        guesses{t},
		Refresh:        refresh{t},
		Cards:          cards{t},
		PINs:           pins{t},
		Progress:       progress{t},
		Partners:       partners{t},
		Agreements:     agreements{t},
		Status:         colours{t},
		Venues:         venues{t},
		Visits:         visits{t},
		Passes:         passes{t},
		Lookups:        lookups{t},
		Journeys:       journeys{t},
		Asks:           asks{t},
		Disputes:       disputes{t},
		Staff:          members{t},
		Invitations:    invitations{t},
		SignIns:        sessions{t},
		Requests:       requests{t},
		Log:            leaves{t},
		Records:        records{t},
		Uploads:        uploads{t},
		Aside:          aside{t},
		Sent:           sent{t},
		Notices:        notices{t},
	}
}

// end makes every later use of the stores fail; the committed state stays as it is.
func (t *tx) end() { *t = tx{err: errStale} }

func (t *tx) fail(err error) error {
	if t.err == nil {
		t.err = err
	}
	return t.err
}

// write reports whether the transaction may write.
func (t *tx) write() error {
	if t.err == nil && t.reads {
		t.err = errReadOnly
	}
	return t.err
}
