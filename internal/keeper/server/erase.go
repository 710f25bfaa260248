package server

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/keeper"
)

// Erase destroys a person's key and certifies it, when two officers' passkeys signed for
// that person and reason, one of them who asked. From the moment it is journaled nothing
// of theirs opens, and there is no way back. It may be asked again, and then gives the
// same certificate. Whether the law lets somebody be erased now, the caller has decided.
func (k *Keeper) Erase(role keeper.Role, e keeper.Erase) (keeper.Erased, error) {
	if role != keeper.RoleAdmin {
		return keeper.Erased{}, keeper.ErrRole
	}
	now := k.now()
	body, err := staff.ParseErasure(e.Request.Body)
	by := k.approvers(staff.AskErase, e.Request, e.Approvals, now)
	if err != nil || !slices.Contains(by, e.Request.By) {
		return keeper.Erased{}, keeper.ErrErase
	}
	k.wraps.mu.Lock()
	defer k.wraps.mu.Unlock()
	k.mu.Lock()
	if c, ok := k.erased[body.Person]; ok {
		k.mu.Unlock()
		return k.certifyErased(c)
	}
	s, err := k.person(body.Person)
	if err != nil {
		k.mu.Unlock()
		return keeper.Erased{}, err
	}
	c := keeper.Erased{Person: body.Person, Reason: body.Reason, At: now.Truncate(time.Second), KeyHash: personHash(s.key[:])}
	c.Unreadable = k.unreadable(c.At)
	seq, _, wait := k.journal.Put(recErase, erasePayload(c, e.Request.ID(), by))
	s.key, s.fate = [32]byte{}, erased
	k.mu.Unlock()
	k.wraps.dirty[int(body.Person-1)/slotChunk] = true
	if err := wait(); err != nil {
		return keeper.Erased{}, err
	}
	c.Seq = seq
	c.Sign(k.logKey)
	k.mu.Lock()
	k.erased[body.Person] = c
	k.mu.Unlock()
	return k.certifyErased(c)
}

// unreadable is when neither an older state of the keeper's files nor a backup opens
// what is erased at that moment: then the wrap key of today is changed and the newest
// week's key of backups destroyed, and Tend was not late.
func (k *Keeper) unreadable(at time.Time) time.Time {
	due := k.wraps.key.Made.Add(wrapLife)
	if due.Before(at) {
		due = at
	}
	if backups := k.unreadableBackups(); due.Before(backups) {
		due = backups
	}
	return time.Unix(due.Add(tendLate).Unix(), 0) // as it is read back
}

// tendLate is how late Tend may do what was due, with a keeper that runs.
const tendLate = 24 * time.Hour

// certifyErased gives a certificate out, if no file holds the key.
func (k *Keeper) certifyErased(c keeper.Erased) (keeper.Erased, error) {
	if err := k.purgeWraps(); err != nil {
		return keeper.Erased{}, err
	}
	return c, nil
}

// Erasures lists the people erased, in the order of it.
func (k *Keeper) Erasures() ([]keeper.Erased, error) {
	k.wraps.mu.Lock()
	defer k.wraps.mu.Unlock()
	if err := k.purgeWraps(); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	out := make([]keeper.Erased, 0, len(k.erased))
	for _, c := range k.erased {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b keeper.Erased) int {
		if a.Seq < b.Seq {
			return -1
		}
		return 1
	})
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

func (k *Keeper) replayErase(seq uint64, payload []byte) error {
	if len(payload) < eraseFixed+1 || len(payload) < eraseFixed+1+int(payload[eraseFixed]) {
		return ErrJournal
	}
	c := keeper.Erased{
		Person:     identity.PersonID(binary.BigEndian.Uint64(payload)),
		At:         time.Unix(int64(binary.BigEndian.Uint64(payload[8:])), 0),
		Unreadable: time.Unix(int64(binary.BigEndian.Uint64(payload[16:])), 0),
		KeyHash:    [32]byte(payload[24:]),
		Reason:     string(payload[eraseFixed+1:][:payload[eraseFixed]]),
		Seq:        seq,
	}
	s, err := k.person(c.Person)
	if err != nil {
		return ErrJournal
	}
	if s.fate == lost {
		k.wraps.lost-- // as it should be
	} else {
		k.wraps.dirty[int(c.Person-1)/slotChunk] = true // a crash came before the file was rid of it
	}
	s.key, s.fate = [32]byte{}, erased
	k.erased[c.Person] = c
	return nil
}
