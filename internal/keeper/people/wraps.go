package people

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
	"github.com/amanah-project/amanah/internal/keeper/seal"
)

// Errors of people's wrapped keys.
var (
	ErrWraps = fault.New(fault.Unavailable, "people's wrapped keys are lost or altered: restore the keeper's folder from its standby or backup")
	// ErrWrapKey: nothing converts a folder of the time when the journal held the wraps.
	ErrWrapKey = fault.New(fault.Invalid, "the file of the wrap key is missing: restore it from the backup; a keeper's folder made before 30 November 2026 has none and is not converted: begin with a new one")
)

// wrapLife is how long people's keys are wrapped under one key. Within so long, and
// what Tend may be late, an older state of a file opens nothing any more.
const wrapLife = 7 * 24 * time.Hour

// wrapLen is the place of one person in a file: nonce, key and tag; zeros for who is
// erased.
const wrapLen = 12 + 32 + 16

// wraps are people's keys on disk, in files of slotChunk places each. They are not in
// the journal: a log that cannot forget must not hold what must be forgotten. It
// holds the hash of each key instead, so that none is lost or altered unnoticed.
//
// A file is replaced whole, so a crash leaves it as it was or as it should be. The
// names carry the number of the wrap key: all files are written anew under the next
// one before the wrap key's own file is replaced, and with it the key before is gone.
type wraps struct {
	mu    sync.Mutex // who changes files: registering, erasing, changing the key
	key   wrapKey
	aead  cipher.AEAD
	made  uint32       // number of the last wrap key that the journal names
	gone  uint32       // wrap keys below this one are destroyed, says the journal
	dirty map[int]bool // files that may hold the key of somebody erased

	lost  int    // people registered whose wrap was not found, while opening
	chunk int    // which file raw is, while opening
	raw   []byte // nil: none is read yet
}

// wrapKey is the content of the small file that the root wraps.
type wrapKey struct {
	Gen  uint32
	Key  []byte
	Made time.Time
}

func purposeOf(id identity.PersonID) string { return fmt.Sprintf("person %d", id) }

func wrapAD(id identity.PersonID) []byte { return []byte("amanah wrap v1\x00" + purposeOf(id)) }

// personHash names a person's key for good, in the journal and in the certificate of
// its destruction.
func personHash(key []byte) [32]byte {
	return sha256.Sum256(append([]byte("amanah person key v1\x00"), key...))
}

func wrapHash(key []byte) [32]byte {
	return sha256.Sum256(append([]byte("amanah wrap key v1\x00"), key...))
}

// wrapDir holds the files of wraps.
const wrapDir = "wraps"

func wrapFile(chunk int, gen uint32) string { return fmt.Sprintf("%s/%06d-%d", wrapDir, chunk, gen) }

// Open reads the wrap key from its file, or makes the first one, before the journal is
// replayed.
func (p *People) Open(f file) error {
	p.file = f
	w := &p.wraps
	if err := p.disk.MkdirAll(wrapDir); err != nil {
		return err
	}
	if err := durable.Sweep(p.disk, wrapDir); err != nil {
		return err
	}
	err := f.Load(&w.key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := durable.ReadFile(p.disk, "mark"); !errors.Is(err, fs.ErrNotExist) {
			return ErrWrapKey
		}
		w.key = freshWrapKey(1, p.now())
		if err := f.Store(w.key); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	w.aead, err = seal.New(w.key.Key)
	return err
}

func freshWrapKey(gen uint32, now time.Time) wrapKey {
	key := make([]byte, 32)
	rand.Read(key)
	return wrapKey{Gen: gen, Key: key, Made: now.Truncate(time.Second)}
}

// find opens the wrap of somebody whom the journal registers, while it is replayed.
func (p *People) find(id identity.PersonID, hash [32]byte) (s slot, err error) {
	w := &p.wraps
	at := int(id - 1)
	if w.raw == nil || w.chunk != at/slotChunk {
		raw, err := durable.ReadFile(p.disk, wrapFile(at/slotChunk, w.key.Gen))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return s, err
		}
		w.chunk, w.raw = at/slotChunk, append([]byte{}, raw...)
	}
	s = newSlot(nil)
	if place := (at % slotChunk) * wrapLen; place+wrapLen <= len(w.raw) {
		key, err := seal.Open(w.aead, w.raw[place:place+wrapLen], wrapAD(id))
		if err == nil && personHash(key) == hash {
			copy(s.key[:], key)
			return s, nil
		}
		if !bytes.Equal(w.raw[place:place+wrapLen], make([]byte, wrapLen)) {
			w.dirty[w.chunk] = true // what stands there is nobody's
		}
	}
	s.fate = lost
	w.lost++
	return s, nil
}

// checkWraps ends what Open began, when the journal is replayed and open: it
// refuses a folder in which keys are missing or an older wrap key was put back, and
// finishes what a crash interrupted.
func (p *People) checkWraps() error {
	w := &p.wraps
	w.raw = nil
	if w.lost > 0 {
		return fmt.Errorf("%w: of %d people", ErrWraps, w.lost)
	}
	if w.key.Gen < w.gone {
		return fmt.Errorf("%w: the wrap key's file is not the newest", ErrWraps)
	}
	if w.key.Gen > w.made { // the first, or a restored folder's
		if err := p.journalWrapKey(w.key); err != nil {
			return err
		}
	}
	if err := p.dropWraps(); err != nil {
		return err
	}
	return p.purgeWraps()
}

func (p *People) journalWrapKey(key wrapKey) error {
	hash := wrapHash(key.Key)
	if _, _, err := p.journal.Append(journal.KindWrapKey, append(binary.BigEndian.AppendUint32(nil, key.Gen), hash[:]...)); err != nil {
		return err
	}
	p.wraps.made = key.Gen
	return nil
}

// dropWraps removes files under other wrap keys than today's, and journals that the
// keys before it are destroyed.
func (p *People) dropWraps() error {
	w := &p.wraps
	names, err := p.disk.List(wrapDir)
	if err != nil {
		return err
	}
	suffix := fmt.Sprintf("-%d", w.key.Gen)
	for _, name := range names {
		if at := bytes.LastIndexByte([]byte(name), '-'); at < 0 || name[at:] != suffix {
			if err := p.disk.Remove(wrapDir + "/" + name); err != nil {
				return err
			}
		}
	}
	if err := p.disk.SyncDir(wrapDir); err != nil {
		return err
	}
	if w.gone == w.key.Gen {
		return nil
	}
	if _, _, err := p.journal.Append(journal.KindWrapGone, binary.BigEndian.AppendUint32(nil, w.key.Gen)); err != nil {
		return err
	}
	w.gone = w.key.Gen
	return nil
}

func (p *People) replayWrapKey(kind byte, payload []byte) error {
	switch {
	case kind == journal.KindWrapKey && len(payload) == 4+32:
		p.wraps.made = binary.BigEndian.Uint32(payload)
	case kind == journal.KindWrapGone && len(payload) == 4:
		p.wraps.gone = binary.BigEndian.Uint32(payload)
	default:
		return journal.ErrBroken
	}
	return nil
}

// storeChunk writes one file of wraps as memory has it, and after it those of people
// about to be registered. The caller holds wraps.mu.
func (p *People) storeChunk(chunk int, key wrapKey, aead cipher.AEAD, fresh []slot) error {
	p.mu.Lock()
	first := chunk * slotChunk
	held := make([]slot, 0, slotChunk)
	for i := first; i < min(first+slotChunk, p.slots.n); i++ {
		held = append(held, *p.slots.at(i))
	}
	p.mu.Unlock()
	held = append(held, fresh...)
	raw := make([]byte, len(held)*wrapLen)
	for i := range held {
		if s := &held[i]; s.fate == alive {
			copy(raw[i*wrapLen:], seal.Seal(aead, s.key[:], wrapAD(identity.PersonID(first+i+1))))
		}
	}
	clear(held)
	return durable.WriteFile(p.disk, wrapFile(chunk, key.Gen), raw)
}

// storeFresh writes the wraps of people about to be registered after the first ones.
// The caller holds wraps.mu.
func (p *People) storeFresh(first int, fresh []slot) error {
	for len(fresh) > 0 {
		n := min(len(fresh), slotChunk-first%slotChunk)
		if err := p.storeChunk(first/slotChunk, p.wraps.key, p.wraps.aead, fresh[:n]); err != nil {
			return fmt.Errorf("%w: people's keys cannot be stored: %v", keeper.ErrUnavailable, err)
		}
		first, fresh = first+n, fresh[n:]
	}
	return nil
}

// purgeWraps makes sure that no file holds the key of somebody erased. The caller
// holds wraps.mu, or is alone.
func (p *People) purgeWraps() error {
	for chunk := range p.wraps.dirty {
		if err := p.storeChunk(chunk, p.wraps.key, p.wraps.aead, nil); err != nil {
			return fmt.Errorf("%w: people's wrapped keys cannot be written: %v", keeper.ErrUnavailable, err)
		}
		delete(p.wraps.dirty, chunk)
	}
	return nil
}

// Rewrap changes the wrap key when its time is over. Reading goes on meanwhile;
// registering and erasing wait, about a second for a million people.
func (p *People) Rewrap() error {
	w := &p.wraps
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.now().Sub(w.key.Made) < wrapLife {
		if w.gone != w.key.Gen {
			return p.dropWraps() // which failed before
		}
		return p.purgeWraps()
	}
	next := freshWrapKey(w.made+1, p.now())
	aead, err := seal.New(next.Key)
	if err != nil {
		return err
	}
	if err := p.journalWrapKey(next); err != nil {
		return err
	}
	p.mu.Lock()
	people := p.slots.n
	p.mu.Unlock()
	for chunk := range (people + slotChunk - 1) / slotChunk {
		if err := p.storeChunk(chunk, next, aead, nil); err != nil {
			return fmt.Errorf("%w: people's wrapped keys cannot be written: %v", keeper.ErrUnavailable, err)
		}
	}
	before := w.key.Key
	if err := p.file.Store(next); err != nil {
		// Either may be on disk: only a restart tells under which key to go on.
		err = fmt.Errorf("%w: the wrap key cannot be stored: %v", keeper.ErrUnavailable, err)
		p.journal.Die(err)
		return err
	}
	w.key, w.aead = next, aead
	clear(w.dirty) // the new files hold nobody erased
	clear(before)
	return p.dropWraps()
}
