package server

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

const wrapDir = "wraps"

func wrapFile(chunk int, gen uint32) string { return fmt.Sprintf("%s/%06d-%d", wrapDir, chunk, gen) }

// openWraps reads the wrap key, or makes the first one.
func (k *Keeper) openWraps() error {
	w := &k.wraps
	w.dirty = map[int]bool{}
	if err := k.disk.MkdirAll(wrapDir); err != nil {
		return err
	}
	if err := durable.Sweep(k.disk, wrapDir); err != nil {
		return err
	}
	raw, err := durable.ReadFile(k.disk, "wrapkey")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := durable.ReadFile(k.disk, "mark"); !errors.Is(err, fs.ErrNotExist) {
			return ErrWrapKey
		}
		w.key = k.freshWrapKey(1)
		if err := k.storeWrapped("wrapkey", w.key); err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		if err := k.loadWrapped("wrapkey", raw, &w.key); err != nil {
			return err
		}
	}
	if len(w.key.Key) != 32 {
		return ErrRootFile
	}
	w.aead, err = newAEAD(w.key.Key)
	return err
}

func (k *Keeper) freshWrapKey(gen uint32) wrapKey {
	key := make([]byte, 32)
	rand.Read(key)
	return wrapKey{Gen: gen, Key: key, Made: k.now().Truncate(time.Second)}
}

// find opens the wrap of somebody whom the journal registers, while it is replayed.
func (k *Keeper) find(id identity.PersonID, hash [32]byte) (s slot, err error) {
	w := &k.wraps
	at := int(id - 1)
	if w.raw == nil || w.chunk != at/slotChunk {
		raw, err := durable.ReadFile(k.disk, wrapFile(at/slotChunk, w.key.Gen))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return s, err
		}
		w.chunk, w.raw = at/slotChunk, append([]byte{}, raw...)
	}
	s = newSlot(nil)
	if place := (at % slotChunk) * wrapLen; place+wrapLen <= len(w.raw) {
		key, err := openWith(w.aead, w.raw[place:place+wrapLen], wrapAD(id))
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

// checkWraps ends what openWraps began, when the journal is replayed and open: it
// refuses a folder in which keys are missing or an older wrap key was put back, and
// finishes what a crash interrupted.
func (k *Keeper) checkWraps() error {
	w := &k.wraps
	w.raw = nil
	if w.lost > 0 {
		return fmt.Errorf("%w: of %d people", ErrWraps, w.lost)
	}
	if w.key.Gen < w.gone {
		return fmt.Errorf("%w: the wrap key's file is not the newest", ErrWraps)
	}
	if w.key.Gen > w.made { // the first, or a restored folder's
		if err := k.journalWrapKey(w.key); err != nil {
			return err
		}
	}
	if err := k.dropWraps(); err != nil {
		return err
	}
	return k.purgeWraps()
}

func (k *Keeper) journalWrapKey(key wrapKey) error {
	hash := wrapHash(key.Key)
	if _, _, err := k.journal.Append(recWrapKey, append(binary.BigEndian.AppendUint32(nil, key.Gen), hash[:]...)); err != nil {
		return err
	}
	k.wraps.made = key.Gen
	return nil
}

// dropWraps removes files under other wrap keys than today's, and journals that the
// keys before it are destroyed.
func (k *Keeper) dropWraps() error {
	w := &k.wraps
	names, err := k.disk.List(wrapDir)
	if err != nil {
		return err
	}
	suffix := fmt.Sprintf("-%d", w.key.Gen)
	for _, name := range names {
		if at := bytes.LastIndexByte([]byte(name), '-'); at < 0 || name[at:] != suffix {
			if err := k.disk.Remove(wrapDir + "/" + name); err != nil {
				return err
			}
		}
	}
	if err := k.disk.SyncDir(wrapDir); err != nil {
		return err
	}
	if w.gone == w.key.Gen {
		return nil
	}
	if _, _, err := k.journal.Append(recWrapGone, binary.BigEndian.AppendUint32(nil, w.key.Gen)); err != nil {
		return err
	}
	w.gone = w.key.Gen
	return nil
}

func (k *Keeper) replayWrapKey(kind byte, payload []byte) error {
	switch {
	case kind == recWrapKey && len(payload) == 4+32:
		k.wraps.made = binary.BigEndian.Uint32(payload)
	case kind == recWrapGone && len(payload) == 4:
		k.wraps.gone = binary.BigEndian.Uint32(payload)
	default:
		return ErrJournal
	}
	return nil
}

// storeChunk writes one file of wraps as memory has it, and after it those of people
// about to be registered. The caller holds wraps.mu.
func (k *Keeper) storeChunk(chunk int, key wrapKey, aead cipher.AEAD, fresh []slot) error {
	k.mu.Lock()
	first := chunk * slotChunk
	held := make([]slot, 0, slotChunk)
	for i := first; i < min(first+slotChunk, k.people.n); i++ {
		held = append(held, *k.people.at(i))
	}
	k.mu.Unlock()
	held = append(held, fresh...)
	raw := make([]byte, len(held)*wrapLen)
	for i := range held {
		if s := &held[i]; s.fate == alive {
			copy(raw[i*wrapLen:], sealWith(aead, s.key[:], wrapAD(identity.PersonID(first+i+1))))
		}
	}
	clear(held)
	return durable.WriteFile(k.disk, wrapFile(chunk, key.Gen), raw)
}

// storeFresh writes the wraps of people about to be registered after the first ones.
// The caller holds wraps.mu.
func (k *Keeper) storeFresh(first int, fresh []slot) error {
	for len(fresh) > 0 {
		n := min(len(fresh), slotChunk-first%slotChunk)
		if err := k.storeChunk(first/slotChunk, k.wraps.key, k.wraps.aead, fresh[:n]); err != nil {
			return fmt.Errorf("%w: people's keys cannot be stored: %v", keeper.ErrUnavailable, err)
		}
		first, fresh = first+n, fresh[n:]
	}
	return nil
}

// purgeWraps makes sure that no file holds the key of somebody erased. The caller
// holds wraps.mu, or is alone.
func (k *Keeper) purgeWraps() error {
	for chunk := range k.wraps.dirty {
		if err := k.storeChunk(chunk, k.wraps.key, k.wraps.aead, nil); err != nil {
			return fmt.Errorf("%w: people's wrapped keys cannot be written: %v", keeper.ErrUnavailable, err)
		}
		delete(k.wraps.dirty, chunk)
	}
	return nil
}

// rewrap changes the wrap key when its time is over. Reading goes on meanwhile;
// registering and erasing wait, about a second for a million people.
func (k *Keeper) rewrap() error {
	w := &k.wraps
	w.mu.Lock()
	defer w.mu.Unlock()
	if k.now().Sub(w.key.Made) < wrapLife {
		if w.gone != w.key.Gen {
			return k.dropWraps() // which failed before
		}
		return k.purgeWraps()
	}
	next := k.freshWrapKey(w.made + 1)
	aead, err := newAEAD(next.Key)
	if err != nil {
		return err
	}
	if err := k.journalWrapKey(next); err != nil {
		return err
	}
	k.mu.Lock()
	people := k.people.n
	k.mu.Unlock()
	for chunk := range (people + slotChunk - 1) / slotChunk {
		if err := k.storeChunk(chunk, next, aead, nil); err != nil {
			return fmt.Errorf("%w: people's wrapped keys cannot be written: %v", keeper.ErrUnavailable, err)
		}
	}
	before := w.key.Key
	if err := k.storeWrapped("wrapkey", next); err != nil {
		// Either may be on disk: only a restart tells under which key to go on.
		err = fmt.Errorf("%w: the wrap key cannot be stored: %v", keeper.ErrUnavailable, err)
		k.journal.Die(err)
		return err
	}
	w.key, w.aead = next, aead
	clear(w.dirty) // the new files hold nobody erased
	clear(before)
	return k.dropWraps()
}

// Tend does what time asks for: it changes the wrap key when a week is over, and
// destroys the keys of weeks of backups whose time is over. Serve
// calls it every hour; it may be called at any time.
func (k *Keeper) Tend() error {
	if err := k.failed(); err != nil {
		return err
	}
	return errors.Join(k.rewrap(), k.dropWeeks())
}
