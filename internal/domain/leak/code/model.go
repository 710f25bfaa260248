package code

import "math"

// model is one guess at an attack: how many colluders, what they write where z of them
// say true, and how often a symbol is turned over afterwards.
type model struct {
	colluders int
	writes    []float64 // probability of true, by z from 0 to colluders
	noise     float64
	agreed    bool    // positions where colluders differ are gone
	weight    float64 // before the sample is seen
}

// shown is, at one bias, the probability of a true symbol in the sample by how many
// colluders are known and how many of them say true; further colluders are averaged over.
type shown struct {
	model
	p   float64
	one [][]float64 // by known, from 0 to all, and by how many of those say true
}

// at returns what the model foretells at a bias.
func (m model) at(p float64) shown {
	s := shown{model: m, p: p, one: make([][]float64, m.colluders+1)}
	if m.agreed {
		one, nul := math.Pow(p, float64(m.colluders)), math.Pow(1-p, float64(m.colluders))
		s.one[0] = []float64{one / (one + nul)}
		return s
	}
	for known := m.colluders; known >= 0; known-- {
		s.one[known] = make([]float64, known+1)
		for z := range s.one[known] {
			if known == m.colluders {
				s.one[known][z] = m.writes[z]
			} else {
				s.one[known][z] = p*s.one[known+1][z+1] + (1-p)*s.one[known+1][z]
			}
		}
	}
	return s
}

// symbol returns the probability of the sample's symbol, z of known colluders saying true.
func (s shown) symbol(y bool, known, z int) float64 {
	return chance(s.one[known][z]*(1-s.noise)+(1-s.one[known][z])*s.noise, y)
}

// posterior returns the probability that one more colluder says true, given what the
// sample shows and that z of known colluders say true.
func (s shown) posterior(y bool, known, z int) float64 {
	switch {
	case known >= s.colluders:
		return s.p
	case s.agreed:
		return s.agree(y, known, z)
	}
	yes, no := s.p*s.symbol(y, known+1, z+1), (1-s.p)*s.symbol(y, known+1, z)
	return yes / (yes + no)
}

// agree is posterior where only positions are left at which all colluders agree. A copy
// that is known to be a colluder's is none with a small probability at each position,
// lest one misread symbol speak against everybody.
func (s shown) agree(y bool, known, z int) float64 {
	const stray = 0.002
	one, nul := s.one[0][0]*chance(1-s.noise, y), (1-s.one[0][0])*chance(s.noise, y)
	one *= math.Pow(1-stray, float64(z)) * math.Pow(stray, float64(known-z))
	nul *= math.Pow(stray, float64(z)) * math.Pow(1-stray, float64(known-z))
	one /= one + nul
	return one*(1-stray) + (1-one)*stray
}

// lnFactor is the logarithm of posterior over prior of what the copy says: its mean over
// the copy's symbol is one, whatever is known and whatever the model.
func (s shown) lnFactor(y, x bool, known, z int) float64 {
	return math.Log(chance(s.posterior(y, known, z), x) / chance(s.p, x))
}

// models lists the guesses: for each size of coalition, those strategies that the
// literature knows as the worst, under little and under much noise. A coalition of c has
// weight 1/c, shared among strategies.
func models() (out []model) {
	strategies := []func(c, z int) float64{
		func(c, z int) float64 { return float64(z) / float64(c) }, // row merge, interleaving
		func(c, z int) float64 { return step(2*z - c) },           // majority
		func(c, z int) float64 { return step(c - 2*z) },           // minority
		func(c, z int) float64 { return step(2*z - 1) },           // any: OR
		func(c, z int) float64 { return step(2*(z-c) + 1) },       // all: AND
		func(c, z int) float64 { return 0.5 },                     // a coin
	}
	for _, noise := range []float64{0.02, 0.1, 0.25} {
		out = append(out, model{colluders: 1, writes: []float64{0, 1}, noise: noise, weight: 1. / 3})
	}
	for _, c := range []int{2, 3, 4, 5, 6, 8} {
		first := len(out)
		for i, f := range strategies {
			if c == 2 && (i == 1 || i == 2 || i == 5) { // the same as the first
				continue
			}
			writes := make([]float64, c+1)
			for z := range writes {
				writes[z] = f(c, z)
			}
			writes[0], writes[c] = 0, 1
			out = append(out, model{colluders: c, writes: writes, noise: 0.02})
		}
		out = append(out, model{colluders: c, agreed: true, noise: 0.02})
		for i := first; i < len(out); i++ {
			out[i].weight = 1 / float64(c*(len(out)-first))
		}
	}
	return out
}

// step is 0 below zero, 1 above and a half at it.
func step(d int) float64 {
	switch {
	case d < 0:
		return 0
	case d > 0:
		return 1
	}
	return 0.5
}
