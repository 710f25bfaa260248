// Package sqlstore holds every query once, in the SQL that SQLite and PostgreSQL
// share, and the stores built on them.
//
// It promises the same rows, the same order and the same sentinel errors on every
// engine that runs its statements through a Conn. It opens no database, starts no
// transaction and translates no driver's errors: the adapters do, once, by code.
// Nothing stored here can be read without the keeper but what docs/threat-model.md
// lists as clear.
package sqlstore

import (
	"errors"
	"math"
	"time"
)

// ErrReadOnly is returned for a write through a View: a mistake of ours.
var ErrReadOnly = errors.New("store: write in a View")

// Conn runs the statements of one transaction. It is made for batches: one
// statement, many rows, bound without boxing. Parameters are $1, $2 … and may
// occur more than once. Bytes and texts bound must stay as they are until the
// call returns. Errors are translated by the adapter.
type Conn interface {
	// ExecEach runs sql for n items; changed, unless nil, is told of each item how
	// many rows it changed, in order.
	ExecEach(sql string, n int, bind func(i int, a *Args), changed func(i int, rows int64)) error
	// QueryEach runs sql for n items and scans each item's rows, in order.
	QueryEach(sql string, n int, bind func(i int, a *Args), scan func(i int, r Row) error) error
	// Lock ends a SELECT whose rows are held until the transaction ends: the one
	// difference between the dialects.
	Lock() string
}

// Row is one row of a result, valid until scan returns. A column of another type
// or length fails the query.
type Row interface {
	Int(col int) int64
	Text(col int) string
	Bytes(col int) []byte      // a copy
	Fixed(col int, dst []byte) // of exactly this length
}

// Kind is the type of a parameter.
type Kind uint8

// The types.
const (
	Int Kind = iota
	Bytes
	Text
)

// Arg is one parameter.
type Arg struct {
	Kind  Kind
	Int   int64
	Bytes []byte
	Text  string
}

// Args are a statement's parameters, in order.
type Args struct{ List []Arg }

// Reset forgets the parameters and keeps their room.
func (a *Args) Reset() { a.List = a.List[:0] }

// Int adds a number.
func (a *Args) Int(v int64) { a.List = append(a.List, Arg{Kind: Int, Int: v}) }

// Bytes adds bytes.
func (a *Args) Bytes(v []byte) { a.List = append(a.List, Arg{Kind: Bytes, Bytes: v}) }

// Text adds a text.
func (a *Args) Text(v string) { a.List = append(a.List, Arg{Kind: Text, Text: v}) }

// Number adds an unsigned number. One beyond 2^63-1 becomes -1, which every table
// refuses and no row has.
func (a *Args) Number(v uint64) {
	if v > math.MaxInt64 {
		a.Int(-1)
		return
	}
	a.Int(int64(v))
}

// Time adds a moment in microseconds since 1970; 0 is none.
func (a *Args) Time(t time.Time) { a.Int(micros(t)) }

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
