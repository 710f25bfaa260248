package evidence

import (
	"context"
	"iter"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/store"
)

// Swept is what a sweep found.
type Swept struct {
	People  int
	Odd     int // colours that were not what the keeper's heads say: rolled back, lost or on their way
	Decided int // colours decided anew
	Closed  int // people whose stored evidence does not open
}

// Sweep goes over up to n people after one: every colour is compared with its
// head, and decided anew where it differs or where all is set. It returns the last
// person it saw; zero when there are no more.
func (f *Flow) Sweep(ctx context.Context, after identity.PersonID, n int, all bool) (identity.PersonID, Swept, error) {
	var ids []identity.PersonID
	var rows []status.SealedColour
	err := f.DB.View(ctx, func(s store.Stores) error {
		people, err := s.People.Walk(after, n)
		if err != nil {
			return err
		}
		ids = ids[:0]
		for _, p := range people {
			ids = append(ids, p.ID)
		}
		rows, err = s.Status.Colours(ids)
		return err
	})
	if err != nil || len(ids) == 0 {
		return 0, Swept{}, err
	}
	out := Swept{People: len(ids)}
	current, err := f.Keeper.ColourVersions(ctx, ids)
	if err != nil {
		return after, out, err
	}
	var again []identity.PersonID
	for i, id := range ids {
		odd := rows[i].Version != current[i] || current[i] == 0
		if odd {
			out.Odd++
		}
		if odd || all {
			again = append(again, id)
		}
	}
	err = f.redecide(ctx, again, &out)
	return ids[len(ids)-1], out, err
}

// redecide opens people's evidence under one intent and decides their colours.
func (f *Flow) redecide(ctx context.Context, ids []identity.PersonID, out *Swept) error {
	if len(ids) == 0 {
		return nil
	}
	files, err := f.load(ctx, ids)
	if err != nil {
		return err
	}
	if err := f.open(ctx, "redecide", files, true); err != nil {
		return err
	}
	people := make([]identity.PersonID, 0, len(files))
	held := make([]status.Evidence, 0, len(files))
	versions := make([]uint64, 0, len(files))
	for i := range files {
		e, err := files[i].held()
		if err != nil {
			out.Closed++
			continue
		}
		people, held = append(people, files[i].id), append(held, e)
		versions = append(versions, files[i].evidence.Version)
	}
	colours, err := f.decide(ctx, people, held)
	if err != nil || len(colours) == 0 {
		return err
	}
	out.Decided += len(colours)
	return f.DB.Bulk(ctx, func(s store.Stores) error {
		// Whoever's evidence has grown since gets a colour from whoever let it grow;
		// this one is dropped, and its head brings the next sweep back.
		now, err := s.Status.Evidence(people)
		if err != nil {
			return err
		}
		fresh := make([]status.SealedColour, 0, len(colours))
		for i, c := range colours {
			if now[i].Version == versions[i] {
				fresh = append(fresh, c)
			}
		}
		return s.Status.PutColours(fresh)
	})
}

// Each yields everybody's evidence, opened under intents, until the first error.
func (f *Flow) Each(ctx context.Context, purpose string) iter.Seq2[status.Evidence, error] {
	return func(yield func(status.Evidence, error) bool) {
		for after := identity.PersonID(0); ; {
			files, err := f.page(ctx, after)
			if err == nil && len(files) > 0 {
				err = f.open(ctx, purpose, files, true)
			}
			if err != nil {
				yield(status.Evidence{}, err)
				return
			}
			if len(files) == 0 {
				return
			}
			for i := range files {
				if e, err := files[i].held(); !yield(e, err) {
					return
				}
			}
			after = files[len(files)-1].id
		}
	}
}

func (f *Flow) page(ctx context.Context, after identity.PersonID) ([]file, error) {
	var ids []identity.PersonID
	err := f.DB.View(ctx, func(s store.Stores) error {
		people, err := s.People.Walk(after, 1024)
		ids = ids[:0]
		for _, p := range people {
			ids = append(ids, p.ID)
		}
		return err
	})
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return f.load(ctx, ids)
}
