package check

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/dispute"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// disputes checks that what people wrote and were answered opens, and that no number
// is missing.
func (c *Check) disputes(ctx context.Context) error {
	last := map[int]map[int]bool{} // numbers, by year
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
			if last[d.Number.Year] == nil {
				last[d.Number.Year] = map[int]bool{}
			}
			last[d.Number.Year][d.Number.Count] = true
		}
	}
	for year, there := range last {
		before := 0
		for _, n := range slices.Sorted(maps.Keys(there)) {
			if n > before+1 { // one finding for a gap, however wide somebody made it
				why := fmt.Sprintf("numbers of a year have no gaps, and those up to %d miss as well", n-1)
				if n == before+2 {
					why = "numbers of a year have no gaps"
				}
				if err := c.found(Finding{"dispute_dispute", dispute.Number{Year: year, Count: before + 1}.String(), Missing, why}); err != nil {
					return err
				}
			}
			before = n
		}
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
