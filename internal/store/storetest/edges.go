package storetest

import (
	"errors"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/dispute"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

// testRange: numbers that no database of ours can hold are refused, not bent.
func testRange(t *testing.T, db store.DB) {
	const far = 1 << 63
	visitAt := func(v venue.ID, seq uint64) venue.Visit {
		one := visit(1)
		one.Venue, one.Leaf.Seq = v, seq
		return one
	}
	l := leaf(1, 0, 1)
	l.Seq = far
	for name, write := range map[string]func(s store.Stores) error{
		"person far":  func(s store.Stores) error { return s.People.Put([]identity.Stored{{ID: far, NIK: spread(1)}}) },
		"person zero": func(s store.Stores) error { return s.People.Put([]identity.Stored{{NIK: spread(1)}}) },
		"person version": func(s store.Stores) error {
			return s.People.Put([]identity.Stored{{ID: 1, Version: far, NIK: spread(1)}})
		},
		"quarantine zero": func(s store.Stores) error { return s.People.Quarantine([]identity.Quarantined{{Against: 1}}) },
		"quarantine far":  func(s store.Stores) error { return s.People.Quarantine([]identity.Quarantined{{ID: 1, Against: far}}) },
		"colour zero":     func(s store.Stores) error { return s.Status.PutColours([]status.SealedColour{{Version: 1}}) },
		"colour far": func(s store.Stores) error {
			return s.Status.PutColours([]status.SealedColour{{Person: far, Version: 1}})
		},
		"colour version": func(s store.Stores) error { return s.Status.PutColours([]status.SealedColour{{Person: 1}}) },
		"evidence far": func(s store.Stores) error {
			return s.Status.PutEvidence([]status.SealedEvidence{{Person: 1, Version: far}})
		},
		"venue zero":      func(s store.Stores) error { return s.Venues.Put(venue.Venue{Category: venue.Mall}) },
		"venue far":       func(s store.Stores) error { return s.Venues.Put(venue.Venue{ID: far}) },
		"visit's venue":   func(s store.Stores) error { return s.Visits.Put([]venue.Visit{visitAt(far, 1)}) },
		"visit nowhere":   func(s store.Stores) error { return s.Visits.Put([]venue.Visit{visitAt(0, 1)}) },
		"visit's leaf":    func(s store.Stores) error { return s.Visits.Put([]venue.Visit{visitAt(1, far)}) },
		"card of nobody":  func(s store.Stores) error { return s.Cards.Put(identity.Card{ID: id16(1)}) },
		"card far":        func(s store.Stores) error { return s.Cards.Put(identity.Card{ID: id16(1), Person: far}) },
		"PIN of nobody":   func(s store.Stores) error { return s.PINs.Put(0, spread(1)) },
		"PIN far":         func(s store.Stores) error { return s.PINs.Put(far, spread(1)) },
		"lookups nowhere": func(s store.Stores) error { return s.Lookups.Put(venue.Lookups{Venue: 99}) },
		"lookups far":     func(s store.Stores) error { return s.Lookups.Put(venue.Lookups{Venue: 1, Mark: far}) },
		"leaf far":        func(s store.Stores) error { return s.Log.Put([]accesslog.Leaf{l}) },
	} {
		if err := persist(db, write); !errors.Is(err, store.ErrConstraint) {
			t.Errorf("%s: got %v, want ErrConstraint", name, err)
		}
	}
	view(t, db, func(s store.Stores) error {
		p, err := s.People.Get([]identity.PersonID{far, 0, 1<<64 - 1})
		same(t, "nobody", p, make([]identity.Stored, 3))
		if err != nil {
			return err
		}
		if p, err = s.People.Walk(far, 9); len(p) > 0 {
			t.Error("walked past the end")
		}
		return err
	})
}

// testNothing: asking for nothing gets nothing, and no error.
func testNothing(t *testing.T, db store.DB) {
	update(t, db, func(s store.Stores) error { return s.People.Put(persons(1, 3)) })
	putVisits(t, db, visits(1, 3)...)
	putLeaves(t, db, leaf(1, 0, 1))
	putAuthorizations(t, db, authorization(1))
	putCards(t, db, card(1))
	countTries(t, db, 1, 1, 1)
	putAsks(t, db, ask(1))
	file(t, db, filed(1))
	update(t, db, func(s store.Stores) error {
		_, left := s.Visits.Leave(nil)
		return errors.Join(s.People.Put(nil), s.People.Quarantine(nil), s.Status.PutColours(nil), s.Status.PutEvidence(nil),
			s.Venues.Add(nil), s.Visits.Put(nil), s.Asks.Put(nil), s.Passes.Put(nil), s.Log.Put(nil), left)
	})
	view(t, db, func(s store.Stores) error {
		p, err1 := s.People.Get(nil)
		b, err2 := s.People.ByNIK(nil)
		v, err3 := s.Visits.Get(nil)
		o, err4 := s.Visits.Of(nil)
		i, err5 := s.Venues.Inside(nil)
		k, err6 := s.Asks.Of(nil)
		if len(p)+len(b)+len(v)+len(o)+len(i)+len(k) != 0 {
			t.Error("got something for nothing")
		}
		return errors.Join(err1, err2, err3, err4, err5, err6)
	})
	for _, n := range []int{0, -1} {
		update(t, db, func(s store.Stores) error {
			p, err1 := s.People.Walk(0, n)
			c, err2 := s.Status.WalkColours(0, n)
			q, err3 := s.People.Quarantined(0, n)
			d, err4 := s.Visits.Due(at(1e6), n)
			f, err5 := s.Visits.Forget(at(1e8), n)
			l, err6 := s.Log.Of(spread(1), 0, n)
			a, err7 := s.Authorizations.Forget(at(1e8), n)
			k, err8 := s.Cards.Forget(at(1e8), n)
			w, err9 := s.PINs.Forget(1<<30, n)
			x, err10 := s.Asks.Forget(at(1e8), n)
			y, err11 := s.Disputes.Walk(dispute.ID{}, n, true)
			if len(p)+len(c)+len(q)+len(d)+f+len(l)+a+k+w+x+len(y) != 0 {
				t.Errorf("got something for n = %d", n)
			}
			return errors.Join(err1, err2, err3, err4, err5, err6, err7, err8, err9, err10, err11)
		})
	}
}

func testLargeBatch(t *testing.T, db store.DB) {
	const n = 256
	putPlaces(t, db, 5)
	all := visits(1, n)
	ids := make([]venue.VisitID, n)
	people := make([]identity.PersonID, n)
	trails := make([]venue.Trail, n)
	colours := make([]status.SealedColour, n)
	for i, v := range all {
		ids[i], people[i], trails[i] = v.ID, identity.PersonID(i+1), venue.Trail{Day: v.Day, Who: v.Who}
		colours[i] = colour(i+1, 1)
	}
	update(t, db, func(s store.Stores) error {
		var deltas []venue.Delta
		for _, v := range all {
			deltas = append(deltas, venue.Delta{Venue: v.Venue, By: v.Party})
		}
		return errors.Join(s.People.Put(persons(1, n)), s.Status.PutColours(colours), s.Visits.Put(all),
			s.Venues.Add(deltas), s.Log.Put([]accesslog.Leaf{leaf(1, 0, n)}))
	})
	same(t, "people", getPeople(t, db, people...), persons(1, n))
	wantVisits(t, db, "visits", ids, all...)
	wantLeaf(t, db, "leaf", leaf(1, 0, n))
	view(t, db, func(s store.Stores) error {
		got, err := s.Status.Colours(people)
		same(t, "colours", got, colours)
		if err != nil {
			return err
		}
		of, err := s.Visits.Of(trails)
		sum := 0
		for _, v := range of[:21] { // 7 people, 3 days: each trail once
			sum += len(v)
		}
		same(t, "visits over all trails", sum, n)
		return err
	})
}
