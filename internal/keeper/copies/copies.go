// Package copies holds what the keeper knows of copies and traces: which copies were
// given a code, what each was committed to before anything of it was opened, and which
// traces there were and what they froze.
//
// As in package desk each decision comes in two halves, what may be and, once that is
// journaled, what is; the second is also how a keeper that starts again knows what it
// knew. A Book is not safe for concurrent use.
package copies

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/keeper"
)

// MaxDeliveries bounds how often one copy may be committed to: each part of it is, and an
// export that goes on after it was stopped commits to what it gives then.
const MaxDeliveries = 1024

// CopyOf names the copy that an export's request makes.
func CopyOf(id staff.RequestID) leak.Copy {
	sum := sha256.Sum256(append([]byte("amanah copy v1\x00"), id[:]...))
	return leak.Copy(sum[:16])
}

// Copy is one copy that was ever given a code.
type Copy struct {
	Copy       leak.Copy
	Made       time.Time
	Deliveries []keeper.Delivery
}

// Trace is one trace that ever began.
type Trace struct {
	ID     staff.RequestID
	N      int
	Began  time.Time
	Frozen [32]byte // zero before
}

// Book is the state. New makes one.
type Book struct {
	copies []Copy
	at     map[leak.Copy]int
	traces map[staff.RequestID]*Trace
}

// New makes a book that knows nothing.
func New() *Book {
	return &Book{at: map[leak.Copy]int{}, traces: map[staff.RequestID]*Trace{}}
}

// Made is a copy given a code, or an edition of one committed to, or a trace begun, what one
// froze or whom it named, or how many people an operator's command had tags of: what the
// journal keeps. One of them is set.
type Made struct {
	At       time.Time
	Coded    *leak.Copy       `json:",omitempty"`
	Delivery *keeper.Delivery `json:",omitempty"`
	Began    *Began           `json:",omitempty"`
	Froze    *Froze           `json:",omitempty"`
	Named    *Named           `json:",omitempty"`
	Tagged   int              `json:",omitempty"`
}

// Began is a trace begun.
type Began struct {
	Trace staff.RequestID
	N     int
	Body  string // of its request
}

// Froze is an observation's hash.
type Froze struct {
	Trace staff.RequestID
	Hash  [32]byte
}

// Named is how many people a trace named, by which request, and a hash of who.
type Named struct {
	Trace  staff.RequestID
	By     staff.RequestID
	People int
	Hash   [32]byte
}

// Know notes what journal record seq says; false for what cannot be.
func (b *Book) Know(m Made, seq uint64) bool {
	switch {
	case m.Coded != nil:
		if _, known := b.at[*m.Coded]; !known {
			b.at[*m.Coded] = len(b.copies)
			b.copies = append(b.copies, Copy{Copy: *m.Coded, Made: m.At})
		}
	case m.Delivery != nil:
		i, known := b.at[m.Delivery.Copy]
		if !known {
			return false
		}
		d := *m.Delivery
		d.At, d.Seq = m.At, seq
		b.copies[i].Deliveries = append(b.copies[i].Deliveries, d)
	case m.Began != nil:
		if m.Began.N != len(b.traces)+1 || b.traces[m.Began.Trace] != nil {
			return false
		}
		b.traces[m.Began.Trace] = &Trace{ID: m.Began.Trace, N: m.Began.N, Began: m.At}
	case m.Froze != nil:
		t := b.traces[m.Froze.Trace]
		if t == nil || t.Frozen != ([32]byte{}) {
			return false
		}
		t.Frozen = m.Froze.Hash
	case m.Tagged != 0: // for whoever reads the log
		return m.Tagged > 0
	default:
		return m.Named != nil && b.traces[m.Named.Trace] != nil
	}
	return true
}

// Coded reports whether a copy was ever given a code.
func (b *Book) Coded(c leak.Copy) bool {
	_, known := b.at[c]
	return known
}

// Committed returns keeper.ErrUncommitted while nothing says what a copy's marks are.
func (b *Book) Committed(c leak.Copy) error {
	if i, known := b.at[c]; !known || len(b.copies[i].Deliveries) == 0 {
		return keeper.ErrUncommitted
	}
	return nil
}

// Delivered returns what was said of a copy and a manifest before; false when nothing
// was, or too much of the copy.
func (b *Book) Delivered(c leak.Copy, manifest [32]byte) (d keeper.Delivery, known bool, err error) {
	i, coded := b.at[c]
	if !coded {
		return d, false, keeper.ErrUncommitted
	}
	for _, one := range b.copies[i].Deliveries {
		if one.Manifest == manifest {
			return one, true, nil
		}
	}
	if len(b.copies[i].Deliveries) >= MaxDeliveries {
		return d, false, keeper.ErrBudget
	}
	return d, false, nil
}

// Copies returns up to n copies from a place on, in the order in which they were given
// codes, and how many there ever were.
func (b *Book) Copies(from, n int) ([]Copy, int) {
	from = min(max(from, 0), len(b.copies))
	return b.copies[from:min(from+n, len(b.copies))], len(b.copies)
}

// Canaries returns all ways in which copies' canaries were drawn, in their order.
func (b *Book) Canaries() (all []string) {
	for _, c := range b.copies {
		for _, d := range c.Deliveries {
			if d.Canaries != "" && !slices.Contains(all, d.Canaries) {
				all = append(all, d.Canaries)
			}
		}
	}
	return all
}

// Trace returns a trace that began; false when it did not.
func (b *Book) Trace(id staff.RequestID) (Trace, bool) {
	if t := b.traces[id]; t != nil {
		return *t, true
	}
	return Trace{}, false
}

// Begins is the number of the next trace.
func (b *Book) Begins() int { return len(b.traces) + 1 }

// MayFreeze returns whether a hash is new to a trace: keeper.ErrFrozen when it froze
// another.
func (b *Book) MayFreeze(id staff.RequestID, hash [32]byte) (fresh bool, err error) {
	t := b.traces[id]
	switch {
	case t == nil || hash == ([32]byte{}):
		return false, keeper.ErrTrace
	case t.Frozen == ([32]byte{}):
		return true, nil
	case t.Frozen != hash:
		return false, keeper.ErrFrozen
	}
	return false, nil
}

// Opens returns keeper.ErrUnfrozen while a trace froze nothing.
func (b *Book) Opens(id staff.RequestID) error {
	if t := b.traces[id]; t == nil || t.Frozen == ([32]byte{}) {
		return keeper.ErrUnfrozen
	}
	return nil
}
