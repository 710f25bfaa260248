package sqlstore

import (
	"encoding/binary"
	"testing"

	"github.com/amanah-project/amanah/internal/store"
)

// TestLateRowsStay: of a row that is written often, the newest entry is remembered for as
// long as any other, so that a transaction which began before it is not mistaken.
func TestLateRowsStay(t *testing.T) {
	const hot = 7
	m := newMemory()
	for n := range uint64(lately) {
		m.note(noticed{row: hot + n%2, seq: 1 + n}) // the hot row, and another
	}
	newest := uint64(lately + 1)
	m.note(noticed{row: hot, seq: newest})
	for n := range uint64(lately - 1) {
		if m.note(noticed{row: 1000 + n, seq: newest + 1 + n}); m.late[hot] != newest {
			t.Fatalf("forgotten after %d entries of others", n+1)
		}
	}
	if m.note(noticed{row: 5, seq: 5 * lately}); m.late[hot] != 0 || len(m.late) > lately {
		t.Errorf("%d rows, the oldest of them among these: %d", len(m.late), m.late[hot])
	}
}

// ends is a connection to nothing but a ledger's end.
type ends struct{ end store.LedgerMark }

func (c *ends) ExecEach(sql string, n int, bind func(i int, a *Args), _ func(int, int64)) error {
	if sql == moveEnd {
		var a Args
		bind(0, &a)
		c.end.Seq = uint64(a.List[0].Int)
		copy(c.end.Chain[:], a.List[1].Bytes)
	}
	return nil
}

func (c *ends) QueryEach(_ string, _ int, _ func(int, *Args), scan func(i int, r Row) error) error {
	return scan(0, c)
}

func (c *ends) Lock() string            { return "" }
func (c *ends) Int(int) int64           { return int64(c.end.Seq) }
func (c *ends) Text(int) string         { return "" }
func (c *ends) Bytes(int) []byte        { return nil }
func (c *ends) Fixed(_ int, dst []byte) { copy(dst, c.end.Chain[:]) }

// TestMadeRowsMoveOn: a transaction that changes more rows than it remembers knows the
// newest state of those that it does remember.
func TestMadeRowsMoveOn(t *testing.T) {
	tx := New(&ends{}, NewLedger(store.LedgerKey("key"), nil))
	add := func(row uint64, mac string) {
		t.Helper()
		e := store.LedgerEntry{Table: "t", Row: binary.BigEndian.AppendUint64(nil, row), MAC: []byte(mac)}
		if err := tx.append([]store.LedgerEntry{e}); err != nil {
			t.Fatal(err)
		}
	}
	for row := range uint64(remembered + 10) {
		add(row, "as it was first")
	}
	add(3, "as it is now")
	got := tx.made[tx.ledger.seen.rowHash("t", binary.BigEndian.AppendUint64(nil, 3))]
	if want := (entryOf{seq: remembered + 11, mac: short([]byte("as it is now")), there: true}); got != want {
		t.Errorf("%+v, not %+v", got, want)
	}
	if len(tx.made) != remembered {
		t.Errorf("%d rows are remembered", len(tx.made))
	}
}

// TestCountedBehind: how many rows a table had is known of any entry among the last 65,536,
// and of none before them.
func TestCountedBehind(t *testing.T) {
	m := newMemory()
	m.ready = true
	const n = 2*lately + 100
	had := make([]int64, n+1) // of the table "a" after each entry
	for seq := uint64(1); seq <= n; seq++ {
		e := store.LedgerEntry{Seq: seq, Table: "a", Row: binary.BigEndian.AppendUint64(nil, seq%1000), MAC: []byte("as it is")}
		switch had[seq] = had[seq-1]; {
		case seq%3 == 0:
			e.Table = "b"
		case seq%7 == 0:
			e.MAC = nil
		}
		_, was := m.rows[m.rowHash(e.Table, e.Row)]
		if e.Table == "a" {
			had[seq] += bit(e.MAC != nil) - bit(was)
		}
		if err := m.take([]store.LedgerEntry{e}); err != nil {
			t.Fatal(err)
		}
	}
	for seq := uint64(n - lately); seq <= n; seq += 61 {
		if got, ok := m.counted("a", seq, nil); ok != (seq > n-lately) || ok && got != had[seq] {
			t.Fatalf("at %d of %d: %d, %v, not %d", seq, n, got, ok, had[seq])
		}
	}
	m.broken = true
	if _, ok := m.counted("a", n, nil); ok {
		t.Error("a ledger that is gone by no more counts")
	}
}
