// Package evidence is the flow by which people and the facts about them come in,
// and by which their colours are decided.
//
// It works in batches: one look-up of blind indexes, one call that registers or
// opens, one transaction. A batch is written whole or not at all, with how far its
// source has come, so that an import that was interrupted goes on where it
// stopped. Rows are sealed before they reach the database; what a batch holds in
// the clear lives in memory until it returns. The flow sequences; whether two
// registrations are one person and what a colour is are decided in the domain.
package evidence

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak/canary"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/vault"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Reasons for which one row is refused; none repeats a value.
var (
	ErrNobody = fault.New(fault.NotFound, "nobody is registered under this NIK: import the person first")
	ErrOpen   = fault.New(fault.Conflict, "the person's stored record does not open: see the keeper's and the server's log")
)

// MaxBatch bounds the rows of one call.
const MaxBatch = keeper.MaxBulk

// ReasonDiffers is the code under which a registration is set aside whose NIK
// belongs to somebody of another name or birth date.
const ReasonDiffers = "nik-of-another"

// Keeper is what this flow asks of the keeper, on its admin socket.
type Keeper interface {
	Index(ctx context.Context, kind keeper.Kind, values [][]byte) ([]identity.Tag, error)
	Register(ctx context.Context, n int) ([]keeper.Registered, error)
	Write(ctx context.Context, w []keeper.Write) ([]keeper.Written, error)
	Settle(ctx context.Context, s []keeper.Settled) error
	Read(ctx context.Context, i keeper.Intent, r []keeper.Read) (keeper.Receipt, []keeper.Opened, error)
	PutColours(ctx context.Context, d []keeper.Decided) ([]status.SealedColour, error)
	ColourVersions(ctx context.Context, people []identity.PersonID) ([]uint32, error)
}

// Flow brings in people and evidence and decides colours.
type Flow struct {
	DB     store.DB
	Keeper Keeper
	Rules  *status.Schedule
	Now    func() time.Time
	Actor  string        // in intents: which command or job of the platform
	Budget keeper.Budget // BudgetImport for commands, BudgetJob for jobs
	// Reserved is where NIKs are nobody's: who comes with one is refused
	// (canary.ErrReserved), whether a canary has it or not.
	Reserved canary.Range
	// Keep, where set, is called once with the refusals of a batch, none included,
	// before the batch is durable; its error stops the batch.
	Keep func([]Refusal) error
}

func (f *Flow) keep(t Tally) error {
	if f.Keep == nil {
		return nil
	}
	return f.Keep(t.Refusals)
}

// Refusal is one row that was not taken.
type Refusal struct {
	Line   int64
	Reason error // fit for outsiders
}

// Tally is what became of a batch's rows.
type Tally struct {
	Added    int // people registered, or people whose evidence grew
	Known    int // rows that say what is stored already
	Set      int // people set aside in quarantine
	Refusals []Refusal
}

func (f *Flow) intent(purpose string) keeper.Intent {
	i := keeper.Intent{Actor: f.Actor, Purpose: purpose, Budget: f.Budget}
	rand.Read(i.ID[:])
	return i
}

// file is what is stored about one person: every version, and what was opened.
type file struct {
	id       identity.PersonID
	person   identity.Stored
	evidence status.SealedEvidence
	err      error // why this person's could not be opened
	opened   []byte
}

func (l *file) have() []keeper.Version {
	v := []keeper.Version{{Record: keeper.RecordPerson, Version: l.person.Version}}
	if l.evidence.Version > 0 {
		v = append(v, keeper.Version{Record: keeper.RecordEvidence, Version: l.evidence.Version})
	}
	return v
}

// binding of the record of this file that is opened: the person, or the evidence.
func (l *file) binding(evidence bool) (vault.Binding, []byte) {
	if evidence {
		return vault.Binding{Table: vault.Evidence, Person: l.id, Record: uint64(keeper.RecordEvidence), Version: l.evidence.Version}, l.evidence.Sealed
	}
	return vault.Binding{Table: vault.People, Person: l.id, Record: uint64(keeper.RecordPerson), Version: l.person.Version}, l.person.Sealed
}

// load reads people's sealed rows.
func (f *Flow) load(ctx context.Context, ids []identity.PersonID) ([]file, error) {
	files := make([]file, len(ids))
	err := f.DB.View(ctx, func(s store.Stores) error {
		people, err := s.People.Get(ids)
		if err != nil {
			return err
		}
		evidence, err := s.Status.Evidence(ids)
		if err != nil {
			return err
		}
		for i := range ids {
			files[i] = file{id: ids[i], person: people[i], evidence: evidence[i]}
		}
		return nil
	})
	return files, err
}

// open opens one record of each file under one intent: the evidence where wanted
// and there is any, the person otherwise. What fails for one person is that
// person's error.
func (f *Flow) open(ctx context.Context, purpose string, files []file, evidence bool) error {
	if len(files) == 0 {
		return nil
	}
	reads := make([]keeper.Read, len(files))
	for i := range files {
		b, _ := files[i].binding(evidence && files[i].evidence.Version > 0)
		reads[i] = keeper.Read{
			Person: files[i].id, Have: files[i].have(),
			Want: []keeper.Version{{Record: keeper.Record(b.Record), Version: b.Version}},
		}
	}
	_, opened, err := f.Keeper.Read(ctx, f.intent(purpose), reads)
	if err != nil {
		return err
	}
	if len(opened) != len(files) {
		return keeper.ErrUnavailable
	}
	for i, o := range opened {
		l := &files[i]
		if l.err = o.Err; l.err != nil {
			continue
		}
		b, sealed := l.binding(evidence && l.evidence.Version > 0)
		l.opened, l.err = vault.OpenRecord(o.Keys[0], b, sealed)
	}
	return nil
}

// held returns the evidence of an opened file; of somebody without any, their
// birth.
func (l *file) held() (status.Evidence, error) {
	if l.err != nil {
		return status.Evidence{}, l.err
	}
	if l.evidence.Version > 0 {
		return status.ParseEvidence(l.opened)
	}
	p, err := identity.OpenPerson(l.opened)
	return status.Evidence{Birth: p.Birth}, err
}

// decide seals the colour of each person.
func (f *Flow) decide(ctx context.Context, people []identity.PersonID, evidence []status.Evidence) ([]status.SealedColour, error) {
	now := f.Now()
	decided := make([]keeper.Decided, len(people))
	for i, e := range evidence {
		t, err := status.MakeTimeline(e, f.Rules, now)
		if err != nil {
			return nil, fmt.Errorf("decide a colour: %w", err)
		}
		decided[i] = keeper.Decided{Person: people[i], Timeline: t.Marshal()}
	}
	if len(decided) == 0 {
		return nil, nil
	}
	return f.Keeper.PutColours(ctx, decided)
}
