package sqlite

import (
	"fmt"
	"io/fs"
	"time"

	zs "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/amanah-project/amanah/internal/store/sqlstore"
)

const makeSchema = `CREATE TABLE IF NOT EXISTS schema_migration (
	number  INTEGER PRIMARY KEY,
	name    TEXT NOT NULL,
	sum     TEXT NOT NULL,
	applied INTEGER NOT NULL
) STRICT`

// migrate brings the schema up to date in one transaction, so that two processes
// opening a file at once do not both do it.
func migrate(conn *zs.Conn, folder fs.FS) (err error) {
	all, err := sqlstore.Migrations(folder)
	if err != nil {
		return err
	}
	end, err := sqlitex.ImmediateTransaction(conn)
	if err != nil {
		return fmt.Errorf("migrate: %w", translate(err))
	}
	defer end(&err)
	if err := sqlitex.ExecuteTransient(conn, makeSchema, nil); err != nil {
		return fmt.Errorf("migrate: %w", translate(err))
	}
	had, err := applied(conn)
	if err != nil {
		return err
	}
	pending, err := sqlstore.Pending(all, had)
	if err != nil {
		return err
	}
	for _, m := range pending {
		if err := apply(conn, m); err != nil {
			return fmt.Errorf("migration %04d_%s: %w", m.Number, m.Name, err)
		}
	}
	return nil
}

func applied(conn *zs.Conn) ([]sqlstore.Applied, error) {
	var had []sqlstore.Applied
	err := sqlitex.ExecuteTransient(conn, `SELECT number, name, sum FROM schema_migration ORDER BY number`, &sqlitex.ExecOptions{
		ResultFunc: func(s *zs.Stmt) error {
			had = append(had, sqlstore.Applied{Number: s.ColumnInt(0), Name: s.ColumnText(1), Sum: s.ColumnText(2)})
			return nil
		},
	})
	return had, err
}

func apply(conn *zs.Conn, m sqlstore.Migration) error {
	if err := sqlitex.ExecuteScript(conn, m.SQL, nil); err != nil {
		return err
	}
	return sqlitex.ExecuteTransient(conn,
		`INSERT INTO schema_migration (number, name, sum, applied) VALUES (?1, ?2, ?3, ?4)`,
		&sqlitex.ExecOptions{Args: []any{m.Number, m.Name, m.Sum, time.Now().UnixMicro()}})
}
