package storetest

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

// counting is a database with two venues whose counts move.
type counting struct {
	*editor
	before map[string][][]store.Value // of an hour ago, as it were
	now    map[string][][]store.Value
}

func newCounting(t *testing.T, db LedgerDB, exec func(sql string)) *counting {
	t.Helper()
	for id := range venue.ID(2) {
		update(t, db, func(s store.Stores) error {
			return s.Venues.Put(venue.Venue{ID: 1 + 1500*id, Name: "x", Category: venue.Mall, Declared: 9, Doors: 1})
		})
	}
	c := &counting{editor: &editor{t: t, db: db, exec: exec}}
	c.move(4)
	c.note()
	c.tables, c.before = content(t, db)
	c.move(3)
	c.note()
	_, c.now = content(t, db)
	return c
}

// move lets some people into both.
func (c *counting) move(by int) {
	c.t.Helper()
	update(c.t, c.db, func(s store.Stores) error {
		return s.Venues.Add([]venue.Delta{{Venue: 1, By: by, Entered: 1}, {Venue: 1501, By: by}})
	})
}

func (c *counting) note() {
	c.t.Helper()
	if err := c.db.NoteLeaves(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
}

// anew is a server that was started just now.
func (c *counting) anew() {
	c.t.Helper()
	keep(c.t, c.db, false)
	if err := c.db.FollowLedger(c.t.Context()); err != nil && !errors.Is(err, store.ErrAltered) {
		c.t.Fatal(err)
	}
}

func (c *counting) wants(why string, want ...int) {
	c.t.Helper()
	update(c.t, c.db, func(s store.Stores) error {
		got, err := s.Venues.Inside([]venue.ID{1, 1501})
		same(c.t, why, got, want)
		return err
	})
}

const no = venue.AlteredCount

// back puts the first venue's count back as it was once.
func (c *counting) back() {
	c.put([][]store.Value{c.before["venue_occupancy"][0], c.now["venue_occupancy"][1]})
}

func (c *counting) put(rows [][]store.Value) {
	c.set("venue_occupancy", map[string][][]store.Value{"venue_occupancy": rows})
}

// testVersions: a venue's count that was put back as it once was, or removed, is gone by by
// nobody: neither by the server that moved it nor by another, or one that was started anew,
// that read what was noted. In a database that keeps no ledger it is served.
func testVersions(t *testing.T, open func(t *testing.T) (LedgerDB, func(sql string))) {
	t.Run("put back", func(t *testing.T) {
		db, exec := open(t)
		keep(t, db, true)
		c := newCounting(t, db, exec)
		c.move(2)
		_, c.now = content(t, db) // nobody was told of the last
		for name, by := range map[string]func(){"the same server": func() {}, "another": c.anew} {
			by()
			c.wants(name, 9, 9)
			c.back()
			c.wants(name+": rolled back", no, 9)
			update(t, db, func(s store.Stores) error {
				return errors.Join(s.Venues.Add([]venue.Delta{{Venue: 1, By: 1}, {Venue: 1, By: 1}}))
			})
			c.wants(name+": moved on after it was", no, 9)
			view(t, db, func(s store.Stores) error {
				got, err := s.Venues.Inside([]venue.ID{1, 1501})
				same(t, name+": viewed", got, []int{no, 9})
				return err
			})
			wantErr(t, db, store.ErrAltered, func(s store.Stores) error { _, err := s.Venues.Entered(1); return err })
			exec("DELETE FROM venue_occupancy WHERE venue_id = 1")
			c.wants(name+": removed", no, 9)
			update(t, db, func(s store.Stores) error { return s.Venues.Add([]venue.Delta{{Venue: 1, By: 1}}) })
			update(t, db, func(s store.Stores) error {
				return s.Venues.Put(venue.Venue{ID: 1, Name: "x", Category: venue.Mall, Declared: 9, Doors: 1})
			})
			c.wants(name+": and put there anew", no, 9)
			c.set("venue_occupancy", c.now)
		}
		c.wants("as it was", 9, 9)
		for name, spoil := range map[string]func(){
			"rolled back": c.back,
			"removed":     func() { exec("DELETE FROM venue_occupancy WHERE venue_id = 1") },
			"altered": func() {
				exec("UPDATE venue_occupancy SET inside = 1, version = 9000000000000000000 WHERE venue_id = 1")
			},
		} {
			spoil()
			c.wants(name, no, 9)
			update(t, db, func(s store.Stores) error { _, err := s.Venues.Recount(1); return err })
			c.wants(name+", and counted anew", 0, 9)
			c.move(0)
			c.note()
			c.anew()
			c.wants(name+", and moved on", 0, 9)
			_, c.now = content(t, db)
		}
	})
	t.Run("without", func(t *testing.T) {
		db, exec := open(t)
		c := newCounting(t, db, exec)
		c.back()
		c.wants("rolled back", 4, 7)
		exec("DELETE FROM venue_occupancy WHERE venue_id = 1")
		c.wants("removed", 0, 7)
	})
	t.Run("what was noted", func(t *testing.T) { testCountsNoted(t, open) })
	t.Run("from before", func(t *testing.T) {
		db, exec := open(t)
		keep(t, db, true)
		c := newCounting(t, db, exec)
		exec("DELETE FROM venue_counted")
		exec("DELETE FROM store_ledger")
		exec("DELETE FROM store_ledger_end")
		old := [][]store.Value{c.from(c.now["venue_occupancy"][0]), c.from(c.now["venue_occupancy"][1])}
		c.put(old)
		c.anew()
		c.wants("as it was written then", 7, 7)
		c.move(1)
		c.wants("moved on", 8, 8)
		c.put(old)
		c.wants("put back", no, no)
	})
	t.Run("at once", func(t *testing.T) { testCountsAtOnce(t, open) })
}

// from is a count's row as it was written before there were versions.
func (c *counting) from(row []store.Value) []store.Value {
	out, seal := slices.Clone(row), store.Seals()[store.SealOccupancy]
	for _, table := range c.tables {
		if table.Name != seal.Table {
			continue
		}
		at := func(name string) int {
			return slices.IndexFunc(table.Columns, func(c store.Column) bool { return c.Name == name })
		}
		out[at("version")] = store.Value{}
		out[at(seal.Column)].Bytes = store.NewSealer(ledgerKey).MAC(store.SealOccupancy, 3, func(i int) (store.Value, bool) {
			return out[at(seal.Of[i])], true
		})
	}
	return out
}

// testCountsNoted: what was noted of counts is itself held against the ledger. Who alters it
// gains nothing but that nobody is let in, where nobody knew it before.
func testCountsNoted(t *testing.T, open func(t *testing.T) (LedgerDB, func(sql string))) {
	db, exec := open(t)
	keep(t, db, true)
	c := newCounting(t, db, exec)
	for what, alter := range map[string]func(){
		"rolled back":                func() { c.set("venue_counted", c.before) },
		"removed":                    func() { exec("DELETE FROM venue_counted") },
		"one removed":                func() { exec("DELETE FROM venue_counted WHERE shelf = 0") },
		"one under another's number": func() { exec("UPDATE venue_counted SET shelf = 7 WHERE shelf = 0") },
	} {
		alter()
		c.wants(what+", to who knew before", 7, 7)
		c.anew()
		c.wants(what, no, no)
		c.set("venue_counted", c.now)
		if err := db.FollowLedger(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.wants(what+", and put back", 7, 7)
	}
	// Noted is what was committed, and in as many entries as there are rows, whatever came in
	// between.
	mark := func() uint64 {
		at, err := db.LedgerAt(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		return at.Seq
	}
	c.note()
	was := mark()
	for range 20 {
		c.move(1)
	}
	_ = db.Update(t.Context(), func(s store.Stores) error {
		return errors.Join(errUndo, s.Venues.Add([]venue.Delta{{Venue: 1, By: 1}}))
	})
	c.wants("after one that came to nothing", 27, 27)
	if c.note(); mark() != was+2 {
		t.Errorf("%d entries", mark()-was)
	}
	if c.note(); mark() != was+2 {
		t.Errorf("%d entries when nothing moved", mark()-was)
	}
}

// testCountsAtOnce: whoever moves and reads counts while others do is not mistaken.
func testCountsAtOnce(t *testing.T, open func(t *testing.T) (LedgerDB, func(sql string))) {
	db, exec := open(t)
	keep(t, db, true)
	c := newCounting(t, db, exec)
	if err := db.FollowLedger(t.Context()); err != nil {
		t.Fatal(err)
	}
	fine := func(s store.Stores) error {
		got, err := s.Venues.Inside([]venue.ID{1501, 1})
		if err == nil && (got[0] == no || got[1] == no) {
			err = store.ErrAltered
		}
		return err
	}
	view(t, db, func(s store.Stores) error { // a state that is left behind
		if _, err := s.Venues.All(); err != nil {
			return err
		}
		c.move(1)
		return fine(s)
	})
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			for i := range 25 {
				err := db.Update(t.Context(), func(s store.Stores) error {
					return errors.Join(fine(s), s.Venues.Add([]venue.Delta{{Venue: 1, By: 1}, {Venue: 1501, By: 1}}))
				})
				if i%9 == n {
					err = errors.Join(err, db.NoteLeaves(t.Context()), db.FollowLedger(t.Context()))
				}
				if err = errors.Join(err, db.View(t.Context(), fine)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	c.wants("after all", 108, 108)
}
