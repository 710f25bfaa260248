package store

import (
	"context"

	"github.com/amanah-project/amanah/internal/fault"
)

// ErrShape: a table is not what the copy of it was made of: another program's, or one
// with columns that may be absent.
var ErrShape = fault.New(fault.Conflict, "the database has other tables than the copy: use the program of the version that made it, then bring it up to date")

// ValueKind is the type of a column's values, the same on every engine.
type ValueKind uint8

// The types that columns have; none is ever absent.
const (
	IntValue ValueKind = 1 + iota
	BytesValue
	TextValue
)

// Column is one column of a table.
type Column struct {
	Name string
	Kind ValueKind
	Key  int // its place in the primary key, from 1; 0 for none
}

// Table is one table as it is copied from one engine to another.
type Table struct {
	Name    string
	Columns []Column // ascending by name
}

// Value is what one column holds: Int, or Bytes, which are UTF-8 for a text.
type Value struct {
	Int   int64
	Bytes []byte
}

// Copier copies whole tables, whatever they hold: for backups, for moving to another
// engine, and for checks of what the stores do not list. Engines that keep tables
// have it beside DB; what it copies is sealed as it lies there.
type Copier interface {
	// Snapshot runs fn over one state of all tables, however long it takes.
	Snapshot(ctx context.Context, fn func(Snapshot) error) error
	// Fill adds rows to a table, durably, in one transaction. Values are in the order
	// of t.Columns. ErrShape when the table is another one.
	Fill(ctx context.Context, t Table, rows [][]Value) error
}

// Snapshot is one state of all tables.
type Snapshot interface {
	// Tables lists every table but the list of migrations, in an order in which they
	// may be filled.
	Tables() ([]Table, error)
	// Rows hands on every row of a table, ascending by its primary key; bytes and
	// texts compare byte by byte. The values are fn's to keep.
	Rows(t Table, fn func([]Value) error) error
}
