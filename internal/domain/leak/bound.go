package leak

import "math"

// Epsilon is the probability, over all traces together, that any innocent copy is ever
// accused. Exports have one, single views have another of the same size.
const Epsilon = 1e-6

// Bound is what an E-value must reach.
type Bound struct {
	Copies  int     // every marked copy ever made, the platform's own, repeated and test copies included
	Epsilon float64 // of this trace
}

// Spend returns the bound of the k-th trace, from 1, out of epsilon for all there will ever
// be: ε/(k(k+1)), whose sum over k is ε.
func Spend(epsilon float64, k, copies int) Bound {
	n := float64(max(k, 1))
	return Bound{Copies: copies, Epsilon: epsilon / (n * (n + 1))}
}

// Threshold returns ln(N/ε). An E-value has mean at most one for an innocent copy, so it
// reaches N/ε with probability ε/N at most (Markov), and any of N does with ε at most.
func (b Bound) Threshold() float64 { return math.Log(float64(max(b.Copies, 1)) / b.Epsilon) }
