package code

import "math"

// model is one guess at an attack: how many colluders, what they write where z of them
// say true, and how often a symbol is turned over afterwards.
type model struct {
	colluders int
	writes    []float64 // probability of true, by z from 0 to colluders
	noise     float64
	agreed    bool // positions where colluders differ are gone
}

// posterior returns the probability that one more colluder says true at a position of
// bias p, given what the sample shows and that z of s known colluders say true.
func (m model) posterior(p float64, y bool, s, z int) float64 {
	if s >= m.colluders {
		return p
	}
	if m.agreed {
		return m.agree(p, y, s, z)
	}
	yes, no := p*m.shows(p, y, s+1, z+1), (1-p)*m.shows(p, y, s+1, z)
	return yes / (yes + no)
}

// shows returns the probability of the sample's symbol, z of s known colluders saying true.
func (m model) shows(p float64, y bool, s, z int) float64 {
	if m.agreed {
		one, nul := math.Pow(p, float64(m.colluders)), math.Pow(1-p, float64(m.colluders))
		one /= one + nul
		return m.noised(one, y)
	}
	rest := m.colluders - s
	sum := 0.0
	for k := range rest + 1 {
		sum += binomial(rest, k) * math.Pow(p, float64(k)) * math.Pow(1-p, float64(rest-k)) * m.writes[z+k]
	}
	return m.noised(sum, y)
}

func (m model) noised(one float64, y bool) float64 {
	one = one*(1-m.noise) + (1-one)*m.noise
	if y {
		return one
	}
	return 1 - one
}

// agree is posterior where only positions are left at which all colluders agree. A copy
// that is known to be a colluder's is none with a small probability at each position,
// lest one misread symbol speak against everybody.
func (m model) agree(p float64, y bool, s, z int) float64 {
	const stray = 0.002
	one, nul := math.Pow(p, float64(m.colluders)), math.Pow(1-p, float64(m.colluders))
	if y {
		one, nul = one*(1-m.noise), nul*m.noise
	} else {
		one, nul = one*m.noise, nul*(1-m.noise)
	}
	one *= math.Pow(1-stray, float64(z)) * math.Pow(stray, float64(s-z))
	nul *= math.Pow(stray, float64(z)) * math.Pow(1-stray, float64(s-z))
	one /= one + nul
	return one*(1-stray) + (1-one)*stray
}

// lnFactor is the logarithm of posterior over prior of what the copy says: its mean over
// the copy's symbol is one, whatever s, z and the model.
func (m model) lnFactor(p float64, y, x bool, s, z int) float64 {
	return math.Log(chance(m.posterior(p, y, s, z), x) / chance(p, x))
}

func binomial(n, k int) float64 {
	b := 1.0
	for i := range k {
		b = b * float64(n-i) / float64(i+1)
	}
	return b
}

// models lists the guesses: for each size of coalition, those strategies that the
// literature knows as the worst, under little and under much noise.
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
		out = append(out, model{colluders: 1, writes: []float64{0, 1}, noise: noise})
	}
	for _, c := range []int{2, 3, 4, 5, 6, 8} {
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
