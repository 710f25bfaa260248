// Package days holds the keys of days: each is random, names people on its day and seals
// what happened on it, and dies when its retention is over, with a certificate.
package days

import (
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
	"github.com/amanah-project/amanah/internal/keeper/seal"
)

// ErrYoung refuses to destroy the key of a day whose retention is not over.
var ErrYoung = fault.New(fault.Denied, "the day's retention is not over: its key may not be destroyed yet")

// Keys are what one day's random key gives.
type Keys struct {
	key   []byte
	aead  cipher.AEAD
	name  []byte // of people on that day
	blind []byte // of commitments
}

func newKeys(key []byte) (*Keys, error) {
	sub := func(info string) ([]byte, error) { return hkdf.Expand(sha256.New, key, "amanah day v1\x00"+info, 32) }
	sealing, err := sub("seal")
	if err != nil {
		return nil, err
	}
	ks := &Keys{key: key}
	if ks.aead, err = seal.New(sealing); err != nil {
		return nil, err
	}
	if ks.name, err = sub("pseudonym"); err != nil {
		return nil, err
	}
	ks.blind, err = sub("commitment")
	return ks, err
}

// Config is what Days needs of the keeper.
type Config struct {
	Disk      durable.FS
	Now       func() time.Time
	Retention int // a day's key may be destroyed after so many days
}

// Days are the keys of days that are not destroyed, and the certificates of those that
// are: New, Replay of each record, Begin.
type Days struct {
	disk      durable.FS
	now       func() time.Time
	retention int
	journal   *journal.Journal
	logKey    ed25519.PrivateKey
	root      wrapper

	mu           sync.RWMutex
	keys         map[day.Day]*Keys
	certificates map[day.Day]keeper.Certificate
	unpurged     bool // the file may hold a key that is destroyed
}

// wrapper is the root key, for days.
type wrapper interface {
	Wrap(day string, key []byte) ([]byte, error)
	Unwrap(day string, sealed []byte) ([]byte, error)
}

// New are Days that have read nothing yet.
func New(c Config) *Days {
	return &Days{
		disk: c.Disk, now: c.Now, retention: c.Retention,
		keys: map[day.Day]*Keys{}, certificates: map[day.Day]keeper.Certificate{},
	}
}

// Begin goes on with the journal that was replayed and reads the keys, which the root
// wraps. Certificates are signed by the log key.
func (a *Days) Begin(j *journal.Journal, logKey ed25519.PrivateKey, root wrapper) error {
	a.journal, a.logKey, a.root = j, logKey, root
	for d, c := range a.certificates {
		c.Sign(logKey)
		a.certificates[d] = c
	}
	return a.load()
}

func keyHash(key []byte) [32]byte {
	return sha256.Sum256(append([]byte("amanah day key v1\x00"), key...))
}

// Held returns the keys of a day, if there are any.
func (a *Days) Held(d day.Day) (*Keys, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	ks, ok := a.keys[d]
	return ks, ok
}

// Keys returns the keys of a day near now, making them when there are none. The
// key of a day that was destroyed is never made again.
func (a *Days) Keys(d day.Day) (*Keys, error) {
	if ks, ok := a.Held(d); ok {
		return ks, nil
	}
	today := day.Of(a.now())
	if d < today.Add(-1) || d > today.Add(1) {
		return nil, keeper.ErrDay
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if ks, ok := a.keys[d]; ok {
		return ks, nil
	}
	if _, gone := a.certificates[d]; gone {
		return nil, keeper.ErrDay
	}
	key := make([]byte, 32)
	rand.Read(key)
	ks, err := newKeys(key)
	if err != nil {
		return nil, err
	}
	a.keys[d] = ks
	hash := keyHash(key)
	_, _, err = a.journal.Append(journal.KindDay, append(binary.BigEndian.AppendUint32(nil, uint32(d)), hash[:]...))
	if err == nil {
		err = a.store()
	}
	if err != nil {
		delete(a.keys, d)
		return nil, fmt.Errorf("%w: a day's key cannot be stored: %v", keeper.ErrUnavailable, err)
	}
	return ks, nil
}

// store writes the file of day keys anew, each wrapped by the root. A key that
// is no longer held is in no file of the keeper afterwards.
func (a *Days) store() error {
	wrapped := map[string][]byte{}
	for d, ks := range a.keys {
		w, err := a.root.Wrap(d.String(), ks.key)
		if err != nil {
			return err
		}
		wrapped[d.String()] = w
	}
	return write(a.disk, wrapped)
}

func write(disk durable.FS, wrapped map[string][]byte) error {
	raw, err := json.Marshal(wrapped)
	if err != nil {
		return err
	}
	return durable.WriteFile(disk, "days", raw)
}

func (a *Days) load() error {
	raw, err := durable.ReadFile(a.disk, "days")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	wrapped := map[string][]byte{}
	if err := json.Unmarshal(raw, &wrapped); err != nil {
		return journal.ErrBroken
	}
	left := false
	for text, w := range wrapped {
		d, err := day.Parse(text)
		if err != nil {
			return journal.ErrBroken
		}
		if _, gone := a.certificates[d]; gone {
			left = true // a crash came between the certificate's record and the file
			continue
		}
		key, err := a.root.Unwrap(text, w)
		if err != nil {
			return journal.ErrBroken
		}
		if a.keys[d], err = newKeys(key); err != nil {
			return err
		}
	}
	if left {
		return a.store()
	}
	return nil
}

// DestroyDay destroys a day's key and certifies it. It may be asked again.
func (a *Days) DestroyDay(d day.Day) (keeper.Certificate, error) {
	if d > day.Of(a.now()).Add(-a.retention) {
		return keeper.Certificate{}, ErrYoung
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if c, ok := a.certificates[d]; ok {
		return a.certify(c)
	}
	ks, ok := a.keys[d]
	if !ok {
		return keeper.Certificate{}, keeper.ErrDay
	}
	c := keeper.Certificate{Day: d, Destroyed: a.now().Truncate(time.Second), KeyHash: keyHash(ks.key)}
	payload := binary.BigEndian.AppendUint32(nil, uint32(d))
	payload = binary.BigEndian.AppendUint64(payload, uint64(c.Destroyed.Unix()))
	payload = append(payload, c.KeyHash[:]...)
	seq, _, err := a.journal.Append(journal.KindDestroy, payload)
	if err != nil {
		return keeper.Certificate{}, err
	}
	delete(a.keys, d)
	clear(ks.key)
	c.Seq = seq
	c.Sign(a.logKey)
	a.certificates[d], a.unpurged = c, true
	return a.certify(c)
}

// certify gives a certificate out, if no file holds the day's key.
func (a *Days) certify(c keeper.Certificate) (keeper.Certificate, error) {
	if err := a.purge(); err != nil {
		return keeper.Certificate{}, err
	}
	return c, nil
}

// purge makes sure that no file holds a destroyed day's key; until it has
// succeeded, nobody gets that day's certificate.
func (a *Days) purge() error {
	if !a.unpurged {
		return nil
	}
	if err := a.store(); err != nil {
		return fmt.Errorf("%w: the file of day keys cannot be written: %v", keeper.ErrUnavailable, err)
	}
	a.unpurged = false
	return nil
}

// Replay takes a record of a key destroyed, before Begin.
func (a *Days) Replay(seq uint64, payload []byte) error {
	if len(payload) != 4+8+32 {
		return journal.ErrBroken
	}
	d := day.Day(int32(binary.BigEndian.Uint32(payload)))
	a.certificates[d] = keeper.Certificate{
		Day: d, Destroyed: time.Unix(int64(binary.BigEndian.Uint64(payload[4:])), 0), KeyHash: [32]byte(payload[12:]), Seq: seq,
	}
	return nil
}

// Certificates lists the days destroyed, oldest first.
func (a *Days) Certificates() ([]keeper.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.purge(); err != nil {
		return nil, err
	}
	out := make([]keeper.Certificate, 0, len(a.certificates))
	for _, c := range a.certificates {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b keeper.Certificate) int { return int(a.Day) - int(b.Day) })
	return out, nil
}

// Span is the first day that has a key, and how many have one.
func (a *Days) Span() (first day.Day, n int) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	for d := range a.keys {
		if n == 0 || d < first {
			first = d
		}
		n++
	}
	return first, n
}

// Copy has the keys sealed for a backup.
func (a *Days) Copy(to func(plain []byte) ([]byte, error)) ([]byte, error) {
	keys := map[string][]byte{}
	a.mu.RLock()
	for d, ks := range a.keys {
		keys[d.String()] = ks.key
	}
	raw, err := json.Marshal(keys)
	a.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	return to(raw)
}

// Restore makes the file of what Copy had sealed.
func Restore(disk durable.FS, root wrapper, plain []byte) error {
	keys, wrapped := map[string][]byte{}, map[string][]byte{}
	err := json.Unmarshal(plain, &keys)
	if err != nil {
		return err
	}
	for d, key := range keys {
		if wrapped[d], err = root.Wrap(d, key); err != nil {
			return err
		}
	}
	return write(disk, wrapped)
}
