// Package seal is how the keeper seals and names: AES-256-GCM under a random nonce with
// associated data, and HMAC-SHA-256. It holds no key and keeps nothing.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"

	"github.com/amanah-project/amanah/internal/fault"
)

// ErrOpen is returned for a sealed value that was altered, moved, or sealed by another key.
var ErrOpen = errors.New("keeper: a sealed value does not open")

// ErrKey is returned for a key that is cut short: AES would take half of one for a weaker key.
var ErrKey = fault.New(fault.Unavailable, "a key in the keeper's folder is not 32 bytes long: restore the folder from its standby or backup")

// New makes an AEAD of a key of 32 bytes, and of no other.
func New(key []byte) (cipher.AEAD, error) {
	if len(key) != 32 {
		return nil, ErrKey
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Seal seals under a random nonce, which goes before the ciphertext.
func Seal(aead cipher.AEAD, plain, ad []byte) []byte {
	if !Binds {
		ad = nil
	}
	out := make([]byte, 12, 12+len(plain)+16)
	rand.Read(out)
	return aead.Seal(out, out[:12], plain, ad)
}

// Open opens what Seal sealed with the same associated data.
func Open(aead cipher.AEAD, sealed, ad []byte) ([]byte, error) {
	if len(sealed) < 12+16 {
		return nil, ErrOpen
	}
	if !Binds {
		ad = nil
	}
	plain, err := aead.Open(nil, sealed[:12], sealed[12:], ad)
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// MAC is HMAC-SHA-256.
func MAC(key, message []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(message)
	return m.Sum(nil)
}
