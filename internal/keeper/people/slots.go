package people

import "github.com/amanah-project/amanah/internal/keeper"

// slot is one person: the key and the head. Slots are in memory in the order of
// PersonIDs, 96 bytes each, and rebuilt from the journal and the files of wraps.
type slot struct {
	key     [32]byte
	counter uint64   // versions given so far
	head    [16]byte // hash of the current versions, truncated
	before  [16]byte // the head before the last write, while that is not settled
	colour  uint32   // version of the sealed colour
	pending bool
	stored  bool // the database is known to have had a row of this person's
	fate    fate
}

// fate is what became of a person's key.
type fate uint8

const (
	alive  fate = iota
	lost        // its wrap was not found, while opening: the keeper does not start
	erased      // destroyed
)

// slots is a slice of slots that grows without moving what it holds: with millions
// of people, moving them would hold up whoever waits for the keeper.
type slots struct {
	chunks []*[slotChunk]slot
	n      int
}

const slotChunk = keeper.WrapChunk

func (s *slots) at(i int) *slot { return &s.chunks[i/slotChunk][i%slotChunk] }

func (s *slots) add(one slot) {
	if s.n == len(s.chunks)*slotChunk {
		s.chunks = append(s.chunks, new([slotChunk]slot))
	}
	s.n++
	*s.at(s.n - 1) = one
}
