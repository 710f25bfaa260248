package dpop

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"sync/atomic"
	"time"
)

// Nonces gives and recognises nonces without remembering them: a time and a MAC
// over it, so that any server holding the key knows them. A nonce carries the
// platform's clock, which is how a device with a wrong clock gets along.
//
// The key is good for one run: of whatever remembers, for all servers, which proofs
// were used. Nonces of another run are not known, so that a proof from before that
// memory began cannot be used again.
type Nonces struct {
	run  atomic.Pointer[nonceRun]
	life time.Duration
	now  func() time.Time
}

type nonceRun struct {
	id  uint64
	key []byte
}

// NewNonces makes Nonces that are good for life after they are given, of run 0.
func NewNonces(key []byte, life time.Duration, now func() time.Time) *Nonces {
	n := &Nonces{life: life, now: now}
	n.run.Store(&nonceRun{0, key})
	return n
}

// Begin goes over to another run; nothing happens when it is the one that is on.
func (n *Nonces) Begin(run uint64, key []byte) {
	if n.run.Load().id != run {
		n.run.Store(&nonceRun{run, key})
	}
}

const nonceLen = 8 + 16

// Give returns a nonce for now: 8 bytes of Unix seconds and 16 of MAC, base64url.
func (n *Nonces) Give() string {
	var b [nonceLen]byte
	binary.BigEndian.PutUint64(b[:], uint64(n.now().Unix()))
	copy(b[8:], n.run.Load().mac(b[:8]))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Fresh reports whether s was given by a holder of the key within its life, and in
// which run.
func (n *Nonces) Fresh(s string) (run uint64, ok bool) {
	if len(s) != base64.RawURLEncoding.EncodedLen(nonceLen) {
		return 0, false
	}
	var b [nonceLen]byte
	if _, err := base64.RawURLEncoding.Strict().Decode(b[:], []byte(s)); err != nil {
		return 0, false
	}
	age := n.now().Unix() - int64(binary.BigEndian.Uint64(b[:]))
	// A second server's clock may be a little ahead of ours.
	if age < -5 || age > int64(n.life/time.Second) {
		return 0, false
	}
	r := n.run.Load()
	return r.id, hmac.Equal(b[8:], r.mac(b[:8]))
}

func (r *nonceRun) mac(b []byte) []byte {
	m := hmac.New(sha256.New, r.key)
	m.Write([]byte("amanah dpop nonce v1\x00"))
	m.Write(b)
	return m.Sum(nil)[:16]
}
