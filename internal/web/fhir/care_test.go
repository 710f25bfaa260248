package fhir

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/keeper"
)

// ward keeps records in memory as flow/care does: versions for ever, references to what
// was made, and nothing opened without a proof that was not taken before.
type ward struct {
	mu      sync.Mutex
	now     func() time.Time
	niks    map[string]identity.PersonID
	records map[record.Ref][]care.Record
	next    map[identity.PersonID]record.Number
	version map[identity.PersonID]uint64
	taken   map[string]bool // proofs
	asked   int             // opens
}

func newWard(now func() time.Time) *ward {
	return &ward{
		now: now, niks: map[string]identity.PersonID{}, records: map[record.Ref][]care.Record{},
		next: map[identity.PersonID]record.Number{}, version: map[identity.PersonID]uint64{}, taken: map[string]bool{},
	}
}

// Enter implements Care.
func (w *ward) Enter(_ context.Context, _ care.Caller, entries []care.Entry) ([]care.Done, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	done := make([]care.Done, len(entries))
	for i, e := range entries {
		done[i] = w.enter(e)
	}
	return done, nil
}

func (w *ward) enter(e care.Entry) (d care.Done) {
	d.Placed = make([]care.Placed, len(e.Items))
	if e.Claim != nil {
		who := w.niks[e.Claim.NIK.Reveal()]
		switch {
		case who == 0:
			return care.Done{Err: record.ErrNobody}
		case e.Claim.Names[0].Reveal() == "Nama Lain":
			d.Aside, d.Reason = 7, record.ReasonName
			return d
		}
		e.Person = who
	}
	if !slices.Contains(w.people(), e.Person) {
		return care.Done{Err: record.ErrNobody}
	}
	d.Person, d.Version = e.Person, w.version[e.Person]+1
	names := map[string]string{}
	for i, it := range e.Items {
		p := &d.Placed[i]
		p.Version = d.Version
		switch now := w.records[it.Of]; {
		case it.Of != (record.Ref{}) && len(now) == 0:
			return care.Done{Err: record.ErrNone}
		case it.Of != (record.Ref{}) && now[len(now)-1].Version != it.IfMatch:
			return care.Done{Err: record.ErrVersion}
		case it.Of != (record.Ref{}):
			p.Ref = it.Of
		case it.Resource.Type == "Patient":
			p.Ref = record.Ref{Person: e.Person}
			if now := w.records[p.Ref]; len(now) > 0 {
				p.Known, p.Version = true, now[len(now)-1].Version
			}
		default:
			w.next[e.Person] = max(w.next[e.Person]+1, record.Entered)
			p.Ref = record.Ref{Person: e.Person, Number: w.next[e.Person]}
		}
		for _, name := range it.Names {
			names[name] = it.Resource.Type + "/" + p.Ref.String()
		}
	}
	for i, it := range e.Items {
		if p := d.Placed[i]; !p.Known {
			c := record.Content{Meta: record.Describe(it.Resource)}
			c.Entered = w.now()
			c.Body = it.Resource.Store(func(target string) string {
				if to, ok := names[target]; ok {
					return to
				}
				return target
			})
			w.records[p.Ref] = append(w.records[p.Ref], care.Record{Ref: p.Ref, Version: d.Version, Content: c})
			w.version[e.Person] = d.Version
		}
	}
	return d
}

func (w *ward) people() (all []identity.PersonID) {
	for _, id := range w.niks {
		all = append(all, id)
	}
	return all
}

// opens is what the keeper does with a proof.
func (w *ward) opens(by care.Caller, who identity.PersonID) error {
	w.asked++
	if by.Ask.Proof == "" || w.taken[by.Ask.Proof] {
		return keeper.ErrActor
	}
	w.taken[by.Ask.Proof] = true
	if who == 666 && !by.Emergency {
		return keeper.ErrBudget
	}
	return nil
}

// Open implements Care.
func (w *ward) Open(_ context.Context, by care.Caller, of record.Ref, version uint64) (care.Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.opens(by, of.Person); err != nil {
		return care.Record{}, err
	}
	all := w.records[of]
	for _, v := range all {
		if v.Version == version {
			return v, nil
		}
	}
	if version != 0 || len(all) == 0 {
		return care.Record{}, record.ErrNone
	}
	return all[len(all)-1], nil
}

// History implements Care.
func (w *ward) History(_ context.Context, by care.Caller, of record.Ref) ([]care.Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.opens(by, of.Person); err != nil {
		return nil, err
	}
	all := slices.Clone(w.records[of])
	slices.Reverse(all)
	return all, nil
}

// Compartment implements Care.
func (w *ward) Compartment(_ context.Context, by care.Caller, who identity.PersonID, filter record.Filter) ([]care.Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.opens(by, who); err != nil {
		return nil, err
	}
	var out []care.Record
	for of, all := range w.records {
		if v := all[len(all)-1]; of.Person == who && filter.Holds(&v.Meta) {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b care.Record) int { return int(int64(a.Ref.Number) - int64(b.Ref.Number)) })
	return out, nil
}

// Find implements Care.
func (w *ward) Find(_ context.Context, nik identity.NIK) (record.Ref, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if who := w.niks[nik.Reveal()]; who != 0 {
		return record.Ref{Person: who}, nil
	}
	return record.Ref{}, record.ErrNobody
}

// immunization is a dose of a person's.
func immunization(who string, on string) string {
	return fmt.Sprintf(`{"resourceType":"Immunization","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"208"}]},"patient":{"reference":"Patient/%s"},"occurrenceDateTime":%q,"doseQuantity":{"value":0.30}}`, who, on)
}
