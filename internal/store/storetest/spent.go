package storetest

import (
	"errors"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

// testSpent: a visit that ended and a pass that was used are not what they were before, to a
// server that saw it, although the MACs of what they were hold. What came to nothing it did
// not see, and whoever reads an older state of the database is not mistaken. To one that keeps
// no ledger they are.
func testSpent(t *testing.T, open func(t *testing.T) (LedgerDB, func(sql string))) {
	for name, kept := range map[string]bool{"kept": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			db, exec := open(t)
			if kept {
				keep(t, db, true)
			}
			e := &editor{t: t, db: db, exec: exec}
			visit := func(n int) venue.Visit {
				return venue.Visit{ID: id16(n), Venue: 1, Door: 1, Day: 9, Who: id16(20), Entered: at(0), LeavesBy: at(60), Party: 1, Decision: venue.Admit}
			}
			p := venue.Pass{Serial: id16(7), ID: id16(7), Day: 9, Who: id16(20), Category: venue.Mall, Level: 1, Issued: at(0), Expires: at(60), Party: 1, Decision: venue.Admit}
			ended := visit(3)
			ended.Left = at(1)
			update(t, db, func(s store.Stores) error {
				return errors.Join(s.Visits.Put([]venue.Visit{visit(1), visit(2)}), s.Passes.Put([]venue.Pass{p}))
			})
			spend := func(s store.Stores) error {
				_, err := s.Visits.Leave([]venue.Leaving{{ID: id16(1), At: at(30)}})
				_, err2 := s.Passes.Use([]venue.VisitID{p.Serial}, []venue.PassUse{{Venue: 1, Door: 1, At: at(9)}})
				return errors.Join(err, err2, s.Visits.Put([]venue.Visit{ended}))
			}
			var got [4]bool
			read := func(s store.Stores) error {
				visits, err := s.Visits.Get([]venue.VisitID{id16(1), id16(2), id16(3)})
				passes, err2 := s.Passes.Of([]venue.VisitID{p.Serial})
				if err := errors.Join(err, err2); err != nil {
					return err
				}
				got = [4]bool{visits[0].Altered, visits[1].Altered, visits[2].Altered, passes[0][0].Altered}
				return nil
			}
			if err := db.Update(t.Context(), func(s store.Stores) error { return errors.Join(spend(s), errUndo) }); !errors.Is(err, errUndo) {
				t.Fatal(err)
			}
			update(t, db, read)
			same(t, "after what came to nothing", got, [4]bool{})
			var before map[string][][]store.Value
			e.tables, before = content(t, db)
			view(t, db, func(s store.Stores) error {
				if err := read(s); err != nil {
					return err
				}
				update(t, db, spend)
				return read(s)
			})
			same(t, "as it was when that began", got, [4]bool{})
			update(t, db, read)
			same(t, "spent", got, [4]bool{})
			_, now := content(t, db)
			e.set("venue_visit", map[string][][]store.Value{"venue_visit": append(before["venue_visit"], now["venue_visit"][2])})
			e.set("venue_pass", before)
			update(t, db, read)
			same(t, "put back", got, [4]bool{kept, false, false, kept})
			view(t, db, read)
			same(t, "put back, viewed", got, [4]bool{kept, false, false, kept})
			update(t, db, func(s store.Stores) error {
				due, err := s.Visits.Due(at(3600), 9)
				if want := map[bool]int{true: 1, false: 2}[kept]; len(due) != want {
					t.Errorf("%d are due", len(due))
				}
				return err
			})
			e.set("venue_visit", now)
			e.set("venue_pass", now)
			update(t, db, read)
			same(t, "as it was written", got, [4]bool{})
			// Who is told of it later than it was used knows as well.
			if kept {
				keep(t, db, false)
				update(t, db, read)
				e.set("venue_pass", before)
				update(t, db, read)
				same(t, "a pass that another server saw used", got, [4]bool{false, false, false, true})
			}
		})
	}
}
