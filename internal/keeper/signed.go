package keeper

import (
	"crypto/ed25519"
	"encoding/binary"
)

// Bytes are what a receipt's signature covers.
func (r Receipt) Bytes() []byte {
	b := append([]byte("amanah receipt v1\x00"), r.Intent[:]...)
	b = binary.BigEndian.AppendUint64(b, r.Seq)
	b = append(b, r.Chain[:]...)
	return binary.BigEndian.AppendUint64(b, uint64(r.At.UnixMilli()))
}

// Sign signs the receipt with the log key.
func (r *Receipt) Sign(key ed25519.PrivateKey) { copy(r.Signature[:], ed25519.Sign(key, r.Bytes())) }

// Holds reports whether the log key signed the receipt.
func (r Receipt) Holds(public ed25519.PublicKey) bool {
	return ed25519.Verify(public, r.Bytes(), r.Signature[:])
}

// Bytes are what a certificate's signature covers.
func (c Certificate) Bytes() []byte {
	b := append([]byte("amanah certificate of destruction v1\x00"), c.KeyHash[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(c.Day))
	b = binary.BigEndian.AppendUint64(b, uint64(c.Destroyed.Unix()))
	return binary.BigEndian.AppendUint64(b, c.Seq)
}

// Sign signs the certificate with the log key.
func (c *Certificate) Sign(key ed25519.PrivateKey) {
	copy(c.Signature[:], ed25519.Sign(key, c.Bytes()))
}

// Holds reports whether the log key signed the certificate.
func (c Certificate) Holds(public ed25519.PublicKey) bool {
	return ed25519.Verify(public, c.Bytes(), c.Signature[:])
}
