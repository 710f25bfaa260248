// Package postgres is the database for several servers: PostgreSQL through pgx,
// without database/sql.
//
// Every Update and Bulk runs at SERIALIZABLE and is run again, a bounded number of
// times, when PostgreSQL says that it met another. So a closure means the same
// here as on SQLite, where one runs at a time, and no flow has to know which rows
// of others its decision rests on. Counts that many change are held beside, which
// turns most collisions into short waits. A View is one REPEATABLE READ snapshot.
//
// The context of a request governs the wait for a connection and no statement; a
// statement, a lock and an idle transaction have limits of their own, at the server
// and, but for Bulk, here, where a Bulk has only TCP's keepalive. It promises
// durability as far as the server's synchronous_commit does, which must not be
// off, and it does not replicate, back up or fail over.
package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/sqlstore"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options tune a database; the zero value is usable.
type Options struct {
	// Conns is how many connections the pool may hold; default 16. One Bulk at a
	// time has one of them.
	Conns int
	// Statement is how long one statement may take; default 5 s. Bulk has none.
	// A server that is silent for twice as long is given up for lost.
	Statement time.Duration
	// Lock is how long a statement waits for a row another transaction holds;
	// default 2 s.
	Lock time.Duration
	// Idle is how long a closure may do nothing inside its transaction before the
	// server ends it; default 5 s. Bulk has none.
	Idle time.Duration
	// Tries is how often a transaction that met another is run; default 12.
	Tries int
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&o.Statement, 5*time.Second)
	def(&o.Lock, 2*time.Second)
	def(&o.Idle, 5*time.Second)
	if o.Conns <= 1 {
		o.Conns = 16
	}
	if o.Tries <= 0 {
		o.Tries = 12
	}
	return o
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	pool *pgxpool.Pool
	opt  Options
	bulk chan struct{} // held by the Bulk that runs

	ledger atomic.Pointer[sqlstore.Ledger]

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

var _ store.DB = (*DB)(nil)

// Open connects to the database at url and brings its schema up to date. Settings
// that url leaves out come from the PG* environment, as libpq has it.
func Open(ctx context.Context, url string, opt Options) (*DB, error) {
	opt = opt.withDefaults()
	cfg, err := config(url, opt)
	if err != nil {
		return nil, err
	}
	folder, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", translate(err, true))
	}
	if err := prepare(ctx, pool, folder); err != nil {
		pool.Close()
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return &DB{pool: pool, opt: opt, bulk: make(chan struct{}, 1)}, nil
}

// errURL tells nothing of the URL: it may hold a password.
var errURL = errors.New("the database's URL is malformed: want postgres://user:password@host:port/database")

// connecting is the longest that making a connection may take; a URL may ask for less.
const connecting = 5 * time.Second

func config(url string, opt Options) (*pgxpool.Config, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errURL
	}
	cfg.MaxConns = int32(opt.Conns)
	cfg.PingTimeout = opt.Lock
	c := cfg.ConnConfig
	if c.ConnectTimeout <= 0 || c.ConnectTimeout > connecting {
		c.ConnectTimeout = connecting
	}
	if c.DefaultQueryExecMode != pgx.QueryExecModeCacheDescribe { // rows are read in the binary form
		c.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	}
	ms := func(d time.Duration) string { return strconv.FormatInt(max(d.Milliseconds(), 1), 10) }
	c.RuntimeParams["application_name"] = "amanah"
	c.RuntimeParams["statement_timeout"] = ms(opt.Statement)
	c.RuntimeParams["lock_timeout"] = ms(opt.Lock)
	c.RuntimeParams["idle_in_transaction_session_timeout"] = ms(opt.Idle)
	return cfg, nil
}

// What begins a transaction.
const (
	beginView   = "begin isolation level repeatable read read only"
	beginUpdate = "begin isolation level serializable"
	beginBulk   = beginUpdate + "; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0"
)

// View runs fn over a snapshot.
func (db *DB) View(ctx context.Context, fn func(store.Stores) error) error {
	return db.write(ctx, kind{begin: beginView, silence: 2 * db.opt.Statement}, over(fn))
}

// Update runs fn in a transaction, again while that meets others.
func (db *DB) Update(ctx context.Context, fn func(store.Stores) error) error {
	return db.write(ctx, kind{begin: beginUpdate, lock: " FOR UPDATE", silence: 2 * db.opt.Statement}, over(fn))
}

// Bulk is Update without a limit of time, one at a time for each server. Its
// transactions meet others as any: short ones fare better.
func (db *DB) Bulk(ctx context.Context, fn func(store.Stores) error) error {
	if ctx.Err() != nil {
		return queueing(ctx)
	}
	select {
	case db.bulk <- struct{}{}:
	case <-ctx.Done():
		return queueing(ctx)
	}
	defer func() { <-db.bulk }()
	return db.write(ctx, kind{begin: beginBulk, lock: " FOR UPDATE"}, over(fn))
}

// write runs a closure in a transaction; what it changes the ledger notes.
func (db *DB) write(ctx context.Context, k kind, fn func(*sqlstore.Tx) error) error {
	var tx *sqlstore.Tx
	err := db.run(ctx, k, func(s *session) error {
		tx = sqlstore.New(s, db.ledger.Load())
		return fn(tx)
	})
	if err == nil {
		tx.Committed()
	}
	return err
}

// over makes a closure over stores one over a transaction.
func over(fn func(store.Stores) error) func(*sqlstore.Tx) error {
	return func(tx *sqlstore.Tx) error {
		err := fn(tx.Stores())
		if failed := tx.Err(); err == nil || errors.Is(failed, errAgain) {
			err = failed // whatever the closure made of it
		}
		return err
	}
}

// kind is what a transaction may do.
type kind struct {
	begin, lock string
	silence     time.Duration // how long the server may take to answer; 0 is as long as it likes
}

// run is the one place where a transaction is tried again.
func (db *DB) run(ctx context.Context, k kind, fn func(*session) error) error {
	if err := db.enter(ctx); err != nil {
		return err
	}
	defer db.running.Done()
	for try := 1; ; try++ {
		err := db.once(ctx, k, fn)
		if !errors.Is(err, errAgain) || try >= db.opt.Tries {
			return err
		}
		pause := time.Millisecond << min(try-1, 6)
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
			return queueing(ctx)
		}
	}
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

// once runs one transaction.
func (db *DB) once(ctx context.Context, k kind, fn func(*session) error) error {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return queueing(ctx)
		}
		return translate(err, true)
	}
	defer conn.Release()
	s := &session{conn: conn.Conn(), lock: k.lock, silence: k.silence}
	if err := s.exec(k.begin); err != nil {
		if s.conn.IsClosed() { // an old connection of a server that went away: nothing was done
			return again(err)
		}
		return err
	}
	committed := false
	defer func() {
		if s.end(); !committed {
			_ = s.exec("rollback") // a connection that cannot is not used again
		}
	}()
	if err := fn(s); err != nil {
		return err
	}
	committed = true
	return s.commit()
}

// Close waits for running closures and closes every connection.
func (db *DB) Close() error {
	db.mu.Lock()
	again := db.closed
	db.closed = true
	db.mu.Unlock()
	db.running.Wait()
	if !again {
		db.pool.Close()
	}
	return nil
}
