// Package simulate draws leaks of marked exports and traces them, so that it can be said
// of any deployment how much of an export must survive which attack until its copy is
// named, and how often an innocent copy is.
//
// Copies' symbols come from a source of chance instead of from keys, with the biases of
// package leak; they are weighed by package leak/code as a real sample's are. The same
// seed draws the same trials, to the bit, however many run at once.
package simulate

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/amanah-project/amanah/internal/fault"
)

// Scenario is one kind of leak in one deployment.
type Scenario struct {
	Copies    int     `json:"copies"`    // ever made
	Colluders int     `json:"colluders"` // who put their copies together
	Overlap   float64 `json:"overlap"`   // probability that a copy has a given row of the population
	Rows      int     `json:"rows"`      // of the population that copies are made of
	PerRow    int     `json:"per_row"`   // families, with one carrier each in a row
	Attack    Attack  `json:"attack"`
	Shown     float64 `json:"shown"`    // share of the rows that the sample shows
	Prefix    bool    `json:"prefix"`   // the rows shown are the first in order, and not drawn
	Reworked  int     `json:"reworked"` // families put into one spelling
	Dropped   int     `json:"dropped"`  // families whose column is not shown
	Invented  float64 `json:"invented"` // invented rows for each that is shown; one of a hundred has a NIK of ours
	Noise     float64 `json:"noise"`    // probability that a symbol is turned over or misread
	Tokens    bool    `json:"tokens"`   // the column of row tokens is shown
	Canaries  int     `json:"canaries"` // group canaries in the population, shown as its rows are

	// Cells, if it is not 0, is how many cells are left after everything: rows are drawn
	// until there are so many.
	Cells int `json:"cells"`
}

// Default returns a scenario that is complete: 200 copies of the same 1,000 rows with four
// carriers each, of which one recipient shows all.
func Default() Scenario {
	return Scenario{Copies: 200, Colluders: 1, Overlap: 1, Rows: 1000, PerRow: 4, Attack: Merge, Shown: 1, Noise: 0.02}
}

// Check says what is wrong with a scenario.
func (s Scenario) Check() error {
	bad := func(what string) error { return fault.Newf(fault.Invalid, "the simulation's %s", what) }
	part := func(f float64) bool { return f >= 0 && f <= 1 }
	switch {
	case s.Copies < 1 || s.Copies > 2_000_000:
		return bad("copies must be 1 to 2,000,000")
	case s.Colluders < 1 || s.Colluders > min(s.Copies, 32):
		return bad("colluders must be 1 to 32, and no more than there are copies")
	case s.Rows < 1 || s.Rows > 1_000_000 || s.Cells < 0 || s.Cells > 100_000:
		return bad("rows must be 1 to 1,000,000, and its cells 0 to 100,000")
	case s.PerRow < 1 || s.PerRow > 8 || s.Reworked < 0 || s.Dropped < 0 || s.Reworked+s.Dropped > s.PerRow:
		return bad("families must be 1 to 8, and those reworked or dropped no more than that")
	case !part(s.Overlap) || s.Overlap == 0 || !part(s.Shown) || !part(s.Noise) || s.Noise > 0.5:
		return bad("overlap must be above 0 and no share above 1, and its noise no more than a half")
	case s.Invented < 0 || s.Invented > 1000 || s.Canaries < 0 || s.Canaries > 100_000:
		return bad("invented rows must be 0 to 1,000 for each shown, and its canaries 0 to 100,000")
	case s.Cells > 0 && s.Reworked+s.Dropped == s.PerRow:
		return bad("families are all gone: no cell can be left")
	case s.Attack.writes() == nil && s.Attack != Drop:
		return bad("attack is none of those that `amanah leak simulate --help` lists")
	}
	return nil
}

// words is a source of chance for one trial.
type chance struct{ *rand.ChaCha8 }

// source returns the chance of one trial of one scenario under one seed.
func (s Scenario) source(seed uint64, trial int) chance {
	h := sha256.New()
	fmt.Fprintf(h, "amanah leak simulate 1\x00%+v\x00", s)
	h.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, seed), uint64(trial)))
	return chance{rand.NewChaCha8([32]byte(h.Sum(nil)))}
}

// bits returns 64 bits, each true with probability p in units of 2^-32.
func (c chance) bits(p uint32) uint64 {
	var less uint64
	for i := range 32 {
		if less == 0 && p>>i&1 == 0 { // the lowest bits of p that are zero change nothing
			continue
		}
		if u := c.Uint64(); p>>i&1 == 1 {
			less |= ^u
		} else {
			less &= ^u
		}
	}
	return less
}

// part reports true with probability p.
func (c chance) part(p float64) bool { return float64(c.Uint64()>>11)/(1<<53) < p }

// below returns a whole number from 0, below n.
func (c chance) below(n int) int { return int(c.Uint64() % uint64(n)) }

// The biases of package leak, to 16 bits, which is as near as the simulation needs.
const (
	low  = 7386 << 16
	half = 1 << 31
	high = 1<<32 - low
)

// bias draws the bias of a cell: the weights are package leak's.
func (c chance) bias() uint32 {
	switch u := c.below(18); {
	case u < 5:
		return low
	case u < 13:
		return half
	}
	return high
}

// group draws the share of copies that a group canary is in.
func (c chance) group() uint32 {
	return [3]uint32{55706 << 16, half, 3277 << 16}[c.below(3)]
}

func threshold(p float64) uint32 {
	return uint32(min(math.Round(p*(1<<32)), 1<<32-1))
}
