package verify

import (
	"bytes"
	"cmp"
	"container/heap"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Seen remembers the serials that came through a venue's doors, until they
// expire, so that a ticket is used once. Doors exchange their lists with Export
// and Merge, over a channel of their own that authenticates them: whoever can
// merge can make a ticket look used.
//
// Memory is bounded. When it is full of live serials, the one that expires
// soonest is forgotten; Forgotten counts them, and a door where it is not zero
// should say so. It is safe for concurrent use.
type Seen struct {
	mu        sync.Mutex
	limit     int
	live      map[[16]byte]uint32 // to the minute of expiry
	queue     seenQueue           // exactly the keys of live, soonest expiry first
	forgotten int
}

type seenEntry struct {
	serial  [16]byte
	expires uint32
}

// NewSeen returns a memory of at most limit serials, at least one. A serial costs
// some 80 bytes.
func NewSeen(limit int) *Seen {
	return &Seen{limit: max(limit, 1), live: map[[16]byte]uint32{}}
}

// Add records a serial of a verified ticket until it expires, rounded up to the
// minute, and reports whether it is the first time. An expired serial is not
// recorded and is never the first time.
func (s *Seen) Add(serial [16]byte, expires, now time.Time) (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now)
	if !expires.After(now) {
		return false
	}
	return s.add(seenEntry{serial, ceilMinutes(expires)})
}

func (s *Seen) add(e seenEntry) bool {
	if _, ok := s.live[e.serial]; ok {
		return false
	}
	s.live[e.serial] = e.expires
	heap.Push(&s.queue, e)
	if len(s.live) > s.limit {
		s.pop()
		s.forgotten++
	}
	return true
}

func (s *Seen) pop() {
	e := heap.Pop(&s.queue).(seenEntry)
	delete(s.live, e.serial)
}

func (s *Seen) expire(now time.Time) {
	for len(s.queue) > 0 && !fromMinutes(s.queue[0].expires).After(now) {
		s.pop()
	}
}

// Len returns how many live serials are remembered.
func (s *Seen) Len(now time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now)
	return len(s.live)
}

// Forgotten returns how many live serials had to make room.
func (s *Seen) Forgotten() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.forgotten
}

// The list's format, version 1: version 1 | count 4 | count times serial 16 |
// expires 4, big-endian, in minutes since 1970, by ascending serial.
const (
	seenVersion = 1
	seenHeader  = 5
	seenSize    = 20
)

// Export writes the live serials; two memories of the same serials write the same
// bytes.
func (s *Seen) Export(now time.Time) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now)
	all := slices.Clone(s.queue)
	slices.SortFunc(all, func(a, b seenEntry) int { return bytes.Compare(a.serial[:], b.serial[:]) })
	b := make([]byte, 0, seenHeader+seenSize*len(all))
	b = append(b, seenVersion)
	b = binary.BigEndian.AppendUint32(b, uint32(len(all)))
	for _, e := range all {
		b = append(b, e.serial[:]...)
		b = binary.BigEndian.AppendUint32(b, e.expires)
	}
	return b
}

// Merge adds another door's list and returns how many serials were new. A list
// that Export could not have written, or that reaches further than a ticket may
// live, is refused whole with ErrSeenFormat. Expired serials are passed over.
// Merging is idempotent, and its order does not matter, as long as the limit
// holds everything.
func (s *Seen) Merge(list []byte, now time.Time) (added int, err error) {
	entries, err := parseSeen(list, now)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now)
	for _, e := range entries {
		if fromMinutes(e.expires).After(now) && s.add(e) {
			added++
		}
	}
	return added, nil
}

func parseSeen(list []byte, now time.Time) ([]seenEntry, error) {
	if len(list) < seenHeader || list[0] != seenVersion {
		return nil, ErrSeenFormat
	}
	n := uint64(binary.BigEndian.Uint32(list[1:]))
	body := list[seenHeader:]
	if uint64(len(body)) != n*seenSize {
		return nil, fmt.Errorf("its length is not what it says: %w", ErrSeenFormat)
	}
	latest := now.Add(MaxLife + ClockSkew)
	entries := make([]seenEntry, 0, n)
	for chunk := range slices.Chunk(body, seenSize) {
		e := seenEntry{[16]byte(chunk), binary.BigEndian.Uint32(chunk[16:])}
		if len(entries) > 0 && bytes.Compare(entries[len(entries)-1].serial[:], e.serial[:]) >= 0 {
			return nil, fmt.Errorf("serials do not ascend: %w", ErrSeenFormat)
		}
		if fromMinutes(e.expires).After(latest) {
			return nil, fmt.Errorf("a serial outlives every ticket: %w", ErrSeenFormat)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// ceilMinutes rounds up: forgetting early would let a ticket be used twice.
func ceilMinutes(t time.Time) uint32 {
	m := (t.Unix() + 59) / 60
	return uint32(min(max(m, 0), 1<<32-1))
}

// seenQueue is a heap by expiry, then serial, so that all doors forget alike.
type seenQueue []seenEntry

func (q seenQueue) Len() int      { return len(q) }
func (q seenQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q seenQueue) Less(i, j int) bool {
	if c := cmp.Compare(q[i].expires, q[j].expires); c != 0 {
		return c < 0
	}
	return bytes.Compare(q[i].serial[:], q[j].serial[:]) < 0
}

// Push implements heap.Interface.
func (q *seenQueue) Push(x any) { *q = append(*q, x.(seenEntry)) }

// Pop implements heap.Interface.
func (q *seenQueue) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e
}
