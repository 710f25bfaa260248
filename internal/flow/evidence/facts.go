package evidence

import (
	"bytes"
	"context"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/vault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Fact is one row of evidence: a dose, a test and so on, of one person.
type Fact struct {
	Line int64
	NIK  identity.NIK
	Item status.Evidence // of one item; its birth is not read

	of string // the record whose items these are, all of them; "" when they are added
}

// change is one person whose evidence may grow.
type change struct {
	*file
	facts  []Fact
	grown  status.Evidence
	plain  []byte // grown, as it is sealed
	sealed status.SealedEvidence
}

// Facts adds evidence. A record that is there already changes nothing, one that
// says something else under the same reference replaces it. Colours of the people
// it concerns are decided anew in the same transaction.
func (f *Flow) Facts(ctx context.Context, facts []Fact, p identity.Progress) (Tally, error) {
	var t Tally
	changes, err := f.gather(ctx, facts, &t)
	if err != nil {
		return t, err
	}
	if changes, err = f.grow(ctx, changes, &t); err != nil {
		return t, err
	}
	if changes, err = f.reseal(ctx, changes, &t); err != nil {
		return t, err
	}
	t.Added = len(changes)
	p.Added += int64(len(facts) - t.Known - len(t.Refusals))
	p.Refused += int64(len(t.Refusals))
	p.Updated = f.Now()
	if err := f.keep(t); err != nil {
		return t, err
	}
	return t, f.put(ctx, changes, func(s store.Stores) error { return s.Progress.SetProgress(p) })
}

// put stores the evidence that has grown, and the colours that follow from it.
func (f *Flow) put(ctx context.Context, changes []change, also func(s store.Stores) error) error {
	people := make([]identity.PersonID, len(changes))
	grown := make([]status.Evidence, len(changes))
	rows := make([]status.SealedEvidence, len(changes))
	settled := make([]keeper.Settled, len(changes))
	for i, c := range changes {
		people[i], grown[i], rows[i] = c.id, c.grown, c.sealed
		settled[i] = keeper.Settled{Person: c.id, Version: c.sealed.Version}
	}
	colours, err := f.decide(ctx, people, grown)
	if err != nil {
		return err
	}
	var overtaken []identity.PersonID
	err = f.DB.Bulk(ctx, func(s store.Stores) (err error) {
		if err := s.Status.PutEvidence(rows); err != nil {
			return err
		}
		if overtaken, err = putColours(s, colours); err != nil {
			return err
		}
		return also(s)
	})
	if err != nil || len(settled) == 0 {
		return err
	}
	if err := f.Keeper.Settle(ctx, settled); err != nil {
		return err
	}
	var again Swept
	return f.redecide(ctx, overtaken, &again)
}

// putColours stores colours and returns the people whose stored colour is newer: a
// sweep that had read their old evidence came between.
func putColours(s store.Stores, colours []status.SealedColour) ([]identity.PersonID, error) {
	if err := s.Status.PutColours(colours); err != nil {
		return nil, err
	}
	ids := make([]identity.PersonID, len(colours))
	for i, c := range colours {
		ids[i] = c.Person
	}
	stored, err := s.Status.Colours(ids)
	if err != nil {
		return nil, err
	}
	var overtaken []identity.PersonID
	for i, c := range stored {
		if c.Version != colours[i].Version {
			overtaken = append(overtaken, c.Person)
		}
	}
	return overtaken, nil
}

// gather finds the people and reads and opens what is stored about them.
func (f *Flow) gather(ctx context.Context, facts []Fact, t *Tally) ([]change, error) {
	if len(facts) == 0 {
		return nil, nil
	}
	niks := make([][]byte, len(facts))
	for i := range facts {
		niks[i] = []byte(facts[i].NIK.Reveal())
	}
	tags, err := f.Keeper.Index(ctx, keeper.KindNIK, niks)
	if err != nil {
		return nil, err
	}
	var found []identity.PersonID
	if err := f.DB.View(ctx, func(s store.Stores) (err error) {
		found, err = s.People.ByNIK(tags)
		return err
	}); err != nil {
		return nil, err
	}
	at := map[identity.PersonID]int{}
	var ids []identity.PersonID
	var changes []change
	for i, id := range found {
		if id == 0 {
			t.Refusals = append(t.Refusals, Refusal{facts[i].Line, ErrNobody})
			continue
		}
		n, ok := at[id]
		if !ok {
			n = len(changes)
			at[id] = n
			ids, changes = append(ids, id), append(changes, change{})
		}
		changes[n].facts = append(changes[n].facts, facts[i])
	}
	return f.opened(ctx, "import-evidence", ids, changes)
}

// opened adds what is stored of the people whose changes these are.
func (f *Flow) opened(ctx context.Context, purpose string, ids []identity.PersonID, changes []change) ([]change, error) {
	files, err := f.load(ctx, ids)
	if err != nil {
		return nil, err
	}
	if err := f.open(ctx, purpose, files, true); err != nil {
		return nil, err
	}
	for i := range changes {
		changes[i].file = &files[i]
	}
	return changes, nil
}

// grow merges the facts into what is held, and drops whom they do not change.
func (f *Flow) grow(ctx context.Context, changes []change, t *Tally) ([]change, error) {
	kept := changes[:0]
	for _, c := range changes {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		held, err := c.held()
		if err != nil {
			c.refuse(t, ErrOpen)
			continue
		}
		before, err := held.MarshalBinary()
		if err != nil {
			return nil, err
		}
		c.grown, c.plain = held, before
		for _, fact := range c.facts {
			next := c.grown
			if fact.of != "" {
				next = next.Without(fact.of)
			}
			next = next.Merge(fact.Item)
			plain, err := next.MarshalBinary()
			switch {
			case err != nil:
				t.Refusals = append(t.Refusals, Refusal{fact.Line, err})
			case bytes.Equal(plain, c.plain):
				t.Known++
			default:
				c.grown, c.plain = next, plain
			}
		}
		if !bytes.Equal(before, c.plain) {
			kept = append(kept, c)
		}
	}
	return kept, nil
}

func (c *change) refuse(t *Tally, why error) {
	for _, fact := range c.facts {
		t.Refusals = append(t.Refusals, Refusal{fact.Line, why})
	}
}

// reseal moves each person's head and seals the new version.
func (f *Flow) reseal(ctx context.Context, changes []change, t *Tally) ([]change, error) {
	if len(changes) == 0 {
		return nil, nil
	}
	writes := make([]keeper.Write, len(changes))
	for i, c := range changes {
		writes[i] = keeper.Write{Person: c.id, Record: keeper.RecordEvidence, Have: c.have()}
	}
	written, err := f.Keeper.Write(ctx, writes)
	if err != nil {
		return nil, err
	}
	kept := changes[:0]
	for i, c := range changes {
		w := written[i]
		if w.Err != nil {
			c.refuse(t, ErrOpen)
			continue
		}
		b := vault.Binding{Table: vault.Evidence, Person: c.id, Record: uint64(keeper.RecordEvidence), Version: w.Version}
		sealed, err := vault.SealRecord(w.Key, b, c.plain)
		if err != nil {
			return nil, err
		}
		c.sealed = status.SealedEvidence{Person: c.id, Version: w.Version, Sealed: sealed}
		kept = append(kept, c)
	}
	return kept, nil
}
