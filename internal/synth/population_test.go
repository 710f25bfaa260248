package synth_test

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/synth"
)

var today = day.Of(time.Date(2026, 11, 24, 5, 0, 0, 0, time.UTC))

func digest(t *testing.T, seed uint64, n int) string {
	t.Helper()
	p := synth.New(seed, today)
	h := sha256.New()
	for i := range n {
		who, err := p.Person(i)
		if err != nil {
			t.Fatal(err)
		}
		b, err := who.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		e, err := p.Evidence(i).MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		h.Write(b)
		h.Write(e)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func TestSameSeedSamePeople(t *testing.T) {
	const want = "2a974b0d61851492"
	if got := digest(t, 7, 2000); got != want {
		t.Errorf("seed 7 makes other people than it did: %s, want %s", got, want)
	}
	if digest(t, 8, 2000) == want {
		t.Error("another seed makes the same people")
	}
}

func TestEverybodyIsValidAndNobodyTwice(t *testing.T) {
	p := synth.New(3, today)
	seen := map[string]bool{}
	for i := range 50_000 {
		who, err := p.Person(i)
		if err != nil {
			t.Fatal(err)
		}
		if err := who.Check(today); err != nil {
			t.Fatalf("person %d: %v", i, err)
		}
		if who.NIK.Province() != 99 {
			t.Fatal("a NIK that somebody may have")
		}
		if seen[who.NIK.Reveal()] {
			t.Fatal("a NIK twice")
		}
		seen[who.NIK.Reveal()] = true
	}
	// Other blocks differ by construction; look at their borders.
	for _, i := range []int{8999, 9000, 809_999, 810_000, synth.MaxPeople - 1} {
		if _, err := p.Person(i); err != nil {
			t.Errorf("person %d: %v", i, err)
		}
	}
}

func TestPublishedMixOfColours(t *testing.T) {
	rules, err := status.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	const n = 200_000
	p := synth.New(2021, today)
	at := today.Start().Add(12 * time.Hour)
	count := map[status.Colour]int{}
	reasons := map[string]int{}
	for i := range n {
		d, err := status.Decide(p.Evidence(i), rules, at)
		if err != nil {
			t.Fatal(err)
		}
		count[d.Colour]++
		reasons[d.Reason.Code]++
	}
	for c, share := range map[status.Colour]float64{status.Green: 0.91566, status.Yellow: 0.08, status.Red: 0.0042, status.Black: 0.00014} {
		want := n * share
		if off := math.Abs(float64(count[c]) - want); off > 5*math.Sqrt(want*(1-share))+1 {
			t.Errorf("%s: %d of %d, want about %.0f", c, count[c], n, want)
		}
	}
	if len(reasons) < 6 || reasons["no_data"] == 0 || reasons["unvaccinated"] == 0 {
		t.Errorf("reasons: %v", reasons)
	}
}

func BenchmarkPersonAndEvidence(b *testing.B) {
	p := synth.New(1, today)
	for i := range b.N {
		if _, err := p.Person(i % synth.MaxPeople); err != nil {
			b.Fatal(err)
		}
		p.Evidence(i % synth.MaxPeople)
	}
}
