package ohttp

import (
	"crypto/hpke"
	"fmt"
	"slices"
)

// Exchange is a device's side of one request, needed to open its response. It
// prints as [redacted].
type Exchange struct {
	secret
	suite  Suite
	export []byte
	enc    []byte
	padded bool
}

// Encapsulate seals a binary HTTP request of at most MaxRequest bytes to c
// (RFC 9458 §4.3), under the best suite that c offers, and returns RequestSize
// bytes to send with what opens the answer. A request must never be sent twice:
// a device that retries encapsulates again. It fails with ErrTooLarge, ErrConfig
// or ErrSuite.
func (c Config) Encapsulate(request []byte) ([]byte, *Exchange, error) {
	return c.encapsulate(request, padded)
}

func (c Config) encapsulate(request []byte, padded bool) ([]byte, *Exchange, error) {
	if len(request) > MaxRequest {
		return nil, nil, ErrTooLarge
	}
	if err := c.check(); err != nil {
		return nil, nil, err
	}
	s, ok := c.suite()
	if !ok {
		return nil, nil, ErrSuite
	}
	pk, err := c.KEM.hpke().NewPublicKey(c.PublicKey)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: public key", ErrConfig)
	}
	head := header(c.ID, c.KEM, s)
	enc, context, err := hpke.NewSender(pk, hpke.HKDFSHA256(), s.AEAD.hpke(), requestInfo(head))
	if err != nil {
		return nil, nil, fmt.Errorf("ohttp: encapsulate: %w", err)
	}
	export, err := context.Export(exportLabel, s.AEAD.keySize())
	if err != nil {
		return nil, nil, fmt.Errorf("ohttp: export response secret: %w", err)
	}
	plaintext := make([]byte, plainSize(len(request), RequestSize, headerSize+len(enc)+tagSize, padded))
	copy(plaintext, request)
	ct, err := context.Seal(nil, plaintext)
	if err != nil {
		return nil, nil, fmt.Errorf("ohttp: encapsulate: %w", err)
	}
	return slices.Concat(head, enc, ct), &Exchange{suite: s, export: export, enc: enc, padded: padded}, nil
}

// Open decrypts the response to this request (RFC 9458 §4.4): a binary HTTP
// message with its padding, for ParseResponse. It fails with ErrSize,
// ErrMalformed or ErrDecrypt. That it opens proves that the gateway read the
// request, not that it is the only response the gateway made to it.
func (x *Exchange) Open(encapsulated []byte) ([]byte, error) {
	if wrongSize(len(encapsulated), ResponseSize, x.padded) {
		return nil, ErrSize
	}
	n := x.suite.AEAD.keySize()
	if len(encapsulated) < n+tagSize {
		return nil, ErrMalformed
	}
	aead, iv, err := responseKey(x.suite, x.export, x.enc, encapsulated[:n])
	if err != nil {
		return nil, fmt.Errorf("ohttp: response key: %w", err)
	}
	plaintext, err := aead.Open(nil, iv, encapsulated[n:], nil)
	if err != nil {
		return nil, ErrDecrypt
	}
	return plaintext, nil
}
