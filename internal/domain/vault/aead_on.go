//go:build !amanah_unsealed

package vault

import (
	"crypto/aes"
	"crypto/cipher"
)

// newAEAD seals records, under nonces of its own.
func newAEAD(key []byte) (cipher.AEAD, error) {
	if len(key) != 32 {
		return nil, ErrKey
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// newChunkAEAD seals a document's chunks, under the nonces that it is given.
func newChunkAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
