package ohttp

import (
	"crypto/hpke"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"slices"
)

// PrivateKey is a gateway's key. It is immutable and safe for concurrent use,
// and it prints as [redacted].
type PrivateKey struct {
	secret
	id     KeyID
	kem    KEM
	sk     hpke.PrivateKey
	suites []offer
}

// offer is one suite of a key with what HPKE needs for it.
type offer struct {
	Suite
	aead hpke.AEAD
	info []byte
}

// GenerateKey returns a new random key. Without suites it offers all of them.
func GenerateKey(id KeyID, kem KEM, suites ...Suite) (*PrivateKey, error) {
	if kem.encSize() == 0 {
		return nil, fmt.Errorf("%w: unsupported KEM", ErrKey)
	}
	sk, err := kem.hpke().GenerateKey()
	if err != nil {
		return nil, fmt.Errorf("ohttp: generate key: %w", err)
	}
	return newKey(id, kem, sk, suites)
}

// NewPrivateKey returns the key that Bytes serialized.
func NewPrivateKey(id KeyID, kem KEM, b []byte, suites ...Suite) (*PrivateKey, error) {
	if kem.encSize() == 0 {
		return nil, fmt.Errorf("%w: unsupported KEM", ErrKey)
	}
	sk, err := kem.hpke().NewPrivateKey(b)
	if err != nil {
		return nil, fmt.Errorf("%w: encoding", ErrKey)
	}
	return newKey(id, kem, sk, suites)
}

func newKey(id KeyID, kem KEM, sk hpke.PrivateKey, chosen []Suite) (*PrivateKey, error) {
	if len(chosen) == 0 {
		chosen = suites()
	}
	k := &PrivateKey{id: id, kem: kem, sk: sk}
	for _, s := range chosen {
		if !s.supported() {
			return nil, fmt.Errorf("%w: unsupported suite", ErrKey)
		}
		k.suites = append(k.suites, offer{s, s.AEAD.hpke(), requestInfo(header(id, kem, s))})
	}
	return k, nil
}

// ID returns the key's id.
func (k *PrivateKey) ID() KeyID { return k.id }

// Config returns the public half.
func (k *PrivateKey) Config() Config {
	c := Config{ID: k.id, KEM: k.kem, PublicKey: slices.Clone(k.sk.PublicKey().Bytes())}
	for _, o := range k.suites {
		c.Suites = append(c.Suites, o.Suite)
	}
	return c
}

// Bytes returns the secret key, 32 bytes (RFC 9180 §7.1.2), to be stored sealed.
func (k *PrivateKey) Bytes() ([]byte, error) {
	b, err := k.sk.Bytes()
	if err != nil {
		return nil, fmt.Errorf("ohttp: private key: %w", err)
	}
	return b, nil
}

// header begins every encapsulated request (RFC 9458 §4.3).
func header(id KeyID, kem KEM, s Suite) []byte {
	h := append(make([]byte, 0, headerSize), byte(id))
	h = binary.BigEndian.AppendUint16(h, uint16(kem))
	h = binary.BigEndian.AppendUint16(h, uint16(s.KDF))
	return binary.BigEndian.AppendUint16(h, uint16(s.AEAD))
}

// requestInfo binds the header into the HPKE context (RFC 9458 §4.3).
func requestInfo(header []byte) []byte {
	return append([]byte("message/bhttp request\x00"), header...)
}

// secret is embedded where printing a value would print key material.
type secret struct{}

const redacted = "[redacted]"

func (secret) String() string               { return redacted }
func (secret) GoString() string             { return redacted }
func (secret) Format(f fmt.State, _ rune)   { _, _ = io.WriteString(f, redacted) }
func (secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
