// Package care is the flow by which health records come in, are corrected, opened and
// set aside.
//
// Records are written per person: one call to the keeper for the keys of the new
// versions, one transaction that stores them only over exactly the versions the keeper
// was told of, one word to the keeper that they are there. Whoever comes second reads
// again and tries again. What is written of a person at once is written whole or not at
// all, and nobody is told that it was taken before all three have happened.
//
// Records are shown on the word of who asks (keeper.Ask): this flow passes it on and
// could not speak for them. What a colour rests on follows in a second transaction,
// which a row of the first one calls for until it is done (Drain). The flow sequences;
// who a record is about, what it is, who may see it and what it says of a colour are
// decided in package record.
package care

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/format/fhir"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/trace/likeness"
)

// Errors of this flow.
var (
	ErrEmpty    = fault.New(fault.Invalid, "there is nothing to enter")
	ErrTooMuch  = fault.New(fault.Invalid, "of one person at most 8,192 records are entered at once")
	ErrAltered  = fault.New(fault.Conflict, "the stored records do not open: altered, moved or lost; see the server's log")
	ErrOffice   = fault.New(fault.Denied, "only the office for data protection may do this")
	ErrTwice    = fault.New(fault.Invalid, "a record is named twice in what is entered at once")
	ErrEntry    = fault.New(fault.Invalid, "an entry of a transaction has a resource, to POST, or to PUT under a number of ours")
	ErrPatients = fault.New(fault.Invalid, "a transaction concerns one person: it has one Patient with NIK, name and date of birth, or names a person of ours")
	ErrOpenless = fault.New(fault.Denied, "opening records needs a signed request")
)

// MaxItems bounds what is entered of one person at once.
const MaxItems = 8192

// Keeper is what this flow asks of the keeper.
type Keeper interface {
	Index(ctx context.Context, kind keeper.Kind, values [][]byte) ([]identity.Tag, error)
	// Register makes numbers for records that are set aside.
	Register(ctx context.Context, n int) ([]keeper.Registered, error)
	// Read opens on the platform's own word, for what is shown to nobody: registered
	// attributes, to match by; what a colour has to follow after a crash; how records
	// stand, and what was set aside, to write them anew.
	Read(ctx context.Context, i keeper.Intent, r []keeper.Read) (keeper.Receipt, []keeper.Opened, error)
	WriteRecords(ctx context.Context, e []keeper.Enter) ([]keeper.Entered, error)
	SettleRecords(ctx context.Context, s []keeper.Settled) error
	// OpenRecords opens on the word of who asks.
	OpenRecords(ctx context.Context, ask keeper.Ask, r []keeper.Read) (keeper.Receipt, []keeper.Opened, error)
}

// Documents keeps what is too long for a row, sealed under a key of its own. What it
// was told to keep is durable when Seal returns, and belongs to nobody until a record
// that names it is stored.
type Documents interface {
	Seal(ctx context.Context, who identity.PersonID, kind record.Kind, content Content) (record.Document, error)
	Open(ctx context.Context, who identity.PersonID, kind record.Kind, d record.Document) (Opened, error)
	// Drop removes what no record names.
	Drop(ctx context.Context, d record.Document) error
}

// Colours lets colours follow what records say, idempotently. Refused are the
// tellings, by place, that can never be evidence (fault.Invalid), or not now.
type Colours interface {
	Tell(ctx context.Context, t []status.Telling) (refused map[int]error, err error)
}

// Flow enters and opens records.
type Flow struct {
	DB        store.DB
	Keeper    Keeper
	Documents Documents
	Colours   Colours
	Reader    *fhir.Reader
	Now       func() time.Time
	Actor     string        // in the platform's own intents: which process or command
	Budget    keeper.Budget // BudgetJob, or BudgetImport for commands
	// Long keeps what is up to vault.MaxRecord long in its row, where the store of documents
	// is another process's.
	Long bool
	// Lane is shared with the store of documents: each looks into some, to know them again.
	Lane *likeness.Lane
	// Loud, where set, hears of each emergency, once records are open.
	Loud func(by Caller)
	// Newcomer, where set, registers who is not registered yet; otherwise their records
	// are refused.
	Newcomer func(ctx context.Context, p identity.Person) (identity.PersonID, error)

	told told // what colours are to follow, still in memory
}

// Caller is who asks, as the edge has authenticated them.
type Caller struct {
	Actor     staff.ActorID
	Facility  staff.FacilityID
	Role      staff.Role
	Rights    staff.Rights
	Ask       keeper.Ask // their signed request; without a proof nothing is opened
	Emergency bool       // the proof's purpose is keeper.PurposeBreakGlass
}

func (f *Flow) intent(purpose string) keeper.Intent {
	i := keeper.Intent{Actor: f.Actor, Purpose: purpose, Budget: f.Budget}
	rand.Read(i.ID[:])
	return i
}

// versions as the keeper has them.
func versions(have []record.Version) []keeper.Version {
	out := make([]keeper.Version, len(have))
	for i, v := range have {
		out[i] = keeper.Version{Record: keeper.Record(v.Number), Version: v.Version}
	}
	return out
}

// last is the highest version of a person's.
func last(have []record.Version) (v uint64) {
	for _, one := range have {
		v = max(v, one.Version)
	}
	return v
}

// current is the version at which a record stands; zero for none. have ascends.
func current(have []record.Version, n record.Number) (v uint64) {
	for _, one := range have {
		if one.Number == n {
			v = one.Version
		}
	}
	return v
}
