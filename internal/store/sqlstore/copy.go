package sqlstore

import (
	"fmt"
	"slices"
	"strings"

	"github.com/amanah-project/amanah/internal/store"
)

// Copy is a store.Snapshot over one transaction, and fills tables.
type Copy struct {
	Conn Conn
	// Schema selects each column of each table: table, column, type, whether it is
	// never absent, place in the primary key. Tables are in the order of their making.
	Schema string
	// Collate follows a text that is sorted, so that it is by bytes.
	Collate string
	// Overriding lets rows have numbers that the engine gives otherwise.
	Overriding string
}

var _ store.Snapshot = Copy{}

// kinds are the types of both dialects.
var kinds = map[string]store.ValueKind{
	"INTEGER": store.IntValue, "bigint": store.IntValue, "integer": store.IntValue, "smallint": store.IntValue,
	"BLOB": store.BytesValue, "bytea": store.BytesValue,
	"TEXT": store.TextValue, "text": store.TextValue,
}

// Tables implements store.Snapshot.
func (c Copy) Tables() ([]store.Table, error) {
	var out []store.Table
	err := c.Conn.QueryEach(c.Schema, 1, func(int, *Args) {}, func(_ int, r Row) error {
		table, column, kind := r.Text(0), store.Column{Name: r.Text(1), Key: int(r.Int(4))}, r.Text(2)
		column.Kind = kinds[kind]
		if column.Kind == 0 || r.Int(3) == 0 && column.Key == 0 {
			return fmt.Errorf("%w (%s.%s)", store.ErrShape, table, column.Name)
		}
		if n := len(out); n == 0 || out[n-1].Name != table {
			out = append(out, store.Table{Name: table})
		}
		last := &out[len(out)-1]
		last.Columns = append(last.Columns, column)
		return nil
	})
	return out, err
}

// Rows implements store.Snapshot.
func (c Copy) Rows(t store.Table, fn func([]store.Value) error) error {
	var keys []string
	order := slices.Clone(t.Columns)
	slices.SortFunc(order, func(a, b store.Column) int { return a.Key - b.Key })
	for _, col := range order {
		switch {
		case col.Key > 0 && col.Kind == store.TextValue:
			keys = append(keys, quote(col.Name)+c.Collate)
		case col.Key > 0:
			keys = append(keys, quote(col.Name))
		}
	}
	if len(keys) == 0 {
		return fmt.Errorf("%w (%s has no primary key)", store.ErrShape, t.Name)
	}
	sql := "SELECT " + strings.Join(columns(t), ", ") + " FROM " + quote(t.Name) + " ORDER BY " + strings.Join(keys, ", ")
	return c.Conn.QueryEach(sql, 1, func(int, *Args) {}, func(_ int, r Row) error {
		return fn(values(t, r))
	})
}

// Fill adds rows to a table.
func (c Copy) Fill(t store.Table, rows [][]store.Value) error {
	tables, err := c.Tables()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(tables, func(have store.Table) bool {
		return have.Name == t.Name && slices.Equal(have.Columns, t.Columns)
	}) {
		return fmt.Errorf("%w (%s)", store.ErrShape, t.Name)
	}
	var names, places []string
	for i, col := range t.Columns {
		names, places = append(names, quote(col.Name)), append(places, fmt.Sprintf("$%d", i+1))
	}
	sql := "INSERT INTO " + quote(t.Name) + " (" + strings.Join(names, ", ") + ")" + c.Overriding + " VALUES (" + strings.Join(places, ", ") + ")"
	return c.Conn.ExecEach(sql, len(rows), func(i int, a *Args) {
		for n, v := range rows[i] {
			bindValue(a, t.Columns[n], v)
		}
	}, nil)
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
