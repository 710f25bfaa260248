// Package identity says who a person is: their NIK, the number the platform
// gives them, and the links by which their devices ask.
//
// Identifiers of different kinds are different types, so that they cannot be
// mixed up, and those that name somebody outside print as [redacted]. The
// package holds rules and types; what is stored is sealed before it gets here.
package identity

import (
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of this package.
var (
	ErrLinkID   = fault.New(fault.Invalid, "link: 32 hexadecimal digits, as the list of links has them")
	ErrNoLink   = fault.New(fault.Denied, "this device is not linked")
	ErrNIKTaken = fault.New(fault.Conflict, "this NIK is registered already")
)

const redacted = "[redacted]"

// PersonID is the platform's own number for a person: ascending, given by the
// keeper, meaningless outside. Zero is nobody.
type PersonID uint64

// Tag is a blind-index tag: a keyed PRF of an identifier, truncated to 128 bits,
// that only the keeper can compute.
type Tag [16]byte

// LinkID names one link; it ascends with time.
type LinkID [16]byte

// String writes the link's id in hexadecimal.
func (id LinkID) String() string { return hex.EncodeToString(id[:]) }

// ParseLinkID reads what String writes; ErrLinkID.
func ParseLinkID(s string) (LinkID, error) {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != len(LinkID{}) {
		return LinkID{}, ErrLinkID
	}
	return LinkID(raw), nil
}

// Thumbprint is the RFC 7638 SHA-256 thumbprint of a device's or relay's key.
type Thumbprint [32]byte

// Sex as the NIK and the registry write it.
type Sex uint8

// The two values the registry knows; zero is not stated.
const (
	Male Sex = 1 + iota
	Female
)

// Name is a person's name as registered. It never prints.
type Name struct{ text string }

// Phone is a telephone number in international form without "+". It never prints.
type Phone struct{ digits string }

// Person is what the registry tells about somebody, in the clear: it exists in
// memory only, between opening and use.
type Person struct {
	NIK   NIK
	Name  Name
	Birth day.Day
	Sex   Sex
	Phone Phone // empty when none is known
}

// Stored is a person as the database holds them.
type Stored struct {
	ID      PersonID
	Version uint64 // of the sealed attributes, the keeper's head counter
	Sealed  []byte // Person, under the person's key for this version
	NIK     Tag
	Phone   Tag // zero when no phone is known
	// Synthetic is known when a person is registered, from their NIK, and kept in
	// clear: partners that are not live yet are served for nobody else.
	Synthetic bool
}

// Quarantined is an imported person that contradicts one already registered.
// It has a PersonID of its own, so that it can be opened, attached or erased.
type Quarantined struct {
	ID       PersonID // of the quarantined record
	Against  PersonID // the person it contradicts
	Version  uint64
	Sealed   []byte
	Reason   string // a code, never a value
	Arrived  time.Time
	Released bool
}

// Link lets one device, through one partner, ask for one person's colour. That a
// guardian made it, and when the child is of age, is in the device's own sealed
// tokens alone: the row of such a link is like any other.
type Link struct {
	ID      LinkID
	Partner partner.ID
	Subject Tag // keeper's tag of the person, so that a person's links are found without naming them
	Device  Thumbprint
	Created time.Time
	Ended   time.Time // zero while the link lives
	Scope   LinkScope
	// Synthetic is the person's, so that the gate need not read the person.
	Synthetic bool
	// Altered: what is stored is not what was written; nobody goes by it. All else is empty.
	Altered bool
}

// LinkScope says what a link may ask. The numbers are stored.
type LinkScope uint8

// Scopes of links.
const (
	LinkColour   LinkScope = 0 // the person's own device asks for a colour
	LinkDecision LinkScope = 1 // a partner's server asks for decisions on journeys
)

// Live reports whether the link may ask, with a token that has not expired.
func (l Link) Live() bool { return l.ID != LinkID{} && l.Ended.IsZero() }

// Progress of a resumable import, moved in the same transaction as its rows.
type Progress struct {
	Source  string // hash of the source's name and first bytes
	Offset  int64  // lines taken
	Added   int64
	Refused int64
	Updated time.Time
}

// String hides the name.
func (Name) String() string { return redacted }

// Format hides the name from every verb.
func (Name) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue hides the name.
func (Name) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON hides the name.
func (Name) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Reveal returns the name itself, for sealing and for the person.
func (n Name) Reveal() string { return n.text }

// String hides the number.
func (Phone) String() string { return redacted }

// Format hides the number from every verb.
func (Phone) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue hides the number.
func (Phone) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON hides the number.
func (Phone) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Reveal returns the digits, for sealing, indexing and sending.
func (p Phone) Reveal() string { return p.digits }

// IsZero reports whether no number is known.
func (p Phone) IsZero() bool { return p.digits == "" }
