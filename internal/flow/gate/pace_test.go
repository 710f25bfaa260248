package gate

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestPaceFindsTheSlowest: whatever answers need, about one of a hundred needs more
// than the hold, within its bounds.
func TestPaceFindsTheSlowest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, mean := range []time.Duration{300 * time.Microsecond, 2 * time.Millisecond, 4 * time.Millisecond} {
		p := newPace()
		over := 0
		for i := range 60_000 {
			needed := time.Duration((0.5 + r.ExpFloat64()/2) * float64(mean))
			if i >= 20_000 && needed > time.Duration(p.hold.Load()) {
				over++
			}
			p.note(needed)
		}
		if share := float64(over) / 40_000; share < 0.005 || share > 0.015 {
			t.Errorf("answers that need %s: %.4f of them more than the hold, want about 0.01", mean, share)
		}
	}
}

func TestPaceIsBounded(t *testing.T) {
	p := newPace()
	for range 10_000 {
		p.note(time.Hour)
	}
	if h := time.Duration(p.hold.Load()); h != longestHold {
		t.Errorf("a stuck server holds answers for %s", h)
	}
	for range 10_000 {
		p.note(0)
	}
	if h := time.Duration(p.hold.Load()); h != shortestHold {
		t.Errorf("an idle server holds answers for %s", h)
	}
}

// TestDepartures: what left no batch leaves at once; what is late does not wait; what
// is early waits for its moment and no less.
func TestDepartures(t *testing.T) {
	Departure{}.Wait()
	p := newPace()
	before := p.hold.Load()
	Departure{began: time.Now().Add(-time.Hour), hold: time.Minute, pace: p, tells: true}.Wait()
	if p.hold.Load() <= before {
		t.Error("a late answer did not move the hold")
	}
	began := time.Now()
	before = p.hold.Load()
	Departure{began: began, hold: 3 * time.Millisecond, pace: p}.Wait()
	if since := time.Since(began); since < 3*time.Millisecond {
		t.Errorf("an answer left after %s, before its moment", since)
	}
	if p.hold.Load() != before {
		t.Error("an answer that waited for more than its batch moved the hold")
	}
}
