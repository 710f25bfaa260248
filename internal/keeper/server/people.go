package server

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/keeper"
)

// slot is one person: the key and the head. Slots are in memory in the order of
// PersonIDs, 96 bytes each, and rebuilt from the journal and the files of wraps.
type slot struct {
	key     [32]byte
	counter uint64   // versions given so far
	head    [16]byte // hash of the current versions, truncated
	before  [16]byte // the head before the last write, while that is not settled
	colour  uint32   // version of the sealed colour
	pending bool
	stored  bool // the database is known to have had a row of this person's
	fate    fate
}

// fate is what became of a person's key.
type fate uint8

const (
	alive  fate = iota
	lost        // its wrap was not found, while opening: the keeper does not start
	erased      // destroyed
)

// person finds somebody whose key there is.
func (k *Keeper) person(id identity.PersonID) (*slot, error) {
	if id == 0 || uint64(id) > uint64(k.people.n) {
		return nil, keeper.ErrPerson
	}
	s := k.people.at(int(id - 1))
	if s.fate == erased {
		return nil, keeper.ErrErased
	}
	return s, nil
}

// slots is a slice of slots that grows without moving what it holds: with millions
// of people, moving them would hold up whoever waits for the keeper.
type slots struct {
	chunks []*[slotChunk]slot
	n      int
}

const slotChunk = 4096

func (s *slots) at(i int) *slot { return &s.chunks[i/slotChunk][i%slotChunk] }

func (s *slots) add(one slot) {
	if s.n == len(s.chunks)*slotChunk {
		s.chunks = append(s.chunks, new([slotChunk]slot))
	}
	s.n++
	*s.at(s.n - 1) = one
}

// headOf hashes a person's current versions.
func headOf(have []keeper.Version) [16]byte {
	b := make([]byte, 0, 16*len(have))
	for _, v := range have {
		b = binary.BigEndian.AppendUint64(b, uint64(v.Record))
		b = binary.BigEndian.AppendUint64(b, v.Version)
	}
	sum := sha256.Sum256(append([]byte("amanah head v1\x00"), b...))
	return [16]byte(sum[:16])
}

// agrees reports whether have is the head, or the one before an unsettled write.
func (s *slot) agrees(have []keeper.Version) (ok, behind bool) {
	h := headOf(have)
	if h == s.head {
		return true, false
	}
	return s.pending && h == s.before, true
}

// Register makes n new people and returns the key for each one's first version. Their
// wraps are on disk before the journal names them.
func (k *Keeper) Register(n int) ([]keeper.Registered, error) {
	if n < 1 || n > keeper.MaxBulk {
		return nil, keeper.ErrTooMany
	}
	if err := k.failed(); err != nil {
		return nil, err
	}
	wait, out, err := k.register(n)
	if err != nil {
		return nil, err
	}
	return out, wait()
}

func (k *Keeper) register(n int) (wait func() error, out []keeper.Registered, err error) {
	k.wraps.mu.Lock()
	defer k.wraps.mu.Unlock()
	k.mu.Lock()
	first := k.people.n // nobody else adds to it
	k.mu.Unlock()
	var fresh []slot
	var vacant []byte
	payload := make([]byte, 0, n*32)
	for _, given := range k.draws(n) {
		key := make([]byte, 32)
		rand.Read(key)
		version, err := versionKey(key, uint64(keeper.RecordPerson), 1)
		if err != nil {
			return nil, nil, err
		}
		fresh = append(fresh, newSlot(key))
		hash := personHash(key)
		payload = append(payload, hash[:]...)
		id := identity.PersonID(first + len(fresh))
		if given {
			out = append(out, keeper.Registered{ID: id, Version: 1, Key: version})
		} else {
			vacant = binary.BigEndian.AppendUint64(vacant, uint64(id))
		}
	}
	if err := k.storeFresh(first, fresh); err != nil {
		return nil, nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range fresh {
		k.people.add(fresh[i])
	}
	_, _, wait = k.journal.Put(recPeople, payload)
	if len(vacant) > 0 {
		_, _, wait = k.journal.Put(recVacant, vacant)
		return wait, out, k.replayVacant(vacant)
	}
	return wait, out, nil
}

func newSlot(key []byte) slot {
	s := slot{counter: 1, head: headOf([]keeper.Version{{Record: keeper.RecordPerson, Version: 1}})}
	copy(s.key[:], key)
	return s
}

func (k *Keeper) replayPeople(payload []byte) error {
	if len(payload)%32 != 0 {
		return ErrJournal
	}
	for ; len(payload) > 0; payload = payload[32:] {
		s, err := k.find(identity.PersonID(k.people.n+1), [32]byte(payload))
		if err != nil {
			return err
		}
		k.people.add(s)
	}
	return nil
}

// keyOf returns a copy of a person's key.
func (k *Keeper) keyOf(_ identity.PersonID, s *slot) ([]byte, error) {
	return append([]byte(nil), s.key[:]...), nil
}

// after returns have with one record at a new version, ascending by record.
func after(have []keeper.Version, r keeper.Record, version uint64) []keeper.Version {
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

const writeLen = 8 + 8 + 16 + 16

// Write moves heads and gives the keys of the new versions.
func (k *Keeper) Write(writes []keeper.Write) ([]keeper.Written, error) {
	if len(writes) > keeper.MaxBulk {
		return nil, keeper.ErrTooMany
	}
	if slices.ContainsFunc(writes, func(w keeper.Write) bool { return w.Record >= firstRecord }) {
		return nil, keeper.ErrRecords // whose versions are numbered apart: the keys would be given twice
	}
	k.mu.Lock()
	out := make([]keeper.Written, len(writes))
	payload := make([]byte, 0, len(writes)*writeLen)
	for i, w := range writes {
		s, err := k.person(w.Person)
		if err == nil {
			if ok, _ := s.agrees(w.Have); !ok {
				err = keeper.ErrHead
			}
		}
		var key []byte
		if err == nil {
			key, err = k.keyOf(w.Person, s)
		}
		if err == nil {
			key, err = versionKey(key, uint64(w.Record), s.counter+1)
		}
		if err != nil {
			out[i].Err = err
			continue
		}
		s.counter++
		s.stored = true // what Have lists
		s.before, s.head, s.pending = headOf(w.Have), headOf(after(w.Have, w.Record, s.counter)), true
		payload = binary.BigEndian.AppendUint64(payload, uint64(w.Person))
		payload = binary.BigEndian.AppendUint64(payload, s.counter)
		payload = append(payload, s.head[:]...)
		payload = append(payload, s.before[:]...)
		out[i] = keeper.Written{Version: s.counter, Key: key}
	}
	_, _, wait := k.journal.Put(recWrites, payload)
	k.mu.Unlock()
	return out, wait()
}

func (k *Keeper) replayWrites(payload []byte) error {
	if len(payload)%writeLen != 0 {
		return ErrJournal
	}
	for ; len(payload) > 0; payload = payload[writeLen:] {
		s, err := k.person(identity.PersonID(binary.BigEndian.Uint64(payload)))
		if err != nil {
			return ErrJournal
		}
		s.counter, s.stored = binary.BigEndian.Uint64(payload[8:]), true
		s.head, s.before, s.pending = [16]byte(payload[16:]), [16]byte(payload[32:]), true
	}
	return nil
}

// Settle confirms writes that the database holds durably: from then on the head
// before them is a roll-back.
func (k *Keeper) Settle(settled []keeper.Settled) error {
	if len(settled) > keeper.MaxBulk {
		return keeper.ErrTooMany
	}
	k.mu.Lock()
	payload := make([]byte, 0, 16*len(settled))
	for _, c := range settled {
		s, err := k.person(c.Person)
		if err != nil || s.counter != c.Version {
			continue // a later write has moved the head on
		}
		s.pending, s.stored = false, true
		payload = binary.BigEndian.AppendUint64(payload, uint64(c.Person))
		payload = binary.BigEndian.AppendUint64(payload, c.Version)
	}
	_, _, wait := k.journal.Put(recSettled, payload)
	k.mu.Unlock()
	return wait()
}

func (k *Keeper) replaySettled(payload []byte) error {
	for ; len(payload) >= 16; payload = payload[16:] {
		s, err := k.person(identity.PersonID(binary.BigEndian.Uint64(payload)))
		if err != nil {
			return ErrJournal
		}
		s.stored = true
		if s.counter == binary.BigEndian.Uint64(payload[8:]) {
			s.pending = false
		}
	}
	return nil
}
