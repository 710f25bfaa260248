//go:build amanah_unsealed

package vault

import "crypto/cipher"

// In this build nothing is sealed: what is put away has the length and the place of what
// is sealed, and is legible. It exists so that an attack test, which searches a disk for
// planted people, can see that it would find them. Never release it.

func newAEAD(key []byte) (cipher.AEAD, error) {
	if len(key) != 32 {
		return nil, ErrKey
	}
	return legible{head: 12}, nil
}

func newChunkAEAD([]byte) (cipher.AEAD, error) { return legible{nonce: 12}, nil }

// legible copies what it is given between zeros, where a nonce and a tag would be.
type legible struct{ head, nonce int }

func (l legible) NonceSize() int { return l.nonce }

func (l legible) Overhead() int { return l.head + 16 }

func (l legible) Seal(dst, _, plaintext, _ []byte) []byte {
	dst = append(append(dst, make([]byte, l.head)...), plaintext...)
	return append(dst, make([]byte, 16)...)
}

func (l legible) Open(dst, _, sealed, _ []byte) ([]byte, error) {
	if len(sealed) < l.Overhead() {
		return nil, ErrOpen
	}
	return append(dst, sealed[l.head:len(sealed)-16]...), nil
}
