package sqlite

import (
	"context"

	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/sqlstore"
)

var _ store.Ledgered = (*DB)(nil)

// KeepLedger implements store.Ledgered.
func (db *DB) KeepLedger(ctx context.Context, key store.LedgerKey, adopt bool) error {
	return db.do(ctx, db.writer.bulks, func(h *handle) error {
		tables, err := sqlstore.Copy{Conn: h, Schema: schema}.Tables()
		if err != nil {
			return err
		}
		l := sqlstore.NewLedger(key, tables)
		tx := sqlstore.New(h, l)
		if adopt {
			if err := tx.Adopt(); err != nil {
				return err
			}
		}
		db.ledger.Store(l) // nobody else writes until this transaction's end
		return nil
	})
}

// AdoptLater implements store.Ledgered.
func (db *DB) AdoptLater(ctx context.Context, mark store.LedgerMark) error {
	return db.write(ctx, db.writer.bulks, func(t *sqlstore.Tx) error { return t.AdoptLater(mark) })
}

// LedgerAt implements store.Ledgered.
func (db *DB) LedgerAt(ctx context.Context, seq uint64) (at store.LedgerMark, err error) {
	err = db.do(ctx, db.writer.bulks, func(h *handle) (err error) {
		at, err = sqlstore.New(h, nil).LedgerAt(seq)
		return err
	})
	return at, err
}

// NoteLeaves implements store.Ledgered.
func (db *DB) NoteLeaves(ctx context.Context) error {
	return db.write(ctx, db.writer.bulks, (*sqlstore.Tx).NoteLeaves)
}

// PruneLedger implements store.Ledgered.
func (db *DB) PruneLedger(ctx context.Context, after, below uint64) (next uint64, err error) {
	err = db.write(ctx, db.writer.bulks, func(t *sqlstore.Tx) (err error) {
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
		return db.readers.view(ctx, func(h *handle) error { return fn(sqlstore.New(h, l)) })
	})
}

// Bare implements store.Ledgered.
func (db *DB) Bare() store.DB { return bare{db} }

// bare reads rows as they lie there.
type bare struct{ *DB }

func (b bare) View(ctx context.Context, fn func(store.Stores) error) error {
	return b.readers.view(ctx, func(h *handle) error { return over(fn)(sqlstore.New(h, nil)) })
}
