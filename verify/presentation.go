package verify

import (
	"crypto"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"
)

// PresentationPrefix begins the text on a phone's screen.
const PresentationPrefix = "AMANAH1:"

// PresentationSize is the length of a presentation before base64url:
//
//	ticket 141 | shown at 4 | holder's signature 64
//
// Shown at counts seconds since 1970, big-endian. The signature covers the domain,
// SHA-256 of the signed ticket and shown at. As text it has 287 characters, which
// a QR code of version 12 holds at level L.
const PresentationSize = TicketSize + 4 + signatureSize

func presentationMessage(ticket, shown []byte) []byte {
	sum := sha256.Sum256(ticket)
	b := append([]byte(domainPresentation), sum[:]...)
	return append(b, shown...)
}

// Present returns the text that a phone shows for a signed ticket at this moment;
// the screen renews it every Renewal. The signer is the ticket's holder key: an
// ed25519.PrivateKey, an *ecdsa.PrivateKey on P-256, or secure hardware behind the
// same interface. ErrHolder means that it is another key, ErrSignature that the
// signer answers wrongly.
func Present(ticket []byte, signer crypto.Signer, now time.Time) (string, error) {
	t, err := parseTicket(ticket)
	if err != nil {
		return "", err
	}
	pub, err := NewPublicKey(signer.Public())
	if err != nil {
		return "", err
	}
	if pub != t.Holder {
		return "", ErrHolder
	}
	s := now.Unix()
	if s <= 0 || s > math.MaxUint32 {
		return "", fmt.Errorf("present: %w", ErrOutOfBounds)
	}
	b := make([]byte, 0, PresentationSize)
	b = append(b, ticket...)
	b = binary.BigEndian.AppendUint32(b, uint32(s))
	message := presentationMessage(b[:TicketSize], b[TicketSize:])
	sig, err := sign(signer, pub.alg, message)
	if err != nil {
		return "", fmt.Errorf("present: %w", err)
	}
	if !pub.verify(message, sig) {
		return "", fmt.Errorf("present: the signer's answer: %w", ErrSignature)
	}
	return PresentationPrefix + encode(append(b, sig...)), nil
}

// Presentation verifies what a guard scanned off a phone's screen and returns the
// ticket. ErrStale means that it was shown more than Fresh ago, ErrNotYet that it
// comes from more than ClockSkew ahead, ErrHolder that the device's signature does
// not hold; the other errors are those of Ticket.
func (ks Keys) Presentation(text string, now time.Time) (Ticket, error) {
	raw, err := parsePresentation(text)
	if err != nil {
		return Ticket{}, err
	}
	ticket, shown, sig := raw[:TicketSize], raw[TicketSize:TicketSize+4], raw[TicketSize+4:]
	t, err := ks.Ticket(ticket, now)
	if err != nil {
		return Ticket{}, err
	}
	if !t.Holder.verify(presentationMessage(ticket, shown), sig) {
		return Ticket{}, ErrHolder
	}
	at := time.Unix(int64(binary.BigEndian.Uint32(shown)), 0)
	if now.Sub(at) > Fresh {
		return Ticket{}, ErrStale
	}
	if at.Sub(now) > ClockSkew {
		return Ticket{}, ErrNotYet
	}
	return t, nil
}

func parsePresentation(text string) ([]byte, error) {
	body, ok := strings.CutPrefix(text, PresentationPrefix)
	if !ok {
		return nil, ErrMalformed
	}
	raw, err := decodeExact(body, PresentationSize)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrMalformed)
	}
	return raw, nil
}
