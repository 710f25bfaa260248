package verify

import (
	"crypto"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"time"
)

// Published is the pair of key sets that a platform gives to devices and doors.
type Published struct {
	Venues  Keys // ForVenues
	Tickets Keys // ForTickets
}

const (
	domainPublished = "amanah published keys v1\x00"
	maxPublished    = 4 * maxKeySet
)

// envelope is a signed document: the signature is over the domain and the exact
// bytes of body, so nothing depends on how JSON is written.
type envelope struct {
	Body      []byte `json:"body"`      // base64 of JSON, see publishedBody
	Signature []byte `json:"signature"` // Ed25519
}

type publishedBody struct {
	Venue     json.RawMessage `json:"venue"`
	Ticket    json.RawMessage `json:"ticket"`
	NotBefore time.Time       `json:"not_before"`
	NotAfter  time.Time       `json:"not_after"`
}

// Sign returns the document by which p is published, good from notBefore until
// notAfter, under the platform's long-term key that devices pin.
func (p Published) Sign(pin crypto.Signer, notBefore, notAfter time.Time) ([]byte, error) {
	venue, err := json.Marshal(p.Venues)
	if err != nil {
		return nil, err
	}
	ticket, err := json.Marshal(p.Tickets)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(publishedBody{venue, ticket, notBefore.UTC().Truncate(time.Second), notAfter.UTC().Truncate(time.Second)})
	if err != nil {
		return nil, err
	}
	sig, err := pin.Sign(nil, append([]byte(domainPublished), body...), crypto.Hash(0))
	if err != nil {
		return nil, err
	}
	return json.Marshal(envelope{body, sig})
}

// OpenPublished reads a published document. It returns ErrKeySet unless it is
// well formed, ErrSignature unless one of the pins signed it, ErrNotYet or
// ErrExpired outside its window.
func OpenPublished(doc []byte, now time.Time, pins ...ed25519.PublicKey) (Published, error) {
	var e envelope
	if len(doc) > maxPublished || json.Unmarshal(doc, &e) != nil {
		return Published{}, fmt.Errorf("published keys: %w", ErrKeySet)
	}
	signed := false
	for _, pin := range pins {
		if len(pin) == ed25519.PublicKeySize && !smallOrder(pin) {
			signed = signed || ed25519.Verify(pin, append([]byte(domainPublished), e.Body...), e.Signature)
		}
	}
	if !signed {
		return Published{}, fmt.Errorf("published keys: %w", ErrSignature)
	}
	var b publishedBody
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return Published{}, fmt.Errorf("published keys: %w", ErrKeySet)
	}
	switch {
	case now.Before(b.NotBefore):
		return Published{}, fmt.Errorf("published keys: %w", ErrNotYet)
	case !now.Before(b.NotAfter):
		return Published{}, fmt.Errorf("published keys: %w", ErrExpired)
	}
	var p Published
	var err error
	if p.Venues, err = ParseKeys(b.Venue); err != nil {
		return Published{}, err
	}
	if p.Tickets, err = ParseKeys(b.Ticket); err != nil {
		return Published{}, err
	}
	if p.Venues.Purpose() != ForVenues || p.Tickets.Purpose() != ForTickets {
		return Published{}, fmt.Errorf("published keys: %w", ErrKeySet)
	}
	return p, nil
}
