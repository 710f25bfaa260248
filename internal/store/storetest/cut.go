package storetest

import (
	"errors"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
)

// testCutOff: an entry that was taken off the ledger's end before anybody followed to it,
// with its row and the end put back, is missed by the server that wrote it, also when
// another server wrote one in its place meanwhile. The control is that the other server,
// which never saw the entry, goes on; and that a ledger in which nothing was cut is
// followed by both.
func testCutOff(t *testing.T, two func(t *testing.T) (db, other LedgerDB, exec func(sql string))) {
	tries := func(row, n int) func(s store.Stores) error {
		return func(s store.Stores) error { return s.Guesses.Put(id16(row), identity.Guesses{Day: 9, Wrong: n}) }
	}
	read := func(s store.Stores) error { _, err := s.Guesses.Get(id16(1)); return err }
	for name, meanwhile := range map[string]struct {
		cut   bool
		other func(s store.Stores) error
	}{
		"nothing was cut": {false, tries(2, 5)}, "and nothing since": {true, nil}, "and another row since": {true, tries(2, 5)},
		"and the same row since": {true, tries(1, 7)},
	} {
		t.Run(name, func(t *testing.T) {
			db, other, exec := two(t)
			keep(t, db, true)
			keep(t, other, false)
			follow := func(one LedgerDB, want error) {
				t.Helper()
				if err := one.FollowLedger(t.Context()); !errors.Is(err, want) {
					t.Fatalf("%v, not %v", err, want)
				}
			}
			update(t, db, tries(1, 3))
			follow(db, nil)
			follow(other, nil)
			tables, before := content(t, db)
			update(t, db, tries(1, 4))
			if meanwhile.cut {
				exec("DELETE FROM store_ledger WHERE seq > " + itoa(len(before["store_ledger"])))
				e := &editor{t, db, exec, tables}
				e.set("store_ledger_end", before)
				e.set("identity_guess", before)
			}
			if meanwhile.other != nil {
				update(t, other, meanwhile.other)
				update(t, other, meanwhile.other)
			}
			follow(other, nil)
			view(t, other, read)
			if !meanwhile.cut {
				follow(db, nil)
				view(t, db, read)
				return
			}
			follow(db, store.ErrLedger)
			wantErr(t, db, store.ErrAltered, read)
		})
	}
}
