package dpop

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// Nonces gives and recognises nonces without remembering them: a time and a MAC
// over it, so that any server holding the key knows them. A nonce carries the
// platform's clock, which is how a device with a wrong clock gets along.
type Nonces struct {
	key  []byte
	life time.Duration
	now  func() time.Time
}

// NewNonces makes Nonces that are good for life after they are given.
func NewNonces(key []byte, life time.Duration, now func() time.Time) *Nonces {
	return &Nonces{key, life, now}
}

const nonceLen = 8 + 16

// Give returns a nonce for now: 8 bytes of Unix seconds and 16 of MAC, base64url.
func (n *Nonces) Give() string {
	var b [nonceLen]byte
	binary.BigEndian.PutUint64(b[:], uint64(n.now().Unix()))
	copy(b[8:], n.mac(b[:8]))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Fresh reports whether s was given by a holder of the key within its life.
func (n *Nonces) Fresh(s string) bool {
	if len(s) != base64.RawURLEncoding.EncodedLen(nonceLen) {
		return false
	}
	var b [nonceLen]byte
	if _, err := base64.RawURLEncoding.Strict().Decode(b[:], []byte(s)); err != nil {
		return false
	}
	age := n.now().Unix() - int64(binary.BigEndian.Uint64(b[:]))
	// A second server's clock may be a little ahead of ours.
	if age < -5 || age > int64(n.life/time.Second) {
		return false
	}
	return hmac.Equal(b[8:], n.mac(b[:8]))
}

func (n *Nonces) mac(b []byte) []byte {
	m := hmac.New(sha256.New, n.key)
	m.Write([]byte("amanah dpop nonce v1\x00"))
	m.Write(b)
	return m.Sum(nil)[:16]
}
