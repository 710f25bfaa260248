// Package intake is the flow by which a facility's health records come in by the
// thousand: lines of files, each a resource or a transaction bundle, become what is
// entered of each person.
//
// What a file calls its resources is kept as their source, so that a file taken twice,
// or from where an import was interrupted, enters nothing twice. One line that cannot be
// taken keeps no other from being taken, but what it stands with in one bundle.
package intake

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/evidence"
	"github.com/amanah-project/amanah/internal/format/fhir"
)

// Reasons for which a line is refused; none repeats a value.
var (
	ErrNobody  = fault.New(fault.Invalid, "the resource is of nobody: it needs a subject or patient that refers to a Patient of this facility's")
	ErrUnknown = fault.New(fault.NotFound, "the Patient that it is of has not been taken: import the file of patients first, or mend its line")
	ErrBundle  = fault.New(fault.Invalid, "a bundle is taken when it is a transaction, a batch or a collection of one person")
)

// Line is one resource of a file.
type Line struct {
	Number int64 // from 1
	Raw    []byte
	Err    error // why it could not be read; it is refused
}

// Refusal is one line that was not taken.
type Refusal struct {
	Line   int64
	Reason error // fit for outsiders
}

// Tally is what became of lines.
type Tally struct {
	Entered  int // resources
	Known    int // resources that had been entered before
	Aside    int // resources that wait in quarantine, because NIK, name and birth date do not agree
	Out      int // resources that are no patient's, such as organizations: left out
	People   int // registered by this import
	Refusals []Refusal
}

// Registrar registers people who may be registered already.
type Registrar interface {
	People(ctx context.Context, batch []evidence.Newcomer, p identity.Progress) (evidence.Tally, error)
}

// Flow takes lines of one facility's.
type Flow struct {
	Care   *care.Flow
	Caller care.Caller
	// People, where set, registers patients who are not registered; otherwise their
	// records are refused.
	People Registrar
	// NIKs are of patients whose resources have none, by what the facility calls them:
	// the id of the resource, or the value of one of its identifiers.
	NIKs map[string]identity.NIK
}

// item is a line on its way.
type item struct {
	Line
	r     *fhir.Resource
	err   error
	entry care.Entry // of a bundle or a patient
}

// Take takes lines of a file of that fingerprint: bundles and patients first, then what
// is of those patients. The error is of all of them, and then any of them may have been
// taken; to take them again does no harm.
func (f *Flow) Take(ctx context.Context, file string, lines []Line) (Tally, error) {
	var t Tally
	items := f.read(file, lines)
	var first []*item
	for i := range items {
		if it := &items[i]; it.err == nil && len(it.entry.Items) > 0 {
			first = append(first, it)
		}
	}
	if err := f.register(ctx, &t, first); err != nil {
		return t, err
	}
	first = slices.DeleteFunc(first, func(it *item) bool { return it.err != nil })
	entries := make([]care.Entry, len(first))
	for i, it := range first {
		entries[i] = it.entry
	}
	done, err := f.enter(ctx, &t, entries)
	if err != nil {
		return t, err
	}
	for i, d := range done {
		first[i].err = d.Err
	}
	if err := f.others(ctx, &t, items, file); err != nil {
		return t, err
	}
	for i := range items {
		if items[i].err != nil {
			t.Refusals = append(t.Refusals, Refusal{items[i].Number, items[i].err})
		}
	}
	return t, nil
}

// read reads the lines, on as many processors as there are: it is most of the work.
func (f *Flow) read(file string, lines []Line) []item {
	items := make([]item, len(lines))
	var wait sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wait.Go(func() {
			for i := w; i < len(lines); i += workers {
				items[i] = f.one(file, lines[i])
			}
		})
	}
	wait.Wait()
	return items
}

func (f *Flow) one(file string, l Line) item {
	it := item{Line: l, err: l.Err}
	if it.err != nil {
		return it
	}
	if it.r, it.err = f.Care.Reader.Read(l.Raw); it.err != nil {
		return it
	}
	switch it.r.Type {
	case "Bundle":
		it.entry, it.err = f.bundle(it.r)
	case "Patient":
		var claim record.Claim
		if claim, it.err = f.claim(it.r); it.err == nil {
			it.entry = care.Entry{Claim: &claim, Foreign: true, Items: []care.Item{{Resource: it.r, Source: source(it.r)}}}
		}
	}
	it.entry.Resumable()
	for i := range it.entry.Items {
		if one := &it.entry.Items[i]; one.Source == "" && one.Of == (record.Ref{}) {
			one.Source = nameless(file, l.Number, i)
		}
	}
	return it
}

// nameless is the source of what has no name in its file: where it stands in that file.
func nameless(file string, line int64, i int) string {
	return fmt.Sprintf("%s line %d entry %d", file, line, i)
}

func source(r *fhir.Resource) string {
	if r.ID == "" {
		return ""
	}
	return r.Type + "/" + r.ID
}

// bundle makes an Entry of a bundle. One that is no transaction asks for nothing: all of
// it is to be entered.
func (f *Flow) bundle(b *fhir.Resource) (care.Entry, error) {
	switch b.Kind {
	case "transaction", "batch":
	case "collection", "document", "searchset":
		for i := range b.Entries {
			b.Entries[i].Method = "POST"
		}
	default:
		return care.Entry{}, ErrBundle
	}
	return care.BundleBy(b, 0, f.claim)
}

// claim is who a Patient is, by the facility's own numbers where it has no NIK.
func (f *Flow) claim(patient *fhir.Resource) (record.Claim, error) {
	c, err := record.ClaimOf(patient)
	if err == nil || len(f.NIKs) == 0 {
		return c, err
	}
	nik, ok := f.NIKs[patient.ID]
	for id := range patient.Get("identifier").Each() {
		if !ok {
			nik, ok = f.NIKs[id.Get("value").Text()]
		}
	}
	if !ok {
		return c, err
	}
	return record.ClaimAs(patient, nik)
}

// register registers whom the claims name.
func (f *Flow) register(ctx context.Context, t *Tally, items []*item) error {
	if f.People == nil {
		return nil
	}
	var batch []evidence.Newcomer
	for i, it := range items {
		if it.entry.Claim == nil {
			continue
		}
		p, err := it.entry.Claim.Registration(day.Of(f.Care.Now()))
		if err != nil {
			continue // refused where it is entered, unless they are registered
		}
		batch = append(batch, evidence.Newcomer{Line: int64(i), Person: p})
	}
	for len(batch) > 0 {
		n := min(len(batch), evidence.MaxBatch)
		got, err := f.People.People(ctx, batch[:n], identity.Progress{Source: "patients of health records"})
		if err != nil {
			return err
		}
		t.People += got.Added
		for _, r := range got.Refusals {
			items[r.Line].err = r.Reason
		}
		batch = batch[n:]
	}
	return nil
}

func (f *Flow) enter(ctx context.Context, t *Tally, entries []care.Entry) ([]care.Done, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	done, err := f.Care.Enter(ctx, f.Caller, entries)
	for _, d := range done {
		switch {
		case d.Err != nil:
		case d.Aside != 0:
			t.Aside += len(d.Placed)
		default:
			for _, p := range d.Placed {
				if p.Known {
					t.Known++
				} else {
					t.Entered++
				}
			}
		}
	}
	return done, err
}

// others enters what is neither bundle nor patient, each patient's together.
func (f *Flow) others(ctx context.Context, t *Tally, items []item, file string) error {
	var names []string
	of := map[string][]*item{}
	first := map[string]*item{} // by source
	again := map[*item]*item{}  // the same source's later lines, to its first
	for i := range items {
		it := &items[i]
		if it.err != nil || len(it.entry.Items) > 0 {
			continue
		}
		if record.Directory(it.r) {
			t.Out++
			continue
		}
		if name := source(it.r); first[name] != nil {
			again[it] = first[name]
			continue
		} else if name != "" {
			first[name] = it
		}
		name := record.SubjectName(it.r)
		if name == "" {
			it.err = ErrNobody
			continue
		}
		if of[name] == nil {
			names = append(names, name)
		}
		of[name] = append(of[name], it)
	}
	refs, err := f.Care.Sources(ctx, f.Caller.Facility, names)
	if err != nil {
		return err
	}
	var entries []care.Entry
	var whose [][]*item
	for i, name := range names {
		if refs[i].Person == 0 {
			for _, it := range of[name] {
				it.err = ErrUnknown
			}
			continue
		}
		for group := of[name]; len(group) > 0; {
			n := min(len(group), care.MaxItems)
			entries, whose = append(entries, f.entry(file, refs[i].Person, group[:n])), append(whose, group[:n])
			group = group[n:]
		}
	}
	done, err := f.enter(ctx, t, entries)
	if err != nil {
		return err
	}
	for i, d := range done {
		if err := f.apart(ctx, t, file, entries[i].Person, whose[i], d.Err); err != nil {
			return err
		}
	}
	for it, before := range again { // as if it had come in the next batch
		if it.err = before.err; it.err == nil {
			t.Known++
		}
	}
	return nil
}

// apart enters a person's resources one by one when one of them kept all from being
// entered, so that each is refused for what it is itself.
func (f *Flow) apart(ctx context.Context, t *Tally, file string, who identity.PersonID, group []*item, why error) error {
	if len(group) == 1 || fault.KindOf(why) != fault.Invalid {
		for _, it := range group {
			it.err = why
		}
		return nil
	}
	for i, it := range group {
		done, err := f.enter(ctx, t, []care.Entry{f.entry(file, who, group[i:i+1])})
		if err != nil {
			return err
		}
		it.err = done[0].Err
	}
	return nil
}

func (f *Flow) entry(file string, who identity.PersonID, group []*item) care.Entry {
	e := care.Entry{Person: who, Foreign: true}
	for _, it := range group {
		one := care.Item{Resource: it.r, Source: source(it.r)}
		if one.Source == "" {
			one.Source = nameless(file, it.Number, 0)
		}
		e.Items = append(e.Items, one)
	}
	return e
}
