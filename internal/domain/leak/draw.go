package leak

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"github.com/amanah-project/amanah/internal/domain/leak/canary"
)

// What is drawn from a key, each under a label of its own: no two labels begin alike
// with what may follow them, so that what is drawn under one tells nothing of another.
const (
	labelRow      = "amanah leak row 1\x00"
	labelBias     = "amanah leak bias 1\x00"
	labelGroup    = "amanah leak group 1\x00"
	labelBase     = "amanah leak base 1\x00"
	labelSymbol   = "amanah leak symbol 1\x00"
	labelToken    = "amanah leak token 1\x00"
	labelCanary   = "amanah leak canary 1\x00"
	labelDocument = "amanah leak document 2\x00"
	labelRest     = "amanah leak document name 1\x00"
	labelCommit   = "amanah leak commit 1\x00"
	labelPerson   = "amanah leak canary person 1\x00"
	labelUnique   = "amanah leak unique canary 1\x00"
)

// prf is HMAC-SHA256 (RFC 2104) under a key of 32 bytes.
func prf(key *[32]byte, label string, parts ...[]byte) (out [32]byte) {
	h := hmac.New(sha256.New, key[:])
	h.Write([]byte(label))
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(out[:0])
	return out
}

// Row returns the row of a record by its name, which is what record.Ref.String says.
func (b *Base) Row(name []byte) Row {
	block := prf((*[32]byte)(b), labelRow, name)
	return Row(binary.BigEndian.Uint64(block[:]))
}

// Commitment returns what may be shown of the base before any copy is made, so that
// rows and biases cannot be chosen after a leak.
func (b *Base) Commitment() [32]byte { return prf((*[32]byte)(b), labelBase) }

// lanes is how many families one block serves.
const lanes = 8

// cellBlock draws what the cells have in common that differ in their lane only: one
// PRF serves all families of a row.
func cellBlock(key *[32]byte, label string, c Cell) [32]byte {
	var m [10]byte
	binary.BigEndian.PutUint64(m[:], uint64(c.Row))
	m[8], m[9] = c.Index, byte(c.Family/lanes)
	return prf(key, label, m[:])
}

// lane returns a family's 32 bits of a block.
func lane(block *[32]byte, f Family) uint32 {
	return binary.BigEndian.Uint32(block[4*(f%lanes):])
}

// The biases of cells: the nodes of Gauss and Legendre for up to six colluders
// (Nuida et al., Designs, Codes and Cryptography 2009), in units of 2^-32, so that a
// symbol's probability is exactly its bias.
const (
	biasLow  = 484049967
	biasHalf = 1 << 31
	biasHigh = 1<<32 - biasLow

	weightLow  = 1193046471 // 5/18
	weightHigh = 3101920824 // 13/18
)

func bias(u uint32) uint32 {
	switch {
	case u < weightLow:
		return biasLow
	case u < weightHigh:
		return biasHalf
	}
	return biasHigh
}

func probability(threshold uint32) float64 { return float64(threshold) / (1 << 32) }

// Bias returns the probability that a copy's symbol of a cell is true: 0.1127, 0.5 or
// 0.8873, the same for all copies. A coalition that cannot know it cannot choose symbols
// that fit nobody.
func (b *Base) Bias(c Cell) float64 { return probability(b.bias(c)) }

func (b *Base) bias(c Cell) uint32 {
	block := cellBlock((*[32]byte)(b), labelBias, c)
	return bias(lane(&block, c.Family))
}

// Symbol returns what a copy says in a cell.
func (s *Seed) Symbol(b *Base, c Cell) bool {
	block := cellBlock((*[32]byte)(s), labelSymbol, c)
	return lane(&block, c.Family) < b.bias(c)
}

// Token returns the name of a row in a copy.
func (s *Seed) Token(r Row) (t Token) {
	var m [8]byte
	binary.BigEndian.PutUint64(m[:], uint64(r))
	block := prf((*[32]byte)(s), labelToken, m[:])
	copy(t[:], block[:])
	return t
}

// The shares of copies that a group canary is in, in units of 2^-32. Colluders who keep
// only what all of them have meet those that nearly all copies have; colluders who put
// their copies together meet those that few have.
const (
	groupMost = 3650722202 // 0.85
	groupHalf = 1 << 31
	groupFew  = 214748365 // 0.05

	groupThird = 1431655765 // 1/3
)

// Group returns the share of copies that group canary n is in: 0.85, 0.5 or 0.05.
func (b *Base) Group(n uint32) float64 { return probability(b.group(n)) }

func (b *Base) group(n uint32) uint32 {
	block := prf((*[32]byte)(b), labelGroup, binary.BigEndian.AppendUint32(nil, n))
	switch u := binary.BigEndian.Uint32(block[:]); {
	case u < groupThird:
		return groupMost
	case u < 2*groupThird:
		return groupHalf
	}
	return groupFew
}

// Canary reports whether group canary n is in this copy.
func (s *Seed) Canary(b *Base, n uint32) bool {
	block := prf((*[32]byte)(s), labelCanary, binary.BigEndian.AppendUint32(nil, n))
	return binary.BigEndian.Uint32(block[:]) < b.group(n)
}

// Person returns the key of group canary n: who that is, is the same in all copies.
func (b *Base) Person(n uint32) canary.Key {
	return canary.Key(prf((*[32]byte)(b), labelPerson, binary.BigEndian.AppendUint32(nil, n)))
}

// Unique returns the key of the copy's own canary n, which no other copy has.
func (s *Seed) Unique(n uint32) canary.Key {
	return canary.Key(prf((*[32]byte)(s), labelUnique, binary.BigEndian.AppendUint32(nil, n)))
}

// Document returns 128 bits that stand in this copy for something that has a name
// elsewhere: the identifier of a file, or a DICOM UID as in 2.25. What has one row and name
// gets the same bits wherever it is mentioned in the copy. The first half is of the row
// alone, so that a trace, which knows rows and no names, knows it again; the second keeps
// apart what has the same row by chance.
func (s *Seed) Document(r Row, name []byte) (id [16]byte) {
	first := s.Identifier(r)
	rest := prf((*[32]byte)(s), labelRest, name)
	copy(id[:], first[:])
	copy(id[len(first):], rest[:])
	return id
}

// Identifier returns the first half of what Document returns.
func (s *Seed) Identifier(r Row) (t Token) {
	var m [8]byte
	binary.BigEndian.PutUint64(m[:], uint64(r))
	block := prf((*[32]byte)(s), labelDocument, m[:])
	copy(t[:], block[:])
	return t
}

// Commit returns what is journaled before a copy is delivered: it binds the copy to its
// seed and to what was delivered (manifest is a SHA-256 of the list of records and
// versions), and tells nobody the seed. Who is shown the seed later, checks that it was
// not made to fit a sample.
func Commit(c Copy, s *Seed, manifest [32]byte) [32]byte {
	return prf((*[32]byte)(s), labelCommit, c[:], manifest[:])
}
