package memory

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestTree: a tree is a map in order, and no change to one shows in an older one.
func TestTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type version struct {
			tree tree[number, int]
			want map[number]int
		}
		now := version{want: map[number]int{}}
		var old []version
		key := rapid.Map(rapid.Uint64Range(0, 40), func(n uint64) number { return number(n) })
		for i := range rapid.IntRange(0, 120).Draw(t, "steps") {
			old = append(old, version{now.tree, maps.Clone(now.want)})
			k := key.Draw(t, "key")
			if rapid.IntRange(0, 2).Draw(t, "op") == 0 {
				now.tree.drop(k)
				delete(now.want, k)
			} else {
				now.tree.put(k, i)
				now.want[k] = i
			}
		}
		from := key.Draw(t, "from")
		for _, v := range append(old, now) {
			for k := number(0); k <= 41; k++ {
				got, ok := v.tree.get(k)
				if want, has := v.want[k]; got != want || ok != has {
					t.Fatalf("get %d: %d, %t, want %d, %t", k, got, ok, want, has)
				}
			}
			var got, want []number
			for k, n := range v.tree.from(from) {
				if n != v.want[k] {
					t.Fatalf("from: %d is %d, want %d", k, n, v.want[k])
				}
				got = append(got, k)
			}
			for _, k := range slices.Sorted(maps.Keys(v.want)) {
				if k >= from {
					want = append(want, k)
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("from %d: %v, want %v", from, got, want)
			}
		}
	})
}
