package sqlite

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amanah-project/amanah/internal/store"
)

// readers is the pool of connections for Views.
type readers struct {
	all     []*reader
	free    chan *reader
	closing chan struct{}
	views   atomic.Uint64
}

// reader is one connection and the View that has it.
type reader struct {
	s     *session
	mu    sync.Mutex // over what follows
	h     *handle    // of the View that runs; nil when none does or it was cut
	began time.Time
}

func newReaders(path string, opt Options, closing chan struct{}) (*readers, error) {
	p := &readers{free: make(chan *reader, opt.Readers), closing: closing}
	for range opt.Readers {
		conn, err := connect(path, reading, opt.Cache/4)
		if err != nil {
			return nil, errors.Join(err, p.close())
		}
		r := &reader{s: newSession(conn)}
		p.all = append(p.all, r)
		p.free <- r
	}
	return p, nil
}

// close waits for running Views.
func (p *readers) close() error {
	var errs []error
	for range p.all {
		r := <-p.free
		errs = append(errs, r.s.conn.Close())
	}
	return errors.Join(errs...)
}

func (p *readers) view(ctx context.Context, fn func(*handle) error) error {
	r, err := p.take(ctx)
	if err != nil {
		return err
	}
	defer func() { p.free <- r }()
	h := &handle{s: r.s}
	if err := r.begin(h); err != nil {
		return err
	}
	defer r.end()
	p.views.Add(1)
	return fn(h)
}

func (p *readers) take(ctx context.Context) (*reader, error) {
	select {
	case <-p.closing:
		return nil, store.ErrClosed
	default:
	}
	if ctx.Err() != nil {
		return nil, queueing(ctx)
	}
	select {
	case r := <-p.free:
		return r, nil
	case <-p.closing:
		return nil, store.ErrClosed
	case <-ctx.Done():
		return nil, queueing(ctx)
	}
}

func (r *reader) begin(h *handle) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.s.exec("BEGIN"); err != nil {
		return err
	}
	r.h, r.began = h, time.Now()
	return nil
}

func (r *reader) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.h != nil {
		r.h.end(errStale)
		r.finish()
	}
}

// finish ends the read transaction; one that SQLite ended by itself is over.
func (r *reader) finish() {
	r.h = nil
	if !r.s.conn.AutocommitEnabled() {
		_ = r.s.exec("ROLLBACK") // nothing was written; a failure shows at the next BEGIN
	}
}

// cut ends the Views that began before t and are between statements, and returns
// how many it cut.
func (p *readers) cut(t time.Time) int {
	n := 0
	for _, r := range p.all {
		r.mu.Lock()
		if r.h != nil && r.began.Before(t) && r.h.cut() {
			r.finish()
			n++
		}
		r.mu.Unlock()
	}
	return n
}
