// Package server is the keeper: the one process that holds the keys, put together of its
// parts, and what it answers.
//
// Callers get results, and of people's keys only those of single record versions: to read
// one, after the intent is durable and within its budget (opening.go), and to seal a new one,
// after the write is journaled. It does not know what it keeps: evidence, colours and details
// are bytes to it.
package server

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync/atomic"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/format/jose"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/backups"
	"github.com/amanah-project/amanah/internal/keeper/days"
	"github.com/amanah-project/amanah/internal/keeper/desk"
	"github.com/amanah-project/amanah/internal/keeper/gate"
	"github.com/amanah-project/amanah/internal/keeper/journal"
	"github.com/amanah-project/amanah/internal/keeper/lent"
	"github.com/amanah-project/amanah/internal/keeper/once"
	"github.com/amanah-project/amanah/internal/keeper/people"
	"github.com/amanah-project/amanah/internal/keeper/permit"
	"github.com/amanah-project/amanah/internal/keeper/root"
	"github.com/amanah-project/amanah/internal/keeper/traces"
)

// ErrLocked is returned when another keeper runs on the same folder.
var ErrLocked = fault.New(fault.Conflict, "another keeper runs on this folder")

// Options of a keeper.
type Options struct {
	Disk          durable.FS // its folder; made when absent
	Credential    root.Credential
	RetentionDays int // a day's key may be destroyed after so many days; default 30
	ColoursPerDay int // a person may be told so many a day; default 12
	permit.Limits
	// Origin is where people and systems address their requests, as
	// https://amanah.example: what they signed for elsewhere is not for here. Without
	// it nobody's signature is believed.
	Origin string
	Norms  desk.Norms
	Vacant int // of so many numbers of people one, on average, is given to nobody: canaries' (below 2: none)
	Now    func() time.Time

	countEvery time.Duration // how often colours' counts are written; default gate.Every
}

// Keeper holds the keys of one installation, the root key until Close. The parts it embeds
// answer their own calls, and those who need something of people and days are given it as an
// interface of their own. Whoever holds a Keeper has of these two, whose keys open what is
// kept of people, no more than this package writes around them.
type Keeper struct {
	*gate.Gates
	*permit.Permits
	*traces.Traces
	*backups.Backups
	*lent.Lent

	people *people.People
	days   *days.Days

	opt     Options
	now     func() time.Time
	root    root.Root
	disk    durable.FS
	lock    io.Closer
	journal *journal.Journal
	started time.Time
	index   []byte
	logKey  ed25519.PrivateKey
	ledger  ledger

	desk    *desk.Desk // Permits', and nobody else's
	once    *once.Once
	counts  *gate.Counts
	sources *permit.Meter // of records' names
	meter   *permit.Meter // of people's identifiers
	numbers *permit.Meter // of people, for the server

	// desk.Believe and staff.Approval.Verify, but in the tests that show what they are for.
	believe  func(desk.Roll, string, keeper.Ask, time.Time) (desk.Asker, error)
	believes func(staff.Approval, staff.Site, jose.Key) error

	refused, blobs atomic.Uint64
}

// Open opens a keeper's folder, making what is not there.
func Open(opt Options) (*Keeper, error) {
	k := newKeeper(opt)
	if err := k.open(); err != nil {
		return nil, errors.Join(err, k.closeOpen())
	}
	return k, nil
}

// newKeeper is a keeper that has read nothing yet.
func newKeeper(opt Options) *Keeper {
	if opt.RetentionDays == 0 {
		opt.RetentionDays = 30
	}
	if opt.ColoursPerDay == 0 {
		opt.ColoursPerDay = 12
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.countEvery == 0 {
		opt.countEvery = gate.Every
	}
	k := &Keeper{
		opt: opt, disk: opt.Disk, now: opt.Now, started: opt.Now(), once: once.New(once.Life), desk: desk.New(opt.Norms),
		meter: permit.Identifiers(), sources: permit.Sources(), numbers: permit.Numbers(),
		believe: desk.Believe, believes: staff.Approval.Verify,
	}
	now := func() time.Time { return k.now() }
	k.people = people.New(people.Config{Disk: k.disk, Now: now, Vacant: opt.Vacant, Failed: k.failed})
	k.days = days.New(days.Config{Disk: k.disk, Now: now, Retention: opt.RetentionDays})
	k.Permits = permit.New(permit.Config{
		Limits: opt.Limits, Now: now, Desk: k.desk, Known: k.people.Known, Origin: opt.Origin,
		Believe: func(r desk.Roll, origin string, a keeper.Ask, now time.Time) (desk.Asker, error) {
			return k.believe(r, origin, a, now)
		},
		Approves: func(a staff.Approval, s staff.Site, key jose.Key) error { return k.believes(a, s, key) },
	})
	k.Traces = traces.New(traces.Config{Now: now, Permits: k.Permits, People: k.people})
	k.Backups = backups.New(backups.Config{Disk: k.disk, Now: now, People: k.people, Days: k.days, Failed: k.failed})
	return k
}

// closeOpen closes what open had opened when it failed.
func (k *Keeper) closeOpen() (err error) {
	if k.counts != nil {
		err = k.counts.Close()
	}
	if k.journal != nil {
		err = errors.Join(err, k.journal.Close())
	}
	if k.lock != nil {
		err = errors.Join(err, k.lock.Close())
	}
	return err
}

func (k *Keeper) file(name string) root.File { return root.FileOf(k.root, k.disk, name) }

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
	keys, err := k.openFixed()
	if err != nil {
		return err
	}
	if err := k.people.Open(k.file("wrapkey")); err != nil {
		return err
	}
	var known journal.Mark // the place that the journal is known to have passed
	if err := k.file("mark").Load(&known); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if k.journal, err = journal.Open(k.disk, known, k.replay); err != nil {
		return err
	}
	if err := k.begin(keys); err != nil {
		return err
	}
	if _, _, err = k.journal.Append(journal.KindStart, nil); err != nil {
		return err
	}
	return k.storeMark()
}

// begin hands each part what it may have: of the root key, one purpose or one file.
func (k *Keeper) begin(keys fixed) error {
	if err := k.openTraceKeys(keys); err != nil {
		return err
	}
	epoch, err := keys.aead()
	if err != nil {
		return err
	}
	if err := k.people.Begin(k.journal, k.logKey); err != nil {
		return err
	}
	if err := k.days.Begin(k.journal, k.logKey, root.Only(k.root, "day ")); err != nil {
		return err
	}
	k.Permits.Begin(k.journal, k.logKey, k.Traces.Views())
	if err := k.Backups.Begin(k.journal, k.logKey, k.file(backups.File), root.Only(k.root, "recovery")); err != nil {
		return err
	}
	k.Lent, err = lent.Open(lent.Config{
		Now: func() time.Time { return k.now() }, Journal: k.journal, File: k.file("service"), Pin: keys.pin(),
		Log: k.logKey.Public().(ed25519.PublicKey), Run: k.once.Run, Ledger: k.ledger.key,
	})
	if err != nil {
		return err
	}
	if k.counts, err = gate.OpenCounts(k.disk, func() time.Time { return k.now() }, k.opt.countEvery, k.opt.ColoursPerDay, k.people.Known); err != nil {
		return err
	}
	k.Gates = gate.New(gate.Config{
		Now: func() time.Time { return k.now() }, People: k.people, Days: k.days, Once: k.once, Counts: k.counts, Failed: k.failed,
		Journal: k.journal, LogKey: k.logKey, Epoch: epoch,
	})
	return nil
}

// storeMark notes how far the journal is on disk, so that a journal cut back to an
// older end, with the heads it held, is found at the next start.
func (k *Keeper) storeMark() error { return k.file("mark").Store(k.journal.Durable()) }

// keyFiles are the files that are worth nothing without the root key.
var keyFiles = []string{"fixed", "journal", "mark", "days", "service", "wrapkey", backups.File}

// openRoot reads the root key, or makes one in a folder that has no other keys: a
// folder that lost its root file must not silently get another.
func (k *Keeper) openRoot() error {
	raw, err := durable.ReadFile(k.disk, "root")
	if errors.Is(err, fs.ErrNotExist) {
		if names, err := k.disk.List(""); err != nil {
			return err
		} else if slices.ContainsFunc(names, func(n string) bool { return slices.Contains(keyFiles, n) }) {
			return root.ErrFile
		}
		if raw, err = root.Make(k.opt.Credential); err != nil {
			return err
		}
		if err := durable.WriteFile(k.disk, "root", raw); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	k.root, err = root.Open(raw, k.opt.Credential)
	return err
}

func (k *Keeper) replay(seq uint64, kind byte, payload []byte) error {
	switch kind {
	case journal.KindDestroy:
		return k.days.Replay(seq, payload)
	case journal.KindLedger:
		return k.ledger.replay(payload)
	case journal.KindBackup, journal.KindRestored:
		return k.Backups.Replay(payload)
	case journal.KindTraceKeys, journal.KindCopies:
		return k.Traces.Replay(seq, kind, payload)
	}
	// Others are for the log, not for the state, or one of these knows them.
	return errors.Join(k.people.Replay(seq, kind, payload), k.Permits.Replay(seq, kind, payload))
}

// failed is why the keeper must not go on: what it holds in memory may be ahead of
// what a restart would find.
func (k *Keeper) failed() error { return errors.Join(k.journal.Failed(), k.counts.Failed()) }

// Tend does what time asks for: it changes the wrap key when a week is over, and
// destroys the keys of weeks of backups whose time is over. Serve
// calls it every hour; it may be called at any time.
func (k *Keeper) Tend() error {
	if err := k.failed(); err != nil {
		return err
	}
	return errors.Join(k.people.Rewrap(), k.DropWeeks())
}

// Health is the keeper's account of itself.
func (k *Keeper) Health() (keeper.Health, error) {
	if err := k.failed(); err != nil {
		return keeper.Health{}, err
	}
	h := keeper.Health{Started: k.started, Colours: k.Opened(), People: uint64(k.people.N()), Blobs: k.blobs.Load()}
	h.Intents, h.Refused = k.Permits.Counts()
	h.Refused += k.refused.Load() + k.Traces.Refused()
	at := k.journal.Durable()
	h.Seq, h.Chain = at.Seq, at.Chain
	h.FirstDay, h.Days = k.days.Span()
	return h, nil
}

// Close stops the keeper.
func (k *Keeper) Close() error {
	counts := k.counts.Close()
	journal := k.journal.Close()
	if journal == nil {
		journal = k.storeMark()
	}
	return errors.Join(counts, journal, k.root.Close(), k.lock.Close())
}

// Attest signs a digest for an operator, after the journal names it.
func (k *Keeper) Attest(role keeper.Role, digest [32]byte) (c partner.Countersignature, err error) {
	if role != keeper.RoleAdmin {
		return c, keeper.ErrRole
	}
	at := k.now().Truncate(time.Millisecond)
	seq, _, err := k.journal.Append(journal.KindAttest, digest[:])
	if err != nil {
		return c, err
	}
	c.At, c.Seq = at, seq
	c.Sign(k.logKey, digest)
	return c, nil
}
