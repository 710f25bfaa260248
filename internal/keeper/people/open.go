package people

import (
	"cmp"
	"slices"

	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
	"github.com/amanah-project/amanah/internal/keeper/seal"
)

// Held are keys that were made and are not given yet.
type Held struct {
	reads  []keeper.Read
	opened []keeper.Opened
}

// Hold makes the keys of the versions that some reads want, each against the head of its
// person. Nobody has them before Give.
func (p *People) Hold(reads []keeper.Read) *Held {
	h := &Held{reads, make([]keeper.Opened, len(reads))}
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := range reads {
		h.opened[n] = p.release(&reads[n])
	}
	return h
}

// Agreeing are the reads that agree with their heads: what is opened.
func (h *Held) Agreeing() []keeper.Read {
	out := make([]keeper.Read, 0, len(h.reads))
	for n, o := range h.opened {
		if o.Err == nil {
			out = append(out, h.reads[n])
		}
	}
	return out
}

// Give gives the keys for a record that is on disk and says who opens them. Without one it
// gives why reads were refused, and no key.
func (h *Held) Give(e journal.Entry) []keeper.Opened {
	if !e.Opens() {
		for n := range h.opened {
			if h.opened[n].Err == nil {
				h.opened[n] = keeper.Opened{Err: keeper.ErrUnavailable}
			}
		}
	}
	return h.opened
}

func (p *People) release(r *keeper.Read) keeper.Opened {
	s, err := p.person(r.Person)
	if err != nil {
		return keeper.Opened{Err: err}
	}
	var ok, behind bool
	if health, _ := r.OfRecords(); health {
		ok, behind = p.health.of(r.Person).agrees(keeper.RecordsHead(r.Have))
	} else {
		ok, behind = s.agrees(r.Have)
	}
	if !ok && seal.Binds {
		return keeper.Opened{Err: keeper.ErrHead}
	}
	out := keeper.Opened{Behind: behind}
	for _, want := range r.Want {
		if _, held := slices.BinarySearchFunc(r.Have, want, order); !held && seal.Binds {
			return keeper.Opened{Err: keeper.ErrHead}
		}
		v, err := versionKey(s.key[:], want.Record, want.Version)
		if err != nil {
			return keeper.Opened{Err: err}
		}
		out.Keys = append(out.Keys, v)
	}
	return out
}

// order is that of versions in a head: a list that agrees with one is ascending.
func order(a, b keeper.Version) int {
	return cmp.Or(cmp.Compare(a.Record, b.Record), cmp.Compare(a.Version, b.Version))
}
