package server

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
)

// backups are the keys of backups, and how far they have come.
type backups struct {
	mu   sync.Mutex
	keys backupKeys
	n    uint64 // of the last one ended
	last [32]byte

	still sync.RWMutex // held for reading by every call that changes something
	hold  func()       // lets go; nil while nobody holds
}

// backupKeys is the content of their file, wrapped by the root.
type backupKeys struct {
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

const backupFile = "backups"

func (k *Keeper) loadBackups() error {
	raw, err := durable.ReadFile(k.disk, backupFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return k.loadWrapped(backupFile, raw, &k.backups.keys)
}

// week returns the newest week's key, making it when the one before is a week old.
// The caller holds backups.mu.
func (k *Keeper) week() (weekKey, error) {
	now := k.now().Truncate(time.Second)
	keys := k.backups.keys
	if len(keys.Weeks) > 0 && now.Sub(keys.Weeks[0].Made) < keeper.BackupWeek {
		return keys.Weeks[0], nil
	}
	fresh := func() []byte {
		b := make([]byte, 32)
		rand.Read(b)
		return b
	}
	if keys.Data == nil {
		keys.Data, keys.Name = fresh(), fresh()
	}
	keys.Next++
	w := weekKey{keys.Next, fresh(), now}
	keys.Weeks = append([]weekKey{w}, keys.Weeks...)
	hash := sha256.Sum256(append([]byte("amanah backup week v1\x00"), w.Key...))
	payload := append(binary.BigEndian.AppendUint32(nil, w.ID), hash[:]...)
	if _, _, err := k.journal.Append(recBackupWeek, payload); err != nil {
		return w, err
	}
	if err := k.storeWrapped(backupFile, keys); err != nil {
		return w, fmt.Errorf("%w: the keys of backups cannot be stored: %v", keeper.ErrUnavailable, err)
	}
	k.backups.keys = keys
	return w, nil
}

// dropWeeks destroys the keys of weeks whose backups' time is over.
func (k *Keeper) dropWeeks() error {
	b := &k.backups
	b.mu.Lock()
	defer b.mu.Unlock()
	keys := b.keys
	keys.Weeks = slices.Clone(keys.Weeks)
	now := k.now()
	for n := len(keys.Weeks); n > 0 && !now.Before(keys.Weeks[n-1].ends()); n = len(keys.Weeks) {
		keys.Weeks = keys.Weeks[:n-1]
	}
	if len(keys.Weeks) == len(b.keys.Weeks) {
		return nil
	}
	if err := k.storeWrapped(backupFile, keys); err != nil {
		return fmt.Errorf("%w: the keys of backups cannot be stored: %v", keeper.ErrUnavailable, err)
	}
	for _, gone := range b.keys.Weeks[len(keys.Weeks):] {
		if _, _, err := k.journal.Append(recWeekGone, binary.BigEndian.AppendUint32(nil, gone.ID)); err != nil {
			return err
		}
	}
	b.keys = keys
	return nil
}

// unreadableBackups is when the last backup that may hold a key of now is unreadable;
// zero when none was made.
func (k *Keeper) unreadableBackups() time.Time {
	k.backups.mu.Lock()
	defer k.backups.mu.Unlock()
	if len(k.backups.keys.Weeks) == 0 {
		return time.Time{}
	}
	return k.backups.keys.Weeks[0].ends()
}

// weekSeal seals a piece under a key of its own, derived from the week's key and the
// piece: the same piece gives the same bytes, so that it is put once a week. Before
// the ciphertext stands the hash from which its key is derived, itself keyed.
func weekSeal(week []byte, label string, plain []byte) ([]byte, error) {
	sum := sha256.Sum256(plain)
	tag := mac(week, append([]byte("amanah backup piece v1\x00"+label+"\x00"), sum[:]...))
	key, err := hkdf.Expand(sha256.New, week, "amanah backup piece key v1\x00"+label+"\x00"+string(tag), 32)
	if err != nil {
		return nil, err
	}
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	return aead.Seal(tag, make([]byte, 12), plain, []byte(label)), nil
}

func weekOpen(week []byte, label string, sealed []byte) ([]byte, error) {
	if len(sealed) < 32+16 {
		return nil, errOpen
	}
	key, err := hkdf.Expand(sha256.New, week, "amanah backup piece key v1\x00"+label+"\x00"+string(sealed[:32]), 32)
	if err != nil {
		return nil, err
	}
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, make([]byte, 12), sealed[32:], []byte(label))
	if err != nil {
		return nil, errOpen
	}
	return plain, nil
}

func wrapsLabel(chunk uint64) string { return fmt.Sprintf("wraps %d", chunk) }

// Backup gives one step of a backup, to an operator's command.
func (k *Keeper) Backup(role keeper.Role, a keeper.BackupAsk) (g keeper.BackupGiven, err error) {
	if role != keeper.RoleAdmin {
		return g, keeper.ErrRole
	}
	if err := k.failed(); err != nil {
		return g, err
	}
	switch a.Step {
	case keeper.BackupBegin:
		g.Backup, err = k.beginBackup()
	case keeper.BackupWraps:
		g.Raw, err = k.backupChunk(a.At)
	case keeper.BackupHold:
		g.Held, err = k.holdStill(a.At)
	case keeper.BackupRelease:
		err = k.letGo()
	case keeper.BackupJournal:
		g.Raw, err = k.backupJournal(a.At)
	case keeper.BackupFiles:
		g.Files, err = k.backupFiles()
	case keeper.BackupEnd:
		g.Backed, g.Recovery, err = k.endBackup(a)
	default:
		err = keeper.ErrRole
	}
	return g, err
}

func (k *Keeper) beginBackup() (keeper.Backup, error) {
	b := &k.backups
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := k.week(); err != nil {
		return keeper.Backup{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return keeper.Backup{N: b.n + 1, Before: b.last, Data: b.keys.Data, Name: b.keys.Name, People: uint64(k.people.n)}, nil
}

// backupChunk gives people's keys under the week's key; zeros for who is erased.
func (k *Keeper) backupChunk(chunk uint64) ([]byte, error) {
	b := &k.backups
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.keys.Weeks) == 0 {
		return nil, keeper.ErrFirst
	}
	k.mu.Lock()
	people := uint64(k.people.n)
	var plain []byte
	for i := chunk * keeper.WrapChunk; i < min(people, (chunk+1)*keeper.WrapChunk); i++ {
		plain = append(plain, k.people.at(int(i)).key[:]...)
	}
	k.mu.Unlock()
	defer clear(plain)
	return weekSeal(b.keys.Weeks[0].Key, wrapsLabel(chunk), plain)
}

// maxTail bounds what people registered while a backup read the others' keys.
const maxTail = 32

// holdStill keeps every call that changes something waiting, until letGo or HoldFor.
func (k *Keeper) holdStill(from uint64) (h keeper.Held, err error) {
	b := &k.backups
	k.wraps.mu.Lock()
	h.WrapGen = k.wraps.made
	k.wraps.mu.Unlock()
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
	timer := time.AfterFunc(keeper.HoldFor, func() { _ = k.letGo() }) // when nobody did before
	b.hold = func() { timer.Stop(); once.Do(b.still.Unlock) }
	if len(b.keys.Weeks) > 0 {
		h.Week = b.keys.Weeks[0].ID
	}
	b.mu.Unlock()
	k.mu.Lock()
	h.People = uint64(k.people.n)
	k.mu.Unlock()
	last, size := k.journal.End()
	h.At, h.Seq, h.Chain, h.Journal = k.now().Truncate(time.Millisecond), last.Seq, last.Chain, size
	if h.People > (from+maxTail)*keeper.WrapChunk {
		return h, errors.Join(keeper.ErrTooMany, k.letGo())
	}
	for c := from; c*keeper.WrapChunk < h.People; c++ {
		raw, err := k.backupChunk(c)
		if err != nil {
			return h, errors.Join(err, k.letGo())
		}
		h.Tail = append(h.Tail, raw)
	}
	return h, nil
}

// letGo lets go of what holdStill held; ErrHeld when it was let go before.
func (k *Keeper) letGo() error {
	b := &k.backups
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

func (k *Keeper) backupJournal(from uint64) ([]byte, error) {
	_, size := k.journal.End()
	if from >= uint64(size) {
		return nil, nil
	}
	raw := make([]byte, min(keeper.MaxJournal, uint64(size)-from))
	if n, err := k.journal.ReadAt(raw, int64(from)); n < len(raw) {
		return nil, fmt.Errorf("%w: the journal cannot be read: %v", keeper.ErrUnavailable, err)
	}
	return raw, nil
}

// backupFiles gives the small files: those that the root wraps as they are, the days'
// keys under the week's key, so that destroyed days die in backups too.
func (k *Keeper) backupFiles() (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, name := range []string{"fixed", "service"} {
		raw, err := durable.ReadFile(k.disk, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %v", keeper.ErrUnavailable, err)
		}
		out[name] = raw
	}
	days := map[string][]byte{}
	k.dayMu.RLock()
	for d, ks := range k.days {
		days[d.String()] = ks.key
	}
	raw, err := json.Marshal(days)
	k.dayMu.RUnlock()
	if err != nil {
		return nil, err
	}
	k.backups.mu.Lock()
	defer k.backups.mu.Unlock()
	if len(k.backups.keys.Weeks) == 0 {
		return nil, keeper.ErrFirst
	}
	out["days"], err = weekSeal(k.backups.keys.Weeks[0].Key, "days", raw)
	return out, err
}

// endBackup journals that a backup is whole and signs its manifest's digest. Of the last
// one it may be asked again.
func (k *Keeper) endBackup(a keeper.BackupAsk) (out keeper.Backed, r keeper.Recovery, err error) {
	b := &k.backups
	b.mu.Lock()
	defer b.mu.Unlock()
	again := a.N == b.n && a.Digest == b.last // its word was not put: the same word again
	if a.N != b.n+1 && !again {
		return out, r, keeper.ErrFirst
	}
	out = keeper.Backed{N: a.N, Digest: a.Digest, Held: a.Held}
	if again {
		last, _ := k.journal.End()
		out.Seq = last.Seq
	} else {
		payload := append(binary.BigEndian.AppendUint64(nil, a.N), a.Digest[:]...)
		if out.Seq, _, err = k.journal.Append(recBackup, payload); err != nil {
			return out, r, err
		}
		b.n, b.last = a.N, a.Digest
	}
	out.Sign(k.logKey)
	if r.Root, err = durable.ReadFile(k.disk, "root"); err != nil {
		return out, r, err
	}
	raw, err := json.Marshal(recovery{Keys: b.keys, Last: out, Log: k.logKey.Public().(ed25519.PublicKey)})
	if err != nil {
		return out, r, err
	}
	r.Keys, err = k.root.Wrap("recovery", raw)
	return out, r, err
}

func (k *Keeper) replayBackup(payload []byte) error {
	if len(payload) != 8+32 {
		return journal.ErrBroken
	}
	k.backups.n, k.backups.last = binary.BigEndian.Uint64(payload), [32]byte(payload[8:])
	return nil
}
