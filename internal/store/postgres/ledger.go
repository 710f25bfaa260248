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
		if !adopt {
			return nil
		}
		return sqlstore.New(s, l).Adopt()
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
