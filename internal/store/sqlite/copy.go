package sqlite

import (
	"context"
	"errors"

	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/sqlstore"
)

var _ store.Copier = (*DB)(nil)

const schema = `SELECT m.name, c.name, c.type, c."notnull", c.pk
	FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c
	WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND m.name <> 'schema_migration'
	ORDER BY m.rowid, c.name`

// Snapshot runs fn over one state of all tables, on a connection of its own, which
// no writer cuts: the log grows until it ends.
func (db *DB) Snapshot(ctx context.Context, fn func(store.Snapshot) error) (err error) {
	if ctx.Err() != nil {
		return queueing(ctx)
	}
	conn, err := connect(db.path, reading, 4096)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	s := newSession(conn)
	if err := s.exec("BEGIN"); err != nil {
		return err
	}
	// The snapshot is taken by its first read.
	if err := s.exec(`SELECT 1 FROM schema_migration LIMIT 1`); err != nil {
		return err
	}
	h := &handle{s: s}
	defer h.end(errStale)
	return fn(sqlstore.Copy{Conn: h, Schema: schema})
}

// Fill adds rows to a table.
func (db *DB) Fill(ctx context.Context, t store.Table, rows [][]store.Value) error {
	return db.do(ctx, db.writer.bulks, func(h *handle) error {
		return sqlstore.Copy{Conn: h, Schema: schema}.Fill(t, rows)
	})
}
