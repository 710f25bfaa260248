package sqlite

import (
	"errors"
	"sync"

	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/sqlstore"
)

// errStale is for a closure that kept its stores and uses them after its end.
var errStale = errors.New("store: used after its transaction")

// handle is a closure's right to a connection. Its owner can take it back at any
// moment between statements, wherever the closure is.
type handle struct {
	mu   sync.Mutex // held during a statement
	s    *session
	dead error
}

var _ sqlstore.Conn = (*handle)(nil)

// Lock adds nothing: the writer is alone.
func (h *handle) Lock() string { return "" }

func (h *handle) ExecEach(sql string, n int, bind func(i int, a *sqlstore.Args), changed func(i int, rows int64)) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dead != nil {
		return h.dead
	}
	return h.checked(h.s.execEach(sql, n, bind, changed))
}

func (h *handle) QueryEach(sql string, n int, bind func(i int, a *sqlstore.Args), scan func(i int, r sqlstore.Row) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dead != nil {
		return h.dead
	}
	return h.checked(h.s.queryEach(sql, n, bind, scan))
}

// checked looks after every error whether it took the transaction with it: the
// next statement would then commit by itself.
func (h *handle) checked(err error) error {
	if err != nil && h.s.conn.AutocommitEnabled() {
		h.dead = err
	}
	return err
}

// end takes the connection back; it waits for a statement that runs.
func (h *handle) end(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dead == nil {
		h.dead = err
	}
}

// outside reports whether the closure is between statements.
func (h *handle) outside() bool {
	if !h.mu.TryLock() {
		return false
	}
	h.mu.Unlock()
	return true
}

// cut takes the connection back from a closure that is between statements, and
// reports whether it did.
func (h *handle) cut() bool {
	if !h.mu.TryLock() {
		return false
	}
	defer h.mu.Unlock()
	if h.dead != nil {
		return false
	}
	h.dead = store.ErrSlow
	return true
}
