package storetest

import (
	"slices"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/store"
)

// testPlaces: a version that was moved within the order in which they came says so to who
// follows that order, also where it was stored before there was a ledger, and in a database
// that keeps none nobody can tell.
func testPlaces(t *testing.T, open func(t *testing.T) (LedgerDB, func(sql string))) {
	for name, c := range map[string]struct{ before, kept bool }{"kept": {kept: true}, "from before": {true, true}, "without": {}} {
		t.Run(name, func(t *testing.T) {
			db, exec := open(t)
			put := func() {
				update(t, db, func(s store.Stores) error { return s.People.Put(persons(1, 3)) })
				for who := identity.PersonID(1); who <= 3; who++ {
					update(t, db, func(s store.Stores) error { return enter(s, who) })
				}
			}
			if c.before {
				put()
			}
			if c.kept {
				keep(t, db, true)
			}
			if !c.before {
				put()
			}
			moved := func() (out []bool) {
				view(t, db, func(s store.Stores) error {
					out = nil
					rows, err := s.Records.Walk(0, 9)
					for _, r := range rows {
						out = append(out, r.Misplaced)
					}
					return err
				})
				return out
			}
			same(t, "as written", moved(), []bool{false, false, false})
			if c.before && c.kept { // nobody is taken in twice
				exec("UPDATE record_version SET mac = (SELECT mac FROM record_version WHERE seq = 1) WHERE seq = 3")
				keep(t, db, true)
				same(t, "with another's MAC", moved(), []bool{false, false, true})
				return
			}
			moveVersion(t, db, exec, 1, 4_000_000_000)
			same(t, "moved behind all others", moved(), []bool{false, false, c.kept})
			moveVersion(t, db, exec, 3, 1)
			same(t, "and another before them", moved(), []bool{c.kept, false, c.kept})
			view(t, db, func(s store.Stores) error {
				rows, err := s.Records.Get(3, []record.Version{{Number: record.Entered, Version: 1}})
				same(t, "by its name", rows[0].Misplaced, c.kept)
				return err
			})
		})
	}
}

// moveVersion gives a version another number.
func moveVersion(t *testing.T, db LedgerDB, exec func(sql string), from, to int64) {
	t.Helper()
	tables, rows := content(t, db)
	for _, table := range tables {
		if table.Name != "record_version" {
			continue
		}
		at := slices.IndexFunc(table.Columns, func(c store.Column) bool { return c.Name == "seq" })
		for _, row := range rows[table.Name] {
			if row[at].Int == from {
				row[at].Int = to
			}
		}
	}
	e := &editor{t, db, exec, tables}
	e.set("record_version", rows)
}
