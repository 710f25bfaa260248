package leak

import (
	"cmp"
	"math"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/leak/canary"
	"github.com/amanah-project/amanah/internal/domain/leak/code"
)

// Strangers are tags of what rows say that are nobody's, at each of canary's levels: what
// copies' canaries are looked for in, once the sample is frozen.
type Strangers [canary.Levels][]uint64

// sorted returns them ascending, each once.
func (s *Strangers) sorted() (out Strangers) {
	for level, tags := range s {
		out[level] = slices.Clone(tags)
		slices.Sort(out[level])
		out[level] = slices.Compact(out[level])
	}
	return out
}

// Tags are what a row of one canary would be tagged with, at each level; zero at one at
// which it cannot be.
type Tags [canary.Levels]uint64

// has reports whether a canary is among them at a level.
func (s *Strangers) has(t *Tags, level int) bool {
	if t[level] == 0 {
		return false
	}
	_, found := slices.BinarySearch(s[level], t[level])
	return found
}

// groupCanary is one that was seen.
type groupCanary struct {
	spec int
	n    uint32
}

// Recognise looks for group canary n of a spec among the strangers, and reports whether it
// is there. Which copies have it, it does not ask; nothing that was frozen changes. All
// there are must be looked for before copies are weighed: what is left out is not weighed.
func (f *Frozen) Recognise(spec int, n uint32, t Tags) bool {
	s := &f.sample.Strangers
	for level := range t {
		if s.has(&t, level) {
			f.seen = append(f.seen, groupCanary{spec, n})
			return true
		}
	}
	return false
}

// canaries weighs the group canaries that were seen. One that was not seen says nothing.
//
// Who a group canary is follows from the base, whether a copy has it from the copy's seed:
// however it came into the sample, planted by somebody who guessed, too, an innocent copy
// has it with just its group's probability, and the factor's mean is one.
func (f *Frozen) canaries(b *Base, copies []Holding) []Part {
	slices.SortFunc(f.seen, func(a, b groupCanary) int { return cmp.Or(cmp.Compare(a.spec, b.spec), cmp.Compare(a.n, b.n)) })
	f.seen = slices.Compact(f.seen)
	positions := make([]code.Position, len(f.seen))
	for i, c := range f.seen {
		positions[i] = code.Position{P: b.group(c.n), Symbol: true}
	}
	look := code.Look(positions)
	mixture := look.Mixture()
	out := make([]Part, len(copies))
	for j := range copies {
		h := &copies[j]
		p := Part{Domain: Canaries}
		p.LnE = mixture.LnE(look.Word(func(i int) (bool, bool) {
			c := f.seen[i]
			if c.spec != h.Spec || c.n >= h.Group {
				return false, false
			}
			in := h.Seed.Canary(b, c.n)
			p.Used++
			if in {
				p.Found++
			}
			return in, true
		}))
		out[j] = p
	}
	return out
}

// unique weighs the canaries that a copy alone has. Each level is an E-value by itself: a
// canary agrees with one row by chance with probability 2^-Bits at most, whatever the row
// says, as nothing but the copy's seed says who it is; so whoever fills the range with
// rows gains nothing. Levels are of the same people, and are averaged.
func (h *Holding) unique(s *Strangers) Part {
	p := Part{Domain: Uniques}
	if len(h.Unique) == 0 {
		return p
	}
	var ln []float64
	found := make([]bool, len(h.Unique))
	for level, tags := range s {
		if len(tags) == 0 || h.Bits[level] <= 0 {
			continue
		}
		n := 0
		for i := range h.Unique {
			if s.has(&h.Unique[i], level) {
				n++
				found[i] = true
			}
		}
		ln = append(ln, lnMatches(h.Bits[level], uint64(len(tags))*uint64(len(h.Unique)), n))
	}
	if len(ln) == 0 {
		return p
	}
	p.Used, p.LnE = len(h.Unique), lnMean(ln)
	for _, f := range found {
		if f {
			p.Found++
		}
	}
	return p
}

// lnMean returns the logarithm of the mean of what the logarithms are of.
func lnMean(ln []float64) float64 {
	top := slices.Max(ln)
	sum := 0.0
	for _, l := range ln {
		sum += math.Exp(l - top)
	}
	return top + math.Log(sum/float64(len(ln)))
}
