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
	digest [32]byte
}

// Fewest is how many cells of a family must be seen before one spelling of them all says
// that the family was rewritten.
const Fewest = 8

// Freeze takes a sample in. What was read twice counts once; a cell that was read in both
// spellings, as where two copies were put together, counts for nothing; a family that
// shows one spelling only was rewritten and counts for nothing either.
func Freeze(s Sample) *Frozen {
	f := &Frozen{counts: map[Family]int{}}
	f.sample = Sample{Cells: slices.Clone(s.Cells), Tokens: slices.Clone(s.Tokens),
		Documents: slices.Clone(s.Documents), Strangers: s.Strangers.sorted()}
	slices.SortFunc(f.sample.Cells, compareObserved)
	slices.SortFunc(f.sample.Tokens, compareToken)
	slices.SortFunc(f.sample.Documents, compareToken)
	f.sample.Cells = slices.Compact(f.sample.Cells)
	f.sample.Tokens = slices.Compact(f.sample.Tokens)
	f.sample.Documents = slices.Compact(f.sample.Documents)
	f.digest = sha256.Sum256(f.bytes())
	f.keep()
	return f
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
func (f *Frozen) keep() {
	var kept []Observed
	shown := map[Family][2]int{}
	for i := 0; i < len(f.sample.Cells); i++ {
		o := f.sample.Cells[i]
		if i+1 < len(f.sample.Cells) && f.sample.Cells[i+1].Cell == o.Cell {
			f.differ++
			i++
			continue
		}
		kept = append(kept, o)
		n := shown[o.Cell.Family]
		if o.Symbol {
			n[1]++
		} else {
			n[0]++
		}
		shown[o.Cell.Family] = n
	}
	for family, n := range shown {
		if n[0]+n[1] >= Fewest && min(n[0], n[1]) == 0 {
			f.dead = append(f.dead, family)
			continue
		}
		f.counts[family] = n[0] + n[1]
	}
	slices.Sort(f.dead)
	f.kept = slices.DeleteFunc(kept, func(o Observed) bool { return slices.Contains(f.dead, o.Cell.Family) })
}

// bytes is what is hashed: everything that was read, in one order and one spelling.
func (f *Frozen) bytes() []byte {
	b := []byte("amanah leak sample 3\x00")
	count := func(n int) { b = binary.BigEndian.AppendUint64(b, uint64(n)) }
	count(len(f.sample.Cells))
	for _, o := range f.sample.Cells {
		b = binary.BigEndian.AppendUint64(b, uint64(o.Cell.Row))
		symbol := byte(0)
		if o.Symbol {
			symbol = 1
		}
		b = append(b, byte(o.Cell.Family), o.Cell.Index, symbol)
	}
	count(len(f.sample.Tokens))
	for _, t := range f.sample.Tokens {
		b = append(binary.BigEndian.AppendUint64(b, uint64(t.Row)), t.Token[:]...)
	}
	for _, tags := range f.sample.Strangers {
		count(len(tags))
		for _, t := range tags {
			count(int(t))
		}
	}
	count(len(f.sample.Documents))
	for _, d := range f.sample.Documents {
		b = append(binary.BigEndian.AppendUint64(b, uint64(d.Row)), d.Token[:]...)
	}
	return b
}

// Digest is the SHA-256 of everything that was read. It is noted before a seed is opened.
func (f *Frozen) Digest() [32]byte { return f.digest }

// Dead returns the families that were rewritten: they show one spelling only.
func (f *Frozen) Dead() []Family { return slices.Clone(f.dead) }

// Differ returns how many cells were read in both spellings.
func (f *Frozen) Differ() int { return f.differ }

// Cells returns how many cells of a family count.
func (f *Frozen) Cells(of Family) int { return f.counts[of] }
