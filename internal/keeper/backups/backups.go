// Package backups holds the keys of backups, each week's for as long as its backups live, and
// gives an operator's command what a backup is of, a step at a time.
package backups

import (
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

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
	"github.com/amanah-project/amanah/internal/keeper/seal"
)

// Config is what Backups need of the keeper.
type Config struct {
	Disk   durable.FS
	Now    func() time.Time
	People people
	Days   interface {
		Copy(to func(plain []byte) ([]byte, error)) ([]byte, error)
	}
	Failed func() error // why the keeper must not go on
}

// people give their keys sealed.
type people interface {
	N() int
	WrapGen() uint32
	Chunk(chunk uint64, to func(plain []byte) ([]byte, error)) ([]byte, error)
}

// Backups are their keys, and how far they have come: New, Replay of each record, Begin.
type Backups struct {
	opt     Config
	journal *journal.Journal
	logKey  ed25519.PrivateKey
	file    file // of keys
	root    wrapper

	mu   sync.Mutex
	keys Keys
	n    uint64 // of the last one ended
	last [32]byte

	still sync.RWMutex // held for reading by every call that changes something
	hold  func()       // lets go; nil while nobody holds
}

// file is one that the root wraps.
type file interface {
	Load(v any) error // fs.ErrNotExist when there is none
	Store(v any) error
}

// wrapper is the root key, for the recovery file.
type wrapper interface {
	Wrap(purpose string, plain []byte) ([]byte, error)
}

// New are Backups of which nothing is known yet.
func New(c Config) *Backups { return &Backups{opt: c} }

// Begin goes on with the journal that was replayed, and reads the keys. What ends a backup
// is signed by the log key.
func (b *Backups) Begin(j *journal.Journal, logKey ed25519.PrivateKey, f file, root wrapper) error {
	b.journal, b.logKey, b.file, b.root = j, logKey, f, root
	if err := f.Load(&b.keys); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Changing is called by who changes something, and waits while a backup holds the keeper
// still; done is called when it is changed.
func (b *Backups) Changing() (done func()) {
	b.still.RLock()
	return b.still.RUnlock
}

// Keys are the content of their file.
type Keys struct {
	Data, Name []byte
	Weeks      []weekKey // newest first
	Next       uint32
}

type weekKey struct {
	ID   uint32
	Key  []byte
	Made time.Time
}

// ends is when the key is destroyed.
func (w weekKey) ends() time.Time { return w.Made.Add(keeper.BackupWeek + keeper.BackupLife) }

// File is the name of the file of keys.
const File = "backups"

// week returns the newest week's key, making it when the one before is a week old.
// The caller holds mu.
func (b *Backups) week() (weekKey, error) {
	now := b.opt.Now().Truncate(time.Second)
	keys := b.keys
	if len(keys.Weeks) > 0 && now.Sub(keys.Weeks[0].Made) < keeper.BackupWeek {
		return keys.Weeks[0], nil
	}
	fresh := func() []byte {
		key := make([]byte, 32)
		rand.Read(key)
		return key
	}
	if keys.Data == nil {
		keys.Data, keys.Name = fresh(), fresh()
	}
	keys.Next++
	w := weekKey{keys.Next, fresh(), now}
	keys.Weeks = append([]weekKey{w}, keys.Weeks...)
	hash := sha256.Sum256(append([]byte("amanah backup week v1\x00"), w.Key...))
	payload := append(binary.BigEndian.AppendUint32(nil, w.ID), hash[:]...)
	if _, _, err := b.journal.Append(journal.KindBackupWeek, payload); err != nil {
		return w, err
	}
	if err := b.file.Store(keys); err != nil {
		return w, fmt.Errorf("%w: the keys of backups cannot be stored: %v", keeper.ErrUnavailable, err)
	}
	b.keys = keys
	return w, nil
}

// DropWeeks destroys the keys of weeks whose backups' time is over.
func (b *Backups) DropWeeks() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	keys := b.keys
	keys.Weeks = slices.Clone(keys.Weeks)
	now := b.opt.Now()
	for n := len(keys.Weeks); n > 0 && !now.Before(keys.Weeks[n-1].ends()); n = len(keys.Weeks) {
		keys.Weeks = keys.Weeks[:n-1]
	}
	if len(keys.Weeks) == len(b.keys.Weeks) {
		return nil
	}
	if err := b.file.Store(keys); err != nil {
		return fmt.Errorf("%w: the keys of backups cannot be stored: %v", keeper.ErrUnavailable, err)
	}
	for _, gone := range b.keys.Weeks[len(keys.Weeks):] {
		if _, _, err := b.journal.Append(journal.KindWeekGone, binary.BigEndian.AppendUint32(nil, gone.ID)); err != nil {
			return err
		}
	}
	b.keys = keys
	return nil
}

// Unreadable is when the last backup that may hold a key of now is unreadable;
// zero when none was made.
func (b *Backups) Unreadable() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.keys.Weeks) == 0 {
		return time.Time{}
	}
	return b.keys.Weeks[0].ends()
}

// weekSeal seals a piece under a key of its own, derived from the week's key and the
// piece: the same piece gives the same bytes, so that it is put once a week. Before
// the ciphertext stands the hash from which its key is derived, itself keyed.
func weekSeal(week []byte, label string, plain []byte) ([]byte, error) {
	sum := sha256.Sum256(plain)
	tag := seal.MAC(week, append([]byte("amanah backup piece v1\x00"+label+"\x00"), sum[:]...))
	key, err := hkdf.Expand(sha256.New, week, "amanah backup piece key v1\x00"+label+"\x00"+string(tag), 32)
	if err != nil {
		return nil, err
	}
	aead, err := seal.New(key)
	if err != nil {
		return nil, err
	}
	return aead.Seal(tag, make([]byte, 12), plain, []byte(label)), nil
}

func weekOpen(week []byte, label string, sealed []byte) ([]byte, error) {
	if len(sealed) < 32+16 {
		return nil, seal.ErrOpen
	}
	key, err := hkdf.Expand(sha256.New, week, "amanah backup piece key v1\x00"+label+"\x00"+string(sealed[:32]), 32)
	if err != nil {
		return nil, err
	}
	aead, err := seal.New(key)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, make([]byte, 12), sealed[32:], []byte(label))
	if err != nil {
		return nil, seal.ErrOpen
	}
	return plain, nil
}

func wrapsLabel(chunk uint64) string { return fmt.Sprintf("wraps %d", chunk) }

// Backup gives one step of a backup, to an operator's command.
func (b *Backups) Backup(role keeper.Role, a keeper.BackupAsk) (g keeper.BackupGiven, err error) {
	if role != keeper.RoleAdmin {
		return g, keeper.ErrRole
	}
	if err := b.opt.Failed(); err != nil {
		return g, err
	}
	switch a.Step {
	case keeper.BackupBegin:
		g.Backup, err = b.begin()
	case keeper.BackupWraps:
		g.Raw, err = b.chunk(a.At)
	case keeper.BackupHold:
		g.Held, err = b.holdStill(a.At)
	case keeper.BackupRelease:
		err = b.letGo()
	case keeper.BackupJournal:
		g.Raw, err = b.journaled(a.At)
	case keeper.BackupFiles:
		g.Files, err = b.files()
	case keeper.BackupEnd:
		g.Backed, g.Recovery, err = b.end(a)
	default:
		err = keeper.ErrRole
	}
	return g, err
}

func (b *Backups) begin() (keeper.Backup, error) {
	people := uint64(b.opt.People.N())
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := b.week(); err != nil {
		return keeper.Backup{}, err
	}
	return keeper.Backup{N: b.n + 1, Before: b.last, Data: b.keys.Data, Name: b.keys.Name, People: people}, nil
}

// newest is the key of the newest week. Whoever holds mu must not ask for people: an
// erasure asks for Unreadable with people held.
func (b *Backups) newest() ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.keys.Weeks) == 0 {
		return nil, keeper.ErrFirst
	}
	return b.keys.Weeks[0].Key, nil
}

// chunk gives people's keys under the week's key; zeros for who is erased.
func (b *Backups) chunk(n uint64) ([]byte, error) {
	week, err := b.newest()
	if err != nil {
		return nil, err
	}
	return b.opt.People.Chunk(n, func(plain []byte) ([]byte, error) { return weekSeal(week, wrapsLabel(n), plain) })
}

// maxTail bounds what people registered while a backup read the others' keys.
const maxTail = 32

// holdStill keeps every call that changes something waiting, until letGo or HoldFor.
func (b *Backups) holdStill(from uint64) (h keeper.Held, err error) {
	h.WrapGen = b.opt.People.WrapGen()
	b.mu.Lock()
	if b.hold != nil {
		b.mu.Unlock()
		return h, keeper.ErrHeld
	}
	b.hold = func() {} // nobody else holds while we wait
	b.mu.Unlock()
	b.still.Lock()
	var once sync.Once
	b.mu.Lock()
	timer := time.AfterFunc(keeper.HoldFor, func() { _ = b.letGo() }) // when nobody did before
	b.hold = func() { timer.Stop(); once.Do(b.still.Unlock) }
	if len(b.keys.Weeks) > 0 {
		h.Week = b.keys.Weeks[0].ID
	}
	b.mu.Unlock()
	h.People = uint64(b.opt.People.N())
	last, size := b.journal.End()
	h.At, h.Seq, h.Chain, h.Journal = b.opt.Now().Truncate(time.Millisecond), last.Seq, last.Chain, size
	if h.People > (from+maxTail)*keeper.WrapChunk {
		return h, errors.Join(keeper.ErrTooMany, b.letGo())
	}
	for c := from; c*keeper.WrapChunk < h.People; c++ {
		raw, err := b.chunk(c)
		if err != nil {
			return h, errors.Join(err, b.letGo())
		}
		h.Tail = append(h.Tail, raw)
	}
	return h, nil
}

// letGo lets go of what holdStill held; ErrHeld when it was let go before.
func (b *Backups) letGo() error {
	b.mu.Lock()
	hold := b.hold
	b.hold = nil
	b.mu.Unlock()
	if hold == nil {
		return keeper.ErrHeld
	}
	hold()
	return nil
}

func (b *Backups) journaled(from uint64) ([]byte, error) {
	_, size := b.journal.End()
	if from >= uint64(size) {
		return nil, nil
	}
	raw := make([]byte, min(keeper.MaxJournal, uint64(size)-from))
	if n, err := b.journal.ReadAt(raw, int64(from)); n < len(raw) {
		return nil, fmt.Errorf("%w: the journal cannot be read: %v", keeper.ErrUnavailable, err)
	}
	return raw, nil
}

// files gives the small files: those that the root wraps as they are, the days'
// keys under the week's key, so that destroyed days die in backups too.
func (b *Backups) files() (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, name := range AsTheyAre() {
		raw, err := durable.ReadFile(b.opt.Disk, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %v", keeper.ErrUnavailable, err)
		}
		out[name] = raw
	}
	week, err := b.newest()
	if err != nil {
		return nil, err
	}
	out["days"], err = b.opt.Days.Copy(func(plain []byte) ([]byte, error) { return weekSeal(week, "days", plain) })
	return out, err
}

// end journals that a backup is whole and signs its manifest's digest. Of the last
// one it may be asked again.
func (b *Backups) end(a keeper.BackupAsk) (out keeper.Backed, r keeper.Recovery, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	again := a.N == b.n && a.Digest == b.last // its word was not put: the same word again
	if a.N != b.n+1 && !again {
		return out, r, keeper.ErrFirst
	}
	out = keeper.Backed{N: a.N, Digest: a.Digest, Held: a.Held}
	if again {
		last, _ := b.journal.End()
		out.Seq = last.Seq
	} else {
		payload := append(binary.BigEndian.AppendUint64(nil, a.N), a.Digest[:]...)
		if out.Seq, _, err = b.journal.Append(journal.KindBackup, payload); err != nil {
			return keeper.Backed{}, r, err
		}
		b.n, b.last = a.N, a.Digest
	}
	out.Sign(b.logKey)
	if r.Root, err = durable.ReadFile(b.opt.Disk, "root"); err != nil {
		return keeper.Backed{}, r, err
	}
	raw, err := json.Marshal(recovery{Keys: b.keys, Last: out, Log: b.logKey.Public().(ed25519.PublicKey)})
	if err != nil {
		return out, r, err
	}
	r.Keys, err = b.root.Wrap("", raw)
	return out, r, err
}

// Replay takes a record of a backup ended, or of a folder made of one, before Begin.
func (b *Backups) Replay(payload []byte) error {
	if len(payload) != 8+32 {
		return journal.ErrBroken
	}
	b.n, b.last = binary.BigEndian.Uint64(payload), [32]byte(payload[8:])
	return nil
}
