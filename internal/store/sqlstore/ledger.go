package sqlstore

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/amanah-project/amanah/internal/store"
)

const (
	ledgerEnd = `SELECT seq, chain FROM store_ledger_end WHERE id = 1`
	ledgerAt  = `SELECT seq, chain FROM store_ledger WHERE seq = $1`
	moveEnd   = `INSERT INTO store_ledger_end (id, seq, chain) VALUES (1, $1, $2)
		ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, chain = excluded.chain`
	addEntry = `INSERT INTO store_ledger (seq, name, row_key, mac, chain) VALUES ($1, $2, $3, $4, $5)`
)

// Ledger notes changes of rows, see store.LedgerTables. It is safe for concurrent use.
type Ledger struct {
	key    store.LedgerKey
	all    []store.Table
	rows   map[string]watching // of all tables of ours
	known  sync.Map            // of statements: *noting, nil for those of no table of ours
	read   sync.Map            // of statements: *reading, nil for those of no table of ours
	sealer *store.Sealer
	seen   *memory
	counts *counts
	ended  *spent // visits
	used   *spent // passes
	moment atomic.Uint64
}

// noting is a statement that tells which rows it changed.
type noting struct {
	table store.Table
	sql   string
	gone  bool // it removes them
	// keys are the places of the parameters that name the row, nil when none do; look reads
	// such a row.
	keys []int
	look *reading
}

// NewLedger makes one over a database's tables.
func NewLedger(key store.LedgerKey, all []store.Table) *Ledger {
	l := &Ledger{
		key: key, all: all, rows: map[string]watching{}, sealer: store.NewSealer(key), seen: newMemory(),
		counts: newCounts(), ended: newSpent(), used: newSpent(),
	}
	for _, t := range all {
		if slices.Contains(store.LedgerTables(), t.Name) {
			l.rows[t.Name] = newWatching(t)
		}
	}
	return l
}

// of returns how a statement's changes are noted, or nil.
func (l *Ledger) of(sql string) *noting {
	if l == nil {
		return nil
	}
	if n, ok := l.known.Load(sql); ok {
		return n.(*noting)
	}
	words := strings.Fields(sql)
	name, n := "", (*noting)(nil)
	switch {
	case len(words) > 2 && (words[0] == "INSERT" || words[0] == "DELETE"):
		name = words[2]
	case len(words) > 1 && words[0] == "UPDATE":
		name = words[1]
	}
	if w, ours := l.rows[name]; ours {
		n = &noting{table: w.table, sql: sql + " RETURNING " + strings.Join(columns(w.table), ", "), gone: words[0] == "DELETE"}
		if !n.gone {
			n.keys, n.look = w.writes(sql), l.reads(w.sql)
		}
	}
	l.known.Store(sql, n)
	return n
}

// columns are a table's, as they are selected.
func columns(t store.Table) []string {
	out := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		out[i] = quote(c.Name)
	}
	return out
}

// values reads a row that was selected by columns.
func values(t store.Table, r Row) []store.Value { return valuesFrom(t, r, 0) }

// valuesFrom reads a row whose columns come after others.
func valuesFrom(t store.Table, r Row, at int) []store.Value {
	row := make([]store.Value, len(t.Columns))
	for i, c := range t.Columns {
		switch c.Kind {
		case store.IntValue:
			row[i].Int = r.Int(at + i)
		case store.BytesValue:
			row[i].Bytes = r.Bytes(at + i)
		case store.TextValue:
			row[i].Bytes = []byte(r.Text(at + i))
		}
	}
	return row
}

// noted runs a statement and notes what it changed in the same transaction.
func (t *Tx) noted(n *noting, items int, bind func(i int, a *Args), changed func(i int, rows int64)) error {
	if err := t.before(n, items, bind); err != nil {
		return err
	}
	counts := make([]int64, items)
	var entries []store.LedgerEntry
	err := t.conn.QueryEach(n.sql, items, bind, func(i int, r Row) error {
		counts[i]++
		row := values(n.table, r)
		e := t.ledger.entry(n.table, row)
		if n.gone {
			e.MAC = nil
		}
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return err
	}
	if changed != nil {
		for i, rows := range counts {
			changed(i, rows)
		}
	}
	return t.append(entries)
}

// entry says of a row what it is.
func (l *Ledger) entry(t store.Table, row []store.Value) store.LedgerEntry {
	mac := l.sealer.Ledger(t, row)
	return store.LedgerEntry{Table: t.Name, Row: l.key.Row(t, row), MAC: mac[:]}
}

// append adds entries to the chain. Transactions that do meet at its end: they come one
// after the other.
func (t *Tx) append(entries []store.LedgerEntry) error {
	if len(entries) == 0 {
		return nil
	}
	end, err := t.LedgerAt(0)
	if err != nil {
		return err
	}
	if end.Seq < max(t.began.end, t.began.own) {
		return store.ErrAltered // its end was cut off
	}
	for i := range entries {
		e := &entries[i]
		end.Seq++
		e.Seq = end.Seq
		e.Chain = t.ledger.key.Chain(end.Chain, *e)
		end.Chain = e.Chain
		if t.made == nil {
			t.made = map[uint64]entryOf{}
		}
		// A row that is remembered already must not stay as it was before.
		row := t.ledger.seen.rowHash(e.Table, e.Row)
		if _, has := t.made[row]; has || len(t.made) < remembered {
			t.made[row] = entryOf{seq: e.Seq, mac: short(e.MAC), there: len(e.MAC) > 0}
		}
	}
	if err := t.put(entries); err != nil {
		return err
	}
	return t.conn.ExecEach(moveEnd, 1, func(_ int, a *Args) {
		a.Number(end.Seq)
		a.Bytes(end.Chain[:])
	}, nil)
}

// put adds entries as they are.
func (t *Tx) put(entries []store.LedgerEntry) error {
	return t.conn.ExecEach(addEntry, len(entries), func(i int, a *Args) {
		e := &entries[i]
		a.Number(e.Seq)
		a.Text(e.Table)
		a.Bytes(e.Row)
		if e.MAC == nil {
			a.Bytes([]byte{})
		} else {
			a.Bytes(e.MAC)
		}
		a.Bytes(e.Chain[:])
	}, nil)
}

// LedgerAt returns an entry; of zero the newest, and holds the ledger there.
func (t *Tx) LedgerAt(seq uint64) (at store.LedgerMark, err error) {
	sql, bind := ledgerEnd+t.conn.Lock(), func(int, *Args) {}
	if seq > 0 {
		sql, bind = ledgerAt, func(_ int, a *Args) { a.Number(seq) }
	}
	err = t.conn.QueryEach(sql, 1, bind, func(_ int, r Row) error {
		at.Seq = uint64(r.Int(0))
		r.Fixed(1, at.Chain[:])
		return nil
	})
	return at, err
}

// place is the n-th parameter of a statement.
func place(n int) string { return "$" + strconv.Itoa(n) }

// adopt notes every row of some tables.
func (t *Tx) adopt(names []string) error {
	for _, name := range names {
		w, ok := t.ledger.rows[name]
		if !ok {
			continue
		}
		var entries []store.LedgerEntry
		sql := "SELECT " + strings.Join(columns(w.table), ", ") + " FROM " + quote(name)
		if err := t.conn.QueryEach(sql, 1, func(int, *Args) {}, func(_ int, r Row) error {
			entries = append(entries, t.ledger.entry(w.table, values(w.table, r)))
			return nil
		}); err != nil {
			return err
		}
		if err := t.append(entries); err != nil {
			return err
		}
	}
	return nil
}
