// Package export lets records leave in bulk, in one form only: of a list of people, for a
// written purpose, approved by two officers' passkeys, opened by the keeper within its
// daily ceiling, and sealed to the recipient's age key before it touches a disk.
//
// The flow believes no approval itself; it shows them to the keeper with every batch.
package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"filippo.io/age"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/canary"
	"github.com/amanah-project/amanah/internal/domain/leak/mark"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/copies"
	"github.com/amanah-project/amanah/internal/store"
)

// ErrRecipient: no key to seal to.
var ErrRecipient = fault.New(fault.Invalid, "the recipient is an age public key: age1 and 58 letters and digits, as age-keygen prints it")

// PartPeople is how many people one part of an export holds; an export that was stopped
// goes on with the part that is not there.
const PartPeople = 50

// Keeper opens for approved exports.
type Keeper interface {
	OpenExport(ctx context.Context, e keeper.Export, r []keeper.Read) (keeper.Receipt, []keeper.Opened, error)
	Seeds(ctx context.Context, e keeper.Export) (keeper.CopyKeys, error)
	Deliver(ctx context.Context, e keeper.Export, manifest [32]byte, records int) (keeper.Delivery, error)
}

// Care finds people and opens their records.
type Care interface {
	Find(ctx context.Context, nik identity.NIK) (record.Ref, error)
	ExportedWith(ctx context.Context, who identity.PersonID, ask func(context.Context, keeper.Read) (keeper.Opened, error)) (records, documents []care.Record, err error)
}

// CopyOf names the copy that a request makes.
func CopyOf(id staff.RequestID) leak.Copy { return copies.CopyOf(id) }

// Flow is how records leave.
type Flow struct {
	DB        store.DB
	Keeper    Keeper
	Care      Care
	Documents Documents // may be nil where no export has documents
	Now       func() time.Time
	// Canaries are those of copies that are asked for from now on; none when zero.
	Canaries canary.Spec
}

// People finds who is registered under these NIKs, ascending, each once. One that nobody
// is registered under is record.ErrNobody: a list is exact or none.
func (f *Flow) People(ctx context.Context, niks []identity.NIK) ([]identity.PersonID, error) {
	if len(niks) == 0 || len(niks) > staff.MaxExport {
		return nil, staff.ErrExport
	}
	out := make([]identity.PersonID, 0, len(niks))
	for _, nik := range niks {
		r, err := f.Care.Find(ctx, nik)
		if err != nil {
			return nil, err
		}
		out = append(out, r.Person)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// Request asks for an export in a form; nobody has approved it yet.
func (f *Flow) Request(ctx context.Context, purpose, recipient string, form staff.Form, people []identity.PersonID) (staff.Request, error) {
	return f.Ask(ctx, purpose, staff.Export{Recipient: recipient, Form: form}, people)
}

// Ask asks for an export of people, whom terms need not name; nobody has approved it yet.
func (f *Flow) Ask(ctx context.Context, purpose string, terms staff.Export, people []identity.PersonID) (staff.Request, error) {
	if _, err := age.ParseX25519Recipient(terms.Recipient); err != nil {
		return staff.Request{}, ErrRecipient
	}
	now := f.Now().Truncate(time.Second)
	terms.Count, terms.People, terms.Canaries = len(people), staff.PeopleDigest(people), f.Canaries.String()
	r := staff.Request{Kind: staff.AskExport, Purpose: purpose, Asked: now, Until: now.Add(staff.ExportLife), Body: terms.Body()}
	if _, err := staff.ParseExport(r.Body); err != nil {
		return r, err
	}
	if err := r.Check(); err != nil {
		return r, err
	}
	return r, f.DB.Update(ctx, func(s store.Stores) error { return s.Requests.Put(r) })
}

// Done is what a run did.
type Done struct {
	Parts   int // of the whole export
	Written int // by this run
	Left    int // people whose records are restricted, and who are not in it
	Files   int // documents written by this run
	Missing int // documents that could not be: their archive's list says why
	// Canaries is how many invented people stand in what was written.
	Canaries int
	Percent  int // of people in a copy, which they are at most
}

// Run writes the parts that a folder has not, each sealed and whole or absent. The list
// of people must be the approved one. The first part that the keeper refuses ends it.
func (f *Flow) Run(ctx context.Context, id staff.RequestID, people []identity.PersonID, to durable.FS) (done Done, err error) {
	e := keeper.Export{People: people}
	err = f.DB.View(ctx, func(s store.Stores) (err error) {
		if e.Request, err = s.Requests.Get(id); err != nil {
			return err
		}
		e.Approvals, err = s.Requests.Approvals(id)
		return err
	})
	if err != nil {
		return done, err
	}
	body, err := staff.ParseExport(e.Request.Body)
	if err == nil {
		err = body.Lists(people)
	}
	if err != nil {
		return done, err
	}
	invented, err := troupeOf(body)
	if err != nil {
		return done, err
	}
	done.Percent = invented.spec.Percent
	recipient, err := age.ParseX25519Recipient(body.Recipient)
	if err != nil {
		return done, ErrRecipient
	}
	had, err := to.List("")
	if err != nil {
		return done, err
	}
	for part := range slices.Chunk(people, PartPeople) {
		done.Parts++
		name := fmt.Sprintf("part-%04d.%s", done.Parts, ending(body.Form))
		if slices.Contains(had, name) {
			continue
		}
		keys, err := f.commit(ctx, e, part)
		if err != nil {
			return done, err
		}
		p := page{name: name, form: body.Form, pen: mark.New(&keys.Base, &keys.Seed), made: e.Request.Asked}
		p.join = func(people [][]care.Record) [][]care.Record {
			all, n := invented.join(&keys, done.Parts-1, people)
			done.Canaries += n
			return all
		}
		sealed, papers, left, err := f.part(ctx, e, part, recipient, p)
		if err == nil && body.Documents { // before the part, which says that both are there
			a := archive{documents: f.Documents, pen: p.pen, made: p.made}
			err = durable.Replace(to, fmt.Sprintf("part-%04d.documents.tar.age", done.Parts), func(w io.Writer) error { return a.seal(ctx, w, recipient, papers) })
			done.Files, done.Missing = done.Files+a.written, done.Missing+a.missing
		}
		if err != nil {
			return done, err
		}
		if err := durable.WriteFile(to, name, sealed); err != nil {
			return done, err
		}
		done.Written++
		done.Left += left
	}
	return done, nil
}

// part opens some people's records and seals them, marked; papers are those that are
// documents alone.
func (f *Flow) part(ctx context.Context, e keeper.Export, people []identity.PersonID, to age.Recipient, p page) (sealed []byte, papers []care.Record, left int, err error) {
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err != nil {
		return nil, nil, 0, err
	}
	ask := func(ctx context.Context, r keeper.Read) (keeper.Opened, error) {
		_, opened, err := f.Keeper.OpenExport(ctx, e, []keeper.Read{r})
		if err != nil {
			return keeper.Opened{}, err
		}
		return opened[0], opened[0].Err
	}
	sheet, err := p.begin(w)
	if err != nil {
		return nil, nil, 0, err
	}
	opened := make([][]care.Record, 0, len(people))
	for _, who := range people {
		records, documents, err := f.Care.ExportedWith(ctx, who, ask)
		if errors.Is(err, record.ErrRestricted) {
			left++
			continue
		}
		if err != nil {
			return nil, nil, 0, err
		}
		papers = append(papers, documents...)
		opened = append(opened, records)
	}
	for _, records := range p.join(opened) {
		if err := sheet.person(records); err != nil {
			return nil, nil, 0, err
		}
	}
	if err := errors.Join(sheet.end(), w.Close()); err != nil {
		return nil, nil, 0, err
	}
	return out.Bytes(), papers, left, nil
}
