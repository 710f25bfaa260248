package people

import (
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/seal"
)

// Heads returns what the keeper knows of people's rows. It opens nothing; it is for
// the operator's commands, because it tells who was erased and how often who was
// written.
func (p *People) Heads(role keeper.Role, people []identity.PersonID) ([]keeper.Head, error) {
	if err := keeper.MayCheck(role, len(people)); err != nil {
		return nil, err
	}
	if err := p.failed(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]keeper.Head, len(people))
	for i, id := range people {
		if id == 0 || uint64(id) > uint64(p.slots.n) {
			continue
		}
		s := p.slots.at(int(id - 1))
		out[i] = keeper.Head{
			Known: true, Erased: s.fate == erased, Stored: s.stored, Pending: s.pending, Version: s.counter, Colour: s.colour,
		}
		if h := p.health.of(id); h != nil {
			out[i].Records, out[i].Bases = h.counter, append(out[i].Bases, h.base)
			for _, w := range h.open {
				out[i].Bases = append(out[i].Bases, w.head)
			}
		}
	}
	return out, nil
}

// CheckNotes opens sealed texts and says of each only whether it opened.
func (p *People) CheckNotes(role keeper.Role, notes []keeper.Note) ([]keeper.Seal, error) {
	if err := keeper.MayCheck(role, len(notes)); err != nil {
		return nil, err
	}
	if err := p.failed(); err != nil {
		return nil, err
	}
	out := make([]keeper.Seal, len(notes))
	for i := range notes {
		aead, err := p.noteKey(&notes[i])
		if err == nil {
			_, err = seal.Open(aead, notes[i].Text, noteAD(&notes[i]))
		}
		out[i] = keeper.SealOf(err)
	}
	return out, nil
}
