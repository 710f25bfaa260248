package people

import (
	"encoding/binary"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/heads"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

// agrees reports whether have is the head, or the one before an unsettled write.
func (s *slot) agrees(have []keeper.Version) (ok, behind bool) {
	h := heads.Of(have)
	if h == s.head {
		return true, false
	}
	return s.pending && h == s.before, true
}

const writeLen = 8 + 8 + 16 + 16

// Write moves heads and gives the keys of the new versions.
func (p *People) Write(writes []keeper.Write) ([]keeper.Written, error) {
	if len(writes) > keeper.MaxBulk {
		return nil, keeper.ErrTooMany
	}
	if slices.ContainsFunc(writes, func(w keeper.Write) bool { return w.Record >= keeper.FirstRecord }) {
		return nil, keeper.ErrRecords // whose versions are numbered apart: the keys would be given twice
	}
	p.mu.Lock()
	out := make([]keeper.Written, len(writes))
	payload := make([]byte, 0, len(writes)*writeLen)
	for i, w := range writes {
		s, err := p.person(w.Person)
		if err == nil {
			if ok, _ := s.agrees(w.Have); !ok {
				err = keeper.ErrHead
			}
		}
		var key []byte
		if err == nil {
			key, err = versionKey(s.key[:], w.Record, s.counter+1)
		}
		if err != nil {
			out[i].Err = err
			continue
		}
		s.counter++
		s.stored = true // what Have lists
		s.before, s.head, s.pending = heads.Of(w.Have), heads.Of(heads.After(w.Have, w.Record, s.counter)), true
		payload = binary.BigEndian.AppendUint64(payload, uint64(w.Person))
		payload = binary.BigEndian.AppendUint64(payload, s.counter)
		payload = append(payload, s.head[:]...)
		payload = append(payload, s.before[:]...)
		out[i] = keeper.Written{Version: s.counter, Key: key}
	}
	_, _, wait := p.journal.Put(journal.KindWrites, payload)
	p.mu.Unlock()
	if err := wait(); err != nil {
		return nil, err
	}
	return out, nil
}

func (p *People) replayWrites(payload []byte) error {
	if len(payload)%writeLen != 0 {
		return journal.ErrBroken
	}
	for ; len(payload) > 0; payload = payload[writeLen:] {
		s, err := p.person(identity.PersonID(binary.BigEndian.Uint64(payload)))
		if err != nil {
			return journal.ErrBroken
		}
		s.counter, s.stored = binary.BigEndian.Uint64(payload[8:]), true
		s.head, s.before, s.pending = [16]byte(payload[16:]), [16]byte(payload[32:]), true
	}
	return nil
}

// Settle confirms writes that the database holds durably: from then on the head
// before them is a roll-back.
func (p *People) Settle(settled []keeper.Settled) error {
	if len(settled) > keeper.MaxBulk {
		return keeper.ErrTooMany
	}
	p.mu.Lock()
	payload := make([]byte, 0, 16*len(settled))
	for _, c := range settled {
		s, err := p.person(c.Person)
		if err != nil || s.counter != c.Version {
			continue // a later write has moved the head on
		}
		s.pending, s.stored = false, true
		payload = binary.BigEndian.AppendUint64(payload, uint64(c.Person))
		payload = binary.BigEndian.AppendUint64(payload, c.Version)
	}
	_, _, wait := p.journal.Put(journal.KindSettled, payload)
	p.mu.Unlock()
	return wait()
}

func (p *People) replaySettled(payload []byte) error {
	for ; len(payload) >= 16; payload = payload[16:] {
		s, err := p.person(identity.PersonID(binary.BigEndian.Uint64(payload)))
		if err != nil {
			return journal.ErrBroken
		}
		s.stored = true
		if s.counter == binary.BigEndian.Uint64(payload[8:]) {
			s.pending = false
		}
	}
	return nil
}
