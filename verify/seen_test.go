package verify

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func serial(n int) (s [16]byte) {
	binary.BigEndian.PutUint64(s[:], uint64(n)*0x9e3779b97f4a7c15) // spread, as random ones are
	binary.BigEndian.PutUint64(s[8:], uint64(n))
	return s
}

func TestSeen(t *testing.T) {
	now := testNow()
	s := NewSeen(10)
	expires := now.Truncate(time.Minute).Add(time.Hour)
	if !s.Add(serial(1), expires, now) {
		t.Error("the first time is not the first")
	}
	if s.Add(serial(1), expires, now.Add(time.Second)) {
		t.Error("the second time is the first")
	}
	if !s.Add(serial(2), expires, now) {
		t.Error("another serial is not the first")
	}
	if s.Add(serial(3), now, now) {
		t.Error("an expired serial is the first")
	}
	if n := s.Len(expires.Add(-1)); n != 2 {
		t.Errorf("%d remembered until they expire", n)
	}
	if n := s.Len(expires); n != 0 {
		t.Errorf("%d remembered after they expired", n)
	}
}

// Expiry between two minutes is remembered to its end.
func TestSeenRoundsUp(t *testing.T) {
	now := testNow()
	s := NewSeen(10)
	s.Add(serial(1), now.Add(90*time.Second), now)
	if s.Add(serial(1), now.Add(90*time.Second), now.Add(89*time.Second)) {
		t.Error("forgotten before it expired")
	}
}

func TestSeenIsBounded(t *testing.T) {
	now := testNow()
	const limit = 100
	s := NewSeen(limit)
	for i := range 1000 {
		if !s.Add(serial(i), now.Add(time.Duration(60+i)*time.Minute), now) {
			t.Fatalf("%d is not new", i)
		}
		if n := s.Len(now); n > limit {
			t.Fatalf("%d remembered", n)
		}
	}
	if s.Forgotten() != 900 || s.Len(now) != limit {
		t.Errorf("%d forgotten, %d remembered", s.Forgotten(), s.Len(now))
	}
	if s.Add(serial(999), now.Add(999*time.Minute), now) {
		t.Error("the longest-lived one was forgotten")
	}
	if s.Add(serial(900), now.Add(960*time.Minute), now) {
		t.Error("one of the hundred longest-lived was forgotten")
	}
}

func TestSeenMerge(t *testing.T) {
	now := testNow()
	expires := now.Truncate(time.Minute).Add(time.Hour)
	a, b := NewSeen(100), NewSeen(100)
	a.Add(serial(1), expires, now)
	a.Add(serial(2), expires, now)
	b.Add(serial(2), expires, now)
	b.Add(serial(3), expires.Add(-50*time.Minute), now)
	n, err := a.Merge(b.Export(now), now)
	if err != nil || n != 1 {
		t.Errorf("%d added, %v", n, err)
	}
	if a.Add(serial(3), expires, now) {
		t.Error("seen at the other door, and the first time here")
	}
	if n, err := b.Merge(a.Export(now), now.Add(30*time.Minute)); err != nil || n != 1 {
		t.Errorf("%d added, %v: an expired one must be passed over", n, err)
	}
}

// Doors that exchange lists in any order, and more than once, end up alike.
func TestSeenConverges(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	now := testNow()
	for range 50 {
		doors := []*Seen{NewSeen(1000), NewSeen(1000), NewSeen(1000)}
		union := NewSeen(1000)
		for range r.IntN(200) {
			n := r.IntN(100)
			expires := now.Truncate(time.Minute).Add(time.Duration(1+n) * time.Minute)
			doors[r.IntN(3)].Add(serial(n), expires, now)
			union.Add(serial(n), expires, now)
		}
		for range 2 {
			for _, i := range r.Perm(9) {
				if _, err := doors[i%3].Merge(doors[i/3].Export(now), now); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i, d := range doors {
			if !bytes.Equal(d.Export(now), union.Export(now)) {
				t.Fatalf("door %d differs", i)
			}
		}
	}
}

func TestSeenMergeRefuses(t *testing.T) {
	now := testNow()
	s := NewSeen(100)
	for i := range 3 {
		s.Add(serial(i), now.Add(time.Hour), now)
	}
	good := s.Export(now)
	for name, change := range map[string]func([]byte) []byte{
		"empty":       func([]byte) []byte { return nil },
		"header":      func(b []byte) []byte { return b[:4] },
		"version":     func(b []byte) []byte { b[0] = 2; return b },
		"truncated":   func(b []byte) []byte { return b[:len(b)-1] },
		"extended":    func(b []byte) []byte { return append(b, 0) },
		"count":       func(b []byte) []byte { b[4]++; return b },
		"count wraps": func(b []byte) []byte { copy(b[1:5], "\xff\xff\xff\xff"); return b },
		"same twice":  func(b []byte) []byte { copy(b[25:45], b[5:25]); return b },
		"not in order": func(b []byte) []byte {
			x := append([]byte{}, b[5:25]...)
			copy(b[5:], b[25:45])
			copy(b[25:], x)
			return b
		},
		"lives on": func(b []byte) []byte { copy(b[21:25], "\xff\xff\xff\xff"); return b },
	} {
		fresh := NewSeen(100)
		if n, err := fresh.Merge(change(bytes.Clone(good)), now); !errors.Is(err, ErrSeenFormat) || n != 0 || fresh.Len(now) != 0 {
			t.Errorf("%s: %d added, %v", name, n, err)
		}
	}
	if n, err := NewSeen(100).Merge(good, now); err != nil || n != 3 {
		t.Errorf("control: %d, %v", n, err)
	}
}

// Of many doors that see one ticket at once, one lets it in.
func TestSeenConcurrent(t *testing.T) {
	s := NewSeen(1000)
	now := testNow()
	var firsts atomic.Int32
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for i := range 100 {
				if s.Add(serial(i), now.Add(time.Hour), now) {
					firsts.Add(1)
				}
				s.Export(now)
			}
		})
	}
	wg.Wait()
	if firsts.Load() != 100 {
		t.Errorf("%d firsts of 100 tickets", firsts.Load())
	}
}
