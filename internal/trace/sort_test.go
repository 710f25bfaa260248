package trace

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// TestAscending: as the standard library's stable sort.
func TestAscending(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type pair struct{ key, was uint64 }
		var all []pair
		for i, k := range rapid.SliceOf(rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 3))).Draw(t, "keys") {
			all = append(all, pair{k, uint64(i)})
		}
		want := slices.Clone(all)
		slices.SortStableFunc(want, func(a, b pair) int {
			if a.key < b.key {
				return -1
			} else if a.key > b.key {
				return 1
			}
			return 0
		})
		if got := ascending(all, func(p *pair) uint64 { return p.key }); !slices.Equal(got, want) {
			t.Fatal(got)
		}
	})
}

// TestRowsOnce: what was seen comes ascending by row, each row once with all that was seen of it,
// in however many stretches that is listed.
func TestRowsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []seen
		naive := map[leak.Row]uint32{}
		one := rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64())
		for range rapid.IntRange(0, 100).Draw(t, "n") {
			row, bits := leak.Row(one.Draw(t, "row")), rapid.Uint32().Draw(t, "bits")&(seenMatched|seenPerson|seenMarks)
			all = append(all, seen{row, bits})
			naive[row] |= bits
		}
		all = ascending(all, func(s *seen) uint64 { return uint64(s.row) })
		var want, got Result
		for _, row := range slices.Sorted(maps.Keys(naive)) {
			bits := naive[row]
			want.Cells = observed(want.Cells, row, bits)
			switch {
			case row == 0 || bits&seenMatched == 0:
			case bits&seenPerson != 0:
				want.Patients = append(want.Patients, row)
			default:
				want.Known = append(want.Known, row)
			}
		}
		got.rows(all)
		if !slices.Equal(got.Patients, want.Patients) || !slices.Equal(got.Known, want.Known) || !slices.Equal(got.Cells, want.Cells) {
			t.Fatalf("%v\nnot %v", got, want)
		}
		n, joined := rapid.IntRange(1, 9).Draw(t, "stretches"), []seen(nil)
		cuts := stretches(all, n)
		for i, one := range cuts {
			if len(one) == 0 || i > 0 && joined[len(joined)-1].row == one[0].row {
				t.Fatalf("%v cut into %v", all, cuts)
			}
			joined = append(joined, one...)
		}
		if len(cuts) > n || !slices.Equal(joined, all) {
			t.Fatalf("%v cut into %v", all, cuts)
		}
	})
}

// TestShownOnce: versions of a record are shown ascending and once, in whatever order its person's
// NIKs come, and though the record is under each of them.
func TestShownOnce(t *testing.T) {
	tagger := index.NewTagger(indexKey)
	var b index.Batch
	for i, from := range [][]norm.Minute{{11_000_010, 11_000_020, 11_000_040}, {11_000_010, 11_000_030, 11_000_040}} {
		f := factsOf(i)
		f.Row = rowOf(0, 0)
		id := tagger.Identity(f)
		r := index.Records{Of: id.Full}
		for _, m := range from {
			r.Versions = append(r.Versions, index.Version{Row: rowOf(0, 2), From: m}, index.Version{Row: rowOf(0, 1), From: m})
		}
		b.People, b.Records = append(b.People, id), append(b.Records, r)
	}
	e := New(index.NewTable(indexKey, jobKey, index.NewSet(b)), index.NewAsker(indexKey, jobKey))
	for i := range e.records {
		see(e.records, i, seenMatched|seenVersion)
	}
	if len(e.records) != 12 {
		t.Fatalf("%d versions", len(e.records)) // the control
	}
	var want []Shown
	for k := range 2 {
		for m := range norm.Minute(4) {
			want = append(want, Shown{rowOf(0, k+1), 11_000_010 + 10*m})
		}
	}
	if got := e.Result().Shown; !slices.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
}
