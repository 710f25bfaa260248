package postgres

import (
	"context"

	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/sqlstore"
)

var _ store.Ledgered = (*DB)(nil)

// KeepLedger implements store.Ledgered.
func (db *DB) KeepLedger(ctx context.Context, key store.LedgerKey, adopt bool) error {
	var l *sqlstore.Ledger
	err := db.run(ctx, kind{begin: beginBulk, lock: " FOR UPDATE"}, func(s *session) error {
		tables, err := sqlstore.Copy{Conn: s, Schema: schema, Collate: byBytes}.Tables()
		if err != nil {
			return err
		}
		l = sqlstore.NewLedger(key, tables)
		tx := sqlstore.New(s, l)
		if adopt {
			if err := tx.Adopt(); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		db.ledger.Store(l)
	}
	return err
}

// AdoptLater implements store.Ledgered.
func (db *DB) AdoptLater(ctx context.Context, mark store.LedgerMark) error {
	return db.write(ctx, kind{begin: beginBulk, lock: " FOR UPDATE"}, func(t *sqlstore.Tx) error { return t.AdoptLater(mark) })
}

// LedgerAt implements store.Ledgered.
func (db *DB) LedgerAt(ctx context.Context, seq uint64) (at store.LedgerMark, err error) {
	err = db.run(ctx, kind{begin: beginView}, func(s *session) (err error) {
		at, err = sqlstore.New(s, nil).LedgerAt(seq)
		return err
	})
	return at, err
}

// NoteLeaves implements store.Ledgered.
func (db *DB) NoteLeaves(ctx context.Context) error {
	return db.write(ctx, kind{begin: beginBulk, lock: " FOR UPDATE"}, (*sqlstore.Tx).NoteLeaves)
}

// PruneLedger implements store.Ledgered.
func (db *DB) PruneLedger(ctx context.Context, after, below uint64) (next uint64, err error) {
	err = db.write(ctx, kind{begin: beginBulk, lock: " FOR UPDATE"}, func(t *sqlstore.Tx) (err error) {
		next, err = t.Prune(after, below)
		return err
	})
	return next, err
}

// FollowLedger implements store.Ledgered.
func (db *DB) FollowLedger(ctx context.Context) error {
	l := db.ledger.Load()
	if l == nil {
		return nil
	}
	return l.Follow(func(fn func(*sqlstore.Tx) error) error {
		return db.run(ctx, kind{begin: beginView}, func(s *session) error { return fn(sqlstore.New(s, l)) })
	})
}

// Bare implements store.Ledgered.
func (db *DB) Bare() store.DB { return bare{db} }

// bare reads rows as they lie there.
type bare struct{ *DB }

func (b bare) View(ctx context.Context, fn func(store.Stores) error) error {
	return b.run(ctx, kind{begin: beginView, silence: 2 * b.opt.Statement}, func(s *session) error {
		return over(fn)(sqlstore.New(s, nil))
	})
}
