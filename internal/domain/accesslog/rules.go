package accesslog

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
)

// Domains of what is hashed and signed; none is a prefix of another.
const (
	domainEvent = "amanah event v1\x00"
	domainLeaf  = "amanah leaf v1\x00"
)

// Prefixes of RFC 6962 §2.1.
const (
	leafPrefix = 0x00
	nodePrefix = 0x01
)

// Digest returns the hash of an event's sealed detail, by which a receipt can show
// an event without it.
func (e Event) Digest() Hash { return sha256.Sum256(e.Sealed) }

// EventHash is an event's RFC 6962 leaf hash.
func EventHash(id, tag [16]byte, commitment, digest Hash) Hash {
	b := make([]byte, 0, 1+len(domainEvent)+16+16+32+32)
	b = append(b, leafPrefix)
	b = append(b, domainEvent...)
	b = append(b, id[:]...)
	b = append(b, tag[:]...)
	b = append(b, commitment[:]...)
	b = append(b, digest[:]...)
	return sha256.Sum256(b)
}

// Hash is the event's leaf hash.
func (e Event) Hash() Hash { return EventHash(e.ID, e.Tag, e.Commitment, e.Digest()) }

func nodeHash(l, r Hash) Hash {
	var b [1 + 32 + 32]byte
	b[0] = nodePrefix
	copy(b[1:], l[:])
	copy(b[33:], r[:])
	return sha256.Sum256(b[:])
}

// Tree is the Merkle tree of one leaf's events, kept whole so that a path costs
// no hashing.
type Tree struct {
	levels [][]Hash // from the events' hashes up; a lone last node moves up as it is
}

// NewTree hashes events.
func NewTree(events []Event) *Tree {
	hashes := make([]Hash, len(events))
	for i, e := range events {
		hashes[i] = e.Hash()
	}
	return TreeOf(hashes)
}

// TreeOf builds the tree over leaf hashes. Moving a lone last node up gives the
// same root as RFC 6962's split at the largest power of two.
func TreeOf(hashes []Hash) *Tree {
	t := &Tree{levels: [][]Hash{hashes}}
	for level := hashes; len(level) > 1; {
		up := make([]Hash, 0, (len(level)+1)/2)
		for i := 0; i+1 < len(level); i += 2 {
			up = append(up, nodeHash(level[i], level[i+1]))
		}
		if len(level)%2 == 1 {
			up = append(up, level[len(level)-1])
		}
		t.levels = append(t.levels, up)
		level = up
	}
	return t
}

// Root returns the tree hash; that of no events is SHA-256 of nothing.
func (t *Tree) Root() Hash {
	if len(t.levels[0]) == 0 {
		return sha256.Sum256(nil)
	}
	return t.levels[len(t.levels)-1][0]
}

// Path returns the inclusion path of the i-th event, from the bottom up
// (RFC 6962 §2.1.1); nil when there is no such event.
func (t *Tree) Path(i int) []Hash {
	if i < 0 || i >= len(t.levels[0]) {
		return nil
	}
	path := make([]Hash, 0, len(t.levels))
	for _, level := range t.levels[:len(t.levels)-1] {
		if sibling := i ^ 1; sibling < len(level) {
			path = append(path, level[sibling])
		}
		i /= 2
	}
	return path
}

// RootFrom recomputes the root over n events from one event's hash and its path;
// it reports false for a path of the wrong length.
func RootFrom(h Hash, i, n int, path []Hash) (Hash, bool) {
	if i < 0 || i >= n {
		return Hash{}, false
	}
	for ; n > 1; i, n = i/2, (n+1)/2 {
		if i^1 >= n {
			continue // moved up as it is
		}
		if len(path) == 0 {
			return Hash{}, false
		}
		if i%2 == 0 {
			h = nodeHash(h, path[0])
		} else {
			h = nodeHash(path[0], h)
		}
		path = path[1:]
	}
	return h, len(path) == 0
}

// Bytes are what a leaf's signature covers: gate, sequence, previous leaf, root,
// count and time.
func (l Leaf) Bytes() []byte {
	b := make([]byte, 0, len(domainLeaf)+16+8+32+32+4+8)
	b = append(b, domainLeaf...)
	b = append(b, l.Gate[:]...)
	b = binary.BigEndian.AppendUint64(b, l.Seq)
	b = append(b, l.Prev[:]...)
	b = append(b, l.Root[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(l.Count))
	return binary.BigEndian.AppendUint64(b, uint64(l.At.UnixMilli()))
}

// Hash chains the next leaf to this one.
func (l Leaf) Hash() Hash { return sha256.Sum256(l.Bytes()) }

// Sign sets the leaf's root, count and signature from its events.
func (l *Leaf) Sign(key ed25519.PrivateKey, t *Tree) {
	l.Root, l.Count = t.Root(), len(t.levels[0])
	copy(l.Signature[:], ed25519.Sign(key, l.Bytes()))
}

// Check returns ErrLeaf unless the leaf is what the keeper signed: its events make
// its root and count, and the signature holds.
func (l Leaf) Check(public ed25519.PublicKey) error {
	if l.Count != len(l.Events) || l.Count > MaxEvents || NewTree(l.Events).Root() != l.Root {
		return ErrLeaf
	}
	if !ed25519.Verify(public, l.Bytes(), l.Signature[:]) {
		return ErrLeaf
	}
	return nil
}

// CheckReceipt returns ErrReceipt unless the event, by its hash, is the i-th of a
// leaf that the keeper signed. The leaf's own events are not looked at.
func (l Leaf) CheckReceipt(public ed25519.PublicKey, event Hash, i int, path []Hash) error {
	root, ok := RootFrom(event, i, l.Count, path)
	if !ok || root != l.Root || !ed25519.Verify(public, l.Bytes(), l.Signature[:]) {
		return ErrReceipt
	}
	return nil
}
