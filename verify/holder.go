package verify

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"math/big"
)

// Alg is the algorithm of a holder's key. Older phones have only P-256 in their
// secure hardware.
type Alg uint8

// The algorithms.
const (
	Ed25519 Alg = 1 + iota // RFC 8032, 32 bytes
	P256                   // ECDSA with SHA-256 (FIPS 186-5), 33 bytes, compressed (SEC 1 §2.3.3)
)

// String returns the algorithm's name.
func (a Alg) String() string {
	switch a {
	case Ed25519:
		return "Ed25519"
	case P256:
		return "P-256"
	}
	return "none"
}

func (a Alg) size() int {
	switch a {
	case Ed25519:
		return ed25519.PublicKeySize
	case P256:
		return 33
	}
	return 0
}

// HolderKeySize is the length of every holder key's encoding: one byte of
// algorithm and 33 of key, an Ed25519 key having a zero byte at its end. One
// length for both keeps the kind of phone out of a message's size.
const HolderKeySize = 1 + 33

// PublicKey is a holder's key, made for one visit. It is comparable; the zero
// value is no key.
type PublicKey struct {
	alg Alg
	key [33]byte
}

// ParsePublicKey reads a key of the given algorithm: 32 bytes of Ed25519, or 33
// of a compressed P-256 point. ErrUnsupported covers everything else, points off
// the curve and Ed25519 keys of small order, for which anybody can sign.
func ParsePublicKey(alg Alg, key []byte) (PublicKey, error) {
	if alg.size() == 0 || len(key) != alg.size() {
		return PublicKey{}, ErrUnsupported
	}
	p := PublicKey{alg: alg}
	copy(p.key[:], key)
	if alg == Ed25519 && smallOrder(key) {
		return PublicKey{}, ErrUnsupported
	}
	if alg == P256 {
		if _, err := p.ecdsa(); err != nil {
			return PublicKey{}, err
		}
	}
	return p, nil
}

// NewPublicKey converts an ed25519.PublicKey or an *ecdsa.PublicKey on P-256.
func NewPublicKey(pub crypto.PublicKey) (PublicKey, error) {
	switch k := pub.(type) {
	case ed25519.PublicKey:
		return ParsePublicKey(Ed25519, k)
	case *ecdsa.PublicKey:
		if k == nil || k.Curve != elliptic.P256() {
			return PublicKey{}, ErrUnsupported
		}
		b, err := k.Bytes()
		if err != nil {
			return PublicKey{}, ErrUnsupported
		}
		return ParsePublicKey(P256, compress(b))
	}
	return PublicKey{}, ErrUnsupported
}

// compress turns 04 || X || Y into 02+(Y mod 2) || X.
func compress(b []byte) []byte {
	return append([]byte{2 + b[len(b)-1]&1}, b[1:33]...)
}

// UnmarshalBinary reads the 34 bytes that MarshalBinary writes.
func (p *PublicKey) UnmarshalBinary(b []byte) error {
	if len(b) != HolderKeySize {
		return ErrUnsupported
	}
	n := Alg(b[0]).size()
	if len(bytes.TrimRight(b[1+n:], "\x00")) != 0 {
		return ErrUnsupported
	}
	k, err := ParsePublicKey(Alg(b[0]), b[1:1+n])
	if err != nil {
		return err
	}
	*p = k
	return nil
}

// MarshalBinary writes the algorithm and the key in HolderKeySize bytes.
func (p PublicKey) MarshalBinary() ([]byte, error) {
	if p.alg == 0 {
		return nil, ErrUnsupported
	}
	return p.append(make([]byte, 0, HolderKeySize)), nil
}

func (p PublicKey) append(b []byte) []byte { return append(append(b, byte(p.alg)), p.key[:]...) }

// Alg returns the key's algorithm, zero for no key.
func (p PublicKey) Alg() Alg { return p.alg }

// ecdsa decompresses a P-256 key.
func (p PublicKey) ecdsa() (*ecdsa.PublicKey, error) {
	x, y := elliptic.UnmarshalCompressed(elliptic.P256(), p.key[:])
	if x == nil {
		return nil, ErrUnsupported
	}
	b := make([]byte, 65)
	b[0] = 4
	x.FillBytes(b[1:33])
	y.FillBytes(b[33:])
	return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), b)
}

// verify reports whether sig is the key's signature of message: 64 bytes, for
// P-256 r || s (IEEE P1363) with s in the lower half, so that no second signature
// can be made from a first.
func (p PublicKey) verify(message, sig []byte) bool {
	switch p.alg {
	case Ed25519:
		return verifyEd25519(p.key[:ed25519.PublicKeySize], message, sig)
	case P256:
		pub, err := p.ecdsa()
		if err != nil || len(sig) != signatureSize {
			return false
		}
		r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
		digest := sha256.Sum256(message)
		return s.Cmp(halfOrder()) <= 0 && ecdsa.Verify(pub, digest[:], r, s)
	}
	return false
}

// signatureSize is the length of every signature here.
const signatureSize = 64

// halfOrder is the largest s of a low-S signature.
func halfOrder() *big.Int { return new(big.Int).Rsh(elliptic.P256().Params().N, 1) }

func verifyEd25519(public ed25519.PublicKey, message, sig []byte) bool {
	return len(public) == ed25519.PublicKeySize && len(sig) == signatureSize && ed25519.Verify(public, message, sig)
}

// sign makes a signature that verify accepts.
func sign(signer crypto.Signer, alg Alg, message []byte) ([]byte, error) {
	if alg == Ed25519 {
		return signer.Sign(rand.Reader, message, crypto.Hash(0))
	}
	digest := sha256.Sum256(message)
	der, err := signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	var v struct{ R, S *big.Int }
	n := elliptic.P256().Params().N
	if rest, err := asn1.Unmarshal(der, &v); err != nil || len(rest) != 0 || !within(v.R, n) || !within(v.S, n) {
		return nil, fmt.Errorf("the signer's answer is no ECDSA signature: %w", ErrSignature)
	}
	if v.S.Cmp(halfOrder()) > 0 {
		v.S.Sub(n, v.S)
	}
	sig := make([]byte, signatureSize)
	v.R.FillBytes(sig[:32])
	v.S.FillBytes(sig[32:])
	return sig, nil
}

func within(v, n *big.Int) bool { return v.Sign() > 0 && v.Cmp(n) < 0 }

// smallOrder reports whether an Ed25519 key is one of the points of order 1, 2, 4
// or 8, in any encoding. RFC 8032 does not exclude them; under them a signature
// holds for messages that nobody signed.
func smallOrder(public []byte) bool {
	y := bytes.Clone(public)
	y[31] &= 0x7f // the sign of x makes no difference
	for _, bad := range smallOrderY() {
		if hex.EncodeToString(y) == bad {
			return true
		}
	}
	return false
}

// smallOrderY lists the y coordinates of small-order points, little endian, the
// non-canonical encodings p and p+1 of 0 and 1 included.
func smallOrderY() [7]string {
	return [7]string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	}
}
