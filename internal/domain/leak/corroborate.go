package leak

import (
	"math"
	"slices"
)

// Reading is one row of a sample, and which accounts the record says had opened or been
// given exactly that version: indices, each once.
type Reading struct {
	Row Row
	By  []int
}

// Logged is what the record of who opened what says of a sample.
type Logged struct {
	Readings []Reading
	Sizes    []int // of each account, how many versions it ever opened or was given
	Versions int   // of all records, which whoever is not in the record may have had
}

// Corroborate returns, for each account, the natural logarithm of a split likelihood ratio
// (Wasserman, Ramdas and Balakrishnan, PNAS 2020): how much better the sample is explained
// with the account among its sources than without, the sources fitted on one half of the
// rows and held against the other. Accounts that the fit leaves out have 0: their ratio is
// one at most.
//
// It rests on a model, unlike the E-values of marks: that the record is complete and that
// rows were taken at random within a source. So it never accuses alone. Rows are split by
// their keyed ids, in which a sorted or cut sample has no order.
func (l Logged) Corroborate() []float64 {
	var a, b []Reading
	for _, r := range l.Readings {
		if r.Row&1 == 0 {
			a = append(a, r)
		} else {
			b = append(b, r)
		}
	}
	out := make([]float64, len(l.Sizes))
	if len(a) == 0 || len(b) == 0 || l.Versions <= 0 {
		return out
	}
	fitted, _ := l.fit(a, -1)
	with := l.likelihood(b, fitted)
	for j := range out {
		if fitted[j]*float64(len(a)) < 0.5 {
			continue
		}
		without, gap := l.fit(b, j)
		out[j] = with - (l.likelihood(b, without) + gap)
	}
	return out
}

// density returns how likely the account is to show one given version of its own; the
// last is whoever is not in the record.
func (l Logged) density(k int) float64 {
	if k == len(l.Sizes) {
		return 1 / float64(l.Versions)
	}
	return 1 / float64(max(l.Sizes[k], 1))
}

// sources returns who can have given a row.
func (l Logged) sources(r Reading) []int { return append(slices.Clip(r.By), len(l.Sizes)) }

func (l Logged) mixture(r Reading, w []float64) float64 {
	sum := 0.0
	for _, k := range l.sources(r) {
		sum += w[k] * l.density(k)
	}
	return sum
}

func (l Logged) likelihood(rows []Reading, w []float64) float64 {
	sum := 0.0
	for _, r := range rows {
		sum += math.Log(l.mixture(r, w))
	}
	return sum
}

// fit maximises the likelihood of the rows over the weights of sources by expectation and
// maximisation, one account left out if it is not negative. gap bounds by how much any
// other weights could still do better, so that stopping early makes no ratio too large.
func (l Logged) fit(rows []Reading, leave int) (w []float64, gap float64) {
	const floor = 1e-9
	w = make([]float64, len(l.Sizes)+1)
	for i := range w {
		if i != leave {
			w[i] = 1
		}
	}
	normalise(w)
	n := float64(len(rows))
	for round := 0; ; round++ {
		gain := make([]float64, len(w))
		for _, r := range rows {
			m := l.mixture(r, w)
			for _, k := range l.sources(r) {
				gain[k] += l.density(k) / m
			}
		}
		best := 0.0
		for k := range w {
			if k != leave {
				best = max(best, gain[k]/n)
			}
		}
		// ln L(v) - ln L(w) ≤ n ln(Σ v_k gain_k / n) by Jensen's inequality, for any v.
		if gap = n * math.Log(max(best, 1)); gap < 0.01 || round == 500 {
			return w, gap
		}
		for k := range w {
			w[k] *= gain[k] / n
		}
		w[len(w)-1] = max(w[len(w)-1], floor)
		normalise(w)
	}
}

func normalise(w []float64) {
	sum := 0.0
	for _, v := range w {
		sum += v
	}
	for i := range w {
		w[i] /= sum
	}
}
