package check_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/amanah-project/amanah/internal/flow/check"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/postgres"
	"github.com/amanah-project/amanah/internal/store/sqlite"
)

// postgresCopy is the town's database on PostgreSQL: an edit is made, and undone after the
// check.
type postgresCopy struct {
	db     *postgres.DB
	conn   *pgx.Conn
	tables map[string]store.Table
	rows   map[string][][]store.Value
}

func newPostgresCopy(t *testing.T, s *town) *postgresCopy {
	t.Helper()
	at := os.Getenv("TEST_POSTGRES")
	if at == "" {
		if os.Getenv("SKIP_POSTGRES") == "1" {
			t.Skip("NOT TESTED ON POSTGRESQL: SKIP_POSTGRES=1")
		}
		t.Fatal("TEST_POSTGRES is not set: run scripts/postgres.sh go test ./... or set SKIP_POSTGRES=1 to leave PostgreSQL untested")
	}
	ctx := context.Background()
	admin := func(sql string) {
		t.Helper()
		conn, err := pgx.Connect(ctx, at)
		must(t, err)
		defer conn.Close(ctx)
		_, err = conn.Exec(ctx, sql)
		must(t, err)
	}
	name := "test_" + rand.Text()
	admin(fmt.Sprintf(`CREATE DATABASE "%s"`, name))
	t.Cleanup(func() { admin(fmt.Sprintf(`DROP DATABASE "%s" WITH (FORCE)`, name)) })
	u, err := url.Parse(at)
	must(t, err)
	u.Path = "/" + name
	p := &postgresCopy{tables: map[string]store.Table{}, rows: map[string][][]store.Value{}}
	p.db, err = postgres.Open(ctx, u.String(), postgres.Options{Conns: 8})
	must(t, err)
	t.Cleanup(func() { must(t, p.db.Close()) })
	p.conn, err = pgx.Connect(ctx, u.String())
	must(t, err)
	t.Cleanup(func() { p.conn.Close(ctx) })
	from, err := sqlite.Open(s.template(), sqlite.Options{})
	must(t, err)
	defer from.Close()
	must(t, from.Snapshot(ctx, func(snap store.Snapshot) error {
		tables, err := snap.Tables()
		if err != nil {
			return err
		}
		for _, table := range tables {
			p.tables[table.Name] = table
			if err := snap.Rows(table, func(row []store.Value) error {
				p.rows[table.Name] = append(p.rows[table.Name], row)
				return nil
			}); err != nil {
				return err
			}
			if err := p.db.Fill(ctx, table, p.rows[table.Name]); err != nil {
				return err
			}
		}
		return nil
	}))
	return p
}

func (p *postgresCopy) with(t *testing.T, do []statement, fn func(db check.Database) error) error {
	ctx := context.Background()
	tx, err := p.conn.Begin(ctx)
	must(t, err)
	for _, st := range do {
		if _, err := tx.Exec(ctx, numbered(st.sql), st.args...); err != nil {
			return errors.Join(errEngine, err, tx.Rollback(ctx))
		}
	}
	if err := tx.Commit(ctx); err != nil {
		return errors.Join(errEngine, err)
	}
	defer p.undo(t, touched(do))
	return fn(p.db)
}

// numbered has parameters as PostgreSQL does.
func numbered(sql string) string {
	sql = strings.Replace(sql, ") VALUES (", ") OVERRIDING SYSTEM VALUE VALUES (", 1)
	for n := 1; strings.Contains(sql, "?"); n++ {
		sql = strings.Replace(sql, "?", fmt.Sprintf("$%d", n), 1)
	}
	return sql
}

// undo puts the rows of tables back, whatever refers to them.
func (p *postgresCopy) undo(t *testing.T, tables map[string]bool) {
	ctx := context.Background()
	tx, err := p.conn.Begin(ctx)
	must(t, err)
	_, err = tx.Exec(ctx, "SET LOCAL session_replication_role = replica")
	must(t, err)
	for name := range tables {
		_, err := tx.Exec(ctx, "DELETE FROM "+name)
		must(t, err)
		table := p.tables[name]
		var names, places []string
		for i, c := range table.Columns {
			names, places = append(names, `"`+c.Name+`"`), append(places, fmt.Sprintf("$%d", i+1))
		}
		sql := "INSERT INTO " + name + " (" + strings.Join(names, ", ") + ") OVERRIDING SYSTEM VALUE VALUES (" + strings.Join(places, ", ") + ")"
		for _, row := range p.rows[name] {
			var args []any
			for i, c := range table.Columns {
				switch c.Kind {
				case store.IntValue:
					args = append(args, row[i].Int)
				case store.TextValue:
					args = append(args, string(row[i].Bytes))
				default:
					args = append(args, append([]byte{}, row[i].Bytes...))
				}
			}
			_, err := tx.Exec(ctx, sql, args...)
			must(t, err)
		}
	}
	must(t, tx.Commit(ctx))
}
