package ohttp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"slices"
)

// exportLabel is the exporter context of RFC 9458 §4.4.
const exportLabel = "message/bhttp response"

// Responder seals the answer to one request. It prints as [redacted].
type Responder struct {
	secret
	context *hpke.Recipient
	suite   Suite
	enc     [maxEncSize]byte
	encSize int
	padded  bool
}

// Seal appends to dst the encapsulated response (RFC 9458 §4.4), ResponseSize
// bytes, and returns the extended slice. The response is a binary HTTP message of
// at most MaxResponse bytes, else ErrTooLarge. It must not overlap dst. Each
// call draws a fresh nonce and key, so sealing twice is safe.
func (r *Responder) Seal(dst, response []byte) ([]byte, error) {
	var nonce [maxEntropy]byte
	n := nonce[:r.suite.AEAD.keySize()]
	rand.Read(n)
	return r.seal(dst, response, n)
}

func (r *Responder) seal(dst, response, nonce []byte) ([]byte, error) {
	if len(response) > MaxResponse {
		return dst, ErrTooLarge
	}
	exported, err := r.context.Export(exportLabel, len(nonce))
	if err != nil {
		return dst, fmt.Errorf("ohttp: export response secret: %w", err)
	}
	aead, iv, err := responseKey(r.suite, exported, r.enc[:r.encSize], nonce)
	if err != nil {
		return dst, fmt.Errorf("ohttp: response key: %w", err)
	}
	size := plainSize(len(response), ResponseSize, len(nonce)+tagSize, r.padded)
	dst = slices.Grow(dst, len(nonce)+size+tagSize)
	dst = append(dst, nonce...)
	at := len(dst)
	dst = append(dst, response...)
	dst = dst[:at+size]
	clear(dst[at+len(response):])
	return aead.Seal(dst[:at], iv, dst[at:], nil), nil
}

// responseKey derives the cipher and nonce of one response from the exported
// secret, the request's encapsulated key and the response's nonce (RFC 9458 §4.4).
func responseKey(s Suite, exported, enc, nonce []byte) (cipher.AEAD, []byte, error) {
	key, iv, err := responseSecrets(s, exported, enc, nonce)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, err
	}
	aead, err := cipher.NewGCM(block)
	return aead, iv, err
}

func responseSecrets(s Suite, exported, enc, nonce []byte) (key, iv []byte, err error) {
	salt := append(make([]byte, 0, maxEncSize+maxEntropy), enc...)
	salt = append(salt, nonce...)
	prk, err := hkdf.Extract(sha256.New, exported, salt)
	if err != nil {
		return nil, nil, err
	}
	if key, err = hkdf.Expand(sha256.New, prk, "key", s.AEAD.keySize()); err != nil {
		return nil, nil, err
	}
	iv, err = hkdf.Expand(sha256.New, prk, "nonce", nonceSize)
	return key, iv, err
}
