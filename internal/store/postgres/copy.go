package postgres

import (
	"cmp"
	"context"
	"slices"

	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/sqlstore"
)

var _ store.Copier = (*DB)(nil)

const (
	schema = `SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL)::text,
			CASE WHEN a.attnotnull THEN 1 ELSE 0 END, COALESCE(array_position(k.conkey, a.attnum), 0)
		FROM pg_class c
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
		WHERE c.relnamespace = current_schema()::text::regnamespace AND c.relkind = 'r' AND c.relname <> 'schema_migration'
		ORDER BY c.oid, a.attname`
	byBytes = ` COLLATE "C"`

	// numberOn has a column that is numbered go on after the rows that were filled in.
	numberOn = `SELECT CASE WHEN $3::bigint < 1 OR pg_get_serial_sequence($1, $2) IS NULL THEN 0
		ELSE setval(pg_get_serial_sequence($1, $2), $3::bigint) END`

	beginSnapshot = beginView + "; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0"
)

// Snapshot runs fn over one state of all tables.
func (db *DB) Snapshot(ctx context.Context, fn func(store.Snapshot) error) error {
	return db.run(ctx, kind{begin: beginSnapshot}, func(s *session) error {
		c := sqlstore.Copy{Conn: s, Schema: schema, Collate: byBytes}
		// The snapshot is taken by the first read.
		if err := s.QueryEach(`SELECT 1`, 1, func(int, *sqlstore.Args) {}, func(int, sqlstore.Row) error { return nil }); err != nil {
			return err
		}
		return fn(c)
	})
}

// Fill adds rows to a table.
func (db *DB) Fill(ctx context.Context, t store.Table, rows [][]store.Value) error {
	return db.run(ctx, kind{begin: beginBulk, lock: " FOR UPDATE"}, func(s *session) error {
		c := sqlstore.Copy{Conn: s, Schema: schema, Collate: byBytes, Overriding: " OVERRIDING SYSTEM VALUE"}
		if err := c.Fill(t, rows); err != nil || len(rows) == 0 {
			return err
		}
		for i, col := range t.Columns {
			if col.Key != 1 || col.Kind != store.IntValue {
				continue
			}
			last := slices.MaxFunc(rows, func(a, b []store.Value) int { return cmp.Compare(a[i].Int, b[i].Int) })[i].Int
			if err := s.QueryEach(numberOn, 1, func(_ int, a *sqlstore.Args) {
				a.Text(t.Name)
				a.Text(col.Name)
				a.Int(last)
			}, func(int, sqlstore.Row) error { return nil }); err != nil {
				return err
			}
		}
		return nil
	})
}
