package check_test

import (
	"crypto/rand"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/store"
)

// door is a server that lets people in and out, and counts passes.
type door struct {
	*sqliteCopy
	s     *town
	kept  bool
	book  *gate.Book
	truth map[venue.ID]int
}

const (
	market venue.ID = 1
	shop   venue.ID = 2
	other  venue.ID = 3
)

func newDoor(t *testing.T, s *town, kept bool) *door {
	t.Helper()
	policy, err := venue.ShippedPolicy()
	must(t, err)
	rules, err := status.Builtin()
	must(t, err)
	d := &door{sqliteCopy: newSQLiteCopy(t, s), s: s, kept: kept, book: gate.NewBook(policy, rules), truth: map[venue.ID]int{}}
	d.anew(t)
	must(t, d.db.Update(t.Context(), func(st store.Stores) error {
		return st.Venues.Put(venue.Venue{ID: other, Name: "Toko Lain", Category: venue.Mall, District: "9902", Level: 2, Declared: 20, Doors: 2})
	}))
	must(t, d.book.Refresh(t.Context(), d.db))
	return d
}

// anew is the server as it is after it was started.
func (d *door) anew(t *testing.T) {
	t.Helper()
	if d.kept {
		must(t, errors.Join(d.db.NoteLeaves(t.Context()), d.db.KeepLedger(t.Context(), []byte(d.s.keys.Ledger), false), d.db.FollowLedger(t.Context())))
	}
}

var moving = []string{"venue_occupancy", "venue_visit", "venue_trail", "venue_pass"}

// state is what the moving tables hold.
type state map[string][][]value

func (d *door) state(t *testing.T) state {
	t.Helper()
	out := state{}
	for _, table := range moving {
		out[table] = rowsIn(t, d.conn, table, d.e.shapes[table])
	}
	return out
}

// put makes tables what they were.
func (d *door) put(t *testing.T, was state, tables ...string) {
	t.Helper()
	var do []statement
	for _, table := range tables {
		do = append(do, statement{sql: "DELETE FROM " + table})
		for _, row := range was[table] {
			do = append(do, d.e.insert(table, row))
		}
	}
	must(t, d.run(do, "OFF"))
}

// visit lets a party into the market; end lets it out.
func (d *door) visit(t *testing.T, n int) (mid state, end func() error) {
	t.Helper()
	now := time.Now().Truncate(time.Second)
	v := venue.Visit{Venue: market, Door: 1, Day: day.Of(now), Entered: now, LeavesBy: now.Add(time.Hour), Party: n, Decision: venue.Admit}
	rand.Read(v.ID[:])
	rand.Read(v.Who[:])
	must(t, d.db.Update(t.Context(), func(st store.Stores) error {
		return errors.Join(st.Visits.Put([]venue.Visit{v}), st.Venues.Add([]venue.Delta{{Venue: market, By: n, Entered: 1}}))
	}))
	return d.state(t), func() error { return gate.CheckOut(t.Context(), d.db, market, v.ID, time.Now()) }
}

// pass gives one; show has a venue count it.
func (d *door) pass(t *testing.T) (mid state, show func(at venue.ID) (venue.SeenCode, error)) {
	t.Helper()
	now := time.Now().Truncate(time.Second)
	p := venue.Pass{Day: day.Of(now), Category: venue.Mall, Level: 2, Issued: now.Add(-time.Minute), Expires: now.Add(time.Hour), Party: 1, Decision: venue.Admit}
	rand.Read(p.Serial[:])
	rand.Read(p.Who[:])
	p.ID = p.Serial
	must(t, d.db.Update(t.Context(), func(st store.Stores) error { return st.Passes.Put([]venue.Pass{p}) }))
	return d.state(t), func(at venue.ID) (venue.SeenCode, error) {
		place, _ := d.book.Place(at)
		codes, err := gate.Reconcile(t.Context(), d.db, place, []venue.Showing{{Serial: p.Serial, Door: 1, At: now}}, time.Now())
		return codes[0], err
	}
}

// wrong is how many counts are served that are not true.
func (d *door) wrong(t *testing.T) (n int) {
	t.Helper()
	must(t, d.db.Update(t.Context(), func(st store.Stores) error {
		n = 0
		for id, want := range d.truth {
			got, err := st.Venues.Inside([]venue.ID{id})
			if err != nil {
				return err
			}
			if got[0] != want && got[0] != venue.AlteredCount {
				n++
			}
		}
		return nil
	}))
	return n
}

// round draws an edit that puts back what a MAC holds for, and returns what it was of and
// whether it was served.
func (d *door) round(t *testing.T, e *editor, past []state) (what string, through bool) {
	t.Helper()
	kind := e.rnd.IntN(4)
	mid, end := d.visit(t, 1+e.rnd.IntN(5))
	passed, show := d.pass(t)
	if kind == 1 || e.rnd.IntN(2) == 0 {
		must(t, end())
	}
	code, err := show(shop)
	if must(t, err); code != venue.SeenCounted {
		t.Fatal(code)
	}
	now := d.state(t)
	for _, row := range now["venue_occupancy"] {
		d.truth[venue.ID(e.at("venue_occupancy", row, "venue_id").(int64))] = int(e.at("venue_occupancy", row, "inside").(int64))
	}
	defer d.put(t, now, moving...)
	if kind%2 == 0 && e.rnd.IntN(2) == 0 {
		d.anew(t)
	}
	switch kind {
	case 0:
		past = append(past, mid)
		d.put(t, past[e.rnd.IntN(len(past))], "venue_occupancy")
		return "a count", d.wrong(t) > 0
	case 1:
		d.put(t, mid, "venue_visit")
		return "a visit", end() == nil
	case 2:
		d.put(t, passed, "venue_pass")
		code, err = show(other)
		must(t, err)
		return "a pass", code == venue.SeenCounted
	}
	d.put(t, passed, moving...)
	code, err = show(other)
	must(t, err)
	return "a pass and all that came of it", code == venue.SeenCounted || d.wrong(t) > 0
}

// TestRolledBackServed is the administrator of the database who puts rows back as they once
// were, so that the MACs which they carry hold, against a server that runs: a venue's count,
// a visit that ended, a pass that was used, each alone and with what came of it. None is
// served. The control is a server that keeps no ledger.
func TestRolledBackServed(t *testing.T) {
	n := 80
	if os.Getenv("SOAK") == "1" {
		n = 2_000
	}
	s := newTown(t)
	for name, kept := range map[string]bool{"kept": true, "control": false} {
		t.Run(name, func(t *testing.T) {
			if !kept {
				n = 80
			}
			d, e := newDoor(t, s, kept), newEditor(t, s, 7)
			var past []state
			tried, through := map[string]int{}, map[string]int{}
			sum := 0
			for i := range n {
				if i > 0 && i%100 == 0 { // what is put back grows
					d, past = newDoor(t, s, kept), nil
				}
				what, served := d.round(t, e, past)
				if past = append(past, d.state(t)); len(past) > 8 {
					past = past[1:]
				}
				if tried[what]++; served {
					through[what]++
					sum++
				}
			}
			t.Logf("tried %v; served %v", tried, through)
			if kept && sum > 0 || !kept && sum < n/4 {
				t.Errorf("%d of %d served", sum, n)
			}
		})
	}
}
