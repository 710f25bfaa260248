package sqlstore

import (
	"crypto/hmac"
	"maps"
	"slices"
	"strings"

	"github.com/amanah-project/amanah/internal/store"
)

// seal returns the MAC of some values of a row, no bytes without a key.
func (t *Tx) seal(name string, of []Arg) []byte {
	if t.ledger == nil {
		return []byte{}
	}
	return t.ledger.sealer.MAC(name, len(of), func(i int) (store.Value, bool) {
		switch a := &of[i]; a.Kind {
		case Int:
			return store.Value{Int: a.Int}, true
		case Bytes:
			return store.Value{Bytes: a.Bytes}, false
		default:
			return store.Value{Bytes: []byte(a.Text)}, false
		}
	})
}

// whole reports whether a row carries the MAC of what bind binds; without a key every
// row does.
func (t *Tx) whole(name string, have []byte, bind func(a *Args)) bool {
	if t.ledger == nil {
		return true
	}
	t.scratch.Reset()
	bind(&t.scratch)
	return hmac.Equal(t.seal(name, t.scratch.List), have)
}

// sealRows gives the rows that have no MAC yet theirs: of a database from before there
// were any; those that came later have theirs by takings of their own.
func (t *Tx) sealRows() error {
	later := []string{store.SealPlace, store.SealNIK, store.SealPhone}
	seals := store.Seals()
	for _, name := range slices.Sorted(maps.Keys(seals)) {
		for _, table := range t.ledger.all {
			if slices.Contains(later, name) || table.Name != seals[name].Table {
				continue
			}
			if err := t.sealTable(name, seals[name], table); err != nil {
				return err
			}
		}
	}
	return nil
}

// sealAtOnce bounds the rows that are held in memory.
const sealAtOnce = 4096

func (t *Tx) sealTable(name string, seal store.Sealed, table store.Table) error {
	var keys []string
	for _, c := range table.Columns {
		if c.Key > 0 {
			keys = append(keys, quote(c.Name)+" = "+place(len(keys)+2))
		}
	}
	where := " WHERE length(" + quote(seal.Column) + ") = 0"
	if seal.Unless != "" {
		where += " AND " + quote(seal.Unless) + " <> 0"
	}
	find := "SELECT " + strings.Join(columns(table), ", ") + " FROM " + quote(table.Name) + where + " LIMIT $1"
	set := "UPDATE " + quote(table.Name) + " SET " + quote(seal.Column) + " = $1 WHERE " + strings.Join(keys, " AND ")
	for {
		var rows [][]store.Value
		if err := t.conn.QueryEach(find, 1, func(_ int, a *Args) { a.Int(sealAtOnce) }, func(_ int, r Row) error {
			rows = append(rows, values(table, r))
			return nil
		}); err != nil || len(rows) == 0 {
			return err
		}
		if err := t.conn.ExecEach(set, len(rows), func(i int, a *Args) {
			mac, _ := t.ledger.sealer.Row(name, seal, func(column string) (store.Value, bool) {
				at := slices.IndexFunc(table.Columns, func(c store.Column) bool { return c.Name == column })
				return rows[i][at], table.Columns[at].Kind == store.IntValue
			})
			a.Bytes(mac)
			for at, c := range table.Columns {
				if c.Key > 0 {
					bindValue(a, c, rows[i][at])
				}
			}
		}, nil); err != nil {
			return err
		}
	}
}

// bindValue adds a column's value.
func bindValue(a *Args, c store.Column, v store.Value) {
	switch c.Kind {
	case store.IntValue:
		a.Int(v.Int)
	case store.BytesValue:
		a.Bytes(v.Bytes)
	case store.TextValue:
		a.Text(string(v.Bytes))
	}
}
