package venue

import (
	"errors"
	"testing"
	"time"
)

// spendAll asks until it is refused.
func spendAll(t *testing.T, l Lookups, at time.Time, entered uint64) (Lookups, int) {
	t.Helper()
	for n := 0; ; n++ {
		next, err := l.Spend(at, entered)
		if errors.Is(err, ErrLookups) {
			if next != l {
				t.Error("a refused look-up was counted")
			}
			return l, n
		}
		if err != nil || n > 10_000 {
			t.Fatal(n, err)
		}
		l = next
	}
}

func TestLookupsGrowWithEntries(t *testing.T) {
	noon := time.Date(2022, 8, 1, 5, 0, 0, 0, time.UTC)
	quiet, n := spendAll(t, Lookups{Venue: 1}, noon, 1_000_000)
	if n != BaseLookups {
		t.Fatalf("a venue whose entries are long past asked %d", n)
	}
	// Entries of this hour add to it, one each.
	busy, n := spendAll(t, quiet, noon.Add(30*time.Minute), 1_000_040)
	if n != 40 {
		t.Errorf("40 entries gave %d", n)
	}
	// The next hour has the base, and the entries of the hour before.
	next, n := spendAll(t, busy, noon.Add(time.Hour), 1_000_040)
	if n != BaseLookups+40 {
		t.Errorf("the next hour gave %d", n)
	}
	// After an hour without a look-up only the base is left.
	if _, n := spendAll(t, next, noon.Add(3*time.Hour), 1_000_500); n != BaseLookups {
		t.Errorf("a later hour gave %d", n)
	}
	// A clock that is set back, and a count that is, give nothing.
	if _, n := spendAll(t, next, noon, 1_000_040); n != 0 {
		t.Errorf("an earlier hour gave %d", n)
	}
	if _, n := spendAll(t, next, noon.Add(time.Hour), 3); n != 0 {
		t.Errorf("a smaller count gave %d", n)
	}
}
