// Package heads says what a database must hold of a person: a hash of every version, moved by
// each write, so that what was put away or rolled back is found. It keeps no key and no time.
package heads

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/keeper"
)

// Of hashes a person's current versions.
func Of(have []keeper.Version) [16]byte {
	b := make([]byte, 0, 16*len(have))
	for _, v := range have {
		b = binary.BigEndian.AppendUint64(b, uint64(v.Record))
		b = binary.BigEndian.AppendUint64(b, v.Version)
	}
	sum := sha256.Sum256(append([]byte("amanah head v1\x00"), b...))
	return [16]byte(sum[:16])
}

const (
	// writingFor is how long a write that is not settled keeps others of the same
	// person's waiting.
	writingFor = 2 * time.Second
	// maxOpen bounds the writes of one person of which it is not known whether they
	// came to be.
	maxOpen = 4
	// openFor is longer than any transaction of a database's lives: a write of which
	// nothing was heard for so long may give way to another.
	openFor = time.Minute
)

// Health is the head of a person's health records. The database is at Base, or at
// the head of one of the open writes: each stores only over exactly Base, so that at
// most one of them comes to be.
type Health struct {
	Counter uint64 // versions given so far, also those that never came to be
	Base    [16]byte
	Open    []Write
}

// Write is one of which it is not known whether it came to be.
type Write struct {
	Version uint64
	Head    [16]byte
	At      int64 // Unix milliseconds
}

// Records are the heads of those who have health records, in chunks that are made
// with the first of them: with millions of people, who has none must cost nothing.
type Records struct{ chunks []*[chunkOf]Health }

const chunkOf = 256

// Of returns a person's head, or nil when nothing was ever written.
func (s *Records) Of(id identity.PersonID) *Health {
	chunk, i := uint64(id-1)/chunkOf, uint64(id-1)%chunkOf
	if id == 0 || chunk >= uint64(len(s.chunks)) || s.chunks[chunk] == nil || s.chunks[chunk][i].Counter == 0 {
		return nil
	}
	return &s.chunks[chunk][i]
}

// Make returns a person's head, of no versions when there was none.
func (s *Records) Make(id identity.PersonID) *Health {
	chunk, i := int(uint64(id-1)/chunkOf), uint64(id-1)%chunkOf
	if need := chunk + 1 - len(s.chunks); need > 0 {
		s.chunks = append(s.chunks, make([]*[chunkOf]Health, need)...)
	}
	if s.chunks[chunk] == nil {
		s.chunks[chunk] = new([chunkOf]Health)
	}
	h := &s.chunks[chunk][i]
	if h.Counter == 0 {
		h.Base = None
	}
	return h
}

// None is the head of who has no health records.
var None = keeper.RecordsHead(nil)

// Agrees reports whether a database of that head may be what it is, and whether it
// may yet move on.
func (h *Health) Agrees(have [16]byte) (ok, behind bool) {
	if h == nil {
		return have == None, false
	}
	if h.became(have) {
		return true, false
	}
	return have == h.Base, len(h.Open) > 0
}

// became reports whether have is what one of the open writes makes.
func (h *Health) became(have [16]byte) bool {
	return slices.ContainsFunc(h.Open, func(o Write) bool { return o.Head == have })
}

// May returns why no write may begin over what a database holds.
func (h *Health) May(have [16]byte, now time.Time) error {
	switch {
	case h == nil:
		if have != None {
			return keeper.ErrHead
		}
		return nil
	case h.became(have):
		return nil // an open write came to be, and so none of the others can
	case have != h.Base:
		return keeper.ErrHead
	case slices.ContainsFunc(h.Open, func(o Write) bool { return o.younger(now, writingFor) }),
		len(h.Open) == maxOpen && h.Open[0].younger(now, openFor):
		return keeper.ErrWriting
	}
	return nil
}

// younger is false of what a clock that was set back has put into the future: it
// must keep nobody waiting until then.
func (o Write) younger(now time.Time, than time.Duration) bool {
	age := now.UnixMilli() - o.At
	return age >= 0 && age < than.Milliseconds()
}

// Begin notes a write over have.
func (h *Health) Begin(have [16]byte, w Write) {
	if have != h.Base {
		h.Base, h.Open = have, nil
	}
	if len(h.Open) == maxOpen {
		h.Open = slices.Delete(h.Open, 0, 1)
	}
	h.Open = append(h.Open, w)
	h.Counter = w.Version
}

// Settle notes that a write came to be; of one that is not open nothing is to note.
func (h *Health) Settle(version uint64) bool {
	if h == nil {
		return false
	}
	i := slices.IndexFunc(h.Open, func(o Write) bool { return o.Version == version })
	if i < 0 {
		return false
	}
	h.Base, h.Open = h.Open[i].Head, nil
	return true
}

// With returns have with a new version of each of records, ascending.
func With(have []keeper.Version, records []keeper.Record, version uint64) []keeper.Version {
	out := make([]keeper.Version, 0, len(have)+len(records))
	for _, v := range have {
		for len(records) > 0 && records[0] < v.Record {
			out, records = append(out, keeper.Version{Record: records[0], Version: version}), records[1:]
		}
		out = append(out, v)
	}
	for _, r := range records {
		out = append(out, keeper.Version{Record: r, Version: version})
	}
	return out
}

// After returns have with one record at a new version, ascending by record.
func After(have []keeper.Version, r keeper.Record, version uint64) []keeper.Version {
	out := make([]keeper.Version, 0, len(have)+1)
	done := false
	for _, v := range have {
		switch {
		case v.Record == r:
			out, done = append(out, keeper.Version{Record: r, Version: version}), true
			continue
		case v.Record > r && !done:
			out, done = append(out, keeper.Version{Record: r, Version: version}), true
		}
		out = append(out, v)
	}
	if !done {
		out = append(out, keeper.Version{Record: r, Version: version})
	}
	return out
}
