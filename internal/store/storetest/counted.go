package storetest

import (
	"errors"
	"testing"

	"github.com/amanah-project/amanah/internal/store"
)

func putNotice(n int) func(s store.Stores) error {
	return func(s store.Stores) error { return s.Notices.Put([]uint64{uint64(n)}, at(n)) }
}

func dropNotice(n int) func(s store.Stores) error {
	return func(s store.Stores) error { return s.Notices.Drop([]uint64{uint64(n)}) }
}

// dueNotices asks for all notices, of which there are so many.
func dueNotices(t *testing.T, want int) func(s store.Stores) error {
	return func(s store.Stores) error {
		w, err := s.Notices.Due(at(999), 99)
		if err == nil && len(w) != want {
			t.Errorf("%d are due, not %d", len(w), want)
		}
		return err
	}
}

func follow(t *testing.T, dbs ...LedgerDB) {
	t.Helper()
	for _, db := range dbs {
		if err := db.FollowLedger(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// testCounted: a row that was removed is missed, whatever was written meanwhile by this
// server or another, followed or not, and by transactions that see an older state than the
// server knows; so is one that was put there. The control is that with every row in its place
// all of these are served.
func testCounted(t *testing.T, two func(t *testing.T) (db, other LedgerDB, exec func(sql string))) {
	for name, edit := range map[string]string{
		"nothing": "", "a row was removed": "DELETE FROM notice_waiting WHERE place = 1",
		"a row was put there": "INSERT INTO notice_waiting (place, due, tries) VALUES (77, 1, 0)",
	} {
		t.Run(name, func(t *testing.T) {
			db, other, exec := two(t)
			keep(t, db, true)
			keep(t, other, false)
			for n := 1; n <= 5; n++ {
				update(t, db, putNotice(n))
			}
			follow(t, db, other)
			if edit != "" {
				exec(edit)
			}
			countedSince(t, db, other, edit == "")
		})
	}
	testForgedCount(t, two)
}

// countedSince writes to one of two servers and counts at both, from five rows on.
func countedSince(t *testing.T, db, other LedgerDB, whole bool) {
	rows := 5
	wants := func(what string, err error) {
		t.Helper()
		if whole && err != nil && !errors.Is(err, errUndo) || errors.Is(err, store.ErrAltered) == whole {
			t.Errorf("%s: %v", what, err)
		}
	}
	due := func(of LedgerDB) error { return of.View(t.Context(), dueNotices(t, rows)) }
	wants("nothing since", due(db))
	for n := 6; n <= 8; n++ {
		update(t, other, putNotice(n))
		rows++
		wants("another server put one", due(db))
		wants("it put one itself", due(other))
	}
	update(t, other, dropNotice(7))
	rows--
	wants("another server dropped one", due(db))
	update(t, other, putNotice(7))
	rows++
	wants("and put it anew", due(db))
	wants("what a transaction wrote itself", db.Update(t.Context(), func(s store.Stores) error {
		return errors.Join(putNotice(40)(s), dropNotice(2)(s), putNotice(41)(s), dueNotices(t, rows+1)(s), errUndo)
	}))
	wants("of an older state than is known", db.View(t.Context(), func(s store.Stores) error {
		_, err := s.Guesses.Get(id16(1)) // from here on it sees this state
		for n := 20; n < 23; n++ {
			update(t, other, putNotice(n))
		}
		update(t, other, dropNotice(3))
		follow(t, db)
		return errors.Join(err, dueNotices(t, rows)(s))
	}))
	rows += 2
	wants("followed since", due(db))
}

// testForgedCount: an entry that does not follow the one before accounts for no row, nor does
// one that misses.
func testForgedCount(t *testing.T, two func(t *testing.T) (db, other LedgerDB, exec func(sql string))) {
	for name, edits := range map[string][]string{
		"forged": {"DELETE FROM notice_waiting WHERE place = 1", "INSERT INTO store_ledger (seq, name, row_key, mac, chain) " +
			"SELECT seq + 1, name, row_key, SUBSTR(mac, 1, 0), chain FROM store_ledger WHERE seq = (SELECT MAX(seq) FROM store_ledger)"},
		"an own row and its entry were removed": {"DELETE FROM notice_waiting WHERE place = 2",
			"DELETE FROM store_ledger WHERE seq = (SELECT MAX(seq) - 1 FROM store_ledger)"},
	} {
		t.Run(name, func(t *testing.T) {
			db, _, exec := two(t)
			keep(t, db, true)
			update(t, db, putNotice(1))
			follow(t, db)
			update(t, db, putNotice(2))
			update(t, db, putNotice(3))
			view(t, db, dueNotices(t, 3))
			for _, sql := range edits {
				exec(sql)
			}
			wantErr(t, db, store.ErrAltered, dueNotices(t, 2))
		})
	}
}
