package ohttp

import (
	"crypto/sha256"
	"errors"
	"sync"
	"time"
)

// ReplayCache remembers encapsulated keys for at least its window and at most
// twice as long, in bounded memory. See the package comment for what it cannot
// do. It is safe for concurrent use.
type ReplayCache struct {
	window time.Duration
	now    func() time.Time
	shards []replayShard
}

const (
	maxShards = 64
	minShard  = 1024 // entries, so that a small cache is not split into tiny ones
)

// replayID is a truncated SHA-256 of an encapsulated key.
type replayID [16]byte

// replayShard holds two generations. A key is in young for at most one window
// and moves on with all of young once that began a window ago.
type replayShard struct {
	mu         sync.Mutex
	young, old map[replayID]struct{}
	began      time.Time
	limit      int
	_          [64]byte // keeps neighbours' locks off this cache line
}

// NewReplayCache returns an empty cache. The window is how long a request must
// not be accepted again. Capacity, at least 1, bounds the keys held, about 40
// bytes each; it should exceed the requests expected in two windows by a tenth,
// since a shard may fill a little before the others.
func NewReplayCache(window time.Duration, capacity int) (*ReplayCache, error) {
	if window <= 0 || capacity < 1 {
		return nil, errors.New("ohttp: replay cache needs a window and a capacity")
	}
	n := 1
	for n < maxShards && capacity/(2*n) >= minShard {
		n *= 2
	}
	c := &ReplayCache{window: window, now: time.Now, shards: make([]replayShard, n)}
	for i := range c.shards {
		c.shards[i].limit = capacity / n
		c.shards[i].young = make(map[replayID]struct{})
		c.shards[i].old = make(map[replayID]struct{})
	}
	return c, nil
}

// Len returns the number of keys held now, expired ones included.
func (c *ReplayCache) Len() int {
	n := 0
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		n += len(s.young) + len(s.old)
		s.mu.Unlock()
	}
	return n
}

// remember adds enc, or fails with ErrReplay when it is held already and with
// ErrReplayCacheFull when there is no room. Of any number of concurrent calls
// with one enc, one succeeds.
func (c *ReplayCache) remember(enc []byte) error {
	sum := sha256.Sum256(enc)
	id := replayID(sum[:len(replayID{})])
	now := c.now()
	// The shard is chosen by bytes that are not part of the id.
	s := &c.shards[int(sum[31])%len(c.shards)]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now, c.window)
	if _, ok := s.young[id]; ok {
		return ErrReplay
	}
	if _, ok := s.old[id]; ok {
		return ErrReplay
	}
	if len(s.young)+len(s.old) >= s.limit {
		return ErrReplayCacheFull
	}
	s.young[id] = struct{}{}
	return nil
}

// turn drops generations of which every key is older than the window. A clock
// that goes back keeps keys longer, never shorter.
func (s *replayShard) turn(now time.Time, window time.Duration) {
	if s.began.IsZero() {
		s.began = now
	}
	age := now.Sub(s.began)
	if age < window {
		return
	}
	s.young, s.old = s.old, s.young
	clear(s.young)
	s.began = s.began.Add(window)
	if age >= 2*window {
		// The youngest key came before began, a window ago or more.
		clear(s.old)
		s.began = now
	}
}
