package leak

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// Sample is what was read of a dump, as it comes. Nothing in it may depend on what any
// copy says: whoever fills it has no seed.
type Sample struct {
	Cells     []Observed
	Tokens    []SeenToken
	Documents []SeenToken // identifiers of files and images, the first eight bytes, and the row of what they stand for
	Strangers Strangers
}

// SeenToken is a token as it was read, and the row it stood in where that is known.
type SeenToken struct {
	Token Token
	Row   Row // zero: not known, and every row of a copy is tried
}

// Frozen is a sample that changes no more. Codes are opened against it and against nothing
// else, so that how it was read cannot follow from what any copy says: if it did, E-values
// would bound nothing.
type Frozen struct {
	sample Sample
	kept   []Observed
	dead   []Family
	differ int
	counts map[Family]int
	seen   []groupCanary // what Recognise found
	most   int           // cells that are weighed: MaxCells
	chosen []Observed    // of those kept; nil before Choose
	digest [32]byte
}

// Fewest is how many cells of a family must be seen before one spelling of them all says
// that the family was rewritten.
const Fewest = 8

// Freeze takes a sample in. What was read twice counts once; a cell that was read in both
// spellings, as where two copies were put together, counts for nothing; a family that
// shows one spelling only was rewritten and counts for nothing either.
func Freeze(s Sample) *Frozen {
	f := &Frozen{counts: map[Family]int{}, most: MaxCells}
	f.sample = Sample{Tokens: slices.Clone(s.Tokens), Documents: slices.Clone(s.Documents), Strangers: s.Strangers.sorted()}
	slices.SortFunc(f.sample.Tokens, compareToken)
	slices.SortFunc(f.sample.Documents, compareToken)
	f.sample.Tokens = slices.Compact(f.sample.Tokens)
	f.sample.Documents = slices.Compact(f.sample.Documents)
	cells := s.Cells
	if !ascend(cells) { // a trace's do, and there may be tens of millions
		cells = slices.Clone(cells)
		slices.SortFunc(cells, compareObserved)
		cells = slices.Compact(cells)
	}
	f.hash(cells)
	f.keep(cells)
	return f
}

// ascend reports whether cells ascend, each once.
func ascend(cells []Observed) bool {
	for i := 1; i < len(cells); i++ {
		if compareObserved(cells[i-1], cells[i]) >= 0 {
			return false
		}
	}
	return true
}

func compareToken(a, b SeenToken) int {
	return cmp.Or(cmp.Compare(a.Row, b.Row), bytes.Compare(a.Token[:], b.Token[:]))
}

func compareObserved(a, b Observed) int {
	if c := compareCell(a.Cell, b.Cell); c != 0 || a.Symbol == b.Symbol {
		return c
	}
	if b.Symbol {
		return -1
	}
	return 1
}

func compareCell(a, b Cell) int {
	return cmp.Or(cmp.Compare(a.Row, b.Row), cmp.Compare(a.Index, b.Index), cmp.Compare(a.Family, b.Family))
}

// keep leaves out what is contradicted and what was rewritten.
func (f *Frozen) keep(cells []Observed) {
	var shown [256][2]int
	var alive [256]bool
	single(cells, func(o Observed) {
		if o.Symbol {
			shown[o.Cell.Family][1]++
		} else {
			shown[o.Cell.Family][0]++
		}
	})
	left := 0
	for family, n := range shown {
		switch all := n[0] + n[1]; {
		case all == 0:
		case all >= Fewest && min(n[0], n[1]) == 0:
			f.dead = append(f.dead, Family(family))
		default:
			f.counts[Family(family)], alive[family] = all, true
			left += all
		}
	}
	f.kept = make([]Observed, 0, left)
	f.differ = single(cells, func(o Observed) {
		if alive[o.Cell.Family] {
			f.kept = append(f.kept, o)
		}
	})
}

// single gives those cells that were read in one spelling, and returns how many were in both.
func single(cells []Observed, give func(Observed)) (differ int) {
	for i := 0; i < len(cells); i++ {
		if i+1 < len(cells) && cells[i+1].Cell == cells[i].Cell {
			differ++
			i++
			continue
		}
		give(cells[i])
	}
	return differ
}

// hash hashes everything that was read, in one order and one spelling.
func (f *Frozen) hash(cells []Observed) {
	h := sha256.New()
	b := make([]byte, 0, 1<<16)
	put := func(n uint64, more ...byte) {
		if b = append(binary.BigEndian.AppendUint64(b, n), more...); len(b) > cap(b)-64 {
			h.Write(b)
			b = b[:0]
		}
	}
	b = append(b, "amanah leak sample 3\x00"...)
	put(uint64(len(cells)))
	for _, o := range cells {
		symbol := byte(0)
		if o.Symbol {
			symbol = 1
		}
		put(uint64(o.Cell.Row), byte(o.Cell.Family), o.Cell.Index, symbol)
	}
	tokens := func(all []SeenToken) {
		put(uint64(len(all)))
		for i := range all {
			put(uint64(all[i].Row), all[i].Token[:]...)
		}
	}
	tokens(f.sample.Tokens)
	for _, tags := range f.sample.Strangers {
		put(uint64(len(tags)))
		for _, t := range tags {
			put(t)
		}
	}
	tokens(f.sample.Documents)
	h.Write(b)
	h.Sum(f.digest[:0])
}

// Digest is the SHA-256 of everything that was read. It is noted before a seed is opened.
func (f *Frozen) Digest() [32]byte { return f.digest }

// Dead returns the families that were rewritten: they show one spelling only.
func (f *Frozen) Dead() []Family { return slices.Clone(f.dead) }

// Differ returns how many cells were read in both spellings.
func (f *Frozen) Differ() int { return f.differ }

// Cells returns how many cells of a family count.
func (f *Frozen) Cells(of Family) int { return f.counts[of] }
