// Package people holds the keys of people: each one's, its wrap on disk, the heads of what
// was sealed under it, and its end. It is the only package that has them.
//
// What is opened is the key of one version of one record, against the head that the journal
// knows, and only for a journal.Entry: a record on disk that says who opens it. Who may,
// other packages say.
package people

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/heads"
	"github.com/amanah-project/amanah/internal/keeper/journal"
	"github.com/amanah-project/amanah/internal/keeper/seal"
)

// Config is what People needs of the keeper.
type Config struct {
	Disk   durable.FS
	Now    func() time.Time
	Vacant int          // of so many numbers one, on average, is given to nobody (below 2: none)
	Failed func() error // why the keeper must not go on
}

// People is everybody who was ever registered. Slots and counts are rebuilt from the
// journal and the files of wraps: New, Open, Replay of each record, Begin.
type People struct {
	disk    durable.FS
	now     func() time.Time
	every   int
	failed  func() error
	journal *journal.Journal
	logKey  ed25519.PrivateKey
	file    file // of the wrap key

	mu     sync.Mutex
	slots  slots
	vacant []identity.PersonID // numbers given to nobody, ascending
	health heads.Records
	erased map[identity.PersonID]keeper.Erased
	wraps  wraps
}

// file is one that the root wraps.
type file interface {
	Load(v any) error // fs.ErrNotExist when there is none
	Store(v any) error
}

// New is People who have read nothing yet.
func New(c Config) *People {
	return &People{
		disk: c.Disk, now: c.Now, every: c.Vacant, failed: c.Failed,
		erased: map[identity.PersonID]keeper.Erased{}, wraps: wraps{dirty: map[int]bool{}},
	}
}

// Replay takes a record of the journal, before Begin.
func (p *People) Replay(seq uint64, kind byte, payload []byte) error {
	switch kind {
	case journal.KindPeople:
		return p.replayPeople(payload)
	case journal.KindVacant:
		return p.replayVacant(payload)
	case journal.KindWrites:
		return p.replayWrites(payload)
	case journal.KindSettled:
		return p.replaySettled(payload)
	case journal.KindColours:
		return p.replayColours(payload)
	case journal.KindEnters:
		return p.replayEnters(payload)
	case journal.KindEntered:
		return p.replayEntered(payload)
	case journal.KindErase:
		return p.replayErase(seq, payload)
	case journal.KindWrapKey, journal.KindWrapGone:
		return p.replayWrapKey(kind, payload)
	}
	return nil
}

// Begin goes on with the journal that was replayed: it refuses a folder in which keys are
// missing, and finishes what a crash interrupted. Certificates are signed by the log key.
func (p *People) Begin(j *journal.Journal, logKey ed25519.PrivateKey) error {
	p.journal, p.logKey = j, logKey
	for id, c := range p.erased {
		c.Sign(logKey)
		p.erased[id] = c
	}
	return p.checkWraps()
}

// N is how many numbers were given, the vacant ones among them: 1 to N.
func (p *People) N() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.slots.n
}

// Known returns nil of somebody whose key there is; keeper.ErrErased or keeper.ErrPerson.
func (p *People) Known(id identity.PersonID) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := p.person(id)
	return err
}

// person finds somebody whose key there is. The caller holds mu.
func (p *People) person(id identity.PersonID) (*slot, error) {
	if id == 0 || uint64(id) > uint64(p.slots.n) {
		return nil, keeper.ErrPerson
	}
	s := p.slots.at(int(id - 1))
	if s.fate == erased {
		return nil, keeper.ErrErased
	}
	return s, nil
}

// Register makes n new people and returns the key for each one's first version. Their
// wraps are on disk before the journal names them.
func (p *People) Register(n int) ([]keeper.Registered, error) {
	if n < 1 || n > keeper.MaxBulk {
		return nil, keeper.ErrTooMany
	}
	if err := p.failed(); err != nil {
		return nil, err
	}
	wait, out, err := p.register(n)
	if err != nil {
		return nil, err
	}
	if err := wait(); err != nil {
		return nil, err
	}
	return out, nil
}

func (p *People) register(n int) (wait func() error, out []keeper.Registered, err error) {
	p.wraps.mu.Lock()
	defer p.wraps.mu.Unlock()
	p.mu.Lock()
	first := p.slots.n // nobody else adds to it
	p.mu.Unlock()
	var fresh []slot
	var vacant []byte
	payload := make([]byte, 0, n*32)
	for _, given := range p.draws(n) {
		key := make([]byte, 32)
		rand.Read(key)
		version, err := versionKey(key, keeper.RecordPerson, 1)
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
	if err := p.storeFresh(first, fresh); err != nil {
		return nil, nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range fresh {
		p.slots.add(fresh[i])
	}
	_, _, wait = p.journal.Put(journal.KindPeople, payload)
	if len(vacant) > 0 {
		_, _, wait = p.journal.Put(journal.KindVacant, vacant)
		return wait, out, p.replayVacant(vacant)
	}
	return wait, out, nil
}

func newSlot(key []byte) slot {
	s := slot{counter: 1, head: heads.Of([]keeper.Version{{Record: keeper.RecordPerson, Version: 1}})}
	copy(s.key[:], key)
	return s
}

func (p *People) replayPeople(payload []byte) error {
	if len(payload)%32 != 0 {
		return journal.ErrBroken
	}
	for ; len(payload) > 0; payload = payload[32:] {
		s, err := p.find(identity.PersonID(p.slots.n+1), [32]byte(payload))
		if err != nil {
			return err
		}
		p.slots.add(s)
	}
	return nil
}

// versionKey derives the key of one version of one record.
func versionKey(person []byte, record keeper.Record, version uint64) ([]byte, error) {
	if !seal.Binds {
		record, version = 0, 0
	}
	info := append([]byte("amanah record version v1\x00"), make([]byte, 16)...)
	binary.BigEndian.PutUint64(info[len(info)-16:], uint64(record))
	binary.BigEndian.PutUint64(info[len(info)-8:], version)
	return hkdf.Expand(sha256.New, person, string(info), 32)
}
