package identity

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// CardID is the number in a printed card's code: opaque, ascending with time,
// never zero.
type CardID [16]byte

// String writes the card's number in hexadecimal.
func (id CardID) String() string { return hex.EncodeToString(id[:]) }

// NewCardID makes a number: 48 bits of milliseconds, 80 random.
func NewCardID(now time.Time) CardID {
	var id CardID
	rand.Read(id[:])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli()))
	copy(id[:6], ms[2:])
	return id
}

// Card is one printed card. Its code says its number and its time and nothing of
// the holder: whose it is, and whether it still holds, is known here only.
type Card struct {
	ID      CardID
	Person  PersonID
	Issued  time.Time // whole minutes
	Expires time.Time // whole minutes, exclusive
	Revoked time.Time // zero while it holds
}

// Holds reports whether the card stands for its person at a moment.
func (c Card) Holds(at time.Time) bool {
	return c.ID != CardID{} && c.Revoked.IsZero() && at.Before(c.Expires)
}

// CardStore keeps printed cards. Methods run inside the caller's transaction.
type CardStore interface {
	// Put adds a card or revokes one (its Revoked is set). A card that was revoked
	// stays so, at the moment it first was.
	Put(c Card) error
	// Get returns the card; the zero Card when it is unknown.
	Get(id CardID) (Card, error)
	// Of returns a person's cards, oldest first.
	Of(p PersonID) ([]Card, error)
	// Forget removes up to n cards that expired before a moment, those that expired
	// first first, and returns how many.
	Forget(before time.Time, n int) (int, error)
}
