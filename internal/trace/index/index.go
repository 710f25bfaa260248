// Package index holds what tells whether a dump is ours: 64-bit keyed tags of people and of
// the versions of their records, each with the interval in which it held.
//
// It promises that without its Key it says nothing of anybody: tags are a PRF of typed,
// normalised values (package norm), and no value that several people share has a tag of its
// own in a file. What finds a person is a NIK, the platform's own number, the NIK's first
// fifteen digits, or a composite (name and birth date, name and telephone); of the last
// three, which several people may share, a file has the tag under a pad of the person's own.
// Name, telephone and record are tagged together with the person's NIK, address and visit with
// the person's row, which is a PRF of who they are; a visit has a pad of its record's, too. So
// neither a dictionary nor counting helps, and both are shown by tests. What a thief of the file does see: how many people and
// versions there are, how many versions one (nameless) person has and when they were written.
//
// A trace works on a copy that was keyed again for it (NewTable). Files are appended to and
// merged; a crash leaves the old or the new, whole (package durable).
package index

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
)

// Key is the secret of an index, or of one job. It never prints.
type Key [32]byte

// Format redacts, whatever the verb.
func (Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[redacted]") }

// LogValue redacts.
func (Key) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// MarshalJSON redacts.
func (Key) MarshalJSON() ([]byte, error) { return []byte(`"[redacted]"`), nil }

// Tag is a value under a key.
type Tag uint64

// What an Identity is of.
const (
	Person uint8 = iota // somebody registered
	Decoy               // a NIK that was never issued, to measure how many are met by chance
	_                   // no more used
	Gone                // takes everything of the person out of the index at the next merge
)

// Parts is how many words of a name have a tag each.
const Parts = 4

// Identity is one version of who somebody is: 109 bytes in a file. The version that was
// written next for the same Full ends it.
type Identity struct {
	Full  Tag // of the NIK: the person, for everything below
	Bind  Tag // what the bound tags hold on to: Full
	Short Tag // of its first fifteen digits, masked
	Ref   Tag // of the platform's own number
	Born  Tag // of name and birth date together, masked; zero where one is unknown
	Call  Tag // of name and telephone together, masked; zero where one is unknown

	Name    Tag           // bound to the NIK
	Phone   Tag           // bound to the NIK; zero where there is none
	Address Tag           // bound to Row; zero where there is none
	Words   [Parts]uint32 // bound to the NIK: of the name's first words, in norm.Name's order; zero where there is none

	Row  leak.Row    // of the patient; zero of decoys
	From norm.Minute // when this version was written
	N    uint32
	Kind uint8
}

// Version is one version of a record: 16 bytes in a file. The next version of the same Row
// ends it.
type Version struct {
	Row    leak.Row
	From   norm.Minute // 24 bits are kept: from January 2020 to November 2051
	Record uint32      // 24 bits of the tag of its number among the person's records
	Visit  uint16      // 15 bits of the tag of facility, day and kind, and one set; 0 is unknown
	Ends   bool        // no version: from here on the record is not there; keeps From and Row only
}

// Open is the end of what holds still.
const Open norm.Minute = 1<<32 - 1
