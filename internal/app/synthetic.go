package app

import (
	"context"
	"fmt"
	"io"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/flow/evidence"
	"github.com/amanah-project/amanah/internal/synth"
)

// Synthesize registers n synthetic people with their evidence as of a day, in memory
// from generator to database.
func (o *Operator) Synthesize(ctx context.Context, seed uint64, as day.Day, n int, progress func(done int)) (int, error) {
	p := synth.New(seed, as)
	flow := o.flow()
	for first := 0; first < n; first += importBatch {
		var people []evidence.Newcomer
		var facts []evidence.Fact
		for i := first; i < min(first+importBatch, n); i++ {
			who, err := p.Person(i)
			if err != nil {
				return first, err
			}
			people = append(people, evidence.Newcomer{Line: int64(i), Person: who})
			if e := p.Evidence(i); e.Len() > 0 {
				facts = append(facts, evidence.Fact{Line: int64(i), NIK: who.NIK, Item: e})
			}
		}
		at := identity.Progress{Source: fmt.Sprintf("synth %d %s people", seed, as), Offset: int64(first)}
		if _, err := flow.People(ctx, people, at); err != nil {
			return first, err
		}
		at.Source = fmt.Sprintf("synth %d %s evidence", seed, as)
		t, err := flow.Facts(ctx, facts, at)
		if err == nil && len(t.Refusals) > 0 {
			err = t.Refusals[0].Reason
		}
		if err != nil {
			return first, err
		}
		progress(first + len(people))
	}
	return n, nil
}

// WriteSynthetic writes n synthetic people and their evidence as of a day
// as files to import: the same bytes for the same seed, day and n.
func WriteSynthetic(people, facts io.Writer, seed uint64, as day.Day, n int) error {
	p := synth.New(seed, as)
	if _, err := io.WriteString(people, "nik,name,birth_date,phone\n"); err != nil {
		return err
	}
	for i := range n {
		if err := p.WriteCSV(people, i); err != nil {
			return err
		}
		if err := p.WriteNDJSON(facts, i); err != nil {
			return err
		}
	}
	return nil
}

// SyntheticNIK is the NIK of a synthetic person.
func SyntheticNIK(seed uint64, as day.Day, i int) (identity.NIK, error) {
	who, err := synth.New(seed, as).Person(i)
	return who.NIK, err
}
