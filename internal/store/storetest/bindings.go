package storetest

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
)

// binding is one with a number bound.
func binding(n int) identity.StoredBinding {
	return identity.StoredBinding{
		Binding: identity.Binding{Person: identity.PersonID(n), Phone: spread(500 + n)},
		Version: uint64(n), Bound: sealed(n, 90),
	}
}

// changing is the same with another number that waits.
func changing(n int) identity.StoredBinding {
	b := binding(n)
	b.Next, b.Ripe, b.Waiting = spread(600+n), at(n), sealed(n+1, 90)
	return b
}

func putBindings(t *testing.T, db store.DB, all ...identity.StoredBinding) {
	t.Helper()
	update(t, db, func(s store.Stores) error {
		for _, b := range all {
			if err := s.Bindings.Put(b); err != nil {
				return err
			}
		}
		return nil
	})
}

func wantBinding(t *testing.T, db store.DB, what string, who identity.PersonID, want identity.StoredBinding) {
	t.Helper()
	view(t, db, func(s store.Stores) error {
		got, err := s.Bindings.Get(who)
		same(t, what, got, want)
		return err
	})
}

func wantClaimants(t *testing.T, db store.DB, what string, phone identity.Tag, want ...identity.PersonID) {
	t.Helper()
	view(t, db, func(s store.Stores) error {
		got, err := s.Bindings.Claimants(phone)
		same(t, what, got, want)
		return err
	})
}

func testBindings(t *testing.T, db store.DB) {
	update(t, db, func(s store.Stores) error { return s.People.Put(persons(1, 9)) })
	putBindings(t, db, binding(2), changing(1))
	wantBinding(t, db, "one that changes", 1, changing(1))
	wantBinding(t, db, "one bound", 2, binding(2))
	wantBinding(t, db, "none", 3, identity.StoredBinding{})
	wantBinding(t, db, "nobody", 0, identity.StoredBinding{})
	putBindings(t, db, binding(1), changing(2))
	wantBinding(t, db, "taken back", 1, binding(1))
	wantBinding(t, db, "asked for", 2, changing(2))
	none := identity.StoredBinding{Binding: identity.Binding{Person: 2}}
	putBindings(t, db, none)
	wantBinding(t, db, "emptied", 2, none)
}

func testClaimants(t *testing.T, db store.DB) {
	people := persons(1, 6)
	for i := range people {
		people[i].Phone = identity.Tag{}
	}
	people[0].Phone, people[1].Phone, people[2].Phone = spread(701), spread(702), spread(702)
	update(t, db, func(s store.Stores) error { return s.People.Put(people) })
	wantClaimants(t, db, "registered", spread(701), 1)
	wantClaimants(t, db, "registered twice", spread(702), 2, 3)
	wantClaimants(t, db, "nobody's", spread(999))
	wantClaimants(t, db, "no number", identity.Tag{})

	other := binding(2)
	other.Phone = spread(701)
	putBindings(t, db, other, identity.StoredBinding{Binding: identity.Binding{Person: 4}})
	wantClaimants(t, db, "registered and bound by another", spread(701), 1, 2)
	wantClaimants(t, db, "the number bound stands for the registered", spread(702), 3)
	wantClaimants(t, db, "no number, with a binding that has none", identity.Tag{})

	// A number that waits is no claim.
	waits := binding(5)
	waits.Next, waits.Ripe = spread(702), at(9)
	putBindings(t, db, waits)
	wantClaimants(t, db, "one waits for it", spread(702), 3)
	waits.Phone = spread(702)
	putBindings(t, db, waits)
	wantClaimants(t, db, "and has it", spread(702), 3, 5)
	wantClaimants(t, db, "its old one is free", binding(5).Phone)
	gone := other
	gone.Phone = identity.Tag{}
	putBindings(t, db, gone)
	wantClaimants(t, db, "none bound: the registered one again", spread(702), 2, 3, 5)
	// A number registered and bound by one person is one claim.
	own := binding(1)
	own.Phone = spread(701)
	putBindings(t, db, own)
	wantClaimants(t, db, "own", spread(701), 1)
}

func testRipe(t *testing.T, db store.DB) {
	update(t, db, func(s store.Stores) error { return s.People.Put(persons(1, 6)) })
	early := changing(5)
	early.Ripe = at(2)
	putBindings(t, db, changing(3), changing(1), binding(4), changing(2), early)
	ripe := func(seconds, n int, want ...identity.StoredBinding) {
		t.Helper()
		view(t, db, func(s store.Stores) error {
			got, err := s.Bindings.Ripe(at(seconds), n)
			same(t, "ripe", got, want)
			return err
		})
	}
	ripe(0, 9)
	ripe(1, 9, changing(1))
	ripe(9, 9, changing(1), changing(2), early, changing(3))
	ripe(9, 2, changing(1), changing(2))
	putBindings(t, db, binding(1), binding(5))
	ripe(9, 9, changing(2), changing(3))
}

func guardianship(guardian, child int) identity.Guardianship {
	return identity.Guardianship{
		Guardian: identity.PersonID(guardian), Child: identity.PersonID(child), Proof: identity.FamilyCard,
		Office: "facility-12", Recorded: at(guardian + child),
	}
}

func testGuardians(t *testing.T, db store.DB) {
	update(t, db, func(s store.Stores) error { return s.People.Put(persons(1, 9)) })
	put := func(all ...identity.Guardianship) {
		t.Helper()
		update(t, db, func(s store.Stores) error {
			for _, g := range all {
				if err := s.Guardians.Put(g); err != nil {
					return err
				}
			}
			return nil
		})
	}
	of := func(what string, guardian, child identity.PersonID, children, guardians []identity.Guardianship) {
		t.Helper()
		view(t, db, func(s store.Stores) error {
			got, err := s.Guardians.Of(guardian)
			same(t, what, got, children)
			if err != nil {
				return err
			}
			got, err = s.Guardians.Guardians(child)
			same(t, what+", the child's", got, guardians)
			return err
		})
	}
	of("none", 1, 5, nil, nil)
	put(guardianship(1, 6), guardianship(1, 5), guardianship(2, 5))
	list := func(g ...identity.Guardianship) []identity.Guardianship { return g }
	of("two children", 1, 5, list(guardianship(1, 5), guardianship(1, 6)), list(guardianship(1, 5), guardianship(2, 5)))

	ended := guardianship(1, 5)
	ended.Ended, ended.Office = at(50), "elsewhere"
	put(ended)
	of("ended", 1, 5, list(guardianship(1, 6)), list(guardianship(2, 5)))
	put(guardianship(1, 5)) // what ended stays ended
	of("ended for good", 1, 5, list(guardianship(1, 6)), list(guardianship(2, 5)))
	again := guardianship(1, 5)
	again.Recorded, again.Proof = at(60), identity.CourtOrder
	put(again)
	of("recorded anew", 1, 5, list(again, guardianship(1, 6)), list(again, guardianship(2, 5)))
	of("the child is nobody's guardian", 5, 1, nil, nil)
}

func testGuesses(t *testing.T, db store.DB) {
	put := func(nik int, g identity.Guesses) {
		t.Helper()
		update(t, db, func(s store.Stores) error { return s.Guesses.Put(spread(nik), g) })
	}
	want := func(nik int, g identity.Guesses) {
		t.Helper()
		view(t, db, func(s store.Stores) error {
			got, err := s.Guesses.Get(spread(nik))
			same(t, "guesses", got, g)
			return err
		})
	}
	want(1, identity.Guesses{})
	for n := range 6 {
		put(n, identity.Guesses{Day: day.Day(100 + n), Wrong: n, Sent: 2 * n})
	}
	want(3, identity.Guesses{Day: 103, Wrong: 3, Sent: 6})
	put(3, identity.Guesses{Day: 109, Sent: 1})
	want(3, identity.Guesses{Day: 109, Sent: 1})
	forget := func(before day.Day, n, gone int) {
		t.Helper()
		update(t, db, func(s store.Stores) error {
			got, err := s.Guesses.Forget(before, n)
			if got != gone {
				t.Errorf("%d forgotten, want %d", got, gone)
			}
			return err
		})
	}
	forget(100, 9, 0)
	forget(104, 2, 2) // the oldest first
	want(1, identity.Guesses{})
	want(2, identity.Guesses{Day: 102, Wrong: 2, Sent: 4})
	forget(104, 9, 1)
	forget(200, 9, 3)
	want(3, identity.Guesses{})
}

// testGuessRace: of many that count one guess each at once, none is lost.
func testGuessRace(t *testing.T, db store.DB) {
	var counted atomic.Int32
	together(func(int) {
		err := persist(db, func(s store.Stores) error {
			g, err := s.Guesses.Get(spread(1))
			if err != nil {
				return err
			}
			g.Wrong++
			return s.Guesses.Put(spread(1), g)
		})
		if err != nil {
			t.Errorf("guess: %v", err)
			return
		}
		counted.Add(1)
	})
	view(t, db, func(s store.Stores) error {
		g, err := s.Guesses.Get(spread(1))
		if g.Wrong != int(counted.Load()) {
			t.Errorf("%d counted of %d", g.Wrong, counted.Load())
		}
		return err
	})
}

func testFactorRange(t *testing.T, db store.DB) {
	const far = 1 << 63
	update(t, db, func(s store.Stores) error { return s.People.Put(persons(1, 3)) })
	nobody, version := binding(7), binding(1)
	version.Version = far
	for name, write := range map[string]func(s store.Stores) error{
		"binding of nobody":   func(s store.Stores) error { return s.Bindings.Put(nobody) },
		"binding of zero":     func(s store.Stores) error { return s.Bindings.Put(identity.StoredBinding{}) },
		"binding's version":   func(s store.Stores) error { return s.Bindings.Put(version) },
		"guardian is nobody":  func(s store.Stores) error { return s.Guardians.Put(guardianship(9, 1)) },
		"child is nobody":     func(s store.Stores) error { return s.Guardians.Put(guardianship(1, 9)) },
		"less than no wrong":  func(s store.Stores) error { return s.Guesses.Put(spread(1), identity.Guesses{Wrong: -1}) },
		"less than none sent": func(s store.Stores) error { return s.Guesses.Put(spread(1), identity.Guesses{Sent: -1}) },
	} {
		if err := persist(db, write); !errors.Is(err, store.ErrConstraint) {
			t.Errorf("%s: got %v, want ErrConstraint", name, err)
		}
	}
	for _, n := range []int{0, -1} {
		putBindings(t, db, changing(1))
		update(t, db, func(s store.Stores) error {
			r, err1 := s.Bindings.Ripe(at(1e6), n)
			f, err2 := s.Guesses.Forget(1<<20, n)
			if len(r)+f != 0 {
				t.Errorf("got something for n = %d", n)
			}
			return errors.Join(err1, err2)
		})
	}
	view(t, db, func(s store.Stores) error {
		b, err1 := s.Bindings.Get(far)
		g, err2 := s.Guardians.Of(far)
		same(t, "nobody", b, identity.StoredBinding{})
		same(t, "nobody's", g, nil)
		return errors.Join(err1, err2)
	})
}
