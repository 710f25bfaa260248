package people

import (
	"cmp"
	"encoding/binary"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

// Erase destroys a person's key and certifies it, for a reason and by whom a request asked
// for it: whether the request is believed, the caller has decided. From the moment it is
// journaled nothing of theirs opens, and there is no way back. It may be asked again, and
// then gives the same certificate. By when all backups of the moment are unreadable is asked
// with nobody's key within reach of another one: backups must not wait for people in it.
func (p *People) Erase(body staff.Erasure, id staff.RequestID, by []staff.ActorID, backups func() time.Time) (keeper.Erased, error) {
	p.wraps.mu.Lock()
	defer p.wraps.mu.Unlock()
	p.mu.Lock()
	if c, ok := p.erased[body.Person]; ok {
		p.mu.Unlock()
		return p.certifyErased(c)
	}
	s, err := p.person(body.Person)
	if err != nil {
		p.mu.Unlock()
		return keeper.Erased{}, err
	}
	c := keeper.Erased{Person: body.Person, Reason: body.Reason, At: p.now().Truncate(time.Second), KeyHash: personHash(s.key[:])}
	c.Unreadable = p.unreadable(c.At, backups())
	seq, _, wait := p.journal.Put(journal.KindErase, erasePayload(c, id, by))
	s.key, s.fate = [32]byte{}, erased
	p.mu.Unlock()
	p.wraps.dirty[int(body.Person-1)/slotChunk] = true
	if err := wait(); err != nil {
		return keeper.Erased{}, err
	}
	c.Seq = seq
	c.Sign(p.logKey)
	p.mu.Lock()
	p.erased[body.Person] = c
	p.mu.Unlock()
	return p.certifyErased(c)
}

// unreadable is when neither an older state of the keeper's files nor a backup opens
// what is erased at that moment: then the wrap key of today is changed and the newest
// week's key of backups destroyed, and Tend was not late.
func (p *People) unreadable(at, backups time.Time) time.Time {
	due := p.wraps.key.Made.Add(wrapLife)
	if due.Before(at) {
		due = at
	}
	if due.Before(backups) {
		due = backups
	}
	return time.Unix(due.Add(tendLate).Unix(), 0) // as it is read back
}

// tendLate is how late Tend may do what was due, with a keeper that runs.
const tendLate = 24 * time.Hour

// certifyErased gives a certificate out, if no file holds the key.
func (p *People) certifyErased(c keeper.Erased) (keeper.Erased, error) {
	if err := p.purgeWraps(); err != nil {
		return keeper.Erased{}, err
	}
	return c, nil
}

// Erasures lists the people erased, in the order of it.
func (p *People) Erasures() ([]keeper.Erased, error) {
	p.wraps.mu.Lock()
	defer p.wraps.mu.Unlock()
	if err := p.purgeWraps(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]keeper.Erased, 0, len(p.erased))
	for _, c := range p.erased {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b keeper.Erased) int { return cmp.Compare(a.Seq, b.Seq) })
	return out, nil
}

const eraseFixed = 8 + 8 + 8 + 32

// erasePayload is what the journal keeps of an erasure: the certificate, who signed for
// it, and for which request.
func erasePayload(c keeper.Erased, id staff.RequestID, by []staff.ActorID) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(c.Person))
	b = binary.BigEndian.AppendUint64(b, uint64(c.At.Unix()))
	b = binary.BigEndian.AppendUint64(b, uint64(c.Unreadable.Unix()))
	b = append(b, c.KeyHash[:]...)
	for _, s := range []string{c.Reason, string(by[0]), string(by[1])} {
		b = append(append(b, byte(len(s))), s...)
	}
	return append(b, id[:]...)
}

func (p *People) replayErase(seq uint64, payload []byte) error {
	if len(payload) < eraseFixed+1 || len(payload) < eraseFixed+1+int(payload[eraseFixed]) {
		return journal.ErrBroken
	}
	c := keeper.Erased{
		Person:     identity.PersonID(binary.BigEndian.Uint64(payload)),
		At:         time.Unix(int64(binary.BigEndian.Uint64(payload[8:])), 0),
		Unreadable: time.Unix(int64(binary.BigEndian.Uint64(payload[16:])), 0),
		KeyHash:    [32]byte(payload[24:]),
		Reason:     string(payload[eraseFixed+1:][:payload[eraseFixed]]),
		Seq:        seq,
	}
	s, err := p.person(c.Person)
	if err != nil {
		return journal.ErrBroken
	}
	if s.fate == lost {
		p.wraps.lost-- // as it should be
	} else {
		p.wraps.dirty[int(c.Person-1)/slotChunk] = true // a crash came before the file was rid of it
	}
	s.key, s.fate = [32]byte{}, erased
	p.erased[c.Person] = c
	return nil
}

// Erased reports whether somebody's key is destroyed, and certified.
func (p *People) Erased(id identity.PersonID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, gone := p.erased[id]
	return gone
}
