// Package server is the keeper: the one process that holds the keys.
//
// It keeps a root key sealed by a credential, a journal of everything it did, the
// wrapped key and head of every person, and the keys of the days not yet
// destroyed. Callers get results, and of keys only those of single record
// versions, each after its intent is durable and within its budget.
//
// It does not know what it keeps: evidence, colours and details are bytes to it.
package server

import (
	"crypto/cipher"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/guard"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/notice"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/format/jose"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/desk"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

// ErrLocked is returned when another keeper runs on the same folder.
var ErrLocked = fault.New(fault.Conflict, "another keeper runs on this folder")

// Options of a keeper.
type Options struct {
	Disk          durable.FS // its folder; made when absent
	Credential    Credential
	RetentionDays int // a day's key may be destroyed after so many days; default 30
	ColoursPerDay int // a person may be told so many a day; default 12
	JobPerHour    int // people whose records jobs may open in an hour; default 20,000,000
	// Origin is where people and systems address their requests, as
	// https://amanah.example: what they signed for elsewhere is not for here. Without
	// it nobody's signature is believed.
	Origin string
	Norms  desk.Norms
	// UnsignedPerHour is how many people's health records the server may open in an
	// hour that nobody signed for: its jobs and people's own links; default 3,000.
	UnsignedPerHour int
	ExportsPerDay   int // people whose health records all approved exports may open in a day; default 5,000
	Vacant          int // of so many numbers of people one, on average, is given to nobody: canaries' (below 2: none)
	Now             func() time.Time
}

// Keeper holds the keys of one installation.
type Keeper struct {
	opt     Options
	now     func() time.Time
	root    Root
	disk    durable.FS
	lock    io.Closer
	journal *journal.Journal
	started time.Time

	mu     sync.Mutex // people and counts
	people slots
	vacant []identity.PersonID // numbers given to nobody, ascending
	health healths
	counts counts
	asks   askFile
	erased map[identity.PersonID]keeper.Erased
	wraps  wraps

	backups backups

	dayMu        sync.RWMutex
	days         map[day.Day]*dayKeySet
	certificates map[day.Day]keeper.Certificate
	unpurged     bool // the file of day keys may hold one that is destroyed

	gateMu sync.Mutex
	gates  map[accesslog.GateID]*session

	budgetMu sync.Mutex
	spent    map[string]*spender
	meter    *meter // of people's identifiers
	sources  *meter // of records' names
	numbers  *meter // of people, for the server

	index   []byte
	epoch   cipher.AEAD
	logKey  ed25519.PrivateKey
	pinKey  ed25519.PrivateKey
	service service

	once   *once
	proofs *once // of signed requests: those of an earlier run, the journal tells

	deskMu    sync.Mutex
	desk      *desk.Desk
	exports   exports
	marks     marks
	told      []notice.Notice // in the order of the journal
	transfers transfers
	// verify and Approval.Verify, but in the tests that show what they are for.
	believe  func(*Keeper, keeper.Ask, time.Time) (asker, error)
	believes func(staff.Approval, staff.Site, jose.Key) error

	ledger ledger

	colours, intents, refused, blobs atomic.Uint64
}

// Open opens a keeper's folder, making what is not there.
func Open(opt Options) (*Keeper, error) {
	if opt.RetentionDays == 0 {
		opt.RetentionDays = 30
	}
	if opt.ColoursPerDay == 0 {
		opt.ColoursPerDay = 12
	}
	if opt.JobPerHour == 0 {
		opt.JobPerHour = 20_000_000
	}
	if opt.UnsignedPerHour == 0 {
		opt.UnsignedPerHour = 3000
	}
	if opt.ExportsPerDay == 0 {
		opt.ExportsPerDay = guard.ExportsDay
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	k := newKeeper(opt)
	if err := k.open(); err != nil {
		return nil, errors.Join(err, k.closeOpen())
	}
	return k, nil
}

// newKeeper is a keeper that has read nothing yet.
func newKeeper(opt Options) *Keeper {
	return &Keeper{
		opt: opt, disk: opt.Disk, now: opt.Now, started: opt.Now(),
		erased: map[identity.PersonID]keeper.Erased{}, wraps: wraps{dirty: map[int]bool{}},
		days: map[day.Day]*dayKeySet{}, certificates: map[day.Day]keeper.Certificate{},
		gates: map[accesslog.GateID]*session{}, spent: map[string]*spender{},
		meter: identifierMeter(), sources: sourceMeter(), numbers: numberMeter(), once: newOnce(onceLife), proofs: newOnce(2*askLife + time.Minute),
		exports: exports{opened: map[exported]times{}}, marks: newMarks(),
		transfers: transfers{asked: map[keeper.Proof]sending{}, sent: map[[32]byte]sent{}},
		desk:      desk.New(opt.Norms), believe: (*Keeper).verify, believes: staff.Approval.Verify,
	}
}

// closeOpen closes what open had opened when it failed.
func (k *Keeper) closeOpen() (err error) {
	if k.asks.quit != nil {
		err = k.asks.close()
	}
	if k.journal != nil {
		err = errors.Join(err, k.journal.Close())
	}
	if k.lock != nil {
		err = errors.Join(err, k.lock.Close())
	}
	return err
}

func (k *Keeper) open() error {
	if err := k.disk.MkdirAll(""); err != nil {
		return fmt.Errorf("make the keeper's folder: %w", err)
	}
	var err error
	if k.lock, err = k.disk.Lock("lock"); errors.Is(err, durable.ErrLocked) {
		return ErrLocked
	} else if err != nil {
		return err
	}
	if err := durable.Sweep(k.disk, ""); err != nil {
		return err
	}
	if err := k.openRoot(); err != nil {
		return err
	}
	if err := k.openFixed(); err != nil {
		return err
	}
	if err := k.openWraps(); err != nil {
		return err
	}
	known, err := k.loadMark()
	if err != nil {
		return err
	}
	if k.journal, err = journal.Open(k.disk, known, k.replay); err != nil {
		return err
	}
	if err := k.openMarks(); err != nil {
		return err
	}
	for d, c := range k.certificates {
		c.Sign(k.logKey)
		k.certificates[d] = c
	}
	for p, c := range k.erased {
		c.Sign(k.logKey)
		k.erased[p] = c
	}
	if err := k.checkWraps(); err != nil {
		return err
	}
	if err := k.loadDays(); err != nil {
		return err
	}
	if err := k.loadBackups(); err != nil {
		return err
	}
	if err := k.service.load(k); err != nil {
		return err
	}
	if err := k.openAsks(); err != nil {
		return err
	}
	if _, _, err = k.journal.Append(recStart, nil); err != nil {
		return err
	}
	return k.storeMark()
}

// loadMark reads the place that the journal is known to have passed.
func (k *Keeper) loadMark() (m journal.Mark, err error) {
	raw, err := durable.ReadFile(k.disk, "mark")
	if errors.Is(err, fs.ErrNotExist) {
		return journal.Mark{}, nil
	}
	if err == nil {
		err = k.loadWrapped("mark", raw, &m)
	}
	return m, err
}

// storeMark notes how far the journal is on disk, so that a journal cut back to an
// older end, with the heads it held, is found at the next start.
func (k *Keeper) storeMark() error { return k.storeWrapped("mark", k.journal.Durable()) }

// keyFiles are the files that are worth nothing without the root key.
var keyFiles = []string{"fixed", "journal", "mark", "days", "service", "wrapkey", backupFile}

// openRoot reads the root key, or makes one in a folder that has no other keys: a
// folder that lost its root file must not silently get another.
func (k *Keeper) openRoot() error {
	raw, err := durable.ReadFile(k.disk, "root")
	if errors.Is(err, fs.ErrNotExist) {
		if names, err := k.disk.List(""); err != nil {
			return err
		} else if slices.ContainsFunc(names, func(n string) bool { return slices.Contains(keyFiles, n) }) {
			return ErrRootFile
		}
		if raw, err = sealRoot(k.opt.Credential); err != nil {
			return err
		}
		if err := durable.WriteFile(k.disk, "root", raw); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	k.root, err = openRoot(raw, k.opt.Credential)
	return err
}

func (k *Keeper) replay(seq uint64, kind byte, payload []byte) error {
	k.noted(seq, kind, payload)
	switch kind {
	case recPeople:
		return k.replayPeople(payload)
	case recVacant:
		return k.replayVacant(payload)
	case recWrites:
		return k.replayWrites(payload)
	case recSettled:
		return k.replaySettled(payload)
	case recColours:
		return k.replayColours(payload)
	case recEnters:
		return k.replayEnters(payload)
	case recEntered:
		return k.replayEntered(payload)
	case recIntent:
		return k.replayIntent(payload)
	case recActor, recApproval, recRelation, recSent, recReceived:
		return k.replayDesk(kind, payload)
	case recOpened:
		return k.replayOpened(payload)
	case recExported:
		return k.replayExported(payload)
	case recDestroy:
		return k.replayDestroy(seq, payload)
	case recErase:
		return k.replayErase(seq, payload)
	case recLedger:
		return k.replayLedger(payload)
	case recBackup, recRestored:
		return k.replayBackup(payload)
	case recTraceKeys, recCopies:
		return k.replayMarks(seq, kind, payload)
	case recWrapKey, recWrapGone:
		return k.replayWrapKey(kind, payload)
	}
	return nil // the other records are for the log, not for the state
}

// failed is why the keeper must not go on: what it holds in memory may be ahead of
// what a restart would find.
func (k *Keeper) failed() error { return errors.Join(k.journal.Failed(), k.asks.failed()) }

// Health is the keeper's account of itself.
func (k *Keeper) Health() (keeper.Health, error) {
	if err := k.failed(); err != nil {
		return keeper.Health{}, err
	}
	h := keeper.Health{Started: k.started, Colours: k.colours.Load(), Intents: k.intents.Load(), Refused: k.refused.Load(), Blobs: k.blobs.Load()}
	k.mu.Lock()
	h.People = uint64(k.people.n)
	k.mu.Unlock()
	at := k.journal.Durable()
	h.Seq, h.Chain = at.Seq, at.Chain
	k.dayMu.RLock()
	defer k.dayMu.RUnlock()
	for d := range k.days {
		if h.Days == 0 || d < h.FirstDay {
			h.FirstDay = d
		}
		h.Days++
	}
	return h, nil
}

// Close stops the keeper.
func (k *Keeper) Close() error {
	asks := k.asks.close()
	journal := k.journal.Close()
	if journal == nil {
		journal = k.storeMark()
	}
	return errors.Join(asks, journal, k.root.Close(), k.lock.Close())
}
