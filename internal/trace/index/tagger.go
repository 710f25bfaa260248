package index

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
)

// Domains of tags: the first byte of what the PRF is of. Equal values of different domains
// have tags that have nothing to do with each other. The numbers are stored in tags and stay.
const (
	tagFull byte = 1 + iota
	tagShort
	tagRef
	tagBorn
	tagCall
	tagName
	tagPhone
	tagAddress
	tagWord
	tagRecord
	tagVisit
	tagKind
	tagDecoy
	tagAgain // a job's tag of an index's tag
	tagMask
	tagSmall // a job's tag of a few bits of a tag
	tagBeside
	tagVisitPad
)

// Tagger computes tags under a key. One goroutine uses it at a time; Clone makes another.
//
// Inputs of at most fifteen bytes, which NIKs, telephone numbers and all that is bound to a
// NIK in a few bytes are, go through one block of AES-128 under a key of their own: a block
// cipher on distinct inputs is a PRF up to the birthday bound (Bellare, Kilian, Rogaway
// 1994), here 2^64 blocks, and costs a tenth of what HMAC does, 15 ns against 150. Longer
// names, words and addresses that are bound to a tag, of which a trace asks for each row, go
// through AES-CMAC under another key, and the rest through HMAC-SHA256 (RFC 2104), all cut
// to 64 bits. An input is its domain, the tag where it is bound to one, and the value, in a
// block padded with zeros: values of one domain are either all of one length or text, which
// has no zero byte, and no domain is used with two constructions for one value, so that no
// two inputs are the same.
type Tagger struct {
	key   Key
	block cipher.Block
	texts *cmac
	mac   hash.Hash
	in    [16]byte
	out   [16]byte
	sum   [sha256.Size]byte
	text  []byte
}

// NewTagger derives the three keys of a Tagger by HKDF-SHA256 (RFC 5869).
func NewTagger(key Key) *Tagger {
	derive := func(label string, n int) []byte {
		b, err := hkdf.Expand(sha256.New, key[:], "amanah trace index 1 "+label, n)
		if err != nil {
			panic("index: " + err.Error()) // HKDF refuses lengths over 8,160 alone
		}
		return b
	}
	cut := func(label string) cipher.Block {
		block, err := aes.NewCipher(derive(label, 16))
		if err != nil {
			panic("index: " + err.Error()) // 16 bytes are a key
		}
		return block
	}
	return &Tagger{key: key, block: cut("block"), texts: newCMAC(cut("bound text")), mac: hmac.New(sha256.New, derive("text", 32))}
}

// Clone returns a Tagger of the same key for another goroutine.
func (t *Tagger) Clone() *Tagger { return NewTagger(t.key) }

// Format redacts, whatever the verb.
func (*Tagger) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[redacted]") }

// one is the PRF of a block: the domain and at most fifteen bytes in two words.
func (t *Tagger) one(domain byte, a, b uint64) Tag {
	binary.LittleEndian.PutUint64(t.in[:], uint64(domain)|b<<8)
	binary.LittleEndian.PutUint64(t.in[8:], a)
	t.block.Encrypt(t.out[:], t.in[:])
	return Tag(binary.LittleEndian.Uint64(t.out[:]))
}

// long is the PRF of a text bound to a tag, or to none (zero).
func (t *Tagger) long(domain byte, bind Tag, text []byte) Tag {
	t.mac.Reset()
	t.mac.Write(t.input(domain, bind, text))
	return Tag(binary.LittleEndian.Uint64(t.mac.Sum(t.sum[:0])))
}

func (t *Tagger) input(domain byte, bind Tag, text []byte) []byte {
	t.text = append(binary.LittleEndian.AppendUint64(append(t.text[:0], domain), uint64(bind)), text...)
	return t.text
}

// bound is the PRF of a text bound to a tag, in a block where it fits.
func (t *Tagger) bound(domain byte, bind Tag, text []byte) Tag {
	if len(text) > 7 {
		return Tag(binary.LittleEndian.Uint64(t.texts.of(t.input(domain, bind, text))[:]))
	}
	var b uint64
	for i, c := range text {
		b |= uint64(c) << (8 * i)
	}
	return t.one(domain, uint64(bind), b)
}

// Full tags a NIK.
func (t *Tagger) Full(n norm.NIK) Tag { return t.one(tagFull, uint64(n), 0) }

// Short tags a NIK's first fifteen digits.
func (t *Tagger) Short(n norm.NIK) Tag { return t.one(tagShort, n.Short(), 0) }

// Ref tags the platform's own number of a person.
func (t *Tagger) Ref(person uint64) Tag { return t.one(tagRef, person, 0) }

// Born tags a name, as norm.Name has it, and a birth date together.
func (t *Tagger) Born(name []byte, on norm.Date) Tag { return t.long(tagBorn, Tag(on), name) }

// Call tags a name and a telephone number together.
func (t *Tagger) Call(name []byte, phone uint64) Tag { return t.long(tagCall, Tag(phone), name) }

// Pads, each of its own for one tag of one person.
const (
	padBind uint64 = 1 + iota
	padShort
	padBorn
	padCall
)

// mask hides a tag under the person's own pad, which no two people share, and shows it again;
// zero stays.
func (t *Tagger) mask(full Tag, pad uint64, tag Tag) Tag {
	if tag == 0 {
		return 0
	}
	return tag ^ t.one(tagMask, uint64(full), pad)
}

// Name tags a person's name.
func (t *Tagger) Name(bind Tag, name []byte) Tag { return t.bound(tagName, bind, name) }

// Phone tags a person's telephone number.
func (t *Tagger) Phone(bind Tag, phone uint64) Tag { return t.one(tagPhone, uint64(bind), phone) }

// Address tags the address of the patient of that row, as norm.Address has it.
func (t *Tagger) Address(person leak.Row, address []byte) Tag {
	return t.bound(tagAddress, Tag(person), address)
}

// Word tags one word of a person's name.
func (t *Tagger) Word(bind Tag, word []byte) uint32 { return uint32(t.bound(tagWord, bind, word)) }

// Record tags a record's number among the person's.
func (t *Tagger) Record(bind Tag, number uint64) uint32 {
	return uint32(t.one(tagRecord, uint64(bind), number)) & (1<<24 - 1)
}

// Visit tags what norm.Visit composed, and the kind of the document (package record; below
// Kinds) that came of it, for a record of the patient of that row; never 0. Records of one
// visit have pads of their own.
func (t *Tagger) Visit(person, of leak.Row, visit []byte, kind uint8) uint16 {
	return t.veiled(of, t.ofKind(t.long(tagVisit, Tag(person), visit), kind))
}

// veiled hides a visit under a record's own pad, and shows it again; the lowest bit, which
// says that there is one, stays.
func (t *Tagger) veiled(of leak.Row, visit uint16) uint16 {
	return visit ^ uint16(t.one(tagVisitPad, uint64(of), 0))&^1
}

// Kinds is how many kinds of document are told apart.
const Kinds = 16

func (t *Tagger) ofKind(visit Tag, kind uint8) uint16 {
	return uint16(t.one(tagKind, uint64(visit), uint64(kind))) | 1
}

// Facts is what an Identity is made from, in the clear: it exists on its way only.
type Facts struct {
	NIK     norm.NIK
	Row     leak.Row  // of the patient; an address is known with it only
	Ref     uint64    // the platform's own number
	Name    []byte    // as norm.Name has it
	Birth   norm.Date // zero when unknown
	Phone   uint64    // zero when unknown
	Address []byte    // as norm.Address has it; empty when unknown
}

// Format redacts, whatever the verb.
func (Facts) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[redacted]") }

// Identity tags a person. From, Kind and N are the caller's to fill in.
func (t *Tagger) Identity(f Facts) Identity {
	full := t.Full(f.NIK)
	id := Identity{Full: full, Bind: full, Short: t.mask(full, padShort, t.Short(f.NIK)), Row: f.Row}
	if f.Ref != 0 {
		id.Ref = t.Ref(f.Ref)
	}
	if len(f.Name) > 0 {
		id.Name = t.Name(full, f.Name)
		if f.Birth != 0 {
			id.Born = t.mask(full, padBorn, t.Born(f.Name, f.Birth))
		}
		if f.Phone != 0 {
			id.Call = t.mask(full, padCall, t.Call(f.Name, f.Phone))
		}
		for i, n, from := 0, 0, 0; i <= len(f.Name) && n < Parts; i++ {
			if i == len(f.Name) || f.Name[i] == ' ' {
				id.Words[n] = t.Word(full, f.Name[from:i])
				n, from = n+1, i+1
			}
		}
	}
	if f.Phone != 0 {
		id.Phone = t.Phone(full, f.Phone)
	}
	if len(f.Address) > 0 && f.Row != 0 {
		id.Address = t.Address(f.Row, f.Address)
	}
	return id
}

// DecoyShare is how many people there are for one decoy.
const DecoyShare = 4

// decoySerials is below which decoys' serials are drawn: where issued ones are, too.
const decoySerials = 50

// Decoy draws a NIK of the same place and birth date as somebody's, with another serial, for
// one in DecoyShare people. A merge drops it when somebody has that NIK, or gets it.
func (t *Tagger) Decoy(n norm.NIK) (Identity, bool) {
	draw := uint64(t.one(tagDecoy, uint64(n), 0))
	if draw%DecoyShare != 0 {
		return Identity{}, false
	}
	serial := uint64(n) % 10_000
	other := draw/DecoyShare%decoySerials + 1
	if other == serial {
		other = decoySerials + 1
	}
	d := norm.NIK(uint64(n) - serial + other)
	full := t.Full(d)
	return Identity{Full: full, Bind: full, Kind: Decoy}, true
}
