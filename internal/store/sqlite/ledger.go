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
		if err := tx.AdoptLater(); err != nil {
			return err
		}
		db.ledger.Store(l) // nobody else writes until this transaction's end
		return nil
	})
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
