package server

import (
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/keeper"
)

// Heads returns what the keeper knows of people's rows. It opens nothing; it is for
// the operator's commands, because it tells who was erased and how often who was
// written.
func (k *Keeper) Heads(role keeper.Role, people []identity.PersonID) ([]keeper.Head, error) {
	if err := k.mayCheck(role, len(people)); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	out := make([]keeper.Head, len(people))
	for i, p := range people {
		if p == 0 || uint64(p) > uint64(k.people.n) {
			continue
		}
		s := k.people.at(int(p - 1))
		out[i] = keeper.Head{
			Known: true, Erased: s.fate == erased, Stored: s.stored, Pending: s.pending, Version: s.counter, Colour: s.colour,
		}
		if h := k.health.of(p); h != nil {
			out[i].Records, out[i].Bases = h.counter, append(out[i].Bases, h.base)
			for _, w := range h.open {
				out[i].Bases = append(out[i].Bases, w.head)
			}
		}
	}
	return out, nil
}

func (k *Keeper) mayCheck(role keeper.Role, n int) error {
	switch {
	case role != keeper.RoleAdmin:
		return keeper.ErrRole
	case n > keeper.MaxBulk:
		return keeper.ErrTooMany
	}
	return k.failed()
}

// CheckColours opens sealed colours and says of each only whether it opened. It tells
// nothing that is sealed, so it takes no intent.
func (k *Keeper) CheckColours(role keeper.Role, rows []status.SealedColour) ([]keeper.Seal, error) {
	if err := k.mayCheck(role, len(rows)); err != nil {
		return nil, err
	}
	out := make([]keeper.Seal, len(rows))
	for i, row := range rows {
		k.mu.Lock()
		s, err := k.person(row.Person)
		current := uint32(0)
		if err == nil {
			current = s.colour
		}
		k.mu.Unlock()
		if err != nil {
			out[i] = sealOf(err)
			continue
		}
		_, err = openWith(k.epoch, row.Sealed, colourAD(row.Person, row.Version))
		switch {
		case err != nil || row.Version > current && binds:
			out[i] = keeper.SealBroken
		case row.Version < current && binds:
			out[i] = keeper.SealOld
		default:
			out[i] = keeper.SealHolds
		}
	}
	return out, nil
}

func sealOf(err error) keeper.Seal {
	switch err {
	case nil:
		return keeper.SealHolds
	case keeper.ErrErased:
		return keeper.SealErased
	case keeper.ErrPerson:
		return keeper.SealNobody
	}
	return keeper.SealBroken
}

// CheckNotes opens sealed texts and says of each only whether it opened.
func (k *Keeper) CheckNotes(role keeper.Role, notes []keeper.Note) ([]keeper.Seal, error) {
	if err := k.mayCheck(role, len(notes)); err != nil {
		return nil, err
	}
	out := make([]keeper.Seal, len(notes))
	for i := range notes {
		aead, err := k.noteKey(&notes[i])
		if err == nil {
			_, err = openWith(aead, notes[i].Text, noteAD(&notes[i]))
		}
		out[i] = sealOf(err)
	}
	return out, nil
}
