package trace

import (
	"fmt"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/trace/dump"
)

// TestTurnsAreSeen: where kinds of rows take turns, in a cycle of any length, the columns of
// each are looked at; at a fixed step those of some are not, which is the control.
func TestTurnsAreSeen(t *testing.T) {
	fixed := 0
	for turns := 2; turns <= 12; turns++ {
		for _, n := range []int{64 * turns, 64*turns + 1, 577, 1000, 4096} {
			var rows []dump.Row
			met := map[int]bool{}
			for i := range n {
				rows = append(rows, dump.Row{Fields: []dump.Field{
					{Name: "nik", Value: []byte("9901010403900001")}, {Name: fmt.Sprint("of", i%turns), Value: fmt.Append(nil, "1990-03-", 10+i%turns)},
				}})
				if i%max(1, n/sampled) == 0 {
					met[i%turns] = true
				}
			}
			if len(met) < turns {
				fixed++
			}
			l := observe(rows, nil)
			for k := range turns {
				f := &rows[k].Fields[1]
				if _, known := l.by[f.Name]; !known {
					t.Errorf("%d rows of %d kinds in turn: one is never looked at", n, turns)
				} else if got := l.kind(1, f); got != norm.Guess(f.Value) {
					t.Errorf("%d rows of %d kinds in turn: %v", n, turns, got)
				}
			}
		}
	}
	if fixed == 0 {
		t.Error("no cycle here is one that a fixed step misses")
	}
}
