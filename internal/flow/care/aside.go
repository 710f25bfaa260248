package care

import (
	"context"
	"io"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// setAside gives records that did not match a number of their own, under which they are
// sealed and wait. Whoever enters the same batch again is told the number it has.
func (f *Flow) setAside(ctx context.Context, jobs []*job) error {
	var fresh []*job
	for _, j := range jobs {
		if j.aside == "" || j.done.Err != nil || j.over {
			continue
		}
		waits, err := f.waits(ctx, j)
		if err != nil {
			return err
		}
		if !waits {
			fresh = append(fresh, j)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	need := 0
	for _, j := range fresh {
		if j.person = j.entry.waits; j.person == 0 {
			need++
		}
	}
	var numbers []keeper.Registered
	if need > 0 {
		var err error
		if numbers, err = f.Keeper.Register(ctx, need); err != nil {
			return err
		}
	}
	for _, j := range fresh {
		if j.person == 0 {
			j.person, numbers = numbers[0].ID, numbers[1:]
		}
		c, at := j.entry.Claim, f.Now().UTC()
		claim := &record.StoredClaim{NIK: c.NIK.Reveal(), Birth: c.Birth.String(), Against: j.against, Reason: j.aside}
		for _, n := range c.Names {
			claim.Names = append(claim.Names, n.Reveal())
		}
		j.stand = &record.Stand{Claim: claim}
		step := record.Step{To: record.Waiting, Against: j.against, By: string(j.caller.Actor), Why: j.aside, At: at}
		j.also = func(s store.Stores, _ uint64) error {
			return s.Aside.Set(record.Aside{ID: j.person, Arrived: at, Reason: j.aside, State: record.Waiting, Steps: []record.Step{step}})
		}
	}
	return nil
}

// waits reports whether a job's records were set aside before, and tells the job.
func (f *Flow) waits(ctx context.Context, j *job) (bool, error) {
	it := &j.entry.Items[0]
	if it.Source == "" {
		return false, nil
	}
	ref, _ := j.known(it.Source)
	if ref.Person == 0 || ref.Person == j.against {
		return false, nil
	}
	found := false
	err := f.DB.View(ctx, func(s store.Stores) error {
		all, err := s.Aside.Walk(ref.Person-1, 1, 0)
		found = err == nil && len(all) == 1 && all[0].ID == ref.Person
		return err
	})
	if found {
		j.done.Aside, j.done.Reason, j.over = ref.Person, j.aside, true
	}
	return found, err
}

// Aside lists what was set aside after a number: what waits, or all.
func (f *Flow) Aside(ctx context.Context, c Caller, after identity.PersonID, n int, all bool) (out []record.Aside, err error) {
	if err := settles(c); err != nil {
		return nil, err
	}
	only := record.Waiting
	if all {
		only = 0
	}
	err = f.DB.View(ctx, func(s store.Stores) (err error) {
		out, err = s.Aside.Walk(after, n, only)
		return err
	})
	return out, err
}

// settles says who deals with what was set aside: who corrects records, or the office.
func settles(c Caller) error {
	if c.Role == staff.RoleOfficer {
		return nil
	}
	return c.Rights.Need(staff.Correct)
}

// ShowAside opens what was set aside: the claim, and the records. As with anybody's
// records the caller's signed request names the number, as Patient/ID.
func (f *Flow) ShowAside(ctx context.Context, c Caller, id identity.PersonID) (record.Aside, record.StoredClaim, []Record, error) {
	if err := c.Rights.Need(staff.View); err != nil {
		return record.Aside{}, record.StoredClaim{}, nil, err
	}
	a, o, err := f.asideOf(ctx, c, id, c.ask(f, nil))
	if err != nil {
		return a, record.StoredClaim{}, nil, err
	}
	return a, *o.stand.Claim, o.records, f.fill(ctx, o.records)
}

func (f *Flow) asideOf(ctx context.Context, c Caller, id identity.PersonID, ask asker) (a record.Aside, o unsealed, err error) {
	if err := settles(c); err != nil {
		return a, o, err
	}
	if a, err = f.aside(ctx, id); err != nil {
		return a, o, err
	}
	o, err = f.unseal(ctx, id, everything, ask)
	if err == nil && o.stand.Claim == nil {
		err = ErrAltered
	}
	return a, o, err
}

func (f *Flow) aside(ctx context.Context, id identity.PersonID) (a record.Aside, err error) {
	err = f.DB.View(ctx, func(s store.Stores) (err error) {
		a, err = s.Aside.Get(id)
		return err
	})
	return a, err
}

// Attach enters what waits as records of a person, and shows nothing of it. What was
// set aside stays as it is, and Undo takes the attachment back. A Patient among it is not
// entered: it contradicts who is registered.
func (f *Flow) Attach(ctx context.Context, c Caller, id, to identity.PersonID, why record.Reason) (Done, error) {
	if _, err := record.ParseReason(string(why)); err != nil {
		return Done{}, err
	}
	a, o, err := f.asideOf(ctx, c, id, f.platform("attach", c.Actor))
	if err != nil {
		return Done{}, err
	}
	if a.State != record.Waiting {
		return Done{}, record.ErrSettled
	}
	if known, err := f.Known(ctx, to); err != nil || !known {
		if err == nil {
			err = record.ErrNobody
		}
		return Done{}, err
	}
	var done Done
	e := &Entry{Person: to}
	j := &job{caller: c, entry: e, done: &done, person: to, alias: map[string]string{
		"Patient/" + record.RefOf(id, record.Patient).String(): "Patient/" + record.RefOf(to, record.Patient).String(),
	}}
	for i := range o.records {
		if j.caller.Facility = staff.FacilityID(o.records[i].Facility); o.records[i].Type == "Patient" { // whose records they are, and whose names they have
			continue
		}
		it, err := f.again(ctx, id, to, &o.records[i])
		if err != nil {
			return Done{}, err
		}
		e.Items = append(e.Items, it)
	}
	j.also = f.step(id, record.Waiting, record.Step{To: record.Attached, Against: to, By: string(c.Actor), Why: why})
	if err := f.sources(ctx, j.caller, []*job{j}); err != nil {
		return Done{}, err
	}
	if err := f.write(ctx, []*job{j}); err != nil {
		return Done{}, err
	}
	return done, done.Err
}

// step is the step of a case in the transaction that writes the records it is about.
func (f *Flow) step(id identity.PersonID, from record.State, step record.Step) func(s store.Stores, version uint64) error {
	step.At = f.Now().UTC()
	return func(s store.Stores, version uint64) error {
		step.Version = version
		return s.Aside.Step(id, from, step)
	}
}

// again makes an item of a record that is entered once more, for somebody else.
func (f *Flow) again(ctx context.Context, from, to identity.PersonID, r *Record) (Item, error) {
	it := Item{Meta: r.Meta, Source: r.Source}
	if d := r.Content.Document; d != nil && len(r.Body) == 0 && r.Type != "" { // the resource itself
		body, err := f.read(ctx, from, r.Kind, *d)
		if err != nil {
			return it, err
		}
		r.Body, it.Meta.Document = body, nil
	} else if d != nil {
		again, err := f.reseal(ctx, from, to, r.Kind, *d)
		if err != nil {
			return it, err
		}
		it.Meta.Document = &again
	}
	if r.Type == "" {
		return it, nil
	}
	raw, err := r.Resource()
	if err != nil {
		return it, err
	}
	it.Names = []string{r.Type + "/" + r.Ref.String()}
	it.Resource, err = f.Reader.Read(raw)
	return it, err
}

func (f *Flow) reseal(ctx context.Context, from, to identity.PersonID, k record.Kind, d record.Document) (record.Document, error) {
	o, err := f.Documents.Open(ctx, from, k, d)
	if err != nil {
		return record.Document{}, err
	}
	defer o.Close()
	return f.Documents.Seal(ctx, to, k, io.NewSectionReader(o, 0, o.Size()))
}

// Reject says that what waits is nobody's record here. It stays, and Undo brings it
// back.
func (f *Flow) Reject(ctx context.Context, c Caller, id identity.PersonID, why record.Reason) error {
	if err := settles(c); err != nil {
		return err
	}
	if _, err := record.ParseReason(string(why)); err != nil {
		return err
	}
	return f.DB.Update(ctx, func(s store.Stores) error {
		return f.step(id, record.Waiting, record.Step{To: record.Rejected, By: string(c.Actor), Why: why})(s, 0)
	})
}

// Undo brings back to waiting what was attached or rejected. The records that were
// attached are withdrawn by new versions; what they said stays in the history. Their names
// in the facility's files are those of what waits again.
func (f *Flow) Undo(ctx context.Context, c Caller, id identity.PersonID, why record.Reason) error {
	if err := settles(c); err != nil {
		return err
	}
	if _, err := record.ParseReason(string(why)); err != nil {
		return err
	}
	a, err := f.aside(ctx, id)
	if err != nil {
		return err
	}
	step := record.Step{To: record.Waiting, By: string(c.Actor), Why: why}
	if a.State != record.Attached {
		return f.DB.Update(ctx, func(s store.Stores) error { return f.step(id, record.Rejected, step)(s, 0) })
	}
	before := a.Steps[len(a.Steps)-1]
	var done Done
	step.Against = before.Against
	j := &job{caller: c, entry: &Entry{}, done: &done, person: before.Against, why: why, also: f.step(id, record.Attached, step)}
	err = f.DB.View(ctx, func(s store.Stores) error {
		have, err := s.Records.Versions(before.Against)
		for _, v := range have {
			if v.Version == before.Version && v.Number != record.Standing {
				j.voids = append(j.voids, v.Number)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if len(j.voids) > 0 {
		if j.back, err = f.named(ctx, id, j, c.Actor); err != nil {
			return err
		}
	}
	if err := f.write(ctx, []*job{j}); err != nil {
		return err
	}
	return done.Err
}

// named are the names that a facility's files have for what was set aside, of which a job
// withdraws the records.
func (f *Flow) named(ctx context.Context, id identity.PersonID, j *job, by staff.ActorID) (back []record.Source, err error) {
	o, err := f.unseal(ctx, id, everything, f.platform("undo", by))
	if err != nil {
		return nil, err
	}
	var names, checks []string
	for i := range o.records {
		if r := &o.records[i]; r.Source != "" {
			back = append(back, record.Source{Ref: r.Ref})
			names = append(names, record.SourceName(r.Facility, r.Source))
			checks = append(checks, record.CheckName(r.Facility, r.Source, r.Ref))
		}
	}
	tags, err := f.index(ctx, len(names), func(i int) string { return names[i] })
	if err != nil {
		return nil, err
	}
	marks, err := f.index(ctx, len(checks), func(i int) string { return checks[i] })
	if err != nil {
		return nil, err
	}
	var now []record.Source
	if err := f.DB.View(ctx, func(s store.Stores) (err error) {
		now, err = s.Records.Sources(tags)
		return err
	}); err != nil {
		return nil, err
	}
	kept := back[:0]
	for i, b := range back {
		if at := now[i].Ref; at.Person == j.person && slices.Contains(j.voids, at.Stored()) {
			b.Tag, b.Check = tags[i], marks[i]
			kept = append(kept, b)
		}
	}
	return kept, nil
}

// Withdraw says by a new version that a record is void, such as one entered for
// somebody else; what it said stays in its history.
func (f *Flow) Withdraw(ctx context.Context, c Caller, ref record.Ref, ifMatch uint64, why record.Reason) (uint64, error) {
	if err := c.Rights.Need(staff.Correct); err != nil {
		return 0, err
	}
	if _, err := record.ParseReason(string(why)); err != nil {
		return 0, err
	}
	if !ref.Names() {
		return 0, record.ErrNone
	}
	var done Done
	j := &job{caller: c, entry: &Entry{}, done: &done, person: ref.Person, voids: []record.Number{ref.Stored()}, voidAt: ifMatch, why: why}
	if err := f.write(ctx, []*job{j}); err != nil {
		return 0, err
	}
	return done.Version, done.Err
}
