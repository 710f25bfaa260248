package ohttp

import (
	"crypto/ecdh"
	"crypto/hpke"
)

// KeyID names one key of a gateway. It may be given to a new key once no device
// holds a configuration that names the old one.
type KeyID uint8

// KEM is a key encapsulation mechanism (RFC 9180 §7.1).
type KEM uint16

const (
	P256   KEM = 0x0010 // DHKEM(P-256, HKDF-SHA256)
	X25519 KEM = 0x0020 // DHKEM(X25519, HKDF-SHA256)
)

// KDF is a key derivation function (RFC 9180 §7.2).
type KDF uint16

// HKDFSHA256 is the only KDF this package uses.
const HKDFSHA256 KDF = 0x0001

// AEAD is an authenticated cipher (RFC 9180 §7.3). ChaCha20Poly1305 is absent:
// the standard library offers it inside HPKE only, and responses need it bare.
type AEAD uint16

const (
	AES128GCM AEAD = 0x0001
	AES256GCM AEAD = 0x0002
)

// Suite is a pair of symmetric algorithms that a key may be used with.
type Suite struct {
	KDF  KDF
	AEAD AEAD
}

const (
	headerSize = 7  // key id, KEM, KDF, AEAD (RFC 9458 §4.1)
	tagSize    = 16 // of every AEAD here
	nonceSize  = 12 // Nn of every AEAD here
	maxEncSize = 65
	maxEntropy = 32
)

// encSize is both Nenc and Npk (RFC 9180 §7.1), 0 for a KEM not supported here.
func (k KEM) encSize() int {
	switch k {
	case P256:
		return 65
	case X25519:
		return 32
	}
	return 0
}

// hpke must be called on supported KEMs only.
func (k KEM) hpke() hpke.KEM {
	if k == P256 {
		return hpke.DHKEM(ecdh.P256())
	}
	return hpke.DHKEM(ecdh.X25519())
}

func (s Suite) supported() bool {
	return s.KDF == HKDFSHA256 && s.AEAD.keySize() != 0
}

// keySize is Nk in bytes, 0 for an AEAD not supported here. It exceeds Nn for
// each of them, so it is also max(Nn, Nk), the response's entropy (RFC 9458 §4.4).
func (a AEAD) keySize() int {
	switch a {
	case AES128GCM:
		return 16
	case AES256GCM:
		return 32
	}
	return 0
}

// hpke must be called on supported AEADs only.
func (a AEAD) hpke() hpke.AEAD {
	if a == AES256GCM {
		return hpke.AES256GCM()
	}
	return hpke.AES128GCM()
}

// suites returns all supported suites, the preferred first. AES-128-GCM matches
// the strength of both KEMs and costs the gateway least.
func suites() []Suite {
	return []Suite{{HKDFSHA256, AES128GCM}, {HKDFSHA256, AES256GCM}}
}
