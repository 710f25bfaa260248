package memory

import (
	"cmp"
	"iter"
	"math/rand/v2"
)

// tree is an immutable map in ascending order of its keys: a treap whose changes
// copy the path to what they change. The zero value is empty.
type tree[K ordered[K], V any] struct{ root *node[K, V] }

// ordered is a key that knows its order.
type ordered[K any] interface{ compare(K) int }

type node[K ordered[K], V any] struct {
	key         K
	val         V
	rank        uint64 // random; a parent's is not below its children's
	left, right *node[K, V]
}

func (t tree[K, V]) get(k K) (v V, ok bool) {
	for n := t.root; n != nil; {
		switch c := k.compare(n.key); {
		case c == 0:
			return n.val, true
		case c < 0:
			n = n.left
		default:
			n = n.right
		}
	}
	return v, false
}

func (t *tree[K, V]) put(k K, v V) { t.root = t.root.put(k, v) }

func (n *node[K, V]) put(k K, v V) *node[K, V] {
	if n == nil {
		return &node[K, V]{key: k, val: v, rank: rand.Uint64()}
	}
	m := *n
	switch c := k.compare(n.key); {
	case c == 0:
		m.val = v
	case c < 0:
		m.left = n.left.put(k, v)
		if l := m.left; l.rank > m.rank { // l is new: it may change
			m.left, l.right = l.right, &m
			return l
		}
	default:
		m.right = n.right.put(k, v)
		if r := m.right; r.rank > m.rank {
			m.right, r.left = r.left, &m
			return r
		}
	}
	return &m
}

func (t *tree[K, V]) drop(k K) { t.root = t.root.drop(k) }

func (n *node[K, V]) drop(k K) *node[K, V] {
	if n == nil {
		return nil
	}
	m := *n
	switch c := k.compare(n.key); {
	case c == 0:
		return join(n.left, n.right)
	case c < 0:
		m.left = n.left.drop(k)
	default:
		m.right = n.right.drop(k)
	}
	return &m
}

// join makes one tree of two, every key of a being below every key of b.
func join[K ordered[K], V any](a, b *node[K, V]) *node[K, V] {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.rank > b.rank:
		m := *a
		m.right = join(a.right, b)
		return &m
	default:
		m := *b
		m.left = join(a, b.left)
		return &m
	}
}

// from yields the entries whose key is k or above it, ascending.
func (t tree[K, V]) from(k K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { t.root.from(k, yield) }
}

func (n *node[K, V]) from(k K, yield func(K, V) bool) bool {
	if n == nil {
		return true
	}
	if k.compare(n.key) > 0 {
		return n.right.from(k, yield)
	}
	return n.left.from(k, yield) && yield(n.key, n.val) && n.right.from(k, yield)
}

// number is a key that is a number.
type number uint64

func (a number) compare(b number) int { return cmp.Compare(a, b) }

// text is a key that is a text.
type text string

func (a text) compare(b text) int { return cmp.Compare(a, b) }
