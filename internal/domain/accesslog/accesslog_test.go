package accesslog_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	. "github.com/amanah-project/amanah/internal/domain/accesslog"
)

var key = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))

func public() ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

// event draws an event; two of one leaf hardly ever are the same.
func event(t *rapid.T) Event {
	e := Event{Sealed: rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "sealed")}
	copy(e.ID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
	copy(e.Tag[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "tag"))
	copy(e.Commitment[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "commitment"))
	return e
}

// leafOf draws a signed leaf of n events: a few are drawn, the others numbered.
func leafOf(t *rapid.T, n int) (Leaf, *Tree) {
	l := Leaf{Seq: rapid.Uint64().Draw(t, "seq"), At: time.UnixMilli(rapid.Int64Range(0, 1<<42).Draw(t, "at"))}
	for i := range n {
		e := Event{Sealed: []byte{byte(i), byte(i >> 8)}}
		if i < 3 {
			e = event(t)
		}
		e.ID[0], e.ID[1] = byte(i), byte(i>>8) // no two alike
		l.Events = append(l.Events, e)
	}
	tree := NewTree(l.Events)
	l.Sign(key, tree)
	return l, tree
}

// TestPaths: of every leaf of 1 to 256 events every path holds, and none does after
// a change of event, place, count or path.
func TestPaths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, MaxEvents).Draw(t, "events")
		l, tree := leafOf(t, n)
		if err := l.Check(public()); err != nil {
			t.Fatal(err)
		}
		for i, e := range l.Events {
			if err := l.CheckReceipt(public(), e.Hash(), i, tree.Path(i)); err != nil {
				t.Fatalf("event %d of %d: %v", i, n, err)
			}
		}
		i := rapid.IntRange(0, n-1).Draw(t, "event")
		h, path := l.Events[i].Hash(), tree.Path(i)
		refused := func(what string, h Hash, i int, path []Hash) {
			if err := l.CheckReceipt(public(), h, i, path); !errors.Is(err, ErrReceipt) {
				t.Fatalf("%s: event %d of %d: %v", what, i, n, err)
			}
		}
		other := h
		other[rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		refused("another event", other, i, path)
		for _, j := range []int{i - 1, i + 1, i ^ 1, n, -1, rapid.IntRange(0, n-1).Draw(t, "place")} {
			if j != i {
				refused("another place", h, j, path)
			}
		}
		refused("a longer path", h, i, append(slices.Clone(path), h))
		if len(path) == 0 {
			return
		}
		refused("a shorter path", h, i, path[:len(path)-1])
		refused("a path without its start", h, i, path[1:])
		for k := range path {
			altered := slices.Clone(path)
			altered[k][rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			refused("an altered path", h, i, altered)
		}
	})
}

// TestTreeIsRFC6962 compares the tree with the RFC's own definition, which splits at
// the largest power of two below n.
func TestTreeIsRFC6962(t *testing.T) {
	var hashes []Hash
	for n := 1; n <= MaxEvents; n++ {
		hashes = append(hashes, EventHash([16]byte{byte(n), byte(n >> 8)}, [16]byte{}, Hash{}, Hash{}))
		tree := TreeOf(slices.Clone(hashes))
		if tree.Root() != split(hashes) {
			t.Fatalf("root of %d", n)
		}
		for i := range n {
			if root, ok := RootFrom(hashes[i], i, n, tree.Path(i)); !ok || root != tree.Root() {
				t.Fatalf("path of %d among %d", i, n)
			}
		}
		if tree.Path(n) != nil || tree.Path(-1) != nil {
			t.Fatalf("a path of no event among %d", n)
		}
	}
}

// split is MTH of RFC 6962 §2.1; two hashes are joined by the tree under test.
func split(h []Hash) Hash {
	if len(h) == 1 {
		return h[0]
	}
	k := 1
	for 2*k < len(h) {
		k *= 2
	}
	return TreeOf([]Hash{split(h[:k]), split(h[k:])}).Root()
}

// TestVectors checks the inclusion proofs, right and wrong, of transparency-dev/merkle.
func TestVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/inclusion.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Desc     string
		LeafIdx  uint64
		TreeSize uint64
		Root     []byte
		LeafHash []byte
		Proof    [][]byte
		WantErr  bool
	}
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatal(err)
	}
	held, refused, odd := 0, 0, 0
	for _, v := range vectors {
		root, ok1 := hash(v.Root)
		leaf, ok2 := hash(v.LeafHash)
		path := make([]Hash, len(v.Proof))
		ok := ok1 && ok2 && v.LeafIdx < 1<<40 && v.TreeSize < 1<<40
		for i, p := range v.Proof {
			var one bool
			path[i], one = hash(p)
			ok = ok && one
		}
		if !ok { // values that a Hash or a count cannot hold
			odd++
			if !v.WantErr {
				t.Errorf("%s: valid, but it cannot be expressed", v.Desc)
			}
			continue
		}
		got, ok := RootFrom(leaf, int(v.LeafIdx), int(v.TreeSize), path)
		if (ok && got == root) == v.WantErr {
			t.Errorf("%s: holds %v, want error %v", v.Desc, ok && got == root, v.WantErr)
		}
		if v.WantErr {
			refused++
		} else {
			held++
		}
	}
	if held < 6 || refused < 60 {
		t.Errorf("%d valid and %d invalid proofs, %d not expressible: vectors are missing", held, refused, odd)
	}
}

func hash(b []byte) (Hash, bool) {
	if len(b) != len(Hash{}) {
		return Hash{}, false
	}
	return Hash(b), true
}

// TestCheckLeaf alters a signed leaf in everything that its signature covers.
func TestCheckLeaf(t *testing.T) {
	signed := func() Leaf {
		l := Leaf{Gate: GateID{1}, Seq: 7, Prev: Hash{2}, At: time.UnixMilli(1_660_000_000_000)}
		for i := range 5 {
			l.Events = append(l.Events, Event{ID: [16]byte{byte(i)}, Sealed: []byte("detail")})
		}
		l.Sign(key, NewTree(l.Events))
		return l
	}
	if err := signed().Check(public()); err != nil {
		t.Fatal(err)
	}
	for name, alter := range map[string]func(*Leaf){
		"gate":        func(l *Leaf) { l.Gate[15] ^= 1 },
		"seq":         func(l *Leaf) { l.Seq++ },
		"prev":        func(l *Leaf) { l.Prev[31] ^= 1 },
		"root":        func(l *Leaf) { l.Root[0] ^= 1 },
		"count":       func(l *Leaf) { l.Count++ },
		"time":        func(l *Leaf) { l.At = l.At.Add(time.Millisecond) },
		"signature":   func(l *Leaf) { l.Signature[0] ^= 1 },
		"event id":    func(l *Leaf) { l.Events[2].ID[3] ^= 1 },
		"event tag":   func(l *Leaf) { l.Events[2].Tag[3] ^= 1 },
		"commitment":  func(l *Leaf) { l.Events[2].Commitment[3] ^= 1 },
		"detail":      func(l *Leaf) { l.Events[2].Sealed = []byte("detaiL") },
		"order":       func(l *Leaf) { l.Events[0], l.Events[1] = l.Events[1], l.Events[0] },
		"event gone":  func(l *Leaf) { l.Events = l.Events[:4] },
		"event more":  func(l *Leaf) { l.Events = append(l.Events, Event{}) },
		"event twice": func(l *Leaf) { l.Events = append(l.Events, l.Events[4]) },
	} {
		l := signed()
		alter(&l)
		if err := l.Check(public()); !errors.Is(err, ErrLeaf) {
			t.Errorf("%s: %v", name, err)
		}
	}
	stranger := ed25519.NewKeyFromSeed(append([]byte{1}, make([]byte, ed25519.SeedSize-1)...)).Public().(ed25519.PublicKey)
	l := signed()
	if err := l.Check(stranger); !errors.Is(err, ErrLeaf) {
		t.Errorf("under a stranger's key: %v", err)
	}
	if err := l.CheckReceipt(stranger, l.Events[0].Hash(), 0, NewTree(l.Events).Path(0)); !errors.Is(err, ErrReceipt) {
		t.Errorf("a receipt under a stranger's key: %v", err)
	}
}

// TestTooManyEvents: a leaf beyond the bound does not check, though it is signed.
func TestTooManyEvents(t *testing.T) {
	l := Leaf{Events: make([]Event, MaxEvents+1)}
	l.Sign(key, NewTree(l.Events))
	if err := l.Check(public()); !errors.Is(err, ErrLeaf) {
		t.Error(err)
	}
}

// TestLeafBytes pins what is signed: stored leaves must verify for ever.
func TestLeafBytes(t *testing.T) {
	l := Leaf{Gate: GateID{1}, Seq: 2, Prev: Hash{3}, Root: Hash{4}, Count: 5, At: time.UnixMilli(6), Voided: true}
	b := l.Bytes()
	if len(b) != len("amanah leaf v1\x00")+16+8+32+32+4+8 || string(b[:15]) != "amanah leaf v1\x00" || b[len(b)-1] != 6 {
		t.Errorf("%q", b)
	}
	v := l
	v.Voided = false
	if v.Hash() != l.Hash() {
		t.Error("that a leaf was voided is not the keeper's to sign")
	}
	if NewTree(nil).Root() != sha256.Sum256(nil) {
		t.Error("the tree of no events is SHA-256 of nothing")
	}
}
