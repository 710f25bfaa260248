package verify

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// Card is what the code on a printed card says: its number and its time. Who
// holds it, and whether it is revoked, only the platform knows.
type Card struct {
	ID      [16]byte  // random, never zero
	Issued  time.Time // whole minutes
	Expires time.Time // whole minutes, exclusive
}

// CardPrefix begins the text of a card's code.
const CardPrefix = "AMANAHCARD1:"

// MaxCard is the longest a card may live: a year, a leap day included.
const MaxCard = 366 * 24 * time.Hour

// CardSize is the length of a signed card before base64url, version 1:
//
//	version 1 | key id 4 | card id 16 | issued 4 | expires 4 | Ed25519 signature 64
//
// Integers are big-endian; times count minutes since 1970.
const CardSize = cardBody + signatureSize

const (
	cardBody    = 29
	cardVersion = 1
)

func cardMessage(body []byte) []byte { return append([]byte(domainCard), body...) }

// check returns ErrOutOfBounds for a card that nobody may issue.
func (c Card) check() error {
	life := c.Expires.Sub(c.Issued)
	if c.ID == ([16]byte{}) || c.Issued.Unix() <= 0 || life <= 0 || life > MaxCard {
		return ErrOutOfBounds
	}
	return nil
}

// SignCard returns the text to print as a QR code. It returns ErrOutOfBounds for
// no id, and for times that are not whole minutes or further apart than MaxCard.
func SignCard(priv ed25519.PrivateKey, c Card) (string, error) {
	if len(priv) != ed25519.PrivateKeySize {
		return "", ErrUnsupported
	}
	issued, err := minutes(c.Issued)
	if err != nil {
		return "", fmt.Errorf("card: %w", err)
	}
	expires, err := minutes(c.Expires)
	if err != nil {
		return "", fmt.Errorf("card: %w", err)
	}
	if err := c.check(); err != nil {
		return "", fmt.Errorf("card: %w", err)
	}
	id := IDOf(priv.Public().(ed25519.PublicKey))
	b := make([]byte, 0, CardSize)
	b = append(b, cardVersion)
	b = append(b, id[:]...)
	b = append(b, c.ID[:]...)
	b = binary.BigEndian.AppendUint32(b, issued)
	b = binary.BigEndian.AppendUint32(b, expires)
	return CardPrefix + encode(append(b, ed25519.Sign(priv, cardMessage(b))...)), nil
}

// Card verifies the code of a printed card by the key in force when it was
// issued. A card that holds may be revoked all the same: only a look-up tells.
func (ks Keys) Card(text string, now time.Time) (Card, error) {
	body, ok := strings.CutPrefix(text, CardPrefix)
	if !ok {
		return Card{}, ErrMalformed
	}
	raw, err := decodeExact(body, CardSize)
	if err != nil {
		return Card{}, fmt.Errorf("%w: %w", err, ErrMalformed)
	}
	c := Card{
		ID:      [16]byte(raw[5:21]),
		Issued:  fromMinutes(binary.BigEndian.Uint32(raw[21:])),
		Expires: fromMinutes(binary.BigEndian.Uint32(raw[25:])),
	}
	if raw[0] != cardVersion || c.check() != nil {
		return Card{}, ErrMalformed
	}
	k, err := ks.verify(ForCards, KeyID(raw[1:5]), cardMessage(raw[:cardBody]), raw[cardBody:])
	if err != nil {
		return Card{}, err
	}
	// Issue is rounded down to the minute, a key's times are not.
	if err := k.inForce(c.Issued, time.Minute); err != nil {
		return Card{}, err
	}
	if !now.Before(c.Expires) {
		return Card{}, ErrExpired
	}
	if now.Before(c.Issued.Add(-ClockSkew)) {
		return Card{}, ErrNotYet
	}
	return c, nil
}
