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
		return tx.AdoptLater()
	})
	if err == nil {
		db.ledger.Store(l)
	}
	return err
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
