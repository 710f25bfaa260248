package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/amanah-project/amanah/internal/store/sqlstore"
)

// migrationLock is the number under which servers that start at once take turns.
const migrationLock = 0x616d616e6168 // "amanah"

const makeSchema = `CREATE TABLE schema_migration (
	number  BIGINT PRIMARY KEY,
	name    TEXT NOT NULL,
	sum     TEXT NOT NULL,
	applied BIGINT NOT NULL
)`

// errForgetful is a server that acknowledges what it may forget.
var errForgetful = errors.New("the server's synchronous_commit is off: it may forget what it acknowledged")

// prepare brings the schema up to date, in one transaction, and checks that the
// server keeps its word. A schema that is up to date is only read, so the role of
// a server needs no right to change it.
func prepare(ctx context.Context, pool *pgxpool.Pool, folder fs.FS) error {
	all, err := sqlstore.Migrations(folder)
	if err != nil {
		return err
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return translate(err, true)
	}
	defer conn.Release()
	var sync string
	if err := conn.QueryRow(ctx, `SHOW synchronous_commit`).Scan(&sync); err != nil {
		return translate(err, true)
	}
	if sync == "off" {
		return errForgetful
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return migrate(ctx, tx, all) })
}

func migrate(ctx context.Context, tx pgx.Tx, all []sqlstore.Migration) error {
	if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0`); err != nil {
		return translate(err, true)
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(migrationLock)); err != nil {
		return translate(err, true)
	}
	had, known, err := applied(ctx, tx)
	if err != nil {
		return translate(err, true)
	}
	pending, err := sqlstore.Pending(all, had)
	if err != nil {
		return err
	}
	if !known {
		if _, err := tx.Exec(ctx, makeSchema); err != nil {
			return translate(err, true)
		}
	}
	for _, m := range pending {
		if err := apply(ctx, tx, m); err != nil {
			return fmt.Errorf("migration %04d_%s: %w", m.Number, m.Name, err)
		}
	}
	return nil
}

func applied(ctx context.Context, tx pgx.Tx) (had []sqlstore.Applied, known bool, err error) {
	err = tx.QueryRow(ctx, `SELECT to_regclass('schema_migration') IS NOT NULL`).Scan(&known)
	if err != nil || !known {
		return nil, false, err
	}
	rows, err := tx.Query(ctx, `SELECT number, name, sum FROM schema_migration ORDER BY number`)
	if err != nil {
		return nil, true, err
	}
	had, err = pgx.CollectRows(rows, pgx.RowToStructByPos[sqlstore.Applied])
	return had, true, err
}

// apply runs a migration's statements as one text, which only the simple
// protocol takes.
func apply(ctx context.Context, tx pgx.Tx, m sqlstore.Migration) error {
	if _, err := tx.Exec(ctx, m.SQL, pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO schema_migration (number, name, sum, applied) VALUES ($1, $2, $3, $4)`,
		m.Number, m.Name, m.Sum, time.Now().UnixMicro())
	return err
}
