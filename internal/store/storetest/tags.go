package storetest

import (
	"errors"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
)

// tagEdits are what somebody does who writes the database and has no key, so that the NIK
// or the number of person 1 leads to another.
var tagEdits = map[string]struct {
	sql   string
	phone bool
}{
	"a NIK pointed to another":       {"UPDATE identity_nik SET person_id = 3 WHERE person_id = 1", false},
	"with the MAC of that one's":     {"UPDATE identity_nik SET person_id = 2, mac = (SELECT mac FROM identity_nik WHERE person_id = 2) WHERE person_id = 1", false},
	"with none, as of before":        {"UPDATE identity_nik SET person_id = 3, mac = substr(tag, 1, 0) WHERE person_id = 1", false},
	"a NIK with the MAC of a number": {"UPDATE identity_nik SET mac = (SELECT mac FROM identity_phone WHERE person_id = 1) WHERE person_id = 1", false},
	"a number pointed to another":    {"UPDATE identity_phone SET person_id = 3 WHERE person_id = 1", true},
	"a number's, with none":          {"UPDATE identity_phone SET person_id = 3, mac = substr(tag, 1, 0) WHERE person_id = 1", true},
	"a number of one more":           {"INSERT INTO identity_phone (tag, person_id, mac) SELECT tag, 3, mac FROM identity_phone WHERE person_id = 1", true},
	"a number instead of another's":  {"UPDATE identity_phone SET tag = (SELECT tag FROM identity_nik WHERE person_id = 1) WHERE person_id = 2", true},
	"a number with the MAC of a NIK": {"UPDATE identity_phone SET mac = (SELECT mac FROM identity_nik WHERE person_id = 1) WHERE person_id = 1", true},
}

// testTags: a NIK or a telephone number that somebody pointed to another person leads to
// nobody, also where it was registered before there was a ledger or before these rows had
// MACs, and everybody else's lead where they did; in a database that keeps none nobody can
// tell.
func testTags(t *testing.T, open func(t *testing.T) (LedgerDB, func(sql string))) {
	for since, kept := range map[string]bool{"kept": true, "from before": true, "from a ledger of before": true, "without": false} {
		for name, edit := range tagEdits {
			t.Run(since+"/"+name, func(t *testing.T) {
				db, exec := open(t)
				tagsSince(t, since, db, exec)
				asked := func(of int) error {
					return db.View(t.Context(), func(s store.Stores) error {
						who, err := s.People.ByNIK([]identity.Tag{spread(of)})
						if err == nil && !edit.phone && who[0] != identity.PersonID(of) {
							t.Logf("the NIK of %d is %d's", of, who[0])
						}
						_, err2 := s.Bindings.Claimants(spread(of))
						return errors.Join(err, err2)
					})
				}
				if err := errors.Join(asked(1), asked(2)); err != nil {
					t.Fatalf("as written: %v", err)
				}
				exec(edit.sql)
				for again := range 2 {
					if err := asked(1); errors.Is(err, store.ErrAltered) != kept || err != nil && !kept {
						t.Errorf("asked about who was edited: %v", err)
					}
					if err := asked(2); err != nil {
						t.Errorf("asked about another: %v", err)
					}
					if kept && again == 0 { // nothing is taken in twice
						keep(t, db, true)
						keep(t, db, false)
					}
				}
			})
		}
	}
	for name, cut := range map[string]func(exec func(sql string)){
		"taken out": func(exec func(sql string)) { exec("DELETE FROM store_ledger WHERE seq > 1 AND seq < 5") },
		"cut off": func(exec func(sql string)) {
			exec("DELETE FROM store_ledger WHERE seq > 1")
			exec("UPDATE store_ledger_end SET seq = 1, chain = (SELECT chain FROM store_ledger WHERE seq = 1)")
		},
	} {
		t.Run("with the entries that they were taken in "+name, func(t *testing.T) {
			db, exec := open(t)
			tagsSince(t, "kept", db, exec)
			update(t, db, func(s store.Stores) error { return s.Links.Put(link(1)) })
			mark, err := db.LedgerAt(t.Context(), 0)
			exec("UPDATE identity_nik SET person_id = 3, mac = substr(tag, 1, 0) WHERE person_id = 1")
			cut(exec)
			err = errors.Join(err, db.KeepLedger(t.Context(), ledgerKey, false), db.AdoptLater(t.Context(), mark))
			if err != nil {
				t.Fatal(err)
			}
			wantErr(t, db, store.ErrAltered, func(s store.Stores) error {
				_, err := s.People.ByNIK([]identity.Tag{spread(1)})
				return err
			})
		})
	}
	t.Run("removed", func(t *testing.T) {
		db, exec := open(t)
		tagsSince(t, "kept", db, exec)
		exec("DELETE FROM identity_nik WHERE person_id = 1")
		view(t, db, func(s store.Stores) error { // only a check names it, docs/dba.md
			who, err := s.People.ByNIK([]identity.Tag{spread(1), spread(2)})
			same(t, "by NIK", who, []identity.PersonID{0, 2})
			return err
		})
	})
}

// tagsSince registers people in a database that keeps a ledger since, or none.
func tagsSince(t *testing.T, since string, db LedgerDB, exec func(sql string)) {
	t.Helper()
	put := func() { update(t, db, func(s store.Stores) error { return s.People.Put(persons(1, 5)) }) }
	switch since {
	case "kept":
		keep(t, db, true)
		put()
	case "from before":
		put()
		keep(t, db, true)
	case "from a ledger of before":
		// Its one entry says that all rows are noted, and none that tags have MACs.
		keep(t, db, true)
		put()
		exec("DELETE FROM store_ledger WHERE seq > 1")
		exec("UPDATE store_ledger_end SET seq = 1, chain = (SELECT chain FROM store_ledger WHERE seq = 1)")
		exec("UPDATE identity_nik SET mac = substr(tag, 1, 0)")
		exec("UPDATE identity_phone SET mac = substr(tag, 1, 0)")
		keep(t, db, false)
	default:
		put()
	}
}
