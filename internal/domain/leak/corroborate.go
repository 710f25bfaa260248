package leak

import (
	"encoding/binary"
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
	first, second := l.gather(a), l.gather(b)
	fitted, _ := l.fit(first, -1)
	with := l.likelihood(second, fitted)
	for j := range out {
		if fitted[j]*float64(len(a)) < 0.5 {
			continue
		}
		without, gap := l.fit(second, j)
		out[j] = with - (l.likelihood(second, without) + gap)
	}
	return out
}

// alike are rows that the same accounts may have given: of millions there are few kinds.
type alike struct {
	sources []int // who can have given such a row: accounts, and whoever is not in the record
	rows    float64
}

// gather counts rows by who can have given them, in the order in which kinds come first.
func (l Logged) gather(rows []Reading) (out []alike) {
	at := map[string]int{}
	var key []byte
	for _, r := range rows {
		by := r.By
		if !slices.IsSorted(by) {
			by = slices.Sorted(slices.Values(by))
		}
		key = key[:0]
		for _, k := range by {
			key = binary.AppendUvarint(key, uint64(k))
		}
		i, known := at[string(key)]
		if !known {
			i = len(out)
			at[string(key)] = i
			out = append(out, alike{sources: append(slices.Clone(by), len(l.Sizes))})
		}
		out[i].rows++
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

func (l Logged) mixture(r *alike, w []float64) float64 {
	sum := 0.0
	for _, k := range r.sources {
		sum += w[k] * l.density(k)
	}
	return sum
}

func (l Logged) likelihood(rows []alike, w []float64) float64 {
	sum := 0.0
	for i := range rows {
		sum += rows[i].rows * math.Log(l.mixture(&rows[i], w))
	}
	return sum
}

// fit maximises the likelihood of the rows over the weights of sources by expectation and
// maximisation, one account left out if it is not negative. gap bounds by how much any
// other weights could still do better, so that stopping early makes no ratio too large.
func (l Logged) fit(rows []alike, leave int) (w []float64, gap float64) {
	const floor = 1e-9
	w = make([]float64, len(l.Sizes)+1)
	for i := range w {
		if i != leave {
			w[i] = 1
		}
	}
	normalise(w)
	n := 0.0
	for i := range rows {
		n += rows[i].rows
	}
	for round := 0; ; round++ {
		gain := make([]float64, len(w))
		for i := range rows {
			m := l.mixture(&rows[i], w)
			for _, k := range rows[i].sources {
				gain[k] += rows[i].rows * l.density(k) / m
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
