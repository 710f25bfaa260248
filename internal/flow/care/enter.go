package care

import (
	"context"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/format/fhir"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Entry is what is entered of one person at once: whole or not at all.
type Entry struct {
	// Person is whose the records are; zero when Claim says it, and then NIK, name and
	// birth date must agree with who is registered.
	Person identity.PersonID
	Claim  *record.Claim
	Items  []Item
	// Foreign: references are names of the caller's own system, such as Encounter/12,
	// and are looked up among the Sources that it has entered before.
	Foreign bool

	waits identity.PersonID // the number that it has when it does not match; zero for a new one
}

// Item is one record of an Entry: a resource, or a document alone.
type Item struct {
	Resource *fhir.Resource
	Meta     record.Meta // of a document alone; of a resource it is read from that
	// Names are what others in the Entry call this one: urn:uuid:… of its fullUrl.
	Names []string
	// Source is what the facility's system calls it, such as Encounter/12; "" for
	// nothing. What was entered before from there is not entered again.
	Source string
	// Of, where set, is the record that this one corrects, which must stand at version
	// IfMatch.
	Of      record.Ref
	IfMatch uint64

	like []leak.Likeness // of the documents that stand in Resource
}

func (i *Item) right() staff.Rights {
	if i.Of != (record.Ref{}) {
		return staff.Correct
	}
	return staff.Enter
}

// name is the resource's type, as references have it.
func (i *Item) typ() string {
	if i.Resource != nil {
		return i.Resource.Type
	}
	return i.Meta.Type
}

// Done is what became of an Entry.
type Done struct {
	Err     error // why nothing of it was entered
	Person  identity.PersonID
	Version uint64
	Placed  []Placed // in the order of Items
	// Aside is the number under which the records wait that did not match, for Reason.
	Aside  identity.PersonID
	Reason record.Reason
}

// Placed is where an item is.
type Placed struct {
	Ref     record.Ref
	Version uint64
	Known   bool // it was entered before, from the same source; nothing was written
}

// Enter enters records of many people. The error is of all of them; what concerns one
// person is in its Done.
func (f *Flow) Enter(ctx context.Context, c Caller, entries []Entry) ([]Done, error) {
	done := make([]Done, len(entries))
	jobs := make([]*job, 0, len(entries))
	for i := range entries {
		if done[i].Err = f.may(c, &entries[i]); done[i].Err == nil {
			done[i].Err = f.attachments(&entries[i])
		}
		if done[i].Err == nil {
			jobs = append(jobs, &job{caller: c, entry: &entries[i], done: &done[i]})
		}
	}
	if err := f.find(ctx, c, jobs); err != nil {
		return nil, err
	}
	if err := f.sources(ctx, c, jobs); err != nil {
		return nil, err
	}
	return done, f.write(ctx, jobs)
}

func (f *Flow) may(c Caller, e *Entry) error {
	switch {
	case len(e.Items) == 0:
		return ErrEmpty
	case len(e.Items) > MaxItems:
		return ErrTooMuch
	case e.Person == 0 && e.Claim == nil:
		return record.ErrClaim
	}
	of := map[record.Number]bool{}
	for i := range e.Items {
		it := &e.Items[i]
		if err := c.Rights.Need(it.right()); err != nil {
			return err
		}
		if it.Of == (record.Ref{}) {
			continue
		}
		n := it.Of.Stored()
		switch {
		case it.Of.Person != e.Person || !it.Of.Names():
			return record.ErrNone
		case (n == record.Patient) != (it.typ() == "Patient"):
			return record.ErrType
		case of[n]:
			return ErrTwice
		}
		of[n] = true
	}
	return nil
}

// attachments looks into the documents that stand in an entry's resources, and what they
// are known again by.
func (f *Flow) attachments(e *Entry) error {
	for i := range e.Items {
		if r := e.Items[i].Resource; r != nil {
			if err := record.CheckAttachments(r); err != nil {
				return err
			}
			e.Items[i].like = f.alike(r)
		}
	}
	return nil
}

// Correct enters a new version of a record; the old one stays. ErrVersion unless the
// record stands at ifMatch.
func (f *Flow) Correct(ctx context.Context, c Caller, ref record.Ref, ifMatch uint64, r *fhir.Resource) (Placed, error) {
	done, err := f.Enter(ctx, c, []Entry{{Person: ref.Person, Items: []Item{{Resource: r, Of: ref, IfMatch: ifMatch}}}})
	if err == nil {
		err = done[0].Err
	}
	if err != nil {
		return Placed{}, err
	}
	return done[0].Placed[0], nil
}

// Bundle makes an Entry of a transaction bundle of one person: its POSTs are entered,
// its PUTs of our own numbers corrected. person may be zero: then the bundle's Patient
// is the claim.
func Bundle(b *fhir.Resource, person identity.PersonID) (Entry, error) {
	return BundleBy(b, person, record.ClaimOf)
}

// BundleBy is Bundle with another way of reading who its Patient is.
func BundleBy(b *fhir.Resource, person identity.PersonID, claimOf func(*fhir.Resource) (record.Claim, error)) (Entry, error) {
	e := Entry{Person: person}
	for i := range b.Entries {
		in := &b.Entries[i]
		if in.Resource == nil {
			return e, ErrEntry
		}
		item := Item{Resource: in.Resource}
		if in.FullURL != "" {
			item.Names = []string{in.FullURL}
		}
		switch in.Method {
		case "POST":
		case "PUT":
			_, id, _ := strings.Cut(in.URL, "/")
			ref, err := record.ParseRef(id)
			if err != nil {
				return e, err
			}
			item.Of = ref
			if e.Person == 0 {
				e.Person = ref.Person
			}
		default:
			return e, ErrEntry
		}
		if in.Resource.Type == "Patient" && item.Of == (record.Ref{}) {
			if e.Claim != nil {
				return e, ErrPatients
			}
			claim, err := claimOf(in.Resource)
			if err != nil && person == 0 {
				return e, err
			}
			if err == nil {
				e.Claim = &claim
			}
		}
		e.Items = append(e.Items, item)
	}
	if e.Claim == nil && e.Person == 0 {
		return e, ErrPatients
	}
	return e, nil
}

// Resumable makes what has been entered of e before known by the names that its items
// have in e. For imports: their names are the same the second time, and nobody else's.
// A request's may be the same in every request.
func (e *Entry) Resumable() {
	for i := range e.Items {
		if it := &e.Items[i]; it.Source == "" && len(it.Names) > 0 && it.Of == (record.Ref{}) {
			it.Source = it.Names[0]
		}
	}
}

// sources finds what the caller's system has entered before, and what its references
// point to.
func (f *Flow) sources(ctx context.Context, c Caller, jobs []*job) error {
	var names []string
	at := map[string]int{}
	want := func(name string) {
		if _, known := at[name]; !known && name != "" {
			at[name] = len(names)
			names = append(names, name)
		}
	}
	for _, j := range jobs {
		if j.done.Err != nil {
			continue
		}
		for i := range j.entry.Items {
			it := &j.entry.Items[i]
			want(it.Source)
			if it.Resource == nil || !j.entry.Foreign {
				continue
			}
			for _, r := range it.Resource.References {
				if foreign(r.Target) {
					want(r.Target)
				}
			}
		}
	}
	known, tags, err := f.known(ctx, c.Facility, names)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		j.known = func(name string) (record.Ref, identity.Tag) {
			i, asked := at[name]
			if !asked {
				return record.Ref{}, identity.Tag{}
			}
			return known[i], tags[i]
		}
	}
	return nil
}

// foreign reports whether a reference could be a name of another system's.
func foreign(target string) bool {
	typ, id, ok := strings.Cut(target, "/")
	if !ok || typ == "" || strings.Contains(id, "/") || strings.HasPrefix(target, "#") {
		return false
	}
	return true
}

// Sources returns what a facility's names of records stand for; the zero Ref for what
// it has not entered.
func (f *Flow) Sources(ctx context.Context, facility staff.FacilityID, names []string) ([]record.Ref, error) {
	refs, _, err := f.known(ctx, facility, names)
	return refs, err
}

// known looks names up, and believes what is found only when its check agrees: a row
// that was pointed to another record would bring somebody else's records there.
func (f *Flow) known(ctx context.Context, facility staff.FacilityID, names []string) ([]record.Ref, []identity.Tag, error) {
	refs := make([]record.Ref, len(names))
	if len(names) == 0 {
		return refs, nil, nil
	}
	tags, err := f.index(ctx, len(names), func(i int) string { return sourceName(facility, names[i]) })
	if err != nil {
		return nil, nil, err
	}
	var found []record.Source
	if err := f.DB.View(ctx, func(s store.Stores) (err error) {
		found, err = s.Records.Sources(tags)
		return err
	}); err != nil {
		return nil, nil, err
	}
	var hits []int
	for i, s := range found {
		if s.Ref.Person != 0 {
			hits = append(hits, i)
		}
	}
	checks, err := f.index(ctx, len(hits), func(n int) string { return checkName(facility, names[hits[n]], found[hits[n]].Ref) })
	if err != nil {
		return nil, nil, err
	}
	for n, i := range hits {
		if checks[n] != found[i].Check {
			return nil, nil, ErrAltered
		}
		refs[i] = found[i].Ref
	}
	return refs, tags, nil
}

func sourceName(facility staff.FacilityID, name string) string {
	return record.SourceName(string(facility), name)
}

func checkName(facility staff.FacilityID, name string, r record.Ref) string {
	return record.CheckName(string(facility), name, r)
}

func (f *Flow) index(ctx context.Context, n int, value func(i int) string) ([]identity.Tag, error) {
	if n == 0 {
		return nil, nil
	}
	out := make([]identity.Tag, 0, n)
	for len(out) < n {
		some := min(n-len(out), keeper.MaxBulk)
		values := make([][]byte, some)
		for i := range values {
			values[i] = []byte(value(len(out) + i))
		}
		tags, err := f.Keeper.Index(ctx, keeper.KindSource, values)
		if err != nil {
			return nil, err
		}
		out = append(out, tags...)
	}
	return out, nil
}
