package trace

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
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
