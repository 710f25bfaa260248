// Package code weighs the symbols of a sample against those of each copy.
//
// A weight is an E-value: never negative, and at most one in the mean for a copy that had
// no part in the leak, whoever the others are and whatever they did. That holds because
// an innocent copy's symbols are independent of what the leakers saw: each factor has
// mean one over the copy's own symbol, with everything else held fixed (the sample and
// all other copies' symbols), and so have products over positions and averages over
// guesses at the attack whose weights do not depend on the copy's own symbols (Tardos 2003;
// Vovk and Wang 2021). A guess that is wrong costs detection and never a false accusation.
//
// The package knows no keys: it is told symbols, and the order in which they may be
// looked at is package leak's to keep.
package code

import (
	"math"
	"math/bits"
	"slices"
)

// Position is one position of the code, as a sample shows it.
type Position struct {
	P      uint32 // the probability that a copy says true, in units of 2^-32; neither 0 nor all
	Symbol bool   // what the sample shows
}

// Seen is a sample's symbols, gathered by bias so that copies are compared 64 positions
// at a time.
type Seen struct {
	classes []class
	at      []int // of each position, its bit
	words   int
	symbols []uint64
}

// class is the positions of one bias.
type class struct {
	bias     uint32
	p        float64 // the same as a probability
	from, to int     // words
	used     [2]int
}

// Look gathers a sample's symbols.
func Look(positions []Position) *Seen {
	biases := map[uint32]int{}
	for _, q := range positions {
		biases[q.P]++
	}
	order := make([]uint32, 0, len(biases))
	for p := range biases {
		order = append(order, p)
	}
	slices.Sort(order)
	s := &Seen{at: make([]int, len(positions))}
	next := make(map[uint32]int, len(order))
	for _, p := range order {
		n := (biases[p] + 63) / 64
		next[p] = 64 * s.words
		s.classes = append(s.classes, class{bias: p, p: float64(p) / (1 << 32), from: s.words, to: s.words + n})
		s.words += n
	}
	s.symbols = make([]uint64, s.words)
	for i, q := range positions {
		s.at[i] = next[q.P]
		next[q.P]++
		y := 0
		if q.Symbol {
			y = 1
			s.symbols[s.at[i]/64] |= 1 << (s.at[i] % 64)
		}
		s.classes[slices.Index(order, q.P)].used[y]++
	}
	return s
}

// Len returns how many positions there are.
func (s *Seen) Len() int { return len(s.at) }

// Word is what one copy says at the positions of a sample. Positions of rows that the
// copy never received are not held, and say nothing of it.
type Word struct {
	says []uint64
	held []uint64 // nil: all
}

// Word returns a copy's word: says is asked for each position in order.
func (s *Seen) Word(says func(i int) (symbol, held bool)) Word {
	return s.Gather(func(given func(i int, symbol bool)) {
		for i := range s.at {
			if symbol, has := says(i); has {
				given(i, symbol)
			}
		}
	})
}

// Gather returns the word of a copy that holds some positions: each is given once, with its
// symbol, in any order.
func (s *Seen) Gather(positions func(given func(i int, symbol bool))) Word {
	w := Word{says: make([]uint64, s.words)}
	n := 0
	held := make([]uint64, s.words)
	positions(func(i int, symbol bool) {
		at := s.at[i]
		n++
		held[at/64] |= 1 << (at % 64)
		if symbol {
			w.says[at/64] |= 1 << (at % 64)
		}
	})
	if n < len(s.at) {
		w.held = held
	}
	return w
}

// Says returns what a word says at the i-th position.
func (s *Seen) Says(w Word, i int) bool { return w.says[s.at[i]/64]>>(s.at[i]%64)&1 == 1 }

// Draw returns the word of a copy that had no part, from a source of chance: bits is asked
// for 64 symbols at a time, each true with probability p.
func (s *Seen) Draw(bits func(p uint32) uint64) Word {
	w := Word{says: make([]uint64, s.words)}
	for _, c := range s.classes {
		left := c.used[0] + c.used[1]
		for i := c.from; i < c.to; i++ {
			w.says[i] = bits(c.bias) & mask(left)
			left -= 64
		}
	}
	return w
}

// mask has a bit for each of the positions left, at most 64.
func mask(left int) uint64 {
	if left >= 64 {
		return ^uint64(0)
	}
	return 1<<left - 1
}

// tally counts positions by bias, symbol of the sample and symbol of the copy.
type tally [][2][2]int

func (s *Seen) tally(w Word) tally {
	t := make(tally, len(s.classes))
	for k, c := range s.classes {
		all := c.used
		if w.held != nil {
			all = [2]int{}
			for i := c.from; i < c.to; i++ {
				all[0] += bits.OnesCount64(w.held[i] &^ s.symbols[i])
				all[1] += bits.OnesCount64(w.held[i] & s.symbols[i])
			}
		}
		for i := c.from; i < c.to; i++ {
			t[k][0][1] += bits.OnesCount64(w.says[i] &^ s.symbols[i])
			t[k][1][1] += bits.OnesCount64(w.says[i] & s.symbols[i])
		}
		t[k][0][0], t[k][1][0] = all[0]-t[k][0][1], all[1]-t[k][1][1]
	}
	return t
}

// lnSum returns the logarithm of the sum of what the logarithms are of.
func lnSum(ln []float64) float64 {
	top := math.Inf(-1)
	for _, l := range ln {
		top = max(top, l)
	}
	if math.IsInf(top, -1) {
		return top
	}
	sum := 0.0
	for _, l := range ln {
		sum += math.Exp(l - top)
	}
	return top + math.Log(sum)
}
