//go:build amanah_unbound

package check_test

import (
	"context"
	"slices"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/flow/check"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// headless is a keeper that knows no heads: it says of everybody what the rows say.
type headless struct {
	check.Keeper
	db check.Database
}

func (h headless) Heads(ctx context.Context, people []identity.PersonID) ([]keeper.Head, error) {
	out, err := h.Keeper.Heads(ctx, people)
	if err != nil {
		return nil, err
	}
	return out, h.db.View(ctx, func(s store.Stores) error {
		rows, err := s.People.Get(people)
		if err != nil {
			return err
		}
		colours, err := s.Status.Colours(people)
		if err != nil {
			return err
		}
		for i, who := range people {
			versions, err := s.Records.Versions(who)
			if err != nil {
				return err
			}
			var have []keeper.Version
			for _, v := range versions {
				have = append(have, keeper.Version{Record: keeper.Record(v.Number), Version: v.Version})
				out[i].Records = max(out[i].Records, v.Version)
			}
			out[i].Bases = [][16]byte{keeper.RecordsHead(have)}
			out[i].Stored, out[i].Version, out[i].Colour = rows[i].Version == 0, rows[i].Version, colours[i].Version
		}
		return nil
	})
}

// TestEditsControl: without associated data, heads, the ledger of rows, the MACs of rows
// and the documents' names, the same edits get through.
func TestEditsControl(t *testing.T) {
	s := newTown(t)
	e := newEditor(t, s, 4)
	on := newSQLiteCopy(t, s)
	blind := func(c *check.Check) {
		c.LedgerKey, c.Lengths, c.Blobs = nil, true, nil
		c.Keeper = headless{c.Keeper, c.DB}
	}
	if found, err := s.try(t, on, edit{}, blind); err != nil || len(found) > 0 {
		t.Fatalf("before any edit: %v\n%s", err, noted(found))
	}
	// Of what is sealed, apart from the rest: that is what associated data and heads guard.
	sealed := []string{"identity_person", "identity_binding", "identity_quarantine", "status_colour", "status_evidence", "record_version"}
	for name, of := range map[string]func(edit) bool{
		"everything": func(edit) bool { return true },
		"sealed":     func(ed edit) bool { return slices.Contains(sealed, ed.table) && ed.op != "flip" },
	} {
		through, all := 0, 0
		for all < 60 {
			ed := e.next(t)
			if !of(ed) {
				continue
			}
			found, err := s.try(t, on, ed, blind)
			if err != nil {
				continue // the engine refused the edit
			}
			if all++; len(found) == 0 {
				through++
			}
		}
		t.Logf("%s: %d of %d edits got through without associated data, heads and the ledger", name, through, all)
		if through*10 < all {
			t.Errorf("%s: %d of %d got through: the other trial proves little", name, through, all)
		}
	}
}
