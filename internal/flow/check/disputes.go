package check

import (
	"context"
	"maps"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/dispute"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// disputes checks that what people wrote and were answered opens, and that no number
// is missing.
func (c *Check) disputes(ctx context.Context) error {
	seen := map[int][]int{} // numbers, by year
	for after := (dispute.ID{}); ; {
		var rows []dispute.Dispute
		if err := c.DB.View(ctx, func(s store.Stores) (err error) {
			rows, err = s.Disputes.Walk(after, 256, true)
			return err
		}); err != nil {
			return err
		}
		if len(rows) == 0 {
			break
		}
		after = rows[len(rows)-1].ID
		if err := c.notes(ctx, rows); err != nil {
			return err
		}
		for _, d := range rows {
			seen[d.Number.Year] = append(seen[d.Number.Year], d.Number.Count)
		}
	}
	for _, year := range slices.Sorted(maps.Keys(seen)) {
		if err := c.gaps(year, seen[year]); err != nil {
			return err
		}
	}
	return nil
}

// gaps names the numbers of a year that are missing, a whole gap at once: a number that
// was altered may stand billions further on.
func (c *Check) gaps(year int, seen []int) error {
	slices.Sort(seen)
	next := 1
	for _, n := range seen {
		if n > next {
			first, last := dispute.Number{Year: year, Count: next}.String(), dispute.Number{Year: year, Count: n - 1}.String()
			name := first
			if last != first {
				name += " to " + last
			}
			if err := c.found(Finding{"dispute_dispute", name, Missing, "numbers of a year have no gaps"}); err != nil {
				return err
			}
		}
		next = max(next, n+1)
	}
	return nil
}

func (c *Check) notes(ctx context.Context, rows []dispute.Dispute) error {
	var notes []keeper.Note
	var of []int
	for i, d := range rows {
		notes, of = append(notes, keeper.Note{Person: d.Person, Matter: d.ID, Part: keeper.NoteFiled, Text: d.Filing}), append(of, i)
		if d.Outcome != 0 {
			notes, of = append(notes, keeper.Note{Person: d.Person, Matter: d.ID, Part: keeper.NoteAnswered, Text: d.Answer}), append(of, i)
		}
	}
	seals, err := c.Keeper.CheckNotes(ctx, notes)
	if err != nil {
		return err
	}
	if len(seals) != len(notes) {
		return keeper.ErrUnavailable
	}
	for n, s := range seals {
		what, why := Altered, "what was written does not open in its place"
		switch s {
		case keeper.SealHolds:
			continue
		case keeper.SealErased:
			continue // numbers have no gaps: the row stays, and its certificate says why it does not open
		case keeper.SealNobody:
			what, why = Foreign, "the keeper knows no such person"
		}
		if err := c.found(Finding{"dispute_dispute", rows[of[n]].Number.String(), what, why}); err != nil {
			return err
		}
	}
	return nil
}
