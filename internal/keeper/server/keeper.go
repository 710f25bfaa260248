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
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
)

// ErrLocked is returned when another keeper runs on the same folder.
var ErrLocked = fault.New(fault.Conflict, "another keeper runs on this folder")

// Options of a keeper.
type Options struct {
	Dir           string // its folder, mode 0700; made when absent
	Credential    Credential
	RetentionDays int // a day's key may be destroyed after so many days; default 30
	ColoursPerDay int // a person may be told so many a day; default 12
	JobPerHour    int // people whose records jobs may open in an hour; default 20,000,000
	Now           func() time.Time
}

// Keeper holds the keys of one installation.
type Keeper struct {
	opt     Options
	now     func() time.Time
	root    Root
	lock    *os.File
	journal *journal
	started time.Time

	mu     sync.Mutex // people and counts
	people []slot
	counts [2]counts

	dayMu        sync.RWMutex
	days         map[day.Day]*dayKeySet
	certificates map[day.Day]keeper.Certificate

	gateMu sync.Mutex
	gates  map[accesslog.GateID]*session

	budgetMu sync.Mutex
	spent    map[string]*spender
	meter    meter

	index   []byte
	epoch   cipher.AEAD
	logKey  ed25519.PrivateKey
	pinKey  ed25519.PrivateKey
	service service

	colours, intents, refused atomic.Uint64
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
	if opt.Now == nil {
		opt.Now = time.Now
	}
	k := &Keeper{
		opt: opt, now: opt.Now, started: opt.Now(),
		days: map[day.Day]*dayKeySet{}, certificates: map[day.Day]keeper.Certificate{},
		gates: map[accesslog.GateID]*session{}, spent: map[string]*spender{},
	}
	if err := k.open(); err != nil {
		return nil, errors.Join(err, k.unlock())
	}
	return k, nil
}

func (k *Keeper) unlock() error {
	if k.lock == nil {
		return nil
	}
	return k.lock.Close()
}

func (k *Keeper) open() error {
	if err := os.MkdirAll(k.opt.Dir, 0o700); err != nil {
		return fmt.Errorf("make the keeper's folder: %w", err)
	}
	var err error
	if k.lock, err = os.OpenFile(filepath.Join(k.opt.Dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err
	}
	if err := unix.Flock(int(k.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return ErrLocked
	}
	if err := k.openRoot(); err != nil {
		return err
	}
	if err := k.openFixed(); err != nil {
		return err
	}
	if k.journal, err = openJournal(k.opt.Dir, k.replay); err != nil {
		return err
	}
	for d, c := range k.certificates {
		c.Sign(k.logKey)
		k.certificates[d] = c
	}
	if err := k.loadDays(); err != nil {
		return err
	}
	if err := k.service.load(k); err != nil {
		return err
	}
	_, _, err = k.journal.append(recStart, nil)
	return err
}

// openRoot reads the root key, or makes one in a folder that has no journal: a
// folder that lost its root file must not silently get another.
func (k *Keeper) openRoot() error {
	name := filepath.Join(k.opt.Dir, "root")
	raw, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		if _, err := os.Stat(filepath.Join(k.opt.Dir, "journal")); err == nil {
			return ErrRootFile
		}
		if raw, err = sealRoot(k.opt.Credential); err != nil {
			return err
		}
		if err := writeFile(k.opt.Dir, "root", raw); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	k.root, err = openRoot(raw, k.opt.Credential)
	return err
}

func (k *Keeper) replay(seq uint64, kind byte, payload []byte) error {
	switch kind {
	case recPeople:
		return k.replayPeople(payload)
	case recWrites:
		return k.replayWrites(payload)
	case recSettled:
		return k.replaySettled(payload)
	case recColours:
		return k.replayColours(payload)
	case recDestroy:
		return k.replayDestroy(seq, payload)
	}
	return nil // the other records are for the log, not for the state
}

// Health is the keeper's account of itself.
func (k *Keeper) Health() (keeper.Health, error) {
	if err := k.journal.failed(); err != nil {
		return keeper.Health{}, err
	}
	h := keeper.Health{Started: k.started, Colours: k.colours.Load(), Intents: k.intents.Load(), Refused: k.refused.Load()}
	k.mu.Lock()
	h.People = uint64(len(k.people))
	k.mu.Unlock()
	k.journal.mu.Lock()
	h.Seq, h.Chain = k.journal.seq, k.journal.chain
	k.journal.mu.Unlock()
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
	return errors.Join(k.journal.close(), k.root.Close(), k.unlock())
}

// meter lets the server look a few identifiers up and no country.
type meter struct {
	mu   sync.Mutex
	left float64
	at   time.Time
	hour int
	from time.Time
}

const (
	meterRate  = 20   // look-ups a second
	meterBurst = 200  // at once
	meterHour  = 5000 // in an hour
)

func (m *meter) take(now time.Time, n int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at.IsZero() {
		m.left, m.from = meterBurst, now
	} else {
		m.left = min(meterBurst, m.left+now.Sub(m.at).Seconds()*meterRate)
	}
	m.at = now
	if now.Sub(m.from) >= time.Hour {
		m.hour, m.from = 0, now
	}
	if float64(n) > m.left || m.hour+n > meterHour {
		return false
	}
	m.left -= float64(n)
	m.hour += n
	return true
}
