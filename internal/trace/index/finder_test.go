package index

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestFinder: however many tags there are, alike, near each other or none, each is found at all
// its places in their order, and no other.
func TestFinder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tag := rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 3), rapid.Uint64Range(1<<63-2, 1<<63+2))
		var given []found
		for i, v := range rapid.SliceOfN(tag, 0, 300).Draw(t, "tags") {
			given = append(given, found{Tag(v), int32(2 * i)})
		}
		f := newFinder(len(given), func(i int) found { return given[i] })
		want := slices.DeleteFunc(slices.Clone(given), func(a found) bool { return a.tag == 0 })
		slices.SortStableFunc(want, func(a, b found) int { return cmp.Compare(a.tag, b.tag) })
		var got []found
		for i := range f.tags {
			got = append(got, found{f.tags[i], f.at[i]})
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%v, not %v", got, want)
		}
		for _, a := range append(given, found{tag: 5}, found{tag: 1 << 40}) {
			var all []int32
			for _, w := range want {
				if w.tag == a.tag {
					all = append(all, w.at)
				}
			}
			first := None
			if len(all) > 0 {
				first = all[0]
			}
			var out [1]int32
			f.find([]Tag{a.tag}, out[:])
			if found := f.all(nil, a.tag); !slices.Equal(found, all) || out[0] != first {
				t.Fatalf("%d is at %v and %d, not at %v", a.tag, found, out[0], all)
			}
		}
	})
}
