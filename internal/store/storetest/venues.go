package storetest

import (
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
