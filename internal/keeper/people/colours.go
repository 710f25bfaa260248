package people

import (
	"encoding/binary"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

// Of each person's colour there is only the version here: what is sealed is the gate's.

// MoveColours gives the next versions of people's colours: of all of them, or none. They are
// durable when wait has returned nil.
func (p *People) MoveColours(people []identity.PersonID) (versions []uint32, wait func() error, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range people {
		if _, err := p.person(id); err != nil {
			return nil, nil, err
		}
	}
	payload := make([]byte, 0, 12*len(people))
	for _, id := range people {
		s := p.slots.at(int(id - 1))
		s.colour++
		versions = append(versions, s.colour)
		payload = binary.BigEndian.AppendUint64(payload, uint64(id))
		payload = binary.BigEndian.AppendUint32(payload, s.colour)
	}
	_, _, wait = p.journal.Put(journal.KindColours, payload)
	return versions, wait, nil
}

func (p *People) replayColours(payload []byte) error {
	for ; len(payload) >= 12; payload = payload[12:] {
		s, err := p.person(identity.PersonID(binary.BigEndian.Uint64(payload)))
		if err != nil {
			return journal.ErrBroken
		}
		s.colour = binary.BigEndian.Uint32(payload[8:])
	}
	return nil
}

// Colour returns the version of a person's current colour, zero for none.
func (p *People) Colour(id identity.PersonID) (uint32, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, err := p.person(id)
	if err != nil {
		return 0, err
	}
	return s.colour, nil
}

// ColourVersions returns the version of each person's current colour; zero for
// none. A row of another version is a roll-back, or a write that is on its way.
func (p *People) ColourVersions(people []identity.PersonID) ([]uint32, error) {
	if len(people) > keeper.MaxBulk {
		return nil, keeper.ErrTooMany
	}
	if err := p.failed(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]uint32, len(people))
	for i, id := range people {
		if s, err := p.person(id); err == nil {
			out[i] = s.colour
		}
	}
	return out, nil
}
