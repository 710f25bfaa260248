package backup

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/store"
)

var shape = store.Table{Name: "x", Columns: []store.Column{
	{Name: "a", Kind: store.IntValue, Key: 1}, {Name: "b", Kind: store.BytesValue}, {Name: "c", Kind: store.TextValue},
}}

func FuzzRows(f *testing.F) {
	f.Add(appendRow(nil, shape, []store.Value{{Int: -5}, {Bytes: []byte{0, 1}}, {Bytes: []byte("é")}}))
	f.Add([]byte{2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var again []byte
		if err := readRows(raw, shape, func(row []store.Value) error {
			again = appendRow(again, shape, row)
			return nil
		}); err == nil && len(again) > len(raw) {
			t.Error("rows grew by being read")
		}
	})
}

// TestPiecesChangeWhereTheRowsDo: a row added, changed or removed changes the piece it
// is in, and the one that it was the end of.
func TestPiecesChangeWhereTheRowsDo(t *testing.T) {
	cut := func(rows [][]store.Value) (out []string) {
		c := &cutter{table: shape, put: func(content []byte, _ int) (Piece, error) {
			out = append(out, string(content))
			return Piece{}, nil
		}}
		for _, r := range rows {
			if err := c.add(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.end(); err != nil {
			t.Fatal(err)
		}
		return out
	}
	var rows [][]store.Value
	for n := range 60_000 {
		rows = append(rows, []store.Value{{Int: int64(n)}, {Bytes: []byte{byte(n)}}, {}})
	}
	before := cut(rows)
	if len(before) < 8 || len(before) > 30 {
		t.Fatalf("%d pieces of 60,000 rows, want about 15", len(before))
	}
	rapid.Check(t, func(r *rapid.T) {
		at := rapid.IntRange(0, len(rows)-1).Draw(r, "at")
		edited := slices.Clone(rows)
		switch rapid.IntRange(0, 2).Draw(r, "edit") {
		case 0:
			edited[at] = []store.Value{edited[at][0], {Bytes: []byte("changed")}, {}}
		case 1:
			edited = slices.Delete(edited, at, at+1)
		case 2:
			edited = slices.Insert(edited, at, []store.Value{{Int: int64(100_000 + at)}, {}, {}})
		}
		fresh := 0
		for _, p := range cut(edited) {
			if !slices.Contains(before, p) {
				fresh++
			}
		}
		if fresh > 2 {
			r.Errorf("an edit of one row makes %d of %d pieces anew", fresh, len(before))
		}
	})
	var back [][]store.Value
	for _, p := range before {
		if err := readRows([]byte(p), shape, func(row []store.Value) error { back = append(back, row); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	for i := range rows {
		if rows[i][2].Bytes == nil {
			back[i][2].Bytes = nil
		}
	}
	if d := cmp.Diff(rows, back); d != "" {
		t.Error(d)
	}
}
