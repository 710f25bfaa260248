package care

import (
	"context"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/vault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Find returns who is registered under a NIK, and nothing else of them;
// record.ErrNobody. The keeper meters it.
func (f *Flow) Find(ctx context.Context, nik identity.NIK) (record.Ref, error) {
	found, err := f.byNIK(ctx, []identity.NIK{nik})
	if err != nil {
		return record.Ref{}, err
	}
	if found[0] == 0 {
		return record.Ref{}, record.ErrNobody
	}
	return record.Ref{Person: found[0]}, nil
}

func (f *Flow) byNIK(ctx context.Context, niks []identity.NIK) ([]identity.PersonID, error) {
	values := make([][]byte, len(niks))
	for i, n := range niks {
		values[i] = []byte(n.Reveal())
	}
	tags, err := f.Keeper.Index(ctx, keeper.KindNIK, values)
	if err != nil {
		return nil, err
	}
	var found []identity.PersonID
	err = f.DB.View(ctx, func(s store.Stores) (err error) {
		found, err = s.People.ByNIK(tags)
		return err
	})
	return found, err
}

// Match says whose a claim is: their number and no reason when all agrees, a reason
// when it does not; record.ErrNobody. For documents, which are sealed to somebody
// before they are entered.
func (f *Flow) Match(ctx context.Context, c record.Claim) (identity.PersonID, record.Reason, error) {
	var d Done
	j := &job{entry: &Entry{Claim: &c}, done: &d}
	if err := f.find(ctx, Caller{}, []*job{j}); err != nil {
		return 0, "", err
	}
	return j.against, j.aside, d.Err
}

// find says whose each entry is, and which do not match.
func (f *Flow) find(ctx context.Context, c Caller, jobs []*job) error {
	var claims []*job
	var niks []identity.NIK
	for _, j := range jobs {
		j.person = j.entry.Person
		if j.entry.Person == 0 {
			claims, niks = append(claims, j), append(niks, j.entry.Claim.NIK)
		} else if j.entry.Claim != nil {
			claims, niks = append(claims, j), append(niks, j.entry.Claim.NIK) // both must be the same
		}
	}
	if len(claims) == 0 {
		return nil
	}
	found, err := f.byNIK(ctx, niks)
	if err != nil {
		return err
	}
	var there []*job
	for i, j := range claims {
		switch {
		case found[i] == 0:
			j.done.Err = f.newcomer(ctx, j)
		case j.person != 0 && j.person != found[i]:
			j.done.Err = record.ErrNobody // that NIK is another's: nothing is said of whom
		default:
			j.against = found[i]
			there = append(there, j)
		}
	}
	return f.match(ctx, there)
}

func (f *Flow) newcomer(ctx context.Context, j *job) error {
	if f.Newcomer == nil || j.person != 0 {
		return record.ErrNobody
	}
	p, err := j.entry.Claim.Registration(day.Of(f.Now()))
	if err != nil {
		return err
	}
	j.person, err = f.Newcomer(ctx, p)
	j.against = j.person
	return err
}

// match opens the registered attributes of who is claimed and holds the claim against
// them. It is the platform's own look, in the journal as such: the caller learns
// whether all agrees, and nothing of what is registered.
func (f *Flow) match(ctx context.Context, jobs []*job) error {
	if len(jobs) == 0 {
		return nil
	}
	ids := make([]identity.PersonID, len(jobs))
	for i, j := range jobs {
		ids[i] = j.against
	}
	people, err := f.people(ctx, ids)
	if err != nil {
		return err
	}
	for i, j := range jobs {
		switch {
		case people[i].err != nil:
			j.done.Err = people[i].err
		default:
			if j.aside = record.Match(people[i].Person, *j.entry.Claim); j.aside == "" {
				j.person = j.against
			}
		}
	}
	return nil
}

type registered struct {
	identity.Person
	err error
}

func (f *Flow) people(ctx context.Context, ids []identity.PersonID) ([]registered, error) {
	var rows []identity.Stored
	reads := make([]keeper.Read, len(ids))
	err := f.DB.View(ctx, func(s store.Stores) error {
		var err error
		if rows, err = s.People.Get(ids); err != nil {
			return err
		}
		evidence, err := s.Status.Evidence(ids)
		if err != nil {
			return err
		}
		for i := range ids {
			person := keeper.Version{Record: keeper.RecordPerson, Version: rows[i].Version}
			reads[i] = keeper.Read{Person: ids[i], Have: []keeper.Version{person}, Want: []keeper.Version{person}}
			if evidence[i].Version > 0 {
				reads[i].Have = append(reads[i].Have, keeper.Version{Record: keeper.RecordEvidence, Version: evidence[i].Version})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	_, opened, err := f.Keeper.Read(ctx, f.intent("match"), reads)
	if err != nil {
		return nil, err
	}
	if len(opened) != len(reads) {
		return nil, keeper.ErrUnavailable
	}
	out := make([]registered, len(ids))
	for i, o := range opened {
		if out[i].err = o.Err; o.Err != nil {
			continue
		}
		b := vault.Binding{Table: vault.People, Person: ids[i], Record: uint64(keeper.RecordPerson), Version: rows[i].Version}
		plain, err := vault.OpenRecord(o.Keys[0], b, rows[i].Sealed)
		if err == nil {
			out[i].Person, err = identity.OpenPerson(plain)
		}
		if err != nil {
			out[i].err = ErrAltered
		}
	}
	return out, nil
}
