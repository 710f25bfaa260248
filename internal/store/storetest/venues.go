package storetest

import (
	"errors"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

func place(n int) venue.Venue {
	return venue.Venue{
		ID: venue.ID(n), Name: "Pasar Uji", Category: venue.Market, District: "9901", Level: 2, Declared: 100 * n, Doors: 2,
	}
}

func putPlaces(t *testing.T, db store.DB, to int) {
	t.Helper()
	update(t, db, func(s store.Stores) error {
		for n := 1; n <= to; n++ {
			if err := s.Venues.Put(place(n)); err != nil {
				return err
			}
		}
		return nil
	})
}

func add(t *testing.T, db store.DB, deltas ...venue.Delta) {
	t.Helper()
	update(t, db, func(s store.Stores) error { return s.Venues.Add(deltas) })
}

func wantInside(t *testing.T, db store.DB, why string, ids []venue.ID, want ...int) {
	t.Helper()
	view(t, db, func(s store.Stores) error {
		got, err := s.Venues.Inside(ids)
		same(t, why, got, want)
		return err
	})
}

func testVenues(t *testing.T, db store.DB) {
	putPlaces(t, db, 3)
	add(t, db, venue.Delta{Venue: 2, By: 41})
	moved := place(2)
	moved.Name, moved.Category, moved.District = "Kantor Uji", venue.Office, "9902"
	moved.Level, moved.Declared, moved.Doors = 4, 7, 1
	update(t, db, func(s store.Stores) error { return s.Venues.Put(moved) })
	view(t, db, func(s store.Stores) error {
		got, err := s.Venues.All()
		same(t, "venues", got, []venue.Venue{place(1), moved, place(3)})
		return err
	})
	wantInside(t, db, "the count is kept", []venue.ID{1, 2}, 0, 41)
}

// testRecount: a count made anew is that of the visits that last there.
func testRecount(t *testing.T, db store.DB) {
	putPlaces(t, db, 2)
	stay := func(n int, in venue.ID, d venue.Decision) venue.Visit {
		return venue.Visit{ID: id16(n), Venue: in, Door: 1, Day: 9, Who: id16(n), Entered: at(n), LeavesBy: at(60), Party: n, Decision: d}
	}
	left := stay(4, 1, venue.Admit)
	left.Left = at(30)
	update(t, db, func(s store.Stores) error {
		return errors.Join(s.Visits.Put([]venue.Visit{stay(1, 1, venue.Admit), stay(2, 1, venue.Check), stay(3, 2, venue.Admit), left, stay(5, 1, venue.Refuse)}),
			s.Venues.Add([]venue.Delta{{Venue: 1, By: 90, Entered: 7}, {Venue: 2, By: 90}}))
	})
	for range 2 {
		update(t, db, func(s store.Stores) error {
			n, err := s.Venues.Recount(1)
			same(t, "counted", n, 3)
			entered, err2 := s.Venues.Entered(1)
			same(t, "entered", entered, 7)
			return errors.Join(err, err2)
		})
	}
	add(t, db, venue.Delta{Venue: 1, By: 2})
	wantInside(t, db, "and moved on", []venue.ID{1, 2}, 5, 90)
	wantErr(t, db, venue.ErrUnknown, func(s store.Stores) error { _, err := s.Venues.Recount(9); return err })
}

func testOccupancy(t *testing.T, db store.DB) {
	putPlaces(t, db, 3)
	ids := []venue.ID{3, 1, 9, 2, 1}
	wantInside(t, db, "empty", ids, 0, 0, 0, 0, 0)
	add(t, db, venue.Delta{Venue: 3, By: 5}, venue.Delta{Venue: 1, By: 2}, venue.Delta{Venue: 3, By: 1})
	wantInside(t, db, "entered", ids, 6, 2, 0, 0, 2)
	add(t, db, venue.Delta{Venue: 3, By: -4}, venue.Delta{Venue: 1, By: -9}, venue.Delta{Venue: 2, By: 0})
	wantInside(t, db, "never below zero", ids, 2, 0, 0, 0, 0)
	add(t, db, venue.Delta{Venue: 1, By: -3}, venue.Delta{Venue: 1, By: 4})
	wantInside(t, db, "each change by itself", ids, 2, 4, 0, 0, 4)
	update(t, db, func(s store.Stores) error { // held, and seen changed, within one transaction
		got, err := s.Venues.Inside([]venue.ID{2, 1})
		same(t, "held", got, []int{0, 4})
		if err != nil {
			return err
		}
		if err := s.Venues.Add([]venue.Delta{{Venue: 2, By: 1}}); err != nil {
			return err
		}
		got, err = s.Venues.Inside([]venue.ID{2, 1})
		same(t, "changed", got, []int{1, 4})
		return err
	})
}

func testVenueUnknown(t *testing.T, db store.DB) {
	putPlaces(t, db, 1)
	wantErr(t, db, venue.ErrUnknown, func(s store.Stores) error {
		return s.Venues.Add([]venue.Delta{{Venue: 1, By: 3}, {Venue: 2, By: 3}})
	})
	wantInside(t, db, "nothing changed", []venue.ID{1, 2}, 0, 0)
}
