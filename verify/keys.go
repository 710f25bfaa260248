package verify

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// KeyID names a key: the first four bytes of SHA-256 over a domain and the
// public key. It finds a key and proves nothing.
type KeyID [4]byte

// String writes the id in hexadecimal.
func (id KeyID) String() string { return hex.EncodeToString(id[:]) }

// IDOf returns the id of an Ed25519 public key.
func IDOf(public ed25519.PublicKey) KeyID {
	sum := sha256.Sum256(append([]byte(domainKey), public...))
	return KeyID(sum[:4])
}

// Purpose says what a set's keys may sign. A key of one purpose verifies nothing
// of the other.
type Purpose string

// The purposes.
const (
	ForVenues  Purpose = "venue"  // venue codes
	ForTickets Purpose = "ticket" // tickets
	ForCards   Purpose = "card"   // printed cards
)

// Key is a public key that signs venue codes, tickets or cards.
type Key struct {
	ID        KeyID
	Public    ed25519.PublicKey
	NotBefore time.Time // inclusive, whole seconds
	NotAfter  time.Time // exclusive, whole seconds
}

// NewKey returns the key with its id, in force from notBefore until notAfter.
func NewKey(public ed25519.PublicKey, notBefore, notAfter time.Time) Key {
	return Key{IDOf(public), public, notBefore, notAfter}
}

// Keys is a set of keys of one purpose. It is immutable, so that any number of
// doors may use it at once. The zero set knows no key.
type Keys struct {
	purpose Purpose
	keys    []Key
}

// Bounds of a key set.
const (
	maxKeys   = 64
	maxKeySet = 64 << 10
)

// NewKeys returns a set of up to 64 keys. It returns ErrKeySet for an unknown
// purpose, an id that is not the key's, two keys of one id, a small-order key, or
// times that do not follow one another.
func NewKeys(purpose Purpose, keys ...Key) (Keys, error) {
	if purpose != ForVenues && purpose != ForTickets && purpose != ForCards {
		return Keys{}, fmt.Errorf("purpose %q: %w", purpose, ErrKeySet)
	}
	if len(keys) > maxKeys {
		return Keys{}, fmt.Errorf("more than %d keys: %w", maxKeys, ErrKeySet)
	}
	ks := Keys{purpose: purpose}
	for _, k := range keys {
		if len(k.Public) != ed25519.PublicKeySize || k.ID != IDOf(k.Public) || smallOrder(k.Public) {
			return Keys{}, fmt.Errorf("key %s is not what its id says: %w", k.ID, ErrKeySet)
		}
		if _, ok := ks.find(k.ID); ok {
			return Keys{}, fmt.Errorf("key %s is there twice: %w", k.ID, ErrKeySet)
		}
		if k.NotBefore.Nanosecond() != 0 || k.NotAfter.Nanosecond() != 0 || !k.NotBefore.Before(k.NotAfter) {
			return Keys{}, fmt.Errorf("the times of key %s do not hold: %w", k.ID, ErrKeySet)
		}
		k.Public = bytes.Clone(k.Public)
		k.NotBefore, k.NotAfter = k.NotBefore.UTC(), k.NotAfter.UTC()
		ks.keys = append(ks.keys, k)
	}
	return ks, nil
}

// Purpose returns what the set's keys may sign.
func (ks Keys) Purpose() Purpose { return ks.purpose }

// Len returns how many keys the set has.
func (ks Keys) Len() int { return len(ks.keys) }

func (ks Keys) find(id KeyID) (Key, bool) {
	for i := range ks.keys {
		if ks.keys[i].ID == id {
			return ks.keys[i], true
		}
	}
	return Key{}, false
}

// keySet is the document in which a set is published.
type keySet struct {
	Format  string     `json:"format"`
	Purpose Purpose    `json:"purpose"`
	Keys    []keyEntry `json:"keys"`
}

type keyEntry struct {
	ID        string    `json:"id"`     // 8 hexadecimal digits
	Alg       string    `json:"alg"`    // "Ed25519"
	Public    string    `json:"public"` // base64url, unpadded
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
}

const (
	keySetFormat = "amanah-keys/1"
	keyAlg       = "Ed25519"
)

// MarshalJSON writes the document in which the set is published. It bears no
// signature of its own.
func (ks Keys) MarshalJSON() ([]byte, error) {
	doc := keySet{Format: keySetFormat, Purpose: ks.purpose, Keys: []keyEntry{}}
	for _, k := range ks.keys {
		doc.Keys = append(doc.Keys, keyEntry{k.ID.String(), keyAlg, encode(k.Public), k.NotBefore, k.NotAfter})
	}
	return json.Marshal(doc)
}

// ParseKeys reads a published key set of at most 64 KiB, strictly: unknown and
// repeated fields, other spellings of a field or value, and trailing data are
// ErrKeySet. The caller has verified where the document comes from, and checks
// the set's purpose by using it.
func ParseKeys(doc []byte) (Keys, error) {
	if len(doc) > maxKeySet {
		return Keys{}, fmt.Errorf("larger than 64 KiB: %w", ErrKeySet)
	}
	var set keySet
	d := json.NewDecoder(bytes.NewReader(doc))
	d.DisallowUnknownFields()
	if err := d.Decode(&set); err != nil {
		return Keys{}, fmt.Errorf("%w: %w", err, ErrKeySet)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) || set.Format != keySetFormat {
		return Keys{}, fmt.Errorf("want one document of format %q: %w", keySetFormat, ErrKeySet)
	}
	ks, err := set.parse()
	if err != nil {
		return Keys{}, err
	}
	return ks, canonical(doc, ks)
}

func (s keySet) parse() (Keys, error) {
	var keys []Key
	for _, e := range s.Keys {
		public, err := decodeExact(e.Public, ed25519.PublicKeySize)
		if err != nil || e.Alg != keyAlg {
			return Keys{}, fmt.Errorf("a key is not %s in base64url: %w", keyAlg, ErrKeySet)
		}
		k := NewKey(public, e.NotBefore, e.NotAfter)
		if k.ID.String() != e.ID {
			return Keys{}, fmt.Errorf("key %s is not what its id says: %w", k.ID, ErrKeySet)
		}
		keys = append(keys, k)
	}
	return NewKeys(s.Purpose, keys...)
}

// canonical refuses a document that is not, white space apart, what MarshalJSON
// writes. encoding/json lets a repeated field win and matches names in any case,
// so that another reader could find other keys in the same signed bytes.
func canonical(doc []byte, ks Keys) error {
	want, err := ks.MarshalJSON()
	if err != nil {
		return err
	}
	var got bytes.Buffer
	if err := json.Compact(&got, doc); err != nil || !bytes.Equal(got.Bytes(), want) {
		return fmt.Errorf("not the canonical form: %w", ErrKeySet)
	}
	return nil
}

// verify checks one Ed25519 signature by a key of the set for this purpose.
func (ks Keys) verify(purpose Purpose, id KeyID, message, sig []byte) (Key, error) {
	k, ok := ks.find(id)
	if !ok || ks.purpose != purpose {
		return Key{}, ErrUnknownKey
	}
	if !verifyEd25519(k.Public, message, sig) {
		return Key{}, ErrSignature
	}
	return k, nil
}

// inForce returns ErrKeyTime unless the key may sign at t, give or take slack.
func (k Key) inForce(t time.Time, slack time.Duration) error {
	if t.Before(k.NotBefore.Add(-slack)) || !t.Before(k.NotAfter.Add(slack)) {
		return ErrKeyTime
	}
	return nil
}
