package ohttp

import (
	"bytes"
	"crypto/hpke"
	"errors"
	"fmt"
	"sync/atomic"
)

// Gateway opens encapsulated requests. It is safe for concurrent use, its keys
// may change while it serves, and a request is opened with the keys held when
// Open began.
type Gateway struct {
	keys   atomic.Pointer[keySet]
	replay *ReplayCache
	padded bool
}

// keySet is immutable; a change of keys swaps the whole set.
type keySet [256]*PrivateKey

// NewGateway returns a gateway holding keys. Gateways may share a replay cache.
// It fails with ErrKey when two keys have one id.
func NewGateway(replay *ReplayCache, keys ...*PrivateKey) (*Gateway, error) {
	if replay == nil {
		return nil, errors.New("ohttp: gateway without a replay cache")
	}
	g := &Gateway{replay: replay, padded: padded}
	if err := g.SetKeys(keys...); err != nil {
		return nil, err
	}
	return g, nil
}

// SetKeys replaces all keys at once. On error nothing changes.
func (g *Gateway) SetKeys(keys ...*PrivateKey) error {
	var set keySet
	for _, k := range keys {
		if set[k.id] != nil {
			return fmt.Errorf("%w: id given twice", ErrKey)
		}
		set[k.id] = k
	}
	g.keys.Store(&set)
	return nil
}

// AddKey adds a key, and fails with ErrKey when its id is taken.
func (g *Gateway) AddKey(k *PrivateKey) error {
	for {
		old := g.keys.Load()
		if old[k.id] != nil {
			return fmt.Errorf("%w: id is taken", ErrKey)
		}
		if set := *old; g.swap(old, &set, k.id, k) {
			return nil
		}
	}
}

// RemoveKey removes the key of that id, if the gateway holds one.
func (g *Gateway) RemoveKey(id KeyID) {
	for {
		old := g.keys.Load()
		if old[id] == nil {
			return
		}
		if set := *old; g.swap(old, &set, id, nil) {
			return
		}
	}
}

func (g *Gateway) swap(old, set *keySet, id KeyID, k *PrivateKey) bool {
	set[id] = k
	return g.keys.CompareAndSwap(old, set)
}

// KeyIDs returns the ids of the keys held, ascending.
func (g *Gateway) KeyIDs() []KeyID {
	var ids []KeyID
	for id, k := range g.keys.Load() {
		if k != nil {
			ids = append(ids, KeyID(id))
		}
	}
	return ids
}

// Open decrypts an encapsulated request (RFC 9458 §4.3) and remembers it. The
// plaintext is a binary HTTP message with its padding, for ParseRequest; it does
// not alias encapsulated. The responder seals the answer. Errors, in the order
// they are looked for: ErrSize, ErrMalformed, ErrKeyID, ErrSuite, ErrMalformed
// again for an encapsulated key that is none, ErrDecrypt, ErrReplay and
// ErrReplayCacheFull. Only a request that decrypts is remembered, so nobody can
// have a device's request refused by sending something like it first.
func (g *Gateway) Open(encapsulated []byte) ([]byte, *Responder, error) {
	if wrongSize(len(encapsulated), RequestSize, g.padded) {
		return nil, nil, ErrSize
	}
	if len(encapsulated) < headerSize {
		return nil, nil, ErrMalformed
	}
	head, rest := encapsulated[:headerSize], encapsulated[headerSize:]
	key := g.keys.Load()[head[0]]
	if key == nil {
		return nil, nil, ErrKeyID
	}
	o := key.offer(head)
	if o == nil {
		return nil, nil, ErrSuite
	}
	n := key.kem.encSize()
	if len(rest) < n+tagSize {
		return nil, nil, ErrMalformed
	}
	r := &Responder{suite: o.Suite, encSize: n, padded: g.padded}
	enc := r.enc[:copy(r.enc[:n], rest)]
	var err error
	if r.context, err = hpke.NewRecipient(enc, key.sk, hpke.HKDFSHA256(), o.aead, o.info); err != nil {
		return nil, nil, ErrMalformed
	}
	plaintext, err := r.context.Open(nil, rest[n:])
	if err != nil {
		return nil, nil, ErrDecrypt
	}
	if err := g.replay.remember(enc); err != nil {
		return nil, nil, err
	}
	return plaintext, r, nil
}

// offer returns the suite that a request's header names, nil when its KEM is
// not the key's or its algorithms are not offered.
func (k *PrivateKey) offer(header []byte) *offer {
	for i := range k.suites {
		if o := &k.suites[i]; bytes.HasSuffix(o.info, header) {
			return o
		}
	}
	return nil
}
