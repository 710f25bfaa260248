package storetest

import (
	"errors"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

// LedgerDB is a database that keeps a ledger of rows.
type LedgerDB interface {
	CopyDB
	store.Ledgered
}

// RunLedger runs the contract of what rows are held against when they are read: exec runs
// a statement beside the database, as somebody does who may write it and has no key; two
// opens one database as two servers do.
func RunLedger(t *testing.T, two func(t *testing.T) (db, other LedgerDB, exec func(sql string))) {
	open := func(t *testing.T) (LedgerDB, func(sql string)) {
		db, _, exec := two(t)
		return db, exec
	}
	t.Run("rows", func(t *testing.T) { testRefused(t, open) })
	t.Run("followed", func(t *testing.T) { testFollowed(t, open) })
	t.Run("behind altered rows", func(t *testing.T) { testBehind(t, open) })
	t.Run("counted", func(t *testing.T) { testCounted(t, two) })
	t.Run("cut off", func(t *testing.T) { testCutOff(t, two) })
	t.Run("sealed rows", func(t *testing.T) { testSealed(t, open) })
	t.Run("counts", func(t *testing.T) { testVersions(t, open) })
	t.Run("spent", func(t *testing.T) { testSpent(t, open) })
	t.Run("tags", func(t *testing.T) { testTags(t, open) })
	t.Run("places", func(t *testing.T) { testPlaces(t, open) })
	t.Run("pruned", func(t *testing.T) { testPruned(t, open) })
	t.Run("from before", func(t *testing.T) { testSealLater(t, open) })
}

var ledgerKey = store.LedgerKey("a key of thirty-two bytes, so-so")

func keep(t *testing.T, db store.Ledgered, adopt bool) {
	t.Helper()
	if err := errors.Join(db.KeepLedger(t.Context(), ledgerKey, adopt), db.AdoptLater(t.Context(), store.LedgerMark{})); err != nil {
		t.Fatal(err)
	}
}

func itoa(n int) string {
	if n == 0 {
		return "0"
	}
	var b []byte
	for ; n > 0; n /= 10 {
		b = append([]byte{byte('0' + n%10)}, b...)
	}
	return string(b)
}

// testSealed: an altered row of those that every check-in writes says so.
func testSealed(t *testing.T, open func(t *testing.T) (LedgerDB, func(sql string))) {
	db, exec := open(t)
	keep(t, db, true)
	v := venue.Visit{ID: id16(1), Venue: 1, Door: 1, Day: 9, Who: id16(2), Entered: at(0), LeavesBy: at(60), Party: 1, Decision: venue.Admit, Leaf: venue.LeafRef{Gate: id16(5), Seq: 1}}
	p := venue.Pass{Serial: id16(7), ID: id16(7), Day: 9, Who: id16(2), Category: venue.Mall, Level: 1, Issued: at(0), Expires: at(60), Party: 1, Decision: venue.Admit}
	k := venue.Ask{Day: 9, Who: id16(2), ID: id16(8), At: at(0), Outcome: venue.AskGiven, Times: 1}
	update(t, db, func(s store.Stores) error {
		_, err := s.Passes.Use(nil, nil)
		return errors.Join(err, s.Venues.Put(venue.Venue{ID: 1, Name: "x", Category: venue.Mall, Declared: 9, Doors: 1}), s.Venues.Add([]venue.Delta{{Venue: 1, By: 3, Entered: 2}}),
			s.Visits.Put([]venue.Visit{v}), s.Passes.Put([]venue.Pass{p}), s.Asks.Put([]venue.Ask{k}), s.Asks.Put([]venue.Ask{k}), s.Log.Put([]accesslog.Leaf{leaf(1, 0, 3)}))
	})
	altered := func() (out [4]bool) {
		update(t, db, func(s store.Stores) error {
			visits, err := s.Visits.Get([]venue.VisitID{v.ID})
			passes, err2 := s.Passes.Of([]venue.VisitID{p.Serial})
			asks, err3 := s.Asks.Of([]venue.Trail{{Day: 9, Who: k.Who}})
			inside, err4 := s.Venues.Inside([]venue.ID{1})
			if err := errors.Join(err, err2, err3, err4); err != nil {
				return err
			}
			out = [4]bool{visits[0].Altered, passes[0][0].Altered, asks[0][0].Altered, inside[0] == venue.AlteredCount}
			return nil
		})
		return out
	}
	same(t, "as written", altered(), [4]bool{})
	update(t, db, func(s store.Stores) error {
		_, err := s.Visits.Leave([]venue.Leaving{{ID: v.ID, At: at(30)}})
		_, err2 := s.Passes.Use([]venue.VisitID{p.Serial}, []venue.PassUse{{Venue: 1, Door: 1, At: at(9)}})
		return errors.Join(err, err2, s.Venues.Add([]venue.Delta{{Venue: 1, By: -1}}))
	})
	same(t, "moved on", altered(), [4]bool{})
	exec("UPDATE venue_visit SET left_at = left_at + 1")
	exec("UPDATE venue_pass SET used_venue = 0")
	exec("UPDATE venue_ask SET outcome = 2")
	exec("UPDATE venue_occupancy SET entered = entered + 1000")
	same(t, "edited", altered(), [4]bool{true, true, true, true})
	wantErr(t, db, store.ErrAltered, func(s store.Stores) error { _, err := s.Venues.Entered(1); return err })
	// A count that is moved on stays altered, and so does what asks are added to.
	update(t, db, func(s store.Stores) error {
		return errors.Join(s.Venues.Add([]venue.Delta{{Venue: 1, By: 1}}), s.Asks.Put([]venue.Ask{k}))
	})
	same(t, "moved on after it was edited", altered(), [4]bool{true, true, true, true})
}

// testPruned: a ledger of which what is spent was taken away says the same of every row.
func testPruned(t *testing.T, open func(t *testing.T) (LedgerDB, func(sql string))) {
	db, exec := open(t)
	keep(t, db, true)
	for n := range 40 {
		update(t, db, func(s store.Stores) error {
			err := errors.Join(s.Guesses.Put(id16(1), identity.Guesses{Day: 9, Wrong: n}), s.Guesses.Put(id16(100+n), identity.Guesses{Day: 3, Wrong: n}))
			if n%10 == 0 {
				err = errors.Join(err, s.PINs.Put(identity.PersonID(n+1), id16(n)))
			}
			return err
		})
	}
	update(t, db, func(s store.Stores) error { _, err := s.Guesses.Forget(5, 100); return err })
	end, err := db.LedgerAt(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	chain := func() (int, map[string]bool) { return chained(t, db, end) }
	before, rows := chain()
	prune := func(below uint64) {
		t.Helper()
		for next := uint64(0); ; {
			if next, err = db.PruneLedger(t.Context(), next, below); err != nil {
				t.Fatal(err)
			} else if next == 0 {
				return
			}
		}
	}
	for _, below := range []uint64{20, 60, end.Seq, end.Seq} {
		prune(below)
		_, now := chain()
		same(t, "rows", now, rows)
	}
	if after, _ := chain(); after > before/5 {
		t.Errorf("%d entries are left of %d", after, before)
	}
	read := func(s store.Stores) error {
		_, err := s.Guesses.Get(id16(1))
		_, err2 := s.Guesses.Get(id16(120))
		return errors.Join(err, err2)
	}
	update(t, db, read)
	exec("UPDATE identity_guess SET wrong = 0")
	wantErr(t, db, store.ErrAltered, read)
}

// chained walks the ledger to its end, and returns how many entries it has and which rows
// they say are there.
func chained(t *testing.T, db LedgerDB, end store.LedgerMark) (n int, newest map[string]bool) {
	t.Helper()
	tables, rows := content(t, db)
	var last store.LedgerMark
	newest = map[string]bool{}
	for _, table := range tables {
		if table.Name != "store_ledger" {
			continue
		}
		at := func(row []store.Value, name string) store.Value {
			for i, c := range table.Columns {
				if c.Name == name {
					return row[i]
				}
			}
			t.Fatal(name)
			return store.Value{}
		}
		for _, row := range rows["store_ledger"] {
			n++
			e := store.LedgerEntry{Seq: uint64(at(row, "seq").Int), Table: string(at(row, "name").Bytes), Row: at(row, "row_key").Bytes, MAC: at(row, "mac").Bytes, Chain: [32]byte(at(row, "chain").Bytes)}
			if !ledgerKey.Follows(last, e) {
				t.Fatalf("entry %d does not follow %d", e.Seq, last.Seq)
			}
			last = store.LedgerMark{Seq: e.Seq, Chain: e.Chain}
			if e.Table != "" {
				newest[e.Table+string(e.Row)] = len(e.MAC) > 0
			}
		}
	}
	if last != end {
		t.Fatalf("ends at %d, not %d", last.Seq, end.Seq)
	}
	for k, there := range newest {
		if !there {
			delete(newest, k)
		}
	}
	return n, newest
}

// testSealLater: rows from before there was a key are taken in once, and never again.
func testSealLater(t *testing.T, open func(t *testing.T) (LedgerDB, func(sql string))) {
	db, exec := open(t)
	v := venue.Visit{ID: id16(1), Venue: 1, Day: 9, Who: id16(2), Entered: at(0), LeavesBy: at(60), Decision: venue.Admit}
	put := func(s store.Stores) error {
		return errors.Join(s.Visits.Put([]venue.Visit{v}), s.Refresh.Advance(id16(1), 1))
	}
	update(t, db, put)
	altered := func() (out bool) {
		view(t, db, func(s store.Stores) error {
			got, err := s.Visits.Get([]venue.VisitID{v.ID})
			out = got[0].Altered
			return err
		})
		return out
	}
	keep(t, db, true)
	if altered() {
		t.Error("it was not taken in")
	}
	exec("UPDATE venue_visit SET mac = left_mac, door = 7")
	keep(t, db, true)
	keep(t, db, false)
	if !altered() {
		t.Error("it was taken in again")
	}
}
