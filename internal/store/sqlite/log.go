package sqlite

import (
	"errors"
	"sync/atomic"
	"time"

	zs "zombiezen.com/go/sqlite"
)

const (
	lookLog  = "PRAGMA wal_checkpoint(NOOP)"
	backLog  = "PRAGMA wal_checkpoint(PASSIVE)"
	emptyLog = "PRAGMA wal_checkpoint(TRUNCATE)"
)

// oldView is the age at which a View may be cut for the log's sake.
const oldView = 10 * time.Second

// log is the write-ahead log as a connection last saw it, in pages.
type log struct {
	pages int // in the log
	back  int // of them written back into the database
}

// look runs one of the log's pragmas.
func (l *log) look(s *session, sql string) error {
	st, err := s.prepared(sql)
	if err != nil {
		return err
	}
	more, err := s.step(sql, st)
	if err != nil {
		st.Reset() // one that stays open keeps its snapshot, which no write may follow
		return translate(err)
	}
	if pages := st.ColumnInt(1); more && pages >= 0 {
		l.pages, l.back = pages, st.ColumnInt(2)
	}
	return translate(st.Reset())
}

// tend writes the log back when it is long; it runs after the answers have left.
// The checkpointer does the bulk of it beside the writer, which only adds what
// came in meanwhile: when everything is written back at one moment, the next
// commit starts the log anew. A View that still reads an older state prevents
// that; one that does so for long is cut.
func (w *writer) tend() {
	if w.broken != nil || !w.kept(w.log.look(w.s, lookLog)) {
		return
	}
	w.stats.log.Store(int64(w.log.pages))
	if w.log.pages < w.tended {
		w.tended = 0 // it started anew
	}
	step := w.opt.Checkpoint / 8
	if w.log.pages < w.opt.Checkpoint || w.log.pages < w.tended+step || w.beside.busy.Load() {
		return
	}
	w.tended = w.log.pages
	if w.log.pages >= 4*w.opt.Checkpoint {
		w.stats.cuts.Add(uint64(w.readers.cut(time.Now().Add(-oldView))))
	}
	if w.log.pages-w.log.back > 2*step {
		w.beside.start()
		w.tended -= step // look again at once when it is done
		return
	}
	w.checkpoint(backLog)
}

// empty writes the whole log back and cuts its file to nothing, unless a View
// needs it; so what was deleted does not live on in it. It is done once after the last
// write and not again: another process that writes beside waits for it, in steps of
// its busy handler that grow far beyond what the work takes.
func (w *writer) empty() {
	if !w.wrote || w.broken != nil || w.beside.busy.Load() || !w.kept(w.log.look(w.s, lookLog)) {
		return
	}
	if w.log.pages > 0 {
		w.s.conn.SetBusyTimeout(0)
		w.checkpoint(emptyLog)
		w.s.conn.SetBusyTimeout(busy)
		w.tended = 0
	}
	w.wrote = w.log.pages > 0 // another may have emptied it: what lies in it later is not this one's
	w.stats.log.Store(int64(w.log.pages))
}

// checkpoint writes back on the writer's own time.
func (w *writer) checkpoint(sql string) {
	began := time.Now()
	if w.kept(w.log.look(w.s, sql)) {
		w.stats.checkpoints.Add(1)
	}
	w.stats.checkpointTime.Add(int64(time.Since(began)))
}

// kept notes a failure to look after the log. It costs room, not data, unless an
// fsync failed.
func (w *writer) kept(err error) bool {
	if err != nil {
		w.stop(err)
		w.stats.unkept.Add(1)
	}
	return err == nil
}

// checkpointer writes the log back on a connection of its own, beside the writer.
type checkpointer struct {
	s      *session
	stats  *counters
	wake   chan struct{}
	done   chan struct{}
	busy   atomic.Bool
	failed atomic.Bool // an fsync failed
}

func newCheckpointer(conn *zs.Conn, stats *counters) *checkpointer {
	c := &checkpointer{s: newSession(conn), stats: stats, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go c.run()
	return c
}

func (c *checkpointer) run() {
	defer close(c.done)
	for range c.wake {
		var l log
		switch err := l.look(c.s, backLog); {
		case err == nil:
			c.stats.checkpoints.Add(1)
		case errors.Is(err, errSync):
			c.failed.Store(true)
			c.stats.broken.Store(true)
		default:
			c.stats.unkept.Add(1)
		}
		c.busy.Store(false)
	}
}

func (c *checkpointer) start() {
	c.busy.Store(true)
	c.wake <- struct{}{}
}

// close waits for a checkpoint that runs.
func (c *checkpointer) close() error {
	close(c.wake)
	<-c.done
	return c.s.conn.Close()
}
