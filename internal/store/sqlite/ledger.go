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
		if adopt {
			if err := sqlstore.New(h, l).Adopt(); err != nil {
				return err
			}
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
