// Package verify owns the formats of venue codes, tickets, passes, presentations and cards, so
// that who issues one and who verifies it cannot drift apart. It runs offline,
// on the standard library alone: a guard's page, a device's SDK and the platform
// use the same code.
//
// It promises that nothing is accepted that a known key did not sign for this
// host, purpose and time; that each thing has exactly one accepted encoding; and
// that no format carries an identity or a colour. It opens no URL, reads no clock
// and keeps no state but what a caller holds in Seen.
//
// It does not promise that a key set is genuine: the caller gets it from a
// signed, pinned document. Nor does it know who is holding the phone: a
// presentation shows that whoever shows it had the ticket's device key within
// the last half minute, and a device that relays its screen live defeats that.
package verify

import (
	"encoding/base64"
	"errors"
	"strings"
	"time"
)

// Errors of verification. They are distinct, may be wrapped, and say nothing of
// the person.
var (
	ErrMalformed     = errors.New("not in the format expected")
	ErrHost          = errors.New("the code belongs to another host")
	ErrUnknownKey    = errors.New("signed by an unknown key")
	ErrKeyTime       = errors.New("signed by a key that was not in force")
	ErrSignature     = errors.New("the signature does not hold")
	ErrNotYet        = errors.New("not valid yet: check both clocks")
	ErrExpired       = errors.New("expired")
	ErrStale         = errors.New("shown too long ago: a screenshot, or the screen has stopped")
	ErrHolder        = errors.New("not shown by the device that it was issued to")
	ErrWrongVenue    = errors.New("the ticket is for another venue")
	ErrWrongDoor     = errors.New("the ticket is for another door")
	ErrWrongCategory = errors.New("the pass is for another kind of place")
	ErrWrongLevel    = errors.New("the pass is for milder restrictions than here")
	ErrKeySet        = errors.New("the key set is malformed")
	ErrSeenFormat    = errors.New("the list of seen tickets is malformed")
	ErrUnsupported   = errors.New("a key must be Ed25519 or ECDSA on P-256")
	ErrOutOfBounds   = errors.New("a field is out of its bounds")
	errNotCanonical  = errors.New("not canonical base64url")
)

// Times of the formats.
const (
	Period     = 30 * time.Second // a rotating venue code's life, and the allowance for clocks around it
	Renewal    = 15 * time.Second // how often a screen renews its presentation
	ClockSkew  = 15 * time.Second // how far a presentation or ticket may come from the future
	Fresh      = 30 * time.Second // how old a presentation may be
	MaxLife    = 24 * time.Hour   // the longest a ticket may live
	MaxOffline = 12 * time.Hour   // the longest a pre-fetched ticket may live
)

// Domains separate what the keys sign. Each ends in a zero byte, and what
// follows has one length or carries its own.
const (
	domainKey          = "amanah key id v1\x00"
	domainVenueCode    = "amanah venue code v1\x00"
	domainTicket       = "amanah ticket v1\x00"
	domainPresentation = "amanah presentation v1\x00"
	domainCard         = "amanah card v1\x00"
	domainPass         = "amanah pass v1\x00"
	domainShownPass    = "amanah shown pass v1\x00"
)

// decodeExact decodes unpadded base64url of exactly n bytes and accepts the one
// canonical text only: the standard decoder skips line breaks, and without Strict
// it ignores the last character's spare bits.
func decodeExact(text string, n int) ([]byte, error) {
	if len(text) != base64.RawURLEncoding.EncodedLen(n) || strings.ContainsAny(text, "\r\n") {
		return nil, errNotCanonical
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != n {
		return nil, errNotCanonical
	}
	return b, nil
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
