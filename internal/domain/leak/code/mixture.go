package code

import "math"

// The mixture of the survey (leak-tracing.md §10): products of factors at five strengths,
// and five exponential terms.
const (
	strengths = 5
	slopes    = 5
)

func strength(i int) float64 { return [strengths]float64{.9, .48, .32, .19, .1}[i] }
func slope(i int) float64    { return [slopes]float64{.03, .06, .12, .25, .5}[i] }

// LnFactor returns the logarithm of the factor of one position: a is how strongly the
// copy is supposed to show in the sample, in (0,1), q the probability that a copy says
// what the sample shows.
func LnFactor(a, q float64, match bool) float64 {
	if match {
		return math.Log1p(a * (1 - q) / q)
	}
	return math.Log1p(-a)
}

// LnTilt returns the logarithm of the exponential factor of one position: of the score of
// Škorić et al. (2008), tilted by slope and divided by its own mean.
func LnTilt(slope, q float64, match bool) float64 {
	up, down := math.Sqrt((1-q)/q), -math.Sqrt(q/(1-q))
	mean := math.Log(q*math.Exp(slope*up) + (1-q)*math.Exp(slope*down))
	if match {
		return slope*up - mean
	}
	return slope*down - mean
}

// table is the logarithms of one guess's factors, as a tally counts positions.
type table [][2][2]float64

func (t tally) times(f table) float64 {
	sum := 0.0
	for k := range t {
		for y := range 2 {
			for x := range 2 {
				if n := t[k][y][x]; n > 0 {
					sum += float64(n) * f[k][y][x]
				}
			}
		}
	}
	return sum
}

func (s *Seen) table(factor func(p float64, y, x bool) float64) table {
	t := make(table, len(s.classes))
	for k, c := range s.classes {
		for y := range 2 {
			for x := range 2 {
				t[k][y][x] = factor(c.p, y == 1, x == 1)
			}
		}
	}
	return t
}

// chance returns the probability that a copy says y.
func chance(p float64, y bool) float64 {
	if y {
		return p
	}
	return 1 - p
}

// Mixture weighs copies one by one, by the mixture of ten terms.
type Mixture struct {
	seen  *Seen
	terms []table
}

// Mixture returns the mixture for this sample.
func (s *Seen) Mixture() *Mixture {
	m := &Mixture{seen: s}
	for i := range strengths {
		m.terms = append(m.terms, s.table(func(p float64, y, x bool) float64 { return LnFactor(strength(i), chance(p, y), x == y) }))
	}
	for i := range slopes {
		m.terms = append(m.terms, s.table(func(p float64, y, x bool) float64 { return LnTilt(slope(i), chance(p, y), x == y) }))
	}
	return m
}

// LnE returns the natural logarithm of the E-value of the copy with this word.
func (m *Mixture) LnE(w Word) float64 {
	t := m.seen.tally(w)
	ln := make([]float64, len(m.terms))
	for i, f := range m.terms {
		ln[i] = t.times(f)
	}
	return lnSum(ln) - math.Log(float64(len(m.terms)))
}
