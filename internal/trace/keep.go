package trace

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// ErrState is returned for a state that is no engine's.
var ErrState = fault.New(fault.Conflict, "what is kept of the reading is damaged: give an empty folder")

// State is what an engine knows of all that a walk has passed. It is of the keyed ids that
// Result has, and of no plain value. Another engine goes on with it, on an index that has
// grown since, too: what was seen is noted of people and versions, not of their places; of
// who is gone from the index nothing is left.
type State struct {
	Counts  Counts
	Tokens  []Token
	Views   []leak.ViewToken
	Docs    []Document
	Papers  []Paper
	Strange leak.Strangers // of all that was in hand, too: tags are kept once
	Seen    []byte         // people and versions, in the order of an index
	Indexes []uint32       // check sums of the indexes that rows were held against, in their order
}

// State returns what was seen of all that was passed. Bits of rows that are in hand may be in
// it, too: they are given again, and noted again.
func (e *Engine) State() *State {
	e.mu.Lock()
	s := &State{Counts: e.passed.counts, Views: e.passed.views, Docs: e.passed.docs, Papers: e.passed.found, Strange: e.strangers.found(), Indexes: e.Indexes()}
	tokens := e.passed.tokens
	e.mu.Unlock()
	for _, t := range tokens {
		s.Tokens = append(s.Tokens, t...)
	}
	last := index.Tag(0)
	for at := int32(0); int(at) < len(e.people); {
		_, next := e.table.Same(at)
		versions, first := e.table.Versions(at)
		one := kept{}
		for i := at; i < next; i++ {
			one.add(e.table.Held(i).From, 0, e.people[i].Load())
		}
		for k := range versions {
			one.add(versions[k].From, versions[k].Row, e.records[int(first)+k].Load())
		}
		if full := e.table.Held(at).Full; one.n > 0 {
			s.Seen = binary.AppendUvarint(s.Seen, uint64(full-last))
			s.Seen = append(binary.AppendUvarint(s.Seen, uint64(one.n)), one.b...)
			last = full
		}
		at = next
	}
	return s
}

// kept are one person's entries of Seen.
type kept struct {
	n int
	b []byte
}

// add takes what was seen of a version of the person, whose row is zero here, or of a record.
func (k *kept) add(from norm.Minute, row leak.Row, bits uint32) {
	if bits == 0 {
		return
	}
	k.n++
	k.b = binary.AppendUvarint(k.b, uint64(from))
	k.b = binary.AppendUvarint(k.b, uint64(row))
	k.b = binary.AppendUvarint(k.b, uint64(bits))
}

// Restore goes on with what another engine of the same trace knew. It is called before the
// walk begins.
func (e *Engine) Restore(s *State) error {
	e.passed = part{counts: s.Counts, views: s.Views, docs: s.Docs, found: s.Papers}
	e.strangers.take(s.Strange)
	if len(s.Tokens) > 0 {
		e.passed.tokens = [][]Token{s.Tokens}
	}
	e.before = s.Indexes
	b, at, full := s.Seen, int32(0), index.Tag(0)
	next := func() (n uint64) {
		v, k := binary.Uvarint(b)
		if k <= 0 {
			b = nil
			return 0
		}
		b = b[k:]
		return v
	}
	for len(b) > 0 {
		full += index.Tag(next())
		for int(at) < len(e.people) && e.table.Held(at).Full < full {
			at++
		}
		here := int(at) < len(e.people) && e.table.Held(at).Full == full
		for n := next(); n > 0; n-- {
			if b == nil {
				return ErrState
			}
			from, row, bits := norm.Minute(next()), leak.Row(next()), uint32(next())
			if here {
				e.restore(at, from, row, bits)
			}
		}
	}
	if b == nil && len(s.Seen) > 0 {
		return ErrState
	}
	return nil
}

// restore notes what was seen of one version of the person at a place.
func (e *Engine) restore(at int32, from norm.Minute, row leak.Row, bits uint32) {
	note := func(v *atomic.Uint32) { v.Or(bits) }
	if row == 0 {
		for _, next := e.table.Same(at); at < next; at++ {
			if e.table.Held(at).From == from {
				note(&e.people[at])
			}
		}
		return
	}
	versions, first := e.table.Versions(at)
	for k := range versions {
		if v := &versions[k]; v.Row == row && v.From == from && !v.Ends {
			note(&e.records[int(first)+k])
		}
	}
}

// Indexes returns the check sums of the indexes that rows were held against: one, or more
// when the index changed while a run was stopped.
func (e *Engine) Indexes() []uint32 {
	now := e.table.Check()
	if n := len(e.before); n > 0 && e.before[n-1] == now {
		return e.before
	}
	return append(e.before[:len(e.before):len(e.before)], now)
}
