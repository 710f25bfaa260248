package care

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/vault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// job is one person's write on its way.
type job struct {
	caller  Caller
	entry   *Entry
	done    *Done
	person  identity.PersonID // whose it is; of records set aside a number of their own
	against identity.PersonID // who is registered under the claim's NIK
	aside   record.Reason
	alias   map[string]string // what references to others of the Entry become
	known   func(name string) (record.Ref, identity.Tag)
	stand   *record.Stand // to be written, over version standAt of it
	standAt uint64
	voids   []record.Number // records to be withdrawn, for why
	voidAt  uint64          // the version at which the one of voids must stand; zero for any
	why     record.Reason
	back    []record.Source                            // names that are another record's again
	also    func(s store.Stores, version uint64) error // in the same transaction

	// of one attempt
	have   []record.Version
	before []record.Version // of the attempt that the keeper found rolled back
	lines  []line
	docs   []record.Document // sealed for this attempt
	write  record.Write
	over   bool
}

// line is one record to be written.
type line struct {
	number  record.Number
	content record.Content
	plain   []byte
	like    []leak.Likeness // of the documents in it
	trait   leak.Trait
	tells   bool
	told    status.Evidence
	source  string
	tag     identity.Tag
}

// plan says which records at which numbers the person's next version makes, over what
// they have. It fills in done.Placed, but for the version.
func (f *Flow) plan(ctx context.Context, j *job) error {
	j.lines, j.done.Placed = j.lines[:0], make([]Placed, len(j.entry.Items))
	names := maps.Clone(j.alias) // of items, to what references say
	if names == nil {
		names = map[string]string{}
	}
	next := record.Entered
	if n := len(j.have); n > 0 {
		next = max(next, j.have[n-1].Number+1)
	}
	for i := range j.entry.Items {
		it, p := &j.entry.Items[i], &j.done.Placed[i]
		n, known, err := j.place(it, &next)
		if err != nil {
			return err
		}
		p.Ref, p.Known = record.RefOf(j.person, n), known
		if known {
			p.Version = current(j.have, n)
		}
		for _, name := range it.Names {
			names[name] = it.typ() + "/" + p.Ref.String()
		}
		if it.Source != "" {
			names[it.Source] = it.typ() + "/" + p.Ref.String()
		}
	}
	for i := range j.entry.Items {
		if p := &j.done.Placed[i]; !p.Known {
			j.lines = append(j.lines, f.line(j, &j.entry.Items[i], p.Ref, names))
		}
	}
	if err := f.planOther(j); err != nil {
		return err
	}
	slices.SortFunc(j.lines, func(a, b line) int { return cmp.Compare(a.number, b.number) })
	return f.fit(ctx, j)
}

// place is the number of an item, and whether it is there already.
func (j *job) place(it *Item, next *record.Number) (record.Number, bool, error) {
	if it.Of != (record.Ref{}) {
		n := it.Of.Stored()
		switch current(j.have, n) {
		case 0:
			return 0, false, record.ErrNone
		case it.IfMatch:
			return n, false, nil
		}
		return 0, false, record.ErrVersion
	}
	if it.typ() == "Patient" { // what is registered is not overwritten by entering
		return record.Patient, current(j.have, record.Patient) != 0, nil
	}
	if it.Source != "" {
		if ref, _ := j.known(it.Source); ref.Person == j.person && current(j.have, ref.Stored()) != 0 {
			return ref.Stored(), true, nil
		}
	}
	n := *next
	*next++
	return n, false, nil
}

// line is an item as it will be sealed.
func (f *Flow) line(j *job, it *Item, ref record.Ref, names map[string]string) line {
	l := line{number: ref.Stored(), source: it.Source}
	l.content.Meta = it.Meta
	if r := it.Resource; r != nil {
		document := it.Meta.Document
		l.like = it.like
		l.content.Meta = record.Describe(r)
		l.content.Document = document
		l.content.Body = r.Store(func(target string) string {
			if to, ok := names[target]; ok {
				return to
			}
			if j.entry.Foreign {
				if to, _ := j.known(target); to.Person == j.person && to.Person != 0 {
					return typeOf(target) + "/" + to.String()
				}
			}
			return target
		})
		if l.tells = record.Tells(r.Type); l.tells {
			l.told = record.Evidence(r, ref)
		}
	}
	m := &l.content.Meta
	m.Facility, m.Author, m.Entered, m.Source = string(j.caller.Facility), string(j.caller.Actor), f.Now().UTC(), it.Source
	if it.Source != "" {
		_, l.tag = j.known(it.Source)
	}
	l.trait = record.TraitOf(it.Resource, m)
	return l
}

// planOther adds what a job writes besides items: how the person stands, and records
// that are withdrawn.
func (f *Flow) planOther(j *job) error {
	stamp := record.Meta{Facility: string(j.caller.Facility), Author: string(j.caller.Actor), Entered: f.Now().UTC()}
	if j.stand != nil {
		if current(j.have, record.Standing) != j.standAt {
			return record.ErrVersion
		}
		body, err := j.stand.Marshal()
		if err != nil {
			return err
		}
		j.lines = append(j.lines, line{number: record.Standing, content: record.Content{Meta: stamp, Body: body}})
	}
	for _, n := range j.voids {
		switch at := current(j.have, n); {
		case at == 0:
			return record.ErrNone
		case j.voidAt != 0 && j.voidAt != at:
			return record.ErrVersion
		}
		m := stamp
		m.Withdrawn = j.why
		j.lines = append(j.lines, line{number: n, content: record.Content{Meta: m}, tells: true})
	}
	return nil
}

// longRow is the length in bytes from which a record is kept as a document.
const longRow = 64 << 10

// knownRoom is what a record may still grow by, for the sum of what its documents are known
// by.
const knownRoom = 64

// fit writes each line as it is sealed, and moves what is too long for a row into a
// document.
func (f *Flow) fit(ctx context.Context, j *job) error {
	for i := range j.lines {
		l := &j.lines[i]
		var err error
		if l.plain, err = l.content.Marshal(); err != nil {
			return err
		}
		if len(l.plain) <= longRow || f.Long && len(l.plain) <= vault.MaxRecord-knownRoom {
			continue
		}
		if l.content.Document != nil {
			return ErrTooMuch // a resource beside a document is not itself one
		}
		d, err := f.Documents.Seal(ctx, j.person, l.content.Kind, reader(l.content.Body))
		if err != nil {
			return err
		}
		j.docs = append(j.docs, d)
		l.content.Document, l.content.Body = &d, nil
		if l.plain, err = l.content.Marshal(); err != nil {
			return err
		}
		if len(l.plain) > longRow {
			return ErrTooMuch
		}
	}
	return nil
}

// seal makes the rows under the keys of their version.
func (j *job) seal(e keeper.Entered) error {
	if len(e.Keys) != len(j.lines) {
		return keeper.ErrUnavailable
	}
	j.write = record.Write{Person: j.person, Last: last(j.have), Rows: make([]record.Row, len(j.lines)), Sources: slices.Clone(j.back)}
	for i := range j.lines {
		l := &j.lines[i]
		b := vault.Binding{Table: vault.Records, Person: j.person, Record: uint64(l.number), Version: e.Version}
		var known []byte
		if len(e.Known) == len(j.lines) && len(e.Known[i]) > 0 { // it lies open, and is checked against what is sealed
			known = e.Known[i]
			l.content.Known = record.KnownSum(known)
			var err error
			if l.plain, err = l.content.Marshal(); err != nil {
				return err
			}
		}
		sealed, err := vault.SealRecord(e.Keys[i], b, l.plain)
		if err != nil {
			return err
		}
		row := record.Row{Person: j.person, Number: l.number, Version: e.Version, Entered: l.content.Entered, Sealed: sealed, Known: known}
		if d := l.content.Document; d != nil {
			row.Blob, row.Size = d.Name, d.Sealed
		}
		j.write.Rows[i] = row
		if l.tells && j.aside == "" { // what is set aside is nobody's
			j.write.Follow = append(j.write.Follow, l.number)
		}
	}
	j.done.Version = e.Version
	return nil
}

// finish says what was written.
func (f *Flow) finish(j *job) {
	j.over, j.docs = true, nil
	j.done.Person = j.person
	if j.aside != "" {
		j.done.Aside, j.done.Reason, j.done.Person = j.person, j.aside, 0
	}
	for i := range j.done.Placed {
		if p := &j.done.Placed[i]; !p.Known {
			p.Version = j.done.Version
		}
	}
	for _, l := range j.lines {
		if l.tells && j.aside == "" {
			f.told.keep(j.person, record.Version{Number: l.number, Version: j.done.Version}, l.told)
		}
	}
}

func (f *Flow) fail(ctx context.Context, j *job, err error) {
	j.over = true
	*j.done = Done{Err: err}
	f.forget(ctx, j)
}

// forget drops the documents of an attempt that came to nothing.
func (f *Flow) forget(ctx context.Context, j *job) {
	for _, d := range j.docs {
		f.drop(ctx, d)
	}
	j.docs = nil
}
