// Package check goes over everything that is stored and names each row that is
// missing, swapped, rolled back or altered.
//
// It opens what is sealed to people, under intents of its own, and asks the keeper of
// everybody's head: so a row is not only whole, it is the newest, in its place, and
// none is absent. What it cannot tell it says in Report.Unstored: people whose
// registration the keeper knows and no database ever confirmed. A finding names a
// table and a row by number, never what it holds.
//
// It runs beside a server. A row that differs is looked at again before it is a
// finding, for a write may have been under way.
package check

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// What is wrong with a row.
type What string

// What may be.
const (
	Missing    What = "missing"     // the keeper or another row knows of it
	Altered    What = "altered"     // or swapped: it does not open in its place, or a signature or tag does not hold
	RolledBack What = "rolled back" // an older state than the keeper's head
	Foreign    What = "foreign"     // it belongs to nobody, or to nothing that is stored
	LeftOver   What = "left over"   // of somebody erased
)

// Finding is one row that is not as it should be.
type Finding struct {
	Table string `json:"table"`
	Row   string `json:"row"` // its number or id, which name nobody
	What  What   `json:"what"`
	Why   string `json:"why"`
}

// Report counts what was looked at.
type Report struct {
	Rows     map[string]int64 `json:"rows"` // by table
	Findings int64            `json:"findings"`
	Unstored int64            `json:"unstored"` // people registered with the keeper of whom no row is, nor was known to be
	Erased   int64            `json:"erased"`
}

// Keeper is what a check asks of the keeper, on its admin socket.
type Keeper interface {
	Health(ctx context.Context) (keeper.Health, error)
	Heads(ctx context.Context, people []identity.PersonID) ([]keeper.Head, error)
	Read(ctx context.Context, i keeper.Intent, r []keeper.Read) (keeper.Receipt, []keeper.Opened, error)
	Index(ctx context.Context, kind keeper.Kind, values [][]byte) ([]identity.Tag, error)
	CheckColours(ctx context.Context, rows []status.SealedColour) ([]keeper.Seal, error)
	CheckNotes(ctx context.Context, notes []keeper.Note) ([]keeper.Seal, error)
	Actors(ctx context.Context) ([]staff.Actor, error)
}

// Database is one that can be walked whole.
type Database interface {
	store.DB
	store.Copier
}

// errNotBare: a check that went on would refuse to read the very rows that it is to name.
var errNotBare = fault.New(fault.Internal, "this database cannot be read as it lies there: nothing was checked")

// Check is one run over everything.
type Check struct {
	DB     Database
	Keeper Keeper
	Blobs  store.BlobSource  // nil: documents are not looked at
	Log    ed25519.PublicKey // the keeper's log key
	Actor  string            // in intents
	// LedgerKey opens the ledger of rows, of which Mark is the keeper's word from before
	// the check; without it rows are not held against the ledger.
	LedgerKey store.LedgerKey
	Mark      keeper.Ledger
	Site      staff.Site // whose passkeys' approvals are looked at
	// VisitDays is how many days visits are kept, and asks with them.
	VisitDays int
	// Lengths: of documents only the lengths are looked at, and none is read.
	Lengths bool
	Found   func(Finding) error
	Step    func(table string, rows int64) // now and then; may be nil

	report   Report
	sealer   *store.Sealer
	seen     []place // where there is a row of somebody, by number
	subjects map[identity.Tag]bool
	named    map[uint64]struct{} // the beginnings of names' tags that records have
	doubts   []doubt
	last     map[int64]int64 // highest version of a person's health records
	unknown  map[int64]Finding
	gone     []identity.Tag // names of records that miss, of whom nobody knows yet who took them away
	firstDay day.Day        // of the day keys that the keeper held when the check began
}

// place is where a person's row lies.
type place uint8

const (
	nowhere place = iota
	aside         // in quarantine: owns nothing
	registered
	gone // erased, and nothing left
)

// page is how many people are looked at together.
const page = 1024

// Run goes over everything. Its error says why it could not; what is wrong with what
// is stored goes to Found.
func (c *Check) Run(ctx context.Context) (Report, error) {
	c.report, c.sealer = Report{Rows: map[string]int64{}}, store.NewSealer(c.LedgerKey)
	c.subjects, c.named, c.last, c.unknown = map[identity.Tag]bool{}, map[uint64]struct{}{}, map[int64]int64{}, map[int64]Finding{}
	if l, ok := c.DB.(store.Ledgered); ok { // rows that were altered are read, to be named
		bare, ok := l.Bare().(Database)
		if !ok {
			return c.report, errNotBare
		}
		c.DB = bare
	}
	h, err := c.Keeper.Health(ctx)
	if err != nil {
		return c.report, err
	}
	c.seen = make([]place, h.People+1)
	c.gone = nil
	c.firstDay = h.FirstDay
	for _, part := range []func(context.Context) error{
		c.people, c.quarantine, c.setAside, c.absent, c.records, c.owners, c.strangers, c.doubtful, c.extra,
		c.leaves, c.ends, c.visits, c.seals, c.places, c.agreements, c.disputes, c.staff, c.ledger,
	} {
		if err := part(ctx); err != nil {
			return c.report, err
		}
	}
	return c.report, nil
}

func (c *Check) found(f Finding) error {
	c.report.Findings++
	return c.Found(f)
}

func (c *Check) rows(table string, n int) {
	c.report.Rows[table] += int64(n)
	if c.Step != nil {
		c.Step(table, c.report.Rows[table])
	}
}

// see notes that somebody has a row.
func (c *Check) see(id identity.PersonID, at place) {
	if uint64(id) < uint64(len(c.seen)) {
		c.seen[id] = at
	}
}

func (c *Check) intent() keeper.Intent {
	i := keeper.Intent{Actor: c.Actor, Purpose: "check", Budget: keeper.BudgetImport}
	rand.Read(i.ID[:])
	return i
}

// absent looks for people whom the keeper knows and no row names.
func (c *Check) absent(ctx context.Context) error {
	var ids []identity.PersonID
	flush := func() error {
		heads, err := c.Keeper.Heads(ctx, ids)
		if err != nil {
			return err
		}
		for i, h := range heads {
			switch {
			case h.Erased:
				c.report.Erased++
				c.seen[ids[i]] = gone
			case !h.Stored:
				c.report.Unstored++
			default:
				if err := c.found(Finding{"identity_person", number(ids[i]), Missing, "the keeper knows that it was stored"}); err != nil {
					return err
				}
			}
		}
		ids = ids[:0]
		return nil
	}
	for id := 1; id < len(c.seen); id++ {
		if c.seen[id] != nowhere {
			continue
		}
		if ids = append(ids, identity.PersonID(id)); len(ids) == page {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}
