package binomial_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/domain/leak/binomial"
)

// TestPublished holds intervals against published ones: 0, 1, 5 and 10 of 10 at 95 %
// (Clopper and Pearson's charts as tabled in Newcombe 1998 and any statistics package),
// and the rule of three.
func TestPublished(t *testing.T) {
	for _, c := range []struct {
		found, tried int64
		low, high    float64
	}{
		{0, 10, 0, 0.30850}, {1, 10, 0.00253, 0.44502}, {5, 10, 0.18709, 0.81291}, {10, 10, 0.69150, 1},
		{81, 263, 0.25269, 0.36758}, {15, 148, 0.05786, 0.16166}, {0, 20, 0, 0.16843}, {1, 29, 0.00087, 0.17764},
	} {
		got := binomial.Interval(c.found, c.tried, 0.05)
		if math.Abs(got.Low-c.low) > 6e-5 || math.Abs(got.High-c.high) > 6e-5 {
			t.Errorf("%d of %d: %+v, want %v to %v", c.found, c.tried, got, c.low, c.high)
		}
	}
	if got := binomial.Upper(0, 1_000_000, 0.05); math.Abs(got-2.9957e-6) > 1e-9 {
		t.Errorf("none of a million: %v", got)
	}
	if got := binomial.Interval(0, 0, 0.05); got.Low != 0 || got.High != 1 {
		t.Errorf("nothing tried: %+v", got)
	}
}

// TestTailIsTheSum: the tail is the sum of its terms.
func TestTailIsTheSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 200).Draw(t, "n")
		k := rapid.Int64Range(0, n).Draw(t, "k")
		p := rapid.Float64Range(0.0005, 0.9995).Draw(t, "p")
		sum := 0.0
		for i := k; i <= n; i++ {
			a, _ := math.Lgamma(float64(n + 1))
			b, _ := math.Lgamma(float64(i + 1))
			c, _ := math.Lgamma(float64(n - i + 1))
			sum += math.Exp(a - b - c + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
		}
		if got := binomial.Tail(k, n, p); math.Abs(got-sum) > 1e-9*(1+sum) {
			t.Errorf("%v, sum %v", got, sum)
		}
	})
}

// TestCoverage: summed exactly over what may be found, the true proportion lies outside
// with the stated probability at most, on each side.
func TestCoverage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 60).Draw(t, "n")
		p := rapid.Float64Range(0.001, 0.999).Draw(t, "p")
		alpha := rapid.SampledFrom([]float64{0.2, 0.05, 1e-3, 1e-6}).Draw(t, "alpha")
		below, above := 0.0, 0.0
		for k := range n + 1 {
			chance := binomial.Tail(k, n, p) - binomial.Tail(k+1, n, p)
			if p < binomial.Lower(k, n, alpha) {
				below += chance
			}
			if p > binomial.Upper(k, n, alpha) {
				above += chance
			}
		}
		if below > alpha*(1+1e-6)+1e-12 || above > alpha*(1+1e-6)+1e-12 {
			t.Errorf("below %v, above %v, allowed %v", below, above, alpha)
		}
	})
}
