package code

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// How far the decoder looks for colluders who explain the sample together.
const (
	suspects = 12 // copies, the heaviest by themselves, that are weighed with others
	company  = 20 // others that each of them is weighed with
	beam     = 12 // sets of others kept of each size
	largest  = 4  // others in a set
)

// Decoder weighs each copy by itself, under the mixture and under guesses at the attack,
// and the heaviest again together with others who may have taken part.
type Decoder struct {
	seen    *Seen
	mixture *Mixture
	models  []model
	prior   []float64 // of each model, given the sample and no copy
	levels  []level
}

// level is every model's factors of one more colluder beside s known ones.
type level struct {
	s       int
	factors [][]float64 // by model; by bias, symbol of the sample, z and symbol of the copy
}

func (l level) index(k, y, z, x int) int { return ((k*2+y)*(l.s+1)+z)*2 + x }

// Decoder returns the decoder for this sample.
func (s *Seen) Decoder() *Decoder {
	d := &Decoder{seen: s, mixture: s.Mixture(), models: models()}
	d.prior = s.priors(d.models)
	for n := range largest + 1 {
		d.levels = append(d.levels, s.level(d.models, n))
	}
	return d
}

// priors weighs models by how well they foretell the sample's symbols from the biases
// alone. Half of the weight is what it was before, lest a model that foretells badly be lost.
func (s *Seen) priors(models []model) []float64 {
	ln, before := make([]float64, len(models)), 0.0
	for i, m := range models {
		ln[i] = math.Log(m.weight)
		before += m.weight
		for _, c := range s.classes {
			at := m.at(c.p)
			for y := range 2 {
				if c.used[y] > 0 {
					ln[i] += float64(c.used[y]) * math.Log(at.symbol(y == 1, 0, 0))
				}
			}
		}
	}
	sum := lnSum(ln)
	for i, m := range models {
		ln[i] = math.Log(0.5*math.Exp(ln[i]-sum) + 0.5*m.weight/before)
	}
	return ln
}

func (s *Seen) level(models []model, known int) level {
	l := level{s: known, factors: make([][]float64, len(models))}
	for i, m := range models {
		f := make([]float64, len(s.classes)*4*(known+1))
		for k, c := range s.classes {
			at := m.at(c.p)
			for y := range 2 {
				for z := range known + 1 {
					for x := range 2 {
						f[l.index(k, y, z, x)] = at.lnFactor(y == 1, x == 1, known, z)
					}
				}
			}
		}
		l.factors[i] = f
	}
	return l
}

// set is copies supposed to have colluded: at which positions so many of them say true,
// and the logarithm of each model's weight with them.
type set struct {
	members []int
	says    [][]uint64 // by z: where z of them say true; nil until it is asked for
	ln      []float64
	total   float64
}

// LnE returns the natural logarithm of each copy's E-value. Every weight that a copy is
// given depends on its own word in one way only: by factors whose mean over it is one.
// That it is among those weighed together or not only ever takes from it.
//
// Copies is how many there are; words may leave out some that cannot matter.
func (d *Decoder) LnE(words []Word, copies int) []float64 {
	out := make([]float64, len(words))
	order := make([]int, len(words))
	none := d.none()
	for j, w := range words {
		ln := d.next(none, w)
		for i := range ln {
			ln[i] += d.prior[i]
		}
		out[j] = lnMean(d.mixture.LnE(w), lnSum(ln))
		order[j] = j
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(out[b], out[a]) })
	order = order[:min(len(order), max(suspects, company+1))]
	joint := make([]float64, 0, suspects)
	all := sets{d, words, max(copies, len(words)), map[[largest]int]*set{}}
	for _, j := range order[:min(len(order), suspects)] {
		others := make([]int, 0, company)
		for _, k := range order {
			if k != j && len(others) < company {
				others = append(others, k)
			}
		}
		joint = append(joint, all.joint(j, others))
	}
	for j := range out {
		out[j] -= math.Ln2
	}
	for i, ln := range joint {
		j := order[i]
		out[j] = lnSum([]float64{out[j], ln - math.Ln2})
	}
	return out
}

func lnMean(a, b float64) float64 { return lnSum([]float64{a, b}) - math.Ln2 }

// none is the set of nobody.
func (d *Decoder) none() *set {
	all := make([]uint64, d.seen.words)
	for _, c := range d.seen.classes {
		left := c.used[0] + c.used[1]
		for i := c.from; i < c.to; i++ {
			all[i] = mask(left)
			left -= 64
		}
	}
	s := &set{says: [][]uint64{all}, ln: slices.Clone(d.prior)}
	s.total = lnSum(s.ln)
	return s
}

// next returns, for each model, the logarithm of the factor of one more colluder's word.
func (d *Decoder) next(s *set, w Word) []float64 {
	l := d.levels[len(s.members)]
	counts := make([]float64, len(d.seen.classes)*4*(l.s+1))
	for z, mask := range s.says {
		for k, c := range d.seen.classes {
			var n [2][2]int
			for i := c.from; i < c.to; i++ {
				held := mask[i]
				if w.held != nil {
					held &= w.held[i]
				}
				y, x := d.seen.symbols[i], w.says[i]
				n[0][0] += bits.OnesCount64(held &^ y &^ x)
				n[0][1] += bits.OnesCount64(held &^ y & x)
				n[1][0] += bits.OnesCount64(held & y &^ x)
				n[1][1] += bits.OnesCount64(held & y & x)
			}
			for y := range 2 {
				for x := range 2 {
					counts[l.index(k, y, z, x)] = float64(n[y][x])
				}
			}
		}
	}
	ln := make([]float64, len(d.models))
	for m, f := range l.factors {
		for i, n := range counts {
			ln[m] += n * f[i]
		}
	}
	return ln
}

// sets remembers what was worked out of a set. That depends neither on which copy is
// weighed nor on the order in which members came, as models know colluders by number only.
type sets struct {
	d     *Decoder
	words []Word
	total int // of copies
	known map[[largest]int]*set
}

func (s *sets) get(of *set, k int) *set {
	members := append(slices.Clone(of.members), k)
	slices.Sort(members)
	var key [largest]int
	for i, m := range members {
		key[i] = m + 1
	}
	if out, ok := s.known[key]; ok {
		return out
	}
	n := len(members)
	cost := -math.Log(float64(max(s.total-n, 1)) / float64(n))
	out := &set{members: members, ln: s.d.next(of, s.words[k])}
	for i := range out.ln {
		out.ln[i] += of.ln[i] + cost
		if s.d.models[i].colluders < n {
			out.ln[i] = math.Inf(-1)
		}
	}
	out.total = lnSum(out.ln)
	s.known[key] = out
	return out
}

// count fills in where how many of the members say true.
func (s *sets) count(out *set) {
	if out.says != nil {
		return
	}
	words := s.d.seen.words
	all := make([]uint64, (len(out.members)+1)*words)
	for range len(out.members) + 1 {
		out.says, all = append(out.says, all[:words:words]), all[words:]
	}
	copy(out.says[0], s.d.none().says[0])
	for n, k := range out.members {
		w := s.words[k]
		for z := n; z >= 0; z-- {
			for i, m := range out.says[z] {
				if w.held != nil {
					m &= w.held[i]
				}
				out.says[z+1][i] |= m & w.says[i]
				out.says[z][i] = m &^ w.says[i]
			}
		}
	}
}

// joint weighs copy j together with sets of others, each set by how well it explains the
// sample without j.
func (s *sets) joint(j int, others []int) float64 {
	now := []*set{s.d.none()}
	var weights, weighted []float64
	for size := 0; ; size++ {
		for _, of := range now {
			for i, f := range s.d.next(of, s.words[j]) {
				weights = append(weights, of.ln[i])
				weighted = append(weighted, of.ln[i]+f)
			}
		}
		if size == largest || size == len(others) {
			return lnSum(weighted) - lnSum(weights)
		}
		now = s.grow(now, others)
	}
}

// grow returns the heaviest sets of one member more.
func (s *sets) grow(now []*set, others []int) []*set {
	var out []*set
	for _, of := range now {
		for _, k := range others {
			if slices.Contains(of.members, k) {
				continue
			}
			grown := s.get(of, k)
			if !slices.Contains(out, grown) {
				out = append(out, grown)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b *set) int {
		if c := cmp.Compare(b.total, a.total); c != 0 {
			return c
		}
		return slices.Compare(a.members, b.members)
	})
	out = out[:min(len(out), beam)]
	for _, grown := range out {
		s.count(grown)
	}
	return out
}
