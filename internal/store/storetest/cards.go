package storetest

import (
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

// card is the n-th, of the person n/10+1.
func card(n int) identity.Card {
	return identity.Card{ID: id16(n), Person: identity.PersonID(n/10 + 1), Issued: at(n), Expires: at(1000 + n)}
}

func putCards(t *testing.T, db store.DB, all ...identity.Card) {
	t.Helper()
	update(t, db, func(s store.Stores) error {
		for _, c := range all {
			if err := s.Cards.Put(c); err != nil {
				return err
			}
		}
		return nil
	})
}

func wantCard(t *testing.T, db store.DB, what string, id identity.CardID, want identity.Card) {
	t.Helper()
	view(t, db, func(s store.Stores) error {
		got, err := s.Cards.Get(id)
		same(t, what, got, want)
		return err
	})
}

func wantCardsOf(t *testing.T, db store.DB, p identity.PersonID, want ...identity.Card) {
	t.Helper()
	view(t, db, func(s store.Stores) error {
		got, err := s.Cards.Of(p)
		same(t, "a person's cards", got, want)
		return err
	})
}

func testCards(t *testing.T, db store.DB) {
	putCards(t, db, card(2), card(1), card(11))
	wantCard(t, db, "first", id16(1), card(1))
	wantCard(t, db, "unknown", id16(9), identity.Card{})
	wantCard(t, db, "zero", identity.CardID{}, identity.Card{})
	wantCardsOf(t, db, 1, card(1), card(2))
	wantCardsOf(t, db, 2, card(11))
	wantCardsOf(t, db, 3)
}

func testCardRevoked(t *testing.T, db store.DB) {
	gone := card(1)
	gone.Revoked = at(50)
	again, back, other := gone, card(1), gone
	again.Revoked = at(60)
	other.Person, other.Expires = 7, at(9000)
	putCards(t, db, card(1), card(2), gone, again, back, other)
	wantCard(t, db, "revoked", id16(1), gone)
	wantCard(t, db, "its neighbour", id16(2), card(2))
	wantCardsOf(t, db, 1, gone, card(2))
	wantCardsOf(t, db, 7)
}

func testCardsForgotten(t *testing.T, db store.DB) {
	putCards(t, db, card(3), card(1), card(2))
	forget := func(seconds, n, want int) {
		t.Helper()
		update(t, db, func(s store.Stores) error {
			gone, err := s.Cards.Forget(at(seconds), n)
			same(t, "forgotten", gone, want)
			return err
		})
	}
	forget(1001, 9, 0)
	forget(1003, 1, 1)
	wantCardsOf(t, db, 1, card(2), card(3))
	forget(2000, 9, 2)
	forget(2000, 9, 0)
	wantCard(t, db, "forgotten", id16(3), identity.Card{})
}

func testPINs(t *testing.T, db store.DB) {
	put := func(p identity.PersonID, tag identity.Tag) {
		t.Helper()
		update(t, db, func(s store.Stores) error { return s.PINs.Put(p, tag) })
	}
	want := func(p identity.PersonID, tag identity.Tag) {
		t.Helper()
		view(t, db, func(s store.Stores) error {
			got, err := s.PINs.Get(p)
			same(t, "PIN", got, tag)
			return err
		})
	}
	put(1, spread(1))
	put(2, spread(2))
	want(1, spread(1))
	want(3, identity.Tag{})
	want(0, identity.Tag{})
	put(1, spread(3))
	want(1, spread(3))
	put(1, identity.Tag{})
	put(1, identity.Tag{})
	want(1, identity.Tag{})
	want(2, spread(2))
}

// countTries counts and wants the n given after.
func countTries(t *testing.T, db store.DB, d day.Day, by, want int) {
	t.Helper()
	update(t, db, func(s store.Stores) error {
		n, err := s.PINs.Count(spread(1), d, by)
		same(t, "tries", n, want)
		return err
	})
}

func testPINTries(t *testing.T, db store.DB) {
	countTries(t, db, 10, 1, 1)
	countTries(t, db, 10, 1, 2)
	countTries(t, db, 11, 1, 1)
	countTries(t, db, 10, -1, 1)
	countTries(t, db, 10, -5, 0)
	countTries(t, db, 12, -1, 0)
	countTries(t, db, 10, 3, 3)
	update(t, db, func(s store.Stores) error {
		n, err := s.PINs.Count(spread(2), 10, 1)
		same(t, "of another NIK", n, 1)
		return err
	})
	forget := func(before day.Day, n, want int) {
		t.Helper()
		update(t, db, func(s store.Stores) error {
			gone, err := s.PINs.Forget(before, n)
			same(t, "forgotten", gone, want)
			return err
		})
	}
	forget(10, 9, 0)
	forget(11, 1, 1)
	forget(12, 9, 2)
	countTries(t, db, 11, 1, 1)
	countTries(t, db, 12, 1, 1)
}

// testPINTriesRace: no two of many at once are told the same count.
func testPINTriesRace(t *testing.T, db store.DB) {
	seen := make([]int, writers)
	together(func(i int) {
		if err := persist(db, func(s store.Stores) (err error) {
			seen[i], err = s.PINs.Count(spread(1), 1, 1)
			return err
		}); err != nil {
			t.Error(err)
		}
	})
	told := map[int]bool{}
	for _, n := range seen {
		told[n] = true
	}
	same(t, "different counts", len(told), writers)
	countTries(t, db, 1, 0, writers)
}

func testEntered(t *testing.T, db store.DB) {
	putPlaces(t, db, 2)
	add := func(deltas ...venue.Delta) {
		t.Helper()
		update(t, db, func(s store.Stores) error { return s.Venues.Add(deltas) })
	}
	add(venue.Delta{Venue: 1, By: 4, Entered: 2}, venue.Delta{Venue: 2, By: 1})
	add(venue.Delta{Venue: 1, By: -9, Entered: 1})
	view(t, db, func(s store.Stores) error {
		for id, want := range []uint64{0, 3, 0, 0} {
			n, err := s.Venues.Entered(venue.ID(id))
			same(t, "entered", n, want)
			if err != nil {
				return err
			}
		}
		return nil
	})
	wantInside(t, db, "inside", []venue.ID{1, 2}, 0, 1)
}

func testLookups(t *testing.T, db store.DB) {
	putPlaces(t, db, 2)
	put := func(l venue.Lookups) {
		t.Helper()
		update(t, db, func(s store.Stores) error { return s.Lookups.Put(l) })
	}
	want := func(v venue.ID, l venue.Lookups) {
		t.Helper()
		view(t, db, func(s store.Stores) error {
			got, err := s.Lookups.Get(v)
			same(t, "look-ups", got, l)
			return err
		})
	}
	want(1, venue.Lookups{Venue: 1})
	want(99, venue.Lookups{Venue: 99})
	first := venue.Lookups{Venue: 1, Hour: at(0).Unix() / int64(time.Hour/time.Second), Used: 3, Mark: 20, Before: 10}
	put(first)
	put(venue.Lookups{Venue: 2, Hour: 1})
	want(1, first)
	first.Used, first.Mark = 4, 21
	put(first)
	want(1, first)
	want(2, venue.Lookups{Venue: 2, Hour: 1})
}
