package storetest

import (
	"errors"
	"testing"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

// waiting are rows that are taken a few at a time, in order: the n-th is put, and some are
// taken, which says how many those were.
type waiting struct {
	table, edit string // what an editor does to the first six
	put         func(s store.Stores, n int) error
	take        func(s store.Stores, n int) (int, error)
}

func waitings() []waiting {
	taken := func(n int, err error) (int, error) { return n, err }
	return []waiting{
		{"record_follow", "SET entered = entered + 1 WHERE person_id <= 6", func(s store.Stores, n int) error { return enter(s, identity.PersonID(n)) },
			func(s store.Stores, n int) (int, error) {
				w, err := s.Records.Following(0, n)
				return taken(len(w), err)
			}},
		{"notice_waiting", "SET tries = 1 WHERE place <= 6", func(s store.Stores, n int) error { return s.Notices.Put([]uint64{uint64(n)}, at(n)) },
			func(s store.Stores, n int) (int, error) {
				w, err := s.Notices.Due(at(99), n)
				return taken(len(w), err)
			}},
		{"identity_binding", "SET version = 99 WHERE person_id <= 6", func(s store.Stores, n int) error {
			b := changing(n)
			b.Ripe = at(n)
			return s.Bindings.Put(b)
		}, func(s store.Stores, n int) (int, error) {
			w, err := s.Bindings.Ripe(at(99), n)
			return taken(len(w), err)
		}},
		{"identity_guess", "SET wrong = 0 WHERE day <= 6", func(s store.Stores, n int) error {
			return s.Guesses.Put(id16(n), identity.Guesses{Day: day.Day(n), Wrong: 1})
		}, func(s store.Stores, n int) (int, error) { return s.Guesses.Forget(99, n) }},
		{"identity_authorization", "SET tries = 9 WHERE id IN (SELECT id FROM identity_authorization ORDER BY expires LIMIT 6)", func(s store.Stores, n int) error {
			return s.Authorizations.Put(identity.Authorization{ID: id16(n), Partner: 1, Version: 1, Sealed: sealed(1, 40), Expires: at(n)})
		}, func(s store.Stores, n int) (int, error) { return s.Authorizations.Forget(at(99), n) }},
		{"identity_card", "SET revoked = 5 WHERE person_id <= 6", func(s store.Stores, n int) error {
			return s.Cards.Put(identity.Card{ID: id16(n), Person: identity.PersonID(n), Issued: at(0), Expires: at(n)})
		}, func(s store.Stores, n int) (int, error) { return s.Cards.Forget(at(99), n) }},
		{"identity_pin_try", "SET tries = 9 WHERE day <= 6", func(s store.Stores, n int) error {
			_, err := s.PINs.Count(id16(n), day.Day(n), 1)
			return err
		}, func(s store.Stores, n int) (int, error) { return s.PINs.Forget(99, n) }},
		{"venue_journey", "SET decision = 2 WHERE asked <= 6", func(s store.Stores, n int) error {
			_, err := s.Journeys.Put(venue.Journey{ID: id16(n), Asked: day.Day(n), Decision: venue.Admit})
			return err
		}, func(s store.Stores, n int) (int, error) { return s.Journeys.Forget(99, n) }},
		{"staff_session", "SET actor = 'x' WHERE actor <= 'staff-6'", func(s store.Stores, n int) error {
			return s.SignIns.Put(staff.Session{Token: id32(n), Actor: staff.ActorID("staff-" + itoa(n)), Browser: id32(40), Endorsement: sealed(1, 300), Began: at(0), Until: at(n)})
		}, func(s store.Stores, n int) (int, error) { return s.SignIns.Forget(at(99), n) }},
	}
}

// testBehind: rows that were altered keep nobody waiting who comes after them, however few
// are taken at a time; the control is that as many are taken when nothing was altered, and
// that what was altered is not.
func testBehind(t *testing.T, open func(t *testing.T) (LedgerDB, func(sql string))) {
	db, exec := open(t)
	keep(t, db, true)
	update(t, db, func(s store.Stores) error {
		return s.People.Put(persons(1, 9))
	})
	for _, w := range waitings() {
		t.Run(w.table, func(t *testing.T) {
			for n := 1; n <= 9; n++ {
				update(t, db, func(s store.Stores) error { return w.put(s, n) })
			}
			wants := func(what string, n, want int) {
				t.Helper()
				err := db.Update(t.Context(), func(s store.Stores) error {
					got, err := w.take(s, n)
					if err == nil && got != want {
						t.Errorf("%s: %d of %d are taken, not %d", what, got, n, want)
					}
					return errors.Join(err, errUndo)
				})
				if !errors.Is(err, errUndo) || errors.Is(err, store.ErrAltered) {
					t.Fatal(err)
				}
			}
			wants("as they were written", 2, 2)
			wants("as they were written", 20, 9)
			exec("UPDATE " + w.table + " " + w.edit)
			for n, want := range []int{0, 1, 2, 3, 3, 3} {
				wants("six altered", n, want)
			}
			wants("six altered", 20, 3)
		})
	}
}
