package ohttp

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"
)

// The envelope of MediaTypeSignedKeys, integers big-endian:
//
//	version     1 byte, 1
//	not before  8 bytes, Unix seconds
//	not after   8 bytes, Unix seconds, itself still valid
//	length      2 bytes
//	keys        that many bytes of application/ohttp-keys
//	signature   64 bytes, Ed25519 over signedDomain and all of the above
const (
	signedVersion = 1
	signedHeader  = 1 + 8 + 8 + 2
	signedDomain  = "amanah ohttp signed key configurations v1\x00"
)

const (
	// MaxValidity is the longest window that is signed or accepted.
	MaxValidity = 90 * 24 * time.Hour
	// MaxEnvelopeSize is the largest signed envelope in bytes.
	MaxEnvelopeSize = signedHeader + MaxConfigsSize + ed25519.SignatureSize

	maxUnix = 253402300799 // end of the year 9999
)

// SignedConfigs is what a verified envelope says.
type SignedConfigs struct {
	Configs []Config
	// NotBefore and NotAfter bound the window, both included, to the second.
	NotBefore, NotAfter time.Time
}

// SignConfigs binds configs, as application/ohttp-keys, to the window from
// notBefore to notAfter (both included, fractions of a second dropped) under the
// platform's long-term key, an Ed25519 signer that may live elsewhere. It fails
// with ErrConfig, ErrNoConfig, ErrValidity or the signer's error.
func SignConfigs(signer crypto.Signer, configs []byte, notBefore, notAfter time.Time) ([]byte, error) {
	pin, ok := signer.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: signer is not Ed25519", ErrSignature)
	}
	if _, err := usable(configs); err != nil {
		return nil, err
	}
	from, to := notBefore.Unix(), notAfter.Unix()
	if !validWindow(from, to) {
		return nil, ErrValidity
	}
	out := make([]byte, 0, signedHeader+len(configs)+ed25519.SignatureSize)
	out = append(out, signedVersion)
	out = binary.BigEndian.AppendUint64(out, uint64(from))
	out = binary.BigEndian.AppendUint64(out, uint64(to))
	out = binary.BigEndian.AppendUint16(out, uint16(len(configs)))
	out = append(out, configs...)
	message := append([]byte(signedDomain), out...)
	sig, err := signer.Sign(rand.Reader, message, crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("ohttp: sign key configurations: %w", err)
	}
	if !ed25519.Verify(pin, message, sig) {
		return nil, fmt.Errorf("%w: signer answered with a wrong signature", ErrSignature)
	}
	return append(out, sig...), nil
}

// VerifyConfigs returns what the envelope says if one of the pinned keys signed
// exactly these bytes, now lies within the window, and at least one configuration
// is usable. Several pins allow the platform's key to be replaced. It fails with
// ErrEnvelope, ErrSignature, ErrValidity, ErrNotYetValid, ErrExpired, ErrConfig
// or ErrNoConfig. A wrong clock on the device looks like a wrong window.
func VerifyConfigs(envelope []byte, now time.Time, pins ...ed25519.PublicKey) (*SignedConfigs, error) {
	if len(envelope) < signedHeader+ed25519.SignatureSize || len(envelope) > MaxEnvelopeSize {
		return nil, fmt.Errorf("%w: size", ErrEnvelope)
	}
	signed := envelope[:len(envelope)-ed25519.SignatureSize]
	configs := signed[signedHeader:]
	if signed[0] != signedVersion || int(binary.BigEndian.Uint16(signed[17:])) != len(configs) {
		return nil, fmt.Errorf("%w: framing", ErrEnvelope)
	}
	if len(configs) == 0 {
		return nil, fmt.Errorf("%w: empty", ErrEnvelope)
	}
	if !signedByAny(pins, signed, envelope[len(signed):]) {
		return nil, ErrSignature
	}
	// A time beyond int64 turns negative, which no window is.
	from, to := int64(binary.BigEndian.Uint64(signed[1:])), int64(binary.BigEndian.Uint64(signed[9:]))
	if !validWindow(from, to) {
		return nil, ErrValidity
	}
	switch t := now.Unix(); {
	case t < from:
		return nil, ErrNotYetValid
	case t > to:
		return nil, ErrExpired
	}
	list, err := usable(configs)
	if err != nil {
		return nil, err
	}
	return &SignedConfigs{list, time.Unix(from, 0), time.Unix(to, 0)}, nil
}

func signedByAny(pins []ed25519.PublicKey, signed, sig []byte) bool {
	message := append([]byte(signedDomain), signed...)
	for _, pin := range pins {
		if len(pin) == ed25519.PublicKeySize && ed25519.Verify(pin, message, sig) {
			return true
		}
	}
	return false
}

// usable parses a list and fails unless a device can use one of its entries.
func usable(b []byte) ([]Config, error) {
	configs, err := ParseConfigs(b)
	if err != nil {
		return nil, err
	}
	_, err = Choose(configs)
	return configs, err
}

func validWindow(from, to int64) bool {
	return from >= 0 && to <= maxUnix && from < to && to-from <= int64(MaxValidity/time.Second)
}
