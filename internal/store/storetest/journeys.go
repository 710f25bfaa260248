package storetest

import (
	"testing"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

func journey(n int) venue.Journey {
	return venue.Journey{ID: spread(n), Asked: day.Day(100 + n), Decision: venue.Admit}
}

func putJourney(t *testing.T, db store.DB, j, want venue.Journey) {
	t.Helper()
	update(t, db, func(s store.Stores) error {
		got, err := s.Journeys.Put(j)
		same(t, "kept", got, want)
		return err
	})
}

func wantJourney(t *testing.T, db store.DB, id venue.JourneyID, want venue.Journey) {
	t.Helper()
	view(t, db, func(s store.Stores) error {
		got, err := s.Journeys.Get(id)
		same(t, "journey", got, want)
		return err
	})
}

func testJourneys(t *testing.T, db store.DB) {
	later := journey(1)
	later.Decision, later.Asked = venue.Refuse, 500
	putJourney(t, db, journey(1), journey(1))
	putJourney(t, db, later, journey(1))
	putJourney(t, db, journey(2), journey(2))
	wantJourney(t, db, spread(1), journey(1))
	wantJourney(t, db, spread(9), venue.Journey{})

	count := func(p partner.ID, d day.Day, by, want int) {
		t.Helper()
		update(t, db, func(s store.Stores) error {
			n, err := s.Journeys.Count(p, d, by)
			same(t, "told", n, want)
			return err
		})
	}
	count(1, 101, 1, 1)
	count(1, 101, 2, 3)
	count(1, 102, 1, 1)
	count(2, 101, 1, 1)
	count(1, 101, -9, 0)
	count(1, 101, 4, 4)

	forget := func(before day.Day, n, want int) {
		t.Helper()
		update(t, db, func(s store.Stores) error {
			gone, err := s.Journeys.Forget(before, n)
			same(t, "forgotten", gone, want)
			return err
		})
	}
	forget(1000, 0, 0)
	forget(101, 9, 0)
	count(1, 101, 0, 4)
	forget(102, 9, 1)
	wantJourney(t, db, spread(1), venue.Journey{})
	wantJourney(t, db, spread(2), journey(2))
	count(1, 101, 0, 0)
	count(1, 102, 0, 1)
}
