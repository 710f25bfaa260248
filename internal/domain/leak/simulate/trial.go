package simulate

import (
	"math"
	"math/bits"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/code"
)

// Outcome is what one trial came to.
type Outcome struct {
	Cells    int       // that were left
	Guilty   []float64 // natural logarithms of the E-values of the colluders' copies
	Innocent []float64 // of all others that were drawn

	drawn int // innocents, before only those that count were kept
}

// most is how many innocent copies are drawn. More than that many copies are weighed by
// their number, and the rest is not drawn: it would be among those that are weighed
// together with others only.
const most = 10_000

// Trial draws one leak and traces it.
func (s Scenario) Trial(seed uint64, trial int, decoder Decoder) Outcome {
	chance := s.source(seed, trial)
	cells, rows := s.draw(chance)
	cells = s.freeze(cells)
	out := Outcome{Cells: len(cells)}
	positions := make([]code.Position, len(cells))
	for i, c := range cells {
		positions[i] = code.Position{P: c.bias, Symbol: c.symbol}
	}
	seen := code.Look(positions)
	words := make([]code.Word, 0, min(s.Copies, most+s.Colluders))
	for j := range s.Colluders {
		words = append(words, seen.Word(func(i int) (bool, bool) { return cells[i].says>>j&1 == 1, cells[i].holds>>j&1 == 1 }))
	}
	for len(words) < cap(words) {
		w := seen.Draw(chance.bits)
		if s.Overlap < 1 {
			w = s.holding(seen, w, cells, chance)
		}
		words = append(words, w)
	}
	ln := decoder(seen, words, s.Copies)
	s.canaries(ln, chance)
	if s.Tokens {
		for j := range s.Colluders {
			if rows[j] > 0 {
				ln[j] += 64 * math.Ln2 * float64(min(rows[j], 2))
			}
		}
	}
	out.Guilty, out.Innocent = ln[:s.Colluders], ln[s.Colluders:]
	return out
}

// Seen and Word are what a decoder is told.
type (
	Seen = code.Seen
	Word = code.Word
)

// Decoder weighs copies: natural logarithms of E-values, in the order of the words.
type Decoder func(seen *code.Seen, words []code.Word, copies int) []float64

// Full is the decoder that traces use.
func Full(seen *code.Seen, words []code.Word, copies int) []float64 {
	return seen.Decoder().LnE(words, copies)
}

// Plain is the mixture of the survey, copy by copy.
func Plain(seen *code.Seen, words []code.Word, _ int) []float64 {
	m := seen.Mixture()
	out := make([]float64, len(words))
	for j, w := range words {
		out[j] = m.LnE(w)
	}
	return out
}

// draw makes the colluders' rows and what they show of them; rows counts those that are
// each colluder's own.
func (s Scenario) draw(chance chance) (cells []cell, rows [32]int) {
	shown, want := 0, s.Cells
	for r := 0; want > 0 && shown < want || want == 0 && r < s.Rows; r++ {
		if want == 0 && (s.Prefix && float64(r) >= s.Shown*float64(s.Rows) || !s.Prefix && !chance.part(s.Shown)) {
			continue
		}
		var holds uint64
		for j := range s.Colluders {
			if s.Overlap == 1 || chance.part(s.Overlap) {
				holds |= 1 << j
			}
		}
		if holds == 0 {
			continue
		}
		of := chance.below(s.Colluders)
		for holds>>of&1 == 0 {
			of = (of + 1) % s.Colluders
		}
		rows[of]++
		for f := s.Dropped; f < s.PerRow; f++ {
			c := s.cell(chance, f, of, holds)
			c.row = r
			if c.shown && (want == 0 || shown < want) {
				cells = append(cells, c)
				if f >= s.Dropped+s.Reworked {
					shown++
				}
			}
		}
		if chance.part(min(s.Invented/100, 1)) {
			cells = s.invent(cells, r, chance)
		}
	}
	return cells, rows
}

func (s Scenario) cell(chance chance, family, of int, holds uint64) cell {
	c := cell{family: family, bias: chance.bias(), holds: holds}
	c.says = chance.bits(c.bias) & (1<<s.Colluders - 1)
	s.Attack.write(&c, s.Colluders, of, chance)
	if chance.part(s.Noise) {
		c.symbol = !c.symbol
	}
	if family < s.Dropped+s.Reworked {
		c.symbol = true
	}
	return c
}

// invent adds a row that nobody had: its NIK belongs to somebody by accident, and its
// spellings are as they come.
func (s Scenario) invent(cells []cell, row int, chance chance) []cell {
	for f := s.Dropped; f < s.PerRow; f++ {
		c := cell{row: row, family: f, bias: chance.bias(), holds: 1<<s.Colluders - 1, shown: true}
		c.says = chance.bits(c.bias) & (1<<s.Colluders - 1)
		c.symbol = f < s.Dropped+s.Reworked || chance.part(0.5)
		cells = append(cells, c)
	}
	return cells
}

// freeze leaves out families that show one spelling only, as package leak does.
func (s Scenario) freeze(cells []cell) []cell {
	var shown [8][2]int
	for _, c := range cells {
		shown[c.family][map[bool]int{true: 1}[c.symbol]]++
	}
	return slices.DeleteFunc(cells, func(c cell) bool {
		n := shown[c.family]
		return n[0]+n[1] >= leak.Fewest && min(n[0], n[1]) == 0
	})
}

// holding takes from an innocent copy's word the rows that it has not.
func (s Scenario) holding(seen *code.Seen, w code.Word, cells []cell, chance chance) code.Word {
	p := threshold(s.Overlap)
	held := make([]bool, len(cells))
	var drawn uint64
	rows := 0
	for i, c := range cells {
		switch {
		case i > 0 && cells[i-1].row == c.row:
			held[i] = held[i-1]
			continue
		case rows%64 == 0:
			drawn = chance.bits(p)
		}
		held[i] = drawn>>(rows%64)&1 == 1
		rows++
	}
	return seen.Word(func(i int) (bool, bool) { return seen.Says(w, i), held[i] })
}

// canaries adds what group canaries say: those that the colluders' sample shows.
func (s Scenario) canaries(ln []float64, chance chance) {
	if s.Canaries == 0 {
		return
	}
	var positions []code.Position
	var says []uint64
	for range s.Canaries {
		p := chance.group()
		in := chance.bits(p) & (1<<s.Colluders - 1)
		there := in != 0
		switch s.Attack {
		case Drop, All:
			there = in == 1<<s.Colluders-1
		case Majority:
			there = 2*bits.OnesCount64(in) > s.Colluders
		case Merge, Interleave, Coin, Minority, Any: // rows that one has, the sample may have
		}
		if there && chance.part(s.Shown) {
			positions = append(positions, code.Position{P: p, Symbol: true})
			says = append(says, in)
		}
	}
	seen := code.Look(positions)
	mixture := seen.Mixture()
	for j := range ln {
		if j < s.Colluders {
			ln[j] += mixture.LnE(seen.Word(func(i int) (bool, bool) { return says[i]>>j&1 == 1, true }))
		} else {
			ln[j] += mixture.LnE(seen.Draw(chance.bits))
		}
	}
}
