package e2e

import (
	"context"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// rows reads the installation's database directly, so that a count does not rest
// on the program that is under test. Bytes are written in hexadecimal.
func (s *site) rows(query string) [][]string {
	s.t.Helper()
	read := s.sqliteRows
	if len(s.database) > 0 {
		read = s.postgresRows
	}
	out, err := read(query)
	if err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	return out
}

func (s *site) sqliteRows(query string) (out [][]string, err error) {
	conn, err := sqlite.OpenConn(s.path("data", "amanah.db"), sqlite.OpenReadOnly)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	err = sqlitex.ExecuteTransient(conn, query, &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
		row := make([]string, stmt.ColumnCount())
		for i := range row {
			if stmt.ColumnType(i) != sqlite.TypeBlob {
				row[i] = stmt.ColumnText(i)
				continue
			}
			b := make([]byte, stmt.ColumnLen(i))
			stmt.ColumnBytes(i, b)
			row[i] = fmt.Sprintf("%x", b)
		}
		out = append(out, row)
		return nil
	}})
	return out, err
}

func (s *site) postgresRows(query string) (out [][]string, err error) {
	ctx := context.Background()
	url, err := os.ReadFile(s.database[3])
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, string(url))
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return nil, err
		}
		row := make([]string, len(values))
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				row[i] = fmt.Sprintf("%x", b)
			} else {
				row[i] = fmt.Sprint(v)
			}
		}
		out = append(out, row)
	}
	return out, rows.Err()
}
