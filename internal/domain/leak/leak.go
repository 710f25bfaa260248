// Package leak says which copy a leaked sample came from, and how sure that is.
//
// Every secondary-use export is a Copy with a secret of its own, its Seed. The seed draws
// what the copy carries: a token for each row, a symbol for each Cell, canaries. What a
// sample shows is read, frozen and hashed before any seed is opened; then each copy has an
// E-value whose mean is at most one for an innocent copy whatever the leaker did, so that
// accusing at N/ε errs with probability ε at most (Markov; Tardos 2003, Nuida et al. 2009,
// Vovk and Wang 2021).
//
// A verdict is for a copy, never for a person.
package leak

import (
	"fmt"
	"io"
	"log/slog"
)

// Copy names one export as one recipient holds it: what a mark leads back to.
type Copy [16]byte

// Row is a record as a mark or an index knows it: a PRF of the record's name under a key of
// the platform's. It says nothing of the record to whoever lacks the key, and is the same in
// every copy.
type Row uint64

// Base is the secret that all copies have in common: it draws rows and the biases of cells.
type Base [32]byte

// Seed is the secret of one copy.
type Seed [32]byte

// Token is the name a row has in one copy: it names the copy to whoever has its seed.
type Token [8]byte

// Family is one kind of carrier. Families fail independently of each other: what undoes one,
// as putting all telephone numbers into one spelling, is an erasure and no evidence.
type Family uint8

// Families of carriers. None touches a clinical value, a code, a dose, a date of care or a NIK.
const (
	Street        Family = iota + 1 // "Jl." or "Jalan" in an address
	Neighbourhood                   // "RT 1/RW 8" or "RT 001/RW 008"
	Telephone                       // "+62812…" or "0812…"
	Stamp                           // low digits of a technical time, as meta.lastUpdated
	Letters                         // capitals of a name, as "Siti Rahma" or "SITI RAHMA"
	Presence                        // whether an optional column or element without clinical meaning is there
)

// Cell is one position of the code: one carrier of one row.
type Cell struct {
	Row    Row
	Family Family
	Index  uint8 // among the row's carriers of that family
}

// Observed is what a sample shows of one cell. A cell whose carrier is gone, or is spelled in
// neither way, is left out.
type Observed struct {
	Cell   Cell
	Symbol bool
}

const redacted = "[redacted]"

// Format redacts, whatever the verb: a seed makes marks.
func (Seed) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue redacts.
func (Seed) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON redacts.
func (Seed) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Format redacts, whatever the verb.
func (Base) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue redacts.
func (Base) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON redacts.
func (Base) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
