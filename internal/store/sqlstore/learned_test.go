package sqlstore

import (
	"math"
	"testing"
)

// TestSpentIsBounded: the last that happened are remembered, as many as are said, and no more
// than twice as many.
func TestSpentIsBounded(t *testing.T) {
	const most = 100
	s := &spent{most: most, young: map[uint64]uint64{}}
	for n := range uint64(10 * most) {
		s.add([]uint64{n}, n)
		s.add([]uint64{0}, n) // met again and again
		if n >= most && !s.has(n-most+2, math.MaxUint64) {
			t.Fatalf("%d is forgotten after %d", n-most+2, n)
		}
		if len(s.young)+len(s.old) > 2*most {
			t.Fatal("more than twice as many")
		}
	}
	if !s.has(0, 0) {
		t.Error("what is met again and again is forgotten, or was learned anew")
	}
	if last := uint64(10*most - 1); s.has(last, last-1) || !s.has(last, last) {
		t.Error("somebody who began before should not know it, who began after should")
	}
}
