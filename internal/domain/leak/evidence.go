package leak

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/leak/canary"
	"github.com/amanah-project/amanah/internal/domain/leak/code"
)

// Holding is one copy with its secret: what a sample is weighed against.
type Holding struct {
	Copy Copy
	Seed *Seed
	Rows []Row // that were delivered, ascending; nil: every row

	// Spec tells apart what copies' canaries were drawn by, as Recognise was told; Group is
	// how many group canaries there were to have, and Unique are the copy's own ones.
	Spec   int
	Group  uint32
	Unique []Tags
	Bits   [canary.Levels]float64 // of Unique, as canary.Spec says

	// Documents are the rows, ascending, of what identifiers of files and images may stand for
	// in the copy; nil: every row.
	Documents []Row
}

// in reports whether a row is among some, ascending; nil are all.
func in(rows []Row, r Row) bool {
	if rows == nil {
		return true
	}
	_, found := slices.BinarySearch(rows, r)
	return found
}

func (h *Holding) has(r Row) bool { return in(h.Rows, r) }

// Domain is a kind of evidence with a key of its own: what one draws is independent of
// what the others draw, so that their E-values multiply.
type Domain string

// Domains of evidence.
const (
	Tokens    Domain = "row tokens"
	Cells     Domain = "cells"
	Canaries  Domain = "group canaries"
	Uniques   Domain = "unique canaries"
	Documents Domain = "document identifiers"
)

// Part is the E-value of one domain.
type Part struct {
	Domain Domain
	Used   int // tokens, cells, canaries or identifiers that could say something of the copy
	Found  int // of those, how many are the copy's; of cells, how many agree
	LnE    float64
}

// Evidence is what a sample says of one copy.
type Evidence struct {
	Copy  Copy
	LnE   float64 // natural logarithm of the E-value: the sum over the parts
	Parts []Part
}

// Log10 returns the decimal logarithm of the E-value.
func (e Evidence) Log10() float64 { return e.LnE / math.Ln10 }

// Weigh opens the codes of copies against the sample. The order of the answers is that of
// the copies; all copies that were ever made belong in one call, as they may have been
// put together.
func (f *Frozen) Weigh(b *Base, copies []Holding) []Evidence {
	out := make([]Evidence, len(copies))
	cells, canaries := f.cells(b, copies), f.canaries(b, copies)
	tokens, documents := split(f.sample.Tokens), split(f.sample.Documents)
	for j := range copies {
		h := &copies[j]
		parts := []Part{tokens.of(Tokens, h.Rows, h.Seed.Token), cells[j], canaries[j], h.unique(&f.sample.Strangers), documents.of(Documents, h.Documents, h.Seed.Identifier)}
		out[j].Copy = h.Copy
		for _, p := range parts {
			if p.Used > 0 {
				out[j].LnE += p.LnE
				out[j].Parts = append(out[j].Parts, p)
			}
		}
	}
	return out
}

// lnMatches returns the logarithm of an E-value from names of that many bits: of tried
// comparisons found came out equal. Without any it is 0.9; k of them have the weight
// 0.1 · 2^-k · 2^(bits·k) / C(tried, k), and C(tried, k) · 2^(-bits·k) bounds their chance.
// That the comparison was made for each of N copies is in the threshold already.
func lnMatches(bits float64, tried uint64, found int) float64 {
	if found == 0 {
		return math.Log(0.9)
	}
	n, k := float64(tried), float64(found)
	ways, _ := math.Lgamma(n + 1)
	for _, v := range []float64{k + 1, n - k + 1} {
		l, _ := math.Lgamma(v)
		ways -= l
	}
	return math.Log(0.1) + (bits*k-k)*math.Ln2 - ways
}

// named are names of 64 bits that were read: of rows that are known, and others.
type named struct {
	known   []SeenToken
	unknown map[Token]bool
}

func split(all []SeenToken) named {
	n := named{unknown: map[Token]bool{}}
	for _, t := range all {
		if t.Row == 0 {
			n.unknown[t.Token] = true
		} else {
			n.known = append(n.known, t)
		}
	}
	return n
}

// of compares names with those that a copy's rows have in it. One whose row is not known is
// compared with each.
func (n *named) of(d Domain, rows []Row, draw func(Row) Token) Part {
	p := Part{Domain: d}
	var tried uint64
	for _, t := range n.known {
		if in(rows, t.Row) {
			tried++
			p.Used++
			if is := draw(t.Row); hmac.Equal(t.Token[:], is[:]) {
				p.Found++
			}
		}
	}
	if len(n.unknown) > 0 && len(rows) > 0 {
		tried += uint64(len(n.unknown)) * uint64(len(rows))
		p.Used += len(n.unknown)
		for _, r := range rows {
			if n.unknown[draw(r)] {
				p.Found++
			}
		}
	}
	if tried > 0 {
		p.LnE = lnMatches(64, tried, p.Found)
	}
	return p
}

// cells weighs the cells that are left.
func (f *Frozen) cells(b *Base, copies []Holding) []Part {
	positions := make([]code.Position, len(f.kept))
	biases := drawer{h: hmac.New(sha256.New, b[:]), label: labelBias}
	for i, o := range f.kept {
		positions[i] = code.Position{P: bias(biases.draw(o.Cell)), Symbol: o.Symbol}
	}
	seen := code.Look(positions)
	out := make([]Part, len(copies))
	words := make([]code.Word, len(copies))
	for j := range copies {
		h := &copies[j]
		p := Part{Domain: Cells}
		symbols := drawer{h: hmac.New(sha256.New, h.Seed[:]), label: labelSymbol}
		words[j] = seen.Word(func(i int) (bool, bool) {
			o := f.kept[i]
			if !h.has(o.Cell.Row) {
				return false, false
			}
			says := symbols.draw(o.Cell) < positions[i].P
			p.Used++
			if says == o.Symbol {
				p.Found++
			}
			return says, true
		})
		out[j] = p
	}
	for j, ln := range seen.Decoder().LnE(words, len(words)) {
		out[j].LnE = ln
	}
	return out
}

// drawer draws cells one after the other, with one PRF for all families of a row.
type drawer struct {
	h     hash.Hash
	label string
	block [32]byte
	at    Cell
	drawn bool
}

func (d *drawer) draw(c Cell) uint32 {
	at := Cell{Row: c.Row, Family: c.Family / lanes, Index: c.Index}
	if !d.drawn || d.at != at {
		d.h.Reset()
		d.h.Write([]byte(d.label))
		var m [10]byte
		binary.BigEndian.PutUint64(m[:], uint64(at.Row))
		m[8], m[9] = at.Index, byte(at.Family)
		d.h.Write(m[:])
		d.h.Sum(d.block[:0])
		d.at, d.drawn = at, true
	}
	return lane(&d.block, c.Family)
}
