package sqlstore

import (
	"slices"
	"strings"

	"github.com/amanah-project/amanah/internal/store"
)

const (
	newestEntry = `SELECT seq, mac, chain FROM store_ledger WHERE name = $1 AND row_key = $2
		ORDER BY seq DESC LIMIT 1`
	chainAt = `SELECT chain FROM store_ledger WHERE seq = $1`
)

// held holds a row of the ledger's, named by its primary key, against its newest entry; a
// row that is not there against there being none. store.ErrAltered, which ends the
// transaction. The row is held until then.
func (t *Tx) held(name string, bind func(a *Args)) error {
	if t.err != nil || t.ledger == nil {
		return t.err
	}
	_, err := t.heldEach(t.ledger.reads(t.ledger.rows[name].sql+t.conn.Lock()), 1, func(_ int, a *Args) { bind(a) }, func(int, Row) error { return nil }, false)
	return err
}

const entriesFrom = `SELECT seq, name, row_key, mac, chain FROM store_ledger WHERE seq > $1 ORDER BY seq LIMIT $2`

func (t *Tx) entriesFrom(after uint64, n int) (out []store.LedgerEntry, err error) {
	err = t.conn.QueryEach(entriesFrom, 1, func(_ int, a *Args) {
		a.Number(after)
		a.Int(int64(n))
	}, func(_ int, r Row) error {
		e := store.LedgerEntry{Seq: uint64(r.Int(0)), Table: r.Text(1), Row: r.Bytes(2), MAC: r.Bytes(3)}
		r.Fixed(4, e.Chain[:])
		out = append(out, e)
		return nil
	})
	return out, err
}

// newest returns a row's newest entry, the zero one when there is none: an entry that is
// not of the chain is store.ErrAltered.
func (t *Tx) newest(name string, key []byte) (e store.LedgerEntry, err error) {
	if err := t.conn.QueryEach(newestEntry, 1, func(_ int, a *Args) {
		a.Text(name)
		a.Bytes(key)
	}, func(_ int, r Row) error {
		e = store.LedgerEntry{Seq: uint64(r.Int(0)), Table: name, Row: key, MAC: r.Bytes(1)}
		r.Fixed(2, e.Chain[:])
		return nil
	}); err != nil || e.Seq == 0 {
		return e, err
	}
	var before [32]byte
	if err := t.conn.QueryEach(chainAt, 1, func(_ int, a *Args) { a.Number(e.Seq - 1) }, func(_ int, r Row) error {
		r.Fixed(0, before[:])
		return nil
	}); err != nil {
		return e, err
	}
	if t.ledger.key.Chain(before, e) != e.Chain {
		return e, store.ErrAltered
	}
	return e, nil
}

// watching is a table whose rows are looked for by their primary key.
type watching struct {
	table store.Table
	sql   string // selects a row by its primary key
}

func newWatching(t store.Table) watching {
	keys := make([]string, 0, 2)
	for _, c := range byKey(t) {
		keys = append(keys, quote(c.Name)+" = "+place(len(keys)+1))
	}
	return watching{t, "SELECT " + strings.Join(columns(t), ", ") + " FROM " + quote(t.Name) + " WHERE " + strings.Join(keys, " AND ")}
}

// row is a row of nothing but its primary key.
func (w watching) row(key []Arg) []store.Value {
	out := make([]store.Value, len(w.table.Columns))
	for i, c := range byKey(w.table) {
		at := slices.IndexFunc(w.table.Columns, func(o store.Column) bool { return o.Name == c.Name })
		out[at] = store.Value{Int: key[i].Int, Bytes: key[i].Bytes}
		if key[i].Kind == Text {
			out[at].Bytes = []byte(key[i].Text)
		}
	}
	return out
}

// byKey are a table's columns of its primary key, in their order there.
func byKey(t store.Table) (out []store.Column) {
	for _, c := range t.Columns {
		if c.Key > 0 {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b store.Column) int { return a.Key - b.Key })
	return out
}

// Committed is to be called when the transaction was.
func (t *Tx) Committed() {
	if t.ledger == nil {
		return
	}
	if len(t.made) > 0 {
		t.ledger.seen.keep(t.made)
	}
	t.learn()
}
