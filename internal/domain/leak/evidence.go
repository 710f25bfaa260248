package leak

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math"

	"github.com/amanah-project/amanah/internal/domain/leak/canary"
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
// put together. One goroutine weighs at a time.
func (f *Frozen) Weigh(b *Base, copies []Holding) []Evidence {
	if f.chosen == nil {
		f.Choose([][]Row{nil})
	}
	out := make([]Evidence, len(copies))
	cells, canaries := f.cells(b, copies), f.canaries(b, copies)
	tokens, documents := split(f.sample.Tokens), split(f.sample.Documents)
	each(len(copies), func(j int) {
		h := &copies[j]
		parts := []Part{tokens.of(Tokens, h.Rows, h.Seed.names(labelToken)), cells[j], canaries[j], h.unique(&f.sample.Strangers), documents.of(Documents, h.Documents, h.Seed.names(labelDocument))}
		out[j].Copy = h.Copy
		for _, p := range parts {
			if p.Used > 0 {
				out[j].LnE += p.LnE
				out[j].Parts = append(out[j].Parts, p)
			}
		}
	})
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

// of compares names with those that a copy's rows have in it: all, and for a copy that is to
// have every row the first MaxEvery, by their rows, of those whose row is known. One whose row
// is not known is compared with each row. Which are compared does not follow from the seed.
func (n *named) of(d Domain, rows []Row, draw func(Row) Token) Part {
	p := Part{Domain: d}
	known := n.known
	if rows == nil {
		known = known[:min(len(known), MaxEvery)]
	}
	join(known, func(t *SeenToken) Row { return t.Row }, rows, func(at int) {
		p.Used++
		if is := draw(known[at].Row); hmac.Equal(known[at].Token[:], is[:]) {
			p.Found++
		}
	})
	tried := uint64(p.Used)
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

// drawer draws cells one after the other, with one PRF for all families of a row.
type drawer struct {
	h     hash.Hash
	label []byte
	block [32]byte
	m     [10]byte
	at    Cell
	drawn bool
}

func (d *drawer) draw(c Cell) uint32 {
	at := Cell{Row: c.Row, Family: c.Family / lanes, Index: c.Index}
	if !d.drawn || d.at != at {
		d.h.Reset()
		d.h.Write(d.label)
		binary.BigEndian.PutUint64(d.m[:], uint64(at.Row))
		d.m[8], d.m[9] = at.Index, byte(at.Family)
		d.h.Write(d.m[:])
		d.h.Sum(d.block[:0])
		d.at, d.drawn = at, true
	}
	return lane(&d.block, c.Family)
}

// names returns what draws the names of rows one after the other; it is for one goroutine.
func (s *Seed) names(label string) func(Row) Token {
	h := hmac.New(sha256.New, s[:])
	said, m, block := []byte(label), make([]byte, 8), make([]byte, 0, sha256.Size)
	return func(r Row) (t Token) {
		binary.BigEndian.PutUint64(m, uint64(r))
		h.Reset()
		h.Write(said)
		h.Write(m)
		copy(t[:], h.Sum(block))
		return t
	}
}
