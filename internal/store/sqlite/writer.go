package sqlite

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	zs "zombiezen.com/go/sqlite"

	"github.com/amanah-project/amanah/internal/store"
)

const (
	// maxBatch bounds the closures of one commit.
	maxBatch = 256
	// yields is how often the writer lets others run before it takes its queue to
	// have stopped growing.
	yields = 2
	// lonely is how many commits that nobody joined are taken to say that nobody will.
	lonely = 16
	// bulkShare: after bulk work, waiting Updates have the writer this many times
	// as long as the bulk work had it.
	bulkShare = 4
)

// writer owns the one connection that writes, and runs one closure at a time.
type writer struct {
	s       *session
	readers *readers
	opt     Options
	updates chan *job
	bulks   chan *job
	closing chan struct{}
	done    chan struct{}

	timer  *time.Timer   // counts a closure's own time
	debt   time.Duration // what bulk work still owes to waiting Updates
	broken error         // a failed fsync or rollback: no more writes
	batch  batch
	log    log
	tended int  // the log's length when it was last seen to
	wrote  bool // since the log was last emptied, or opened
	beside *checkpointer
	stats  counters
}

func newWriter(conn, beside *zs.Conn, r *readers, opt Options, closing chan struct{}) *writer {
	w := &writer{
		s: newSession(conn), readers: r, opt: opt,
		updates: make(chan *job, opt.Queue), bulks: make(chan *job, opt.Queue),
		closing: closing, done: make(chan struct{}),
		timer: time.NewTimer(time.Hour), wrote: true,
	}
	w.timer.Stop()
	w.beside = newCheckpointer(beside, &w.stats)
	return w
}

func (w *writer) close() error {
	if err := errors.Join(w.beside.close(), w.s.conn.Close()); err != nil {
		return fmt.Errorf("close the database: %w", translate(err))
	}
	return nil
}

// run serves both lanes until the database closes and its queues are empty.
func (w *writer) run() {
	defer close(w.done)
	for {
		j, bulk, ok := w.next()
		if !ok {
			w.empty()
			return
		}
		began := time.Now()
		switch {
		case j == nil:
			w.empty()
		case bulk:
			w.bulk(j)
			w.debt = bulkShare * time.Since(began)
		default:
			w.group(j)
			w.debt -= time.Since(began)
		}
	}
}

// next chooses a lane. Bulk work goes first when it owes nothing, Updates while
// it does and some wait; no job when the writer has long been idle.
func (w *writer) next() (j *job, bulk, ok bool) {
	if w.debt > 0 {
		select {
		case j := <-w.updates:
			return j, false, true
		default:
			w.debt = 0
		}
	}
	select {
	case j := <-w.bulks:
		return j, true, true
	default:
	}
	rest := time.NewTimer(w.opt.idle)
	defer rest.Stop()
	select {
	case j := <-w.updates:
		return j, false, true
	case j := <-w.bulks:
		return j, true, true
	case <-rest.C:
		return nil, false, true
	case <-w.closing:
	}
	select { // nothing is added after closing
	case j := <-w.updates:
		return j, false, true
	case j := <-w.bulks:
		return j, true, true
	default:
		return nil, false, false
	}
}

// bulk runs one closure alone, without a limit.
func (w *writer) bulk(j *job) {
	if !j.take() {
		return
	}
	if err := w.begin(); err != nil {
		j.result <- err
		return
	}
	w.stats.bulks.Add(1)
	h := &handle{s: w.s}
	j.turn <- h
	err := <-j.ended
	h.end(errStale)
	if err == nil {
		err = w.commit()
	} else {
		w.rollback()
	}
	j.result <- err
	w.tend()
}

func (w *writer) begin() error {
	if w.beside.failed.Load() {
		w.stop(errSync)
	}
	if w.broken != nil {
		return w.broken
	}
	err := w.s.exec("BEGIN IMMEDIATE")
	if err != nil {
		w.rollback()
	}
	return err
}

// commit makes the transaction durable or leaves none of it; only when the disk
// failed meanwhile the file may hold all of it after all: store.ErrUnknown.
func (w *writer) commit() error {
	if w.s.conn.AutocommitEnabled() {
		return store.ErrBatch // lost without an error that we saw
	}
	began := time.Now()
	err := w.s.exec("COMMIT")
	w.stats.commitTime.Add(int64(time.Since(began)))
	w.stats.commits.Add(1)
	w.wrote = true
	if err != nil {
		w.stop(err)
		w.rollback()
		if errors.Is(err, store.ErrUnavailable) {
			err = fmt.Errorf("%w: %w", store.ErrUnknown, err)
		}
	}
	return err
}

// rollback undoes the transaction, if SQLite has not done so by itself.
func (w *writer) rollback() {
	if w.s.conn.AutocommitEnabled() {
		return
	}
	if err := w.s.exec("ROLLBACK"); err != nil && !w.s.conn.AutocommitEnabled() {
		w.broken = fmt.Errorf("%w: a transaction did not end", store.ErrUnavailable)
		w.stats.broken.Store(true)
	}
}

// stop refuses further writes after a failed fsync: the kernel may have dropped
// what it could not write and report success next time, so only opening the file
// again tells what it holds.
func (w *writer) stop(err error) {
	if errors.Is(err, errSync) {
		w.broken = fmt.Errorf("%w: %w", store.ErrUnavailable, errSync)
		w.stats.broken.Store(true)
	}
}

// await waits until the closure ends or has used up its own time. The writer
// counts that time in ticks, and lets every runnable goroutine run before each:
// a closure that only waits for a processor is not blamed for it.
func (w *writer) await(j *job, h *handle) error {
	const ticks = 5
	tick := w.opt.Limit / ticks
	w.timer.Reset(tick)
	defer w.timer.Stop()
	for spent := 0; ; {
		select {
		case err := <-j.ended:
			return err
		case <-w.timer.C:
		}
		runtime.Gosched()
		if h.outside() {
			spent++
		}
		select {
		case err := <-j.ended:
			return err
		default:
		}
		if spent >= ticks && h.cut() {
			w.stats.slow.Add(1)
			return store.ErrSlow
		}
		w.timer.Reset(tick)
	}
}
