// Package sqlite is the embedded database: one file, one writer, group commit.
//
// Many queued Updates run in one transaction, each undone alone if it fails, and
// share one fsync; no answer leaves before COMMIT has returned. A closure runs on
// its caller's goroutine with the writer's connection lent to it. It has 5 ms of
// its own time, the time outside statements; one that blocks longer loses the
// connection, its writes and nobody else's. A lost transaction fails the whole
// batch, never half of it.
//
// It promises durability as far as the file system keeps fsync's promise. It does
// not promise that a closure which calls DB again gets anywhere, and it is for
// one host: others of the same host may open the file beside it, and wait.
package sqlite

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	zs "zombiezen.com/go/sqlite"

	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/sqlstore"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options tune a database; the zero value is usable.
type Options struct {
	// Linger is how long a commit waits for company after its queue has stopped
	// growing. Default none; about 2 ms serves two cores and more.
	Linger time.Duration
	// Limit is a closure's own time; default 5 ms. Bulk has none.
	Limit time.Duration
	// Queue is how many Updates may wait before callers wait to wait; default 1,024.
	Queue int
	// Readers is how many Views run at once; default 4.
	Readers int
	// Cache is the writer's page cache in KiB, each reader has a quarter of it;
	// default 16,384: a large one costs each commit a walk through it.
	Cache int
	// Checkpoint is the log's length, in pages, at which it is written
	// back into the database; default 4,000. At four times that length, Views older
	// than 10 s are cut so that the log can start anew.
	Checkpoint int
	// idle is how long the writer waits without work before it empties the log;
	// default 5 s.
	idle time.Duration
}

func (o Options) withDefaults() Options {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&o.Queue, 1024)
	def(&o.Readers, 4)
	def(&o.Cache, 16384)
	def(&o.Checkpoint, 4000)
	if o.idle <= 0 {
		o.idle = 5 * time.Second
	}
	if o.Limit <= 0 {
		o.Limit = 5 * time.Millisecond
	}
	return o
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	path    string
	writer  *writer
	readers *readers
	closing chan struct{}
	ledger  atomic.Pointer[sqlstore.Ledger]

	mu     sync.RWMutex // held for reading while a job is put into a queue
	closed bool
}

var _ store.DB = (*DB)(nil)

// Open opens or makes the database at path, brings its schema up to date and
// starts its writer. The file must be readable by its owner only.
func Open(path string, opt Options) (*DB, error) {
	opt = opt.withDefaults()
	if err := private(path); err != nil {
		return nil, err
	}
	conn, err := connect(path, writing, opt.Cache)
	if err != nil {
		return nil, err
	}
	if err := migrate(conn, sub(migrations)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	db := &DB{path: path, closing: make(chan struct{})}
	beside, err := connect(path, writing, 64)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if db.readers, err = newReaders(path, opt, db.closing); err != nil {
		return nil, errors.Join(err, beside.Close(), conn.Close())
	}
	db.writer = newWriter(conn, beside, db.readers, opt, db.closing)
	go db.writer.run()
	return db, nil
}

// sub is the folder of the embedded migrations.
func sub(f embed.FS) fs.FS {
	s, err := fs.Sub(f, "migrations")
	if err != nil {
		panic(err) // the folder is part of the binary
	}
	return s
}

// private makes the file before SQLite does, so that it and the log and index
// beside it, which take its mode, are never readable by others.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("open the database: %s may be read by others than its owner: set its mode to 0600", path)
	}
	if info.Size() > 0 {
		return nil
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer dir.Close()
	return dir.Sync()
}

// View runs fn over a snapshot, on a pooled connection. ctx governs the wait for
// one and nothing after it. A View older than 10 s is cut with store.ErrSlow when
// it keeps the log from being shortened.
func (db *DB) View(ctx context.Context, fn func(store.Stores) error) error {
	return db.readers.view(ctx, func(h *handle) error { return over(fn)(sqlstore.New(h, db.ledger.Load())) })
}

// tries is how often an Update is run that its own slowness or a neighbour's loss
// undid: on a busy machine 5 ms go by without any fault of the closure's.
const tries = 4

// Update runs fn in the next group commit, and again in a later one when it took too
// long or its batch was lost. store.ErrSlow or store.ErrBatch when that was so each
// time.
func (db *DB) Update(ctx context.Context, fn func(store.Stores) error) (err error) {
	for range tries {
		err = db.write(ctx, db.writer.updates, over(fn))
		if !errors.Is(err, store.ErrSlow) && !errors.Is(err, store.ErrBatch) || ctx.Err() != nil {
			break
		}
	}
	return err
}

// Bulk runs fn in a transaction of its own between group commits. While it runs
// no Update does; then waiting Updates have the writer for four times as long
// before the next Bulk, so a long import cut into short closures takes at most a
// fifth of a busy writer. Cutting it is the caller's duty.
func (db *DB) Bulk(ctx context.Context, fn func(store.Stores) error) error {
	return db.write(ctx, db.writer.bulks, over(fn))
}

// over makes a closure over stores one over a transaction.
func over(fn func(store.Stores) error) func(*sqlstore.Tx) error {
	return func(tx *sqlstore.Tx) error {
		if err := fn(tx.Stores()); err != nil {
			return err
		}
		return tx.Err()
	}
}

// write runs a closure in a transaction that may change something, which the ledger
// notes.
func (db *DB) write(ctx context.Context, lane chan *job, fn func(*sqlstore.Tx) error) error {
	var tx *sqlstore.Tx
	err := db.do(ctx, lane, func(h *handle) error {
		tx = sqlstore.New(h, db.ledger.Load()).Alone()
		return fn(tx)
	})
	if err == nil {
		tx.Committed()
	}
	return err
}

func (db *DB) do(ctx context.Context, lane chan *job, fn func(*handle) error) error {
	if ctx.Err() != nil {
		return queueing(ctx)
	}
	j := newJob(fn)
	if err := db.queue(ctx, lane, j); err != nil {
		return err
	}
	return j.do(ctx)
}

func (db *DB) queue(ctx context.Context, lane chan *job, j *job) error {
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.closed {
		return store.ErrClosed
	}
	select {
	case lane <- j:
		return nil
	case <-ctx.Done():
		return queueing(ctx)
	}
}

func queueing(ctx context.Context) error {
	return fmt.Errorf("wait for the database: %w", ctx.Err())
}

// Close serves what is queued, waits for running closures and closes the file.
func (db *DB) Close() error {
	db.mu.Lock()
	again := db.closed
	db.closed = true
	db.mu.Unlock()
	if again {
		return nil
	}
	close(db.closing)
	<-db.writer.done
	return errors.Join(db.readers.close(), db.writer.close())
}

// What a connection may do.
const (
	writing = zs.OpenReadWrite | zs.OpenCreate
	reading = zs.OpenReadOnly
)
