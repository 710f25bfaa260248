package care

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/amanah-project/amanah/internal/domain/guard"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/vault"
	"github.com/amanah-project/amanah/internal/format/fhir"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Record is one version of a record, opened.
type Record struct {
	Ref     record.Ref
	Version uint64
	View    leak.ViewToken // of what was opened at once; zero where it was not for somebody's eyes
	record.Content
}

// Resource writes the record as the FHIR resource it is; record.ErrNone of a document
// alone.
func (r *Record) Resource() ([]byte, error) {
	if r.Type == "" || r.Body == nil {
		return nil, record.ErrNone
	}
	return fhir.Stamp(r.Body, r.Ref.String(), strconv.FormatUint(r.Version, 10), r.Entered)
}

// Open opens a record: its current version, or one of before. record.ErrNone when
// there is none, ErrRestricted when it may not be viewed.
func (f *Flow) Open(ctx context.Context, c Caller, ref record.Ref, version uint64) (Record, error) {
	out, err := f.open(ctx, c, ref.Person, func(have []record.Version) []record.Version {
		if version == 0 {
			version = current(have, ref.Stored())
		}
		want := record.Version{Number: ref.Stored(), Version: version}
		if version == 0 || !ref.Names() || !slices.Contains(have, want) {
			return nil
		}
		return []record.Version{want}
	})
	if err != nil {
		return Record{}, err
	}
	return out[0], f.fill(ctx, out)
}

// History opens all versions of a record, the newest first.
func (f *Flow) History(ctx context.Context, c Caller, ref record.Ref) ([]Record, error) {
	out, err := f.open(ctx, c, ref.Person, func(have []record.Version) (want []record.Version) {
		for _, v := range have {
			if v.Number == ref.Stored() && ref.Names() {
				want = append(want, v)
			}
		}
		return want
	})
	if err != nil {
		return nil, err
	}
	slices.Reverse(out)
	return out, f.fill(ctx, out)
}

// Compartment opens a person's current records under one intent and returns those that
// a filter holds, in the order in which they were entered.
func (f *Flow) Compartment(ctx context.Context, c Caller, who identity.PersonID, filter record.Filter) ([]Record, error) {
	all, err := f.open(ctx, c, who, everything)
	if errors.Is(err, record.ErrNone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := slices.DeleteFunc(all, func(r Record) bool { return !filter.Holds(&r.Meta) })
	return out, f.fill(ctx, out)
}

// Everything is all that a person has, void records too.
func (f *Flow) Everything(ctx context.Context, c Caller, who identity.PersonID) ([]Record, error) {
	return f.Compartment(ctx, c, who, record.Filter{Void: true})
}

// Some opens the current versions of some of a person's records under one intent, and how
// the person is called where that was entered, in the order of their numbers;
// record.ErrNone when one of them is not there.
func (f *Flow) Some(ctx context.Context, c Caller, who identity.PersonID, numbers []record.Number) ([]Record, error) {
	out, err := f.open(ctx, c, who, func(have []record.Version) (want []record.Version) {
		missing := len(numbers)
		for _, v := range have {
			named := slices.Contains(numbers, v.Number)
			if v.Version != current(have, v.Number) || !named && v.Number != record.Patient {
				continue
			}
			if want = append(want, v); named {
				missing--
			}
		}
		if missing > 0 {
			return nil
		}
		return want
	})
	if err != nil {
		return nil, err
	}
	return out, f.fill(ctx, out)
}

// Document opens the document that an opened record names; record.ErrNone when it
// names none. The caller closes it.
func (f *Flow) Document(ctx context.Context, r Record) (Opened, error) {
	if r.Content.Document == nil {
		return nil, record.ErrNone
	}
	return f.Documents.Open(ctx, r.Ref.Person, r.Kind, *r.Content.Document)
}

// fill reads resources that outgrew their row.
func (f *Flow) fill(ctx context.Context, out []Record) (err error) {
	for i := range out {
		if r := &out[i]; r.Type != "" && len(r.Body) == 0 && r.Content.Document != nil {
			if r.Body, err = f.read(ctx, r.Ref.Person, r.Kind, *r.Content.Document); err != nil {
				return err
			}
		}
	}
	return nil
}

// open opens what choose wants of a person's versions, on the caller's word, and how
// the person stands with it; record.ErrNone when choose wants none.
func (f *Flow) open(ctx context.Context, c Caller, who identity.PersonID, choose func(have []record.Version) []record.Version) ([]Record, error) {
	if err := c.Rights.Need(staff.View); err != nil {
		return nil, err
	}
	if v := guard.Decide(c.question(record.Stand{})); v.Err != nil {
		return nil, v.Err
	}
	var view leak.ViewToken
	o, err := f.unseal(ctx, who, choose, c.ask(f, &view))
	if err != nil {
		return nil, err
	}
	for i := range o.records {
		o.records[i].View = view
	}
	return o.records, guard.Decide(c.question(o.stand)).Err
}

// question is what the guard decides of somebody's viewing, as far as a server knows it:
// care relationships, and who stands by whom, the keeper knows and counts.
func (c Caller) question(s record.Stand) guard.Question {
	q := guard.Question{Role: c.Role, Rights: c.Rights, Purpose: guard.Treatment, Restricted: s.Restricted.On}
	if c.Emergency {
		q.Purpose = guard.BreakGlass
	}
	return q
}

// asker asks the keeper for keys, on somebody's word.
type asker func(ctx context.Context, r keeper.Read) (keeper.Opened, error)

// ask asks on the caller's own word; view, unless it is nil, takes the view's name.
func (c Caller) ask(f *Flow, view *leak.ViewToken) asker {
	return func(ctx context.Context, r keeper.Read) (keeper.Opened, error) {
		if c.Ask.Proof == "" {
			return keeper.Opened{}, ErrOpenless
		}
		receipt, opened, err := f.Keeper.OpenRecords(ctx, c.Ask, []keeper.Read{r})
		if view != nil {
			*view = receipt.View
		}
		if receipt.Loud && f.Loud != nil {
			f.Loud(c)
		}
		return one(opened, err)
	}
}

// platform asks on the platform's own word, for what is shown to nobody; where somebody
// set it to that, the journal names them.
func (f *Flow) platform(purpose string, by staff.ActorID) asker {
	return func(ctx context.Context, r keeper.Read) (keeper.Opened, error) {
		i := f.intent(purpose)
		if by != "" {
			i.Actor = string(by)
		}
		_, opened, err := f.Keeper.Read(ctx, i, []keeper.Read{r})
		return one(opened, err)
	}
}

func one(opened []keeper.Opened, err error) (keeper.Opened, error) {
	if err != nil {
		return keeper.Opened{}, err
	}
	if len(opened) != 1 {
		return keeper.Opened{}, keeper.ErrUnavailable
	}
	return opened[0], opened[0].Err
}

// unsealed is what was opened of a person.
type unsealed struct {
	have    []record.Version
	stand   record.Stand
	standAt uint64
	records []Record
}

// unseal reads versions and rows in one view, asks for their keys, and opens. Another
// write may be settled between the view and the question, so that the keeper finds the
// view old: then it looks again, and what is still the same was rolled back.
//
// Of what is not there the keeper is asked as well: that nothing was taken away is its
// word alone. Only then is it record.ErrNone.
func (f *Flow) unseal(ctx context.Context, who identity.PersonID, choose func([]record.Version) []record.Version, ask asker) (o unsealed, err error) {
	var before []record.Version
	for try := 0; ; try++ {
		o = unsealed{}
		rows, want, err := f.look(ctx, who, choose, &o)
		if err != nil {
			return o, err
		}
		opened, err := ask(ctx, keeper.Read{Person: who, Have: versions(o.have), Want: versions(want), Records: true})
		switch {
		case errors.Is(err, keeper.ErrHead) && (try == 0 || try < 5 && !slices.Equal(before, o.have)):
			before = o.have
			continue
		case errors.Is(err, keeper.ErrHead):
			return o, ErrAltered
		case try > 0 && errors.Is(err, keeper.ErrUsed): // the proof went with the first question
			return o, keeper.ErrWriting
		case err != nil:
			return o, err
		case len(opened.Keys) != len(want):
			return o, keeper.ErrUnavailable
		case len(want) == 0:
			return o, record.ErrNone
		}
		for i := range rows {
			if err := o.add(who, want[i], rows[i], opened.Keys[i]); err != nil {
				return o, err
			}
		}
		return o, nil
	}
}

// look reads what choose wants of a person's versions, and with any of them how the
// person stands.
func (f *Flow) look(ctx context.Context, who identity.PersonID, choose func([]record.Version) []record.Version, o *unsealed) (rows []record.Row, want []record.Version, err error) {
	err = f.DB.View(ctx, func(s store.Stores) error {
		var err error
		if o.have, err = s.Records.Versions(who); err != nil {
			return err
		}
		if want = choose(o.have); len(want) == 0 {
			return nil
		}
		o.standAt = current(o.have, record.Standing)
		stand := record.Version{Number: record.Standing, Version: o.standAt}
		if o.standAt > 0 && !slices.Contains(want, stand) {
			want = append(slices.Clip(want), stand)
		}
		rows, err = s.Records.Get(who, want)
		return err
	})
	return rows, want, err
}

func (o *unsealed) add(who identity.PersonID, v record.Version, row record.Row, key keeper.Secret) error {
	b := vault.Binding{Table: vault.Records, Person: who, Record: uint64(v.Number), Version: v.Version}
	plain, err := vault.OpenRecord(key, b, row.Sealed)
	if err != nil {
		return ErrAltered
	}
	content, err := record.ParseContent(plain)
	if err != nil {
		return ErrAltered
	}
	if v.Number == record.Standing && v.Version == o.standAt {
		o.stand, err = record.ParseStand(content.Body)
		return err
	}
	o.records = append(o.records, Record{Ref: record.RefOf(who, v.Number), Version: v.Version, Content: content})
	return nil
}
