package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/store"
)

// leaf is the seq-th leaf of a gate, with some events.
func leaf(gate, seq, events int) accesslog.Leaf {
	l := accesslog.Leaf{
		Gate: spread(gate), Seq: uint64(seq), Prev: id32(seq), Root: id32(seq + 1), Count: events,
		At: at(seq).Truncate(time.Millisecond), Voided: seq%5 == 4,
	}
	copy(l.Signature[:], sealed(gate+seq, 64))
	for i := range events {
		l.Events = append(l.Events, accesslog.Event{
			ID: spread(i), Tag: spread(i + 1), Commitment: id32(i), Sealed: sealed(i, 110+i%7),
		})
	}
	return l
}

func putLeaves(t *testing.T, db store.DB, l ...accesslog.Leaf) {
	t.Helper()
	update(t, db, func(s store.Stores) error { return s.Log.Put(l) })
}

func wantLeaf(t *testing.T, db store.DB, why string, want accesslog.Leaf) {
	t.Helper()
	view(t, db, func(s store.Stores) error {
		got, err := s.Log.Get(want.Gate, want.Seq)
		same(t, why, got, want)
		return err
	})
}

func testLeaves(t *testing.T, db store.DB) {
	bare := leaf(1, 4, 2)
	bare.Events[1].Sealed = nil
	big := leaf(2, 0, accesslog.MaxEvents)
	big.Events[7].Sealed = sealed(7, 65535)
	first := leaf(1, 0, 1)
	first.At = time.UnixMilli(1644901199999).UTC()
	last := leaf(1, 1, 3)
	last.Seq = 1<<63 - 1
	for _, l := range []accesslog.Leaf{first, bare, big, leaf(1, 1, 0), last} {
		putLeaves(t, db, l)
		wantLeaf(t, db, "leaf", l)
	}
	err := db.View(t.Context(), func(s store.Stores) error {
		if _, err := s.Log.Get(spread(1), 77); !errors.Is(err, accesslog.ErrNoLeaf) {
			t.Errorf("unknown leaf: %v", err)
		}
		if _, err := s.Log.Get(spread(1), 1<<63); !errors.Is(err, accesslog.ErrNoLeaf) {
			t.Errorf("leaf out of range: %v", err)
		}
		_, err := s.Log.Get(spread(9), 0)
		return err
	})
	if !errors.Is(err, accesslog.ErrNoLeaf) {
		t.Errorf("leaf of an unknown gate: %v", err)
	}
}

func testLeafAgain(t *testing.T, db store.DB) {
	l := leaf(1, 0, 3)
	putLeaves(t, db, l)
	voided := l
	voided.Voided = true
	putLeaves(t, db, leaf(1, 1, 1), voided, leaf(1, 2, 1))
	wantLeaf(t, db, "the first word holds", l)
	wantLeaf(t, db, "its neighbours are added", leaf(1, 2, 1))
	for name, change := range map[string]func(l *accesslog.Leaf){
		"root":      func(l *accesslog.Leaf) { l.Root[0] ^= 1 },
		"prev":      func(l *accesslog.Leaf) { l.Prev[31] ^= 1 },
		"signature": func(l *accesslog.Leaf) { l.Signature[63] ^= 1 },
	} {
		fork := l
		change(&fork)
		err := persist(db, func(s store.Stores) error { return s.Log.Put([]accesslog.Leaf{leaf(1, 9, 1), fork}) })
		if !errors.Is(err, store.ErrConstraint) {
			t.Errorf("another %s under a leaf's number: %v", name, err)
		}
	}
	wantLeaf(t, db, "unchanged", l)
	if err := db.View(t.Context(), func(s store.Stores) error {
		_, err := s.Log.Get(spread(1), 9)
		return err
	}); !errors.Is(err, accesslog.ErrNoLeaf) {
		t.Errorf("a refused batch left a leaf: %v", err)
	}
}

func testLeafMalformed(t *testing.T, db store.DB) {
	long := leaf(1, 0, 2)
	long.Events[0].Sealed = make([]byte, 65536)
	miscounted := leaf(1, 0, 2)
	miscounted.Count = 3
	for name, l := range map[string]accesslog.Leaf{
		"too many events": leaf(1, 0, accesslog.MaxEvents+1), "too long a detail": long, "miscounted": miscounted,
	} {
		err := persist(db, func(s store.Stores) error { return s.Log.Put([]accesslog.Leaf{leaf(1, 1, 1), l}) })
		if !errors.Is(err, accesslog.ErrLeaf) {
			t.Errorf("%s: %v", name, err)
		}
	}
	view(t, db, func(s store.Stores) error {
		got, err := s.Log.Gates()
		same(t, "nothing stored", got, []accesslog.Tally{})
		return err
	})
}

func testLeavesOf(t *testing.T, db store.DB) {
	putLeaves(t, db, leaf(2, 0, 5), leaf(1, 2, 1), leaf(1, 0, 0), leaf(1, 1, 256))
	of := func(why string, from uint64, n int, want ...accesslog.Leaf) {
		t.Helper()
		view(t, db, func(s store.Stores) error {
			got, err := s.Log.Of(spread(1), from, n)
			same(t, why, got, want)
			return err
		})
	}
	of("all", 0, 99, leaf(1, 0, 0), leaf(1, 1, 256), leaf(1, 2, 1))
	of("two", 0, 2, leaf(1, 0, 0), leaf(1, 1, 256))
	of("from one on", 1, 1, leaf(1, 1, 256))
	of("past the end", 3, 9)
	of("out of range", 1<<63, 9)
	view(t, db, func(s store.Stores) error {
		got, err := s.Log.Gates()
		one, two := accesslog.Tally{Gate: spread(1), Leaves: 3, Events: 257}, accesslog.Tally{Gate: spread(2), Leaves: 1, Events: 5}
		if string(one.Gate[:]) > string(two.Gate[:]) {
			one, two = two, one
		}
		same(t, "gates", got, []accesslog.Tally{one, two})
		return err
	})
}
