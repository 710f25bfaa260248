package index

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
)

// cmac is AES-CMAC (RFC 4493, NIST SP 800-38B): a PRF of texts of any length up to the
// birthday bound of its blocks (Iwata, Kurosawa 2003). A name bound to a tag is three
// blocks, a third of what HMAC-SHA256 of it costs. One goroutine uses it at a time.
type cmac struct {
	block       cipher.Block
	whole, rest [aes.BlockSize]byte // K1 and K2: of a last block that is full, and of one that is padded
	in, sum     [aes.BlockSize]byte
}

func newCMAC(block cipher.Block) *cmac {
	m := &cmac{block: block}
	block.Encrypt(m.whole[:], m.whole[:])
	m.whole = doubled(m.whole)
	m.rest = doubled(m.whole)
	return m
}

// doubled multiplies by x in GF(2^128), as RFC 4493 §2.3 does.
func doubled(b [aes.BlockSize]byte) (out [aes.BlockSize]byte) {
	carry := b[0] >> 7
	for i := range b {
		out[i] = b[i] << 1
		if i+1 < len(b) {
			out[i] |= b[i+1] >> 7
		}
	}
	out[len(out)-1] ^= 0x87 * carry
	return out
}

// of returns the MAC of a text, which is overwritten by the next.
func (m *cmac) of(text []byte) *[aes.BlockSize]byte {
	clear(m.sum[:])
	for len(text) > aes.BlockSize {
		subtle.XORBytes(m.sum[:], m.sum[:], text[:aes.BlockSize])
		m.block.Encrypt(m.sum[:], m.sum[:])
		text = text[aes.BlockSize:]
	}
	key := &m.whole
	clear(m.in[:])
	if n := copy(m.in[:], text); n < aes.BlockSize {
		m.in[n], key = 0x80, &m.rest
	}
	subtle.XORBytes(m.sum[:], m.sum[:], m.in[:])
	subtle.XORBytes(m.sum[:], m.sum[:], key[:])
	m.block.Encrypt(m.sum[:], m.sum[:])
	return &m.sum
}
