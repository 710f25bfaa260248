package store_test

import (
	"bytes"
	"testing"

	"github.com/amanah-project/amanah/internal/store"
)

// TestSealOfNothing: what has not come about yet carries no MAC, and then none of its
// columns says anything; with a value in any of them the empty MAC is wrong, and another
// column of MACs is no help.
func TestSealOfNothing(t *testing.T) {
	s := store.NewSealer(store.LedgerKey(bytes.Repeat([]byte{1}, 32)))
	use := store.Seals()[store.SealUse]
	row := map[string]store.Value{"serial": {Bytes: []byte("a pass")}}
	holds := func() bool {
		want, have := s.Row(store.SealUse, use, func(column string) (store.Value, bool) {
			return row[column], column != "serial" && column != use.Column
		})
		return bytes.Equal(want, have)
	}
	if !holds() {
		t.Error("a pass that nobody used does not hold")
	}
	for _, column := range []string{"used_venue", "used_door", "used_at"} {
		row[column] = store.Value{Int: 7}
		if holds() {
			t.Errorf("%s of a pass that nobody used", column)
		}
		row[use.Column] = store.Value{Bytes: []byte{0}}
		if holds() {
			t.Errorf("%s with a MAC made up", column)
		}
		delete(row, use.Column)
		delete(row, column)
	}
	row["used_venue"], row["used_at"] = store.Value{Int: 1}, store.Value{Int: 2}
	row[use.Column] = store.Value{Bytes: s.MAC(store.SealUse, len(use.Of), func(i int) (store.Value, bool) { return row[use.Of[i]], use.Of[i] != "serial" })}
	if !holds() {
		t.Error("a pass that was used does not hold")
	}
	row["used_at"] = store.Value{Int: 3}
	if holds() {
		t.Error("another moment of use")
	}
}
