package code_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/domain/leak/code"
)

// biases of cells and of group canaries, and some others.
var biases = []uint32{484049967, 1 << 31, 1<<32 - 484049967, 3650722202, 214748365, 1, 1<<32 - 1, 1 << 30}

func chance(p uint32, y bool) float64 {
	if y {
		return float64(p) / (1 << 32)
	}
	return 1 - float64(p)/(1<<32)
}

// TestFactorsHaveMeanOne: over what an innocent copy says, each factor of the mixture has
// mean one, for each bias and whatever the sample shows. A factor of the wrong bias, as
// if the biases were not the copy's, is the control.
func TestFactorsHaveMeanOne(t *testing.T) {
	mean := func(f func(q float64, match bool) float64, q, said float64) float64 {
		return said*math.Exp(f(q, true)) + (1-said)*math.Exp(f(q, false))
	}
	rapid.Check(t, func(t *rapid.T) {
		q := chance(rapid.OneOf(rapid.SampledFrom(biases), rapid.Uint32Range(1, math.MaxUint32)).Draw(t, "bias"), rapid.Bool().Draw(t, "symbol"))
		a := rapid.Float64Range(0.001, 0.999).Draw(t, "strength")
		slope := rapid.Float64Range(0.001, 0.5).Draw(t, "slope")
		for what, f := range map[string]func(float64, bool) float64{
			"product": func(q float64, match bool) float64 { return code.LnFactor(a, q, match) },
			"tilt":    func(q float64, match bool) float64 { return code.LnTilt(slope, q, match) },
		} {
			if q > 1e-6 && q < 1-1e-6 {
				if m := mean(f, q, q); math.Abs(m-1) > 1e-9 {
					t.Errorf("%s: mean %v at q=%v", what, m, q)
				}
			}
			if q > 0.05 && q < 0.8 {
				if m := mean(f, q, q+0.1); m < 1+1e-6 {
					t.Errorf("%s: a wrong bias is not noticed: %v", what, m)
				}
			}
		}
	})
}

// trial is a sample, everybody's words but one copy's, and which copy that is.
type trial struct {
	positions []code.Position
	words     [][]bool
	held      [][]bool
	copy      int
}

func drawTrial(t *rapid.T) trial {
	m := rapid.IntRange(1, 6).Draw(t, "positions")
	n := rapid.IntRange(1, 7).Draw(t, "copies")
	var r trial
	for range m {
		r.positions = append(r.positions, code.Position{P: rapid.SampledFrom(biases[:5]).Draw(t, "bias"), Symbol: rapid.Bool().Draw(t, "symbol")})
	}
	for range n {
		var w, h []bool
		kind := rapid.SampledFrom([]string{"any", "the sample", "its opposite"}).Draw(t, "kind")
		for i := range m {
			says := r.positions[i].Symbol
			switch kind {
			case "any":
				says = rapid.Bool().Draw(t, "says")
			case "its opposite":
				says = !says
			}
			w = append(w, says)
			h = append(h, rapid.IntRange(0, 5).Draw(t, "held") > 0)
		}
		r.words, r.held = append(r.words, w), append(r.held, h)
	}
	r.copy = rapid.IntRange(0, n-1).Draw(t, "copy")
	return r
}

// mean sums an E-value of the one copy over everything that it may say, by enumeration.
func (r trial) mean(lnE func(words []code.Word, seen *code.Seen) float64) float64 {
	seen := code.Look(r.positions)
	words := make([]code.Word, len(r.words))
	for j := range words {
		words[j] = seen.Word(func(i int) (bool, bool) { return r.words[j][i], r.held[j][i] })
	}
	sum := 0.0
	for says := range 1 << len(r.positions) {
		p := 1.0
		for i, q := range r.positions {
			p *= chance(q.P, says>>i&1 == 1)
		}
		words[r.copy] = seen.Word(func(i int) (bool, bool) { return says>>i&1 == 1, r.held[r.copy][i] })
		sum += p * math.Exp(lnE(words, seen))
	}
	return sum
}

// TestInnocentMeanIsAtMostOne enumerates, for samples, biases, others' words and holdings
// that are drawn without any rule (copies that are the sample or its opposite among them),
// everything that an innocent copy may say: its E-value has mean at most one, by itself
// and weighed together with others. Choosing the best guess at the attack after looking
// at the copy, instead of averaging over guesses, is the control.
func TestInnocentMeanIsAtMostOne(t *testing.T) {
	caught := false
	rapid.Check(t, func(t *rapid.T) {
		r := drawTrial(t)
		seen := code.Look(r.positions)
		decoder, mixture := seen.Decoder(), seen.Mixture()
		if m := r.mean(func(words []code.Word, _ *code.Seen) float64 { return mixture.LnE(words[r.copy]) }); math.Abs(m-1) > 1e-9 {
			t.Errorf("mixture: mean %v", m)
		}
		if m := r.mean(func(words []code.Word, _ *code.Seen) float64 { return decoder.LnE(words, 200)[r.copy] }); m > 1+1e-9 {
			t.Errorf("decoder: mean %v", m)
		}
		best := r.mean(func(words []code.Word, seen *code.Seen) float64 {
			return max(mixture.LnE(words[r.copy]), decoder.LnE(words, 200)[r.copy], 0)
		})
		caught = caught || best > 1.01
	})
	if !caught {
		t.Error("choosing after looking was never noticed")
	}
}

// TestSampleThatFollowsTheCode is the control of the whole: a sample that is read with the
// copies' words in view breaks the bound.
func TestSampleThatFollowsTheCode(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	over := 0
	for range 200 {
		positions := make([]code.Position, 60)
		says := make([]bool, 60)
		for i := range positions {
			positions[i].P = biases[rng.IntN(3)]
			says[i] = rng.Uint32() < positions[i].P
			positions[i].Symbol = rng.Uint32() < positions[i].P
			if rng.IntN(3) == 0 { // where it was hard to read, it was read as the copy has it
				positions[i].Symbol = says[i]
			}
		}
		seen := code.Look(positions)
		if seen.Decoder().LnE([]code.Word{seen.Word(func(i int) (bool, bool) { return says[i], true })}, 1)[0] > math.Log(10) {
			over++
		}
	}
	if over < 60 { // the bound is 20
		t.Errorf("%d of 200 above 10, though the sample followed the code", over)
	}
}

// TestSameEveryTime: the same sample and words give the same E-values, to the bit, and in
// whichever order positions come.
func TestSameEveryTime(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	positions := make([]code.Position, 300)
	for i := range positions {
		positions[i] = code.Position{P: biases[rng.IntN(3)], Symbol: rng.IntN(2) == 1}
	}
	words := make([][]bool, 30)
	for j := range words {
		for i := range positions {
			words[j] = append(words[j], rng.Uint32() < positions[i].P || j < 3 && positions[i].Symbol)
		}
	}
	run := func(order []int) string {
		var at []code.Position
		for _, i := range order {
			at = append(at, positions[i])
		}
		seen := code.Look(at)
		var w []code.Word
		for j := range words {
			w = append(w, seen.Word(func(i int) (bool, bool) { return words[j][order[i]], true }))
		}
		return fmt.Sprintf("%x", seen.Decoder().LnE(w, len(w)))
	}
	order := rng.Perm(len(positions))
	first := run(order)
	if again := run(order); again != first {
		t.Error("a second run differs")
	}
	if again := run(rng.Perm(len(positions))); again != first {
		t.Error("another order of positions differs")
	}
}
