package sqlstore

import (
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
)

// strangers is a connection to a table of so many rows that nobody wrote.
type strangers struct{ rows, asked, read int }

func (c *strangers) ExecEach(string, int, func(int, *Args), func(int, int64)) error { return nil }

func (c *strangers) QueryEach(_ string, _ int, bind func(int, *Args), scan func(int, Row) error) error {
	var a Args
	bind(0, &a)
	c.asked++
	for range min(c.rows, int(a.List[len(a.List)-1].Int)) {
		c.read++
		if err := scan(0, c); err != nil {
			return err
		}
	}
	return nil
}

func (c *strangers) Lock() string      { return "" }
func (c *strangers) Int(int) int64     { return int64(c.read) }
func (c *strangers) Text(int) string   { return "" }
func (c *strangers) Bytes(int) []byte  { return nil }
func (c *strangers) Fixed(int, []byte) {}

// TestNoneIsGood: a server that goes by no row any more does not look for one in the whole
// table; the control is that one which does, and finds none, reads it to its end.
func TestNoneIsGood(t *testing.T) {
	guess := store.Table{Name: "identity_guess", Columns: []store.Column{{Name: "nik", Kind: store.BytesValue, Key: 1}, {Name: "day", Kind: store.IntValue}}}
	for _, lost := range []bool{false, true} {
		l := NewLedger(store.LedgerKey("key"), []store.Table{guess})
		l.seen.broken = lost
		c := &strangers{rows: 1000}
		tx := New(c, l)
		got, err := firstGood(tx, oldGuesses, 2, func(a *Args) { a.Int(9) }, func(Row) (nik identity.Tag) { return nik })
		if err != nil || len(got) != 0 {
			t.Fatalf("lost %v: %d, %v", lost, len(got), err)
		}
		if lost && c.asked != 1 || !lost && c.read < c.rows {
			t.Errorf("lost %v: asked %d times, read %d", lost, c.asked, c.read)
		}
	}
}
