// Package vault seals records to their place, one version of one record of one person
// in one table, and documents of any size in chunks under keys that such records hold,
// see SealDocument.
//
// A sealed record opens with its key and in its place only; moved to another
// person, table, record or version, cut or altered, it does not open. Its length
// tells no more than a multiple of the table's unit, because the length of a
// person's evidence would tell who is vaccinated. The package does not guard
// against an old version put back whole: that is what the keeper's heads are for.
// It neither makes nor keeps keys.
//
// It uses AES-256-GCM of the standard library with random nonces (NIST SP
// 800-38D §8.2.2). A version key seals one record, rarely twice, so that nonces
// of 96 bits are far from their bound.
package vault

import (
	"bytes"
	"encoding/binary"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of this package.
var (
	// ErrOpen: another key, another place, or not what was sealed. The three are
	// not told apart.
	ErrOpen = fault.New(fault.Invalid, "the sealed record does not open: altered, moved or foreign")
	// ErrKey: a key that is not of 32 bytes, or a binding that names no place.
	ErrKey = fault.New(fault.Invalid, "a record is sealed under 32 bytes to a table, a person, a record and a version")
	// ErrLarge: more than MaxRecord bytes; documents have a form of their own.
	ErrLarge = fault.New(fault.Invalid, "a sealed record holds at most 4 MiB")
)

// MaxRecord bounds what one record holds, in bytes. What is longer than a row should be
// is kept as a document where there is a store of them (package flow/care).
const MaxRecord = 4 << 20

// Table is where a sealed record lies.
type Table string

// Tables with sealed records.
const (
	People     Table = "identity_person"
	Quarantine Table = "identity_quarantine" // a person set aside does not open among people
	Evidence   Table = "status_evidence"
	Bindings   Table = "identity_binding" // a number, under the key of the person's attributes
	Records    Table = "record_version"
)

// unit is the multiple of bytes to which records of a table are filled up.
func (t Table) unit() int {
	if t == Evidence || t == Records {
		return 256 // about seven doses
	}
	return 64
}

// Binding is a record's place.
type Binding struct {
	Table   Table
	Person  identity.PersonID
	Record  uint64
	Version uint64
}

func (b Binding) valid() bool {
	return len(b.Table) > 0 && len(b.Table) < 256 && b.Person != 0 && b.Record != 0 && b.Version != 0
}

// data is the place as associated data; no two places share one.
func (b Binding) data() []byte {
	if !binds {
		return nil
	}
	d := append(make([]byte, 0, 96), "amanah record v1\x00"...)
	d = append(append(d, byte(len(b.Table))), b.Table...)
	d = binary.BigEndian.AppendUint64(d, uint64(b.Person))
	d = binary.BigEndian.AppendUint64(d, b.Record)
	return binary.BigEndian.AppendUint64(d, b.Version)
}

// The sealed form is a format byte, the nonce, the ciphertext and the tag. The
// plaintext is filled up with one byte 0x80 and zeros (ISO/IEC 7816-4).
const (
	format   = 1
	fillByte = 0x80
	overhead = 1 + 12 + 16
)

// SealRecord seals plaintext to a place. It fails with ErrKey or ErrLarge.
func SealRecord(key []byte, b Binding, plaintext []byte) ([]byte, error) {
	if len(plaintext) > MaxRecord {
		return nil, ErrLarge
	}
	aead, err := newAEAD(key)
	if err != nil || !b.valid() {
		return nil, ErrKey
	}
	unit := b.Table.unit()
	size := (len(plaintext)/unit + 1) * unit
	filled := make([]byte, size)
	filled[copy(filled, plaintext)] = fillByte
	out := append(make([]byte, 0, size+overhead), format)
	return aead.Seal(out, nil, filled, b.data()), nil
}

// OpenRecord opens what SealRecord sealed to the same place under the same key;
// ErrOpen for anything else, ErrKey for what could not have been sealed.
func OpenRecord(key []byte, b Binding, sealed []byte) ([]byte, error) {
	aead, err := newAEAD(key)
	if err != nil || !b.valid() {
		return nil, ErrKey
	}
	if len(sealed) < overhead+1 || sealed[0] != format {
		return nil, ErrOpen
	}
	filled, err := aead.Open(nil, nil, sealed[1:], b.data())
	if err != nil {
		return nil, ErrOpen
	}
	end := bytes.LastIndexByte(filled, fillByte)
	if end < 0 || len(filled) != (end/b.Table.unit()+1)*b.Table.unit() || !zeros(filled[end+1:]) {
		return nil, ErrOpen // sealed by something else under this key
	}
	return filled[:end:end], nil
}

func zeros(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
