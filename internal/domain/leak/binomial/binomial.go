// Package binomial gives exact bounds for a proportion of which some trials were seen.
package binomial

import "math"

// Bounds are two ends of an interval of probabilities.
type Bounds struct{ Low, High float64 }

// Interval returns the interval of Clopper and Pearson (1934) for found of tried: the true
// proportion lies outside with probability alpha at most, half of it on each side.
// Nothing tried bounds nothing.
func Interval(found, tried int64, alpha float64) Bounds {
	return Bounds{Lower(found, tried, alpha/2), Upper(found, tried, alpha/2)}
}

// Lower returns what the proportion is below with probability alpha at most.
func Lower(found, tried int64, alpha float64) float64 {
	if found <= 0 || tried <= 0 {
		return 0
	}
	return bisect(func(p float64) bool { return Tail(found, tried, p) < alpha }, true)
}

// Upper returns what the proportion is above with probability alpha at most.
func Upper(found, tried int64, alpha float64) float64 {
	if tried <= 0 || found >= tried {
		return 1
	}
	return bisect(func(p float64) bool { return beta(1-p, float64(tried-found), float64(found+1)) > alpha }, false)
}

// bisect returns where below stops to hold, from the side that keeps a bound a bound.
func bisect(below func(p float64) bool, low bool) float64 {
	a, b := 0.0, 1.0
	for range 200 {
		mid := (a + b) / 2
		if mid == a || mid == b {
			break
		}
		if below(mid) {
			a = mid
		} else {
			b = mid
		}
	}
	if low {
		return a
	}
	return b
}

// Tail returns the probability of found or more of tried, each with probability p.
func Tail(found, tried int64, p float64) float64 {
	switch {
	case found <= 0:
		return 1
	case found > tried:
		return 0
	}
	return beta(p, float64(found), float64(tried-found+1))
}

// beta is the regularised incomplete beta function I_x(a,b), by its continued fraction
// (Abramowitz and Stegun 26.5.8, evaluated as by Lentz), to about twelve digits.
func beta(x, a, b float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	}
	ab, _ := math.Lgamma(a + b)
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	front := math.Exp(ab - la - lb + a*math.Log(x) + b*math.Log1p(-x))
	if x < (a+1)/(a+b+2) {
		return front * fraction(x, a, b) / a
	}
	return 1 - front*fraction(1-x, b, a)/b
}

func fraction(x, a, b float64) float64 {
	const tiny = 1e-300
	keep := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c, d := 1.0, 1/keep(1-(a+b)*x/(a+1))
	h := d
	for i := range 100_000 {
		m := float64(i + 1)
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d, c = 1/keep(1+even*d), keep(1+even/c)
		h *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d, c = 1/keep(1+odd*d), keep(1+odd/c)
		h *= d * c
		if math.Abs(d*c-1) < 1e-14 {
			break
		}
	}
	return h
}
