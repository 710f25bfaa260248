package pages_test

import (
	"testing"

	"github.com/amanah-project/amanah/internal/trace/pages"
)

// TestMake: it is a slice as any other, small or large, and stays one while others come and go.
func TestMake(t *testing.T) {
	for _, n := range []int{0, 1, 1000, 1 << 20} {
		s := pages.Make[uint64](n, 2*n)
		if len(s) != n || cap(s) < 2*n {
			t.Fatalf("%d of %d, not %d of %d", len(s), cap(s), n, 2*n)
		}
		for i := range s {
			if s[i] != 0 {
				t.Fatal("it is not empty")
			}
			s[i] = uint64(i)
		}
		for range 4 {
			other := pages.Make[byte](0, 16*n)
			_ = append(other, make([]byte, 16*n)...)
		}
		for i := range s {
			if s[i] != uint64(i) {
				t.Fatal("it changed")
			}
		}
	}
}
