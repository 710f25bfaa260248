package sqlstore

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"sync"

	"github.com/amanah-project/amanah/internal/store"
)

const (
	newestEntry = `SELECT seq, mac, chain FROM store_ledger WHERE name = $1 AND row_key = $2
		ORDER BY seq DESC LIMIT 1`
	chainAt = `SELECT chain FROM store_ledger WHERE seq = $1`
)

// held holds a row of a watched table, named by its primary key, against its newest entry
// in the ledger; a row that is not there against there being none. store.ErrAltered, which
// ends the transaction. The row is held until then.
func (t *Tx) held(name string, bind func(a *Args)) error {
	if t.err != nil || t.ledger == nil {
		return t.err
	}
	w, ok := t.ledger.watched[name]
	if !ok {
		return t.err
	}
	var key []byte
	var mac []byte
	if err := t.conn.QueryEach(w.sql+t.conn.Lock(), 1, func(_ int, a *Args) { bind(a) }, func(_ int, r Row) error {
		row := values(w.table, r)
		key, mac = t.ledger.key.Row(w.table, row), t.ledger.key.MAC(w.table, row)
		return nil
	}); err != nil {
		return t.fail(err)
	}
	if key == nil {
		t.scratch.Reset()
		bind(&t.scratch)
		key = t.ledger.key.Row(w.table, w.row(t.scratch.List))
	}
	last, err := t.newest(name, key)
	if err != nil {
		return t.fail(err)
	}
	if !bytes.Equal(last.MAC, mac) {
		return t.fail(store.ErrAltered)
	}
	seen := t.ledger.seen.newest(entryName(name, key))
	if seen <= last.Seq {
		return nil
	}
	if pruned, err := t.pruned(seen); err != nil || !pruned {
		return t.fail(cmp.Or(err, error(store.ErrAltered)))
	}
	return nil
}

// pruned reports whether a bridge stands where an entry was.
func (t *Tx) pruned(seq uint64) (bool, error) {
	entries, err := t.entriesFrom(seq-1, 1)
	if err != nil || len(entries) == 0 || entries[0].Table != "" || len(entries[0].Row) != 8 {
		return false, err
	}
	from, err := t.LedgerAt(max(1, binary.BigEndian.Uint64(entries[0].Row)))
	if binary.BigEndian.Uint64(entries[0].Row) == 0 {
		from = store.LedgerMark{}
	}
	return from.Seq < seq && t.ledger.key.Follows(from, entries[0]), err
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

// watching is a watched table.
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

// memory is what a server remembers of the entries that it made itself: the newest of
// each row, so that an older one put back is none.
type memory struct {
	mu  sync.Mutex
	row map[[16]byte]uint64
}

// remembered bounds the rows of which a server remembers the newest entry.
const remembered = 1 << 18

func entryName(table string, key []byte) [16]byte {
	sum := sha256.Sum256(append([]byte(table+"\x00"), key...))
	return [16]byte(sum[:16])
}

// newest returns the number of a row's newest entry as far as it is remembered, or zero.
func (m *memory) newest(row [16]byte) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.row[row]
}

// keep remembers entries whose transaction was committed.
func (m *memory) keep(made map[[16]byte]uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.row == nil {
		m.row = map[[16]byte]uint64{}
	}
	for row, seq := range made {
		if len(m.row) >= remembered {
			for any := range m.row {
				delete(m.row, any)
				break
			}
		}
		m.row[row] = max(m.row[row], seq)
	}
}

// Committed is to be called when the transaction was.
func (t *Tx) Committed() {
	if t.ledger != nil && len(t.made) > 0 {
		t.ledger.seen.keep(t.made)
	}
}
