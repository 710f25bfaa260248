package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
)

func person(n int) identity.Stored {
	p := identity.Stored{ID: identity.PersonID(n), Version: uint64(n % 5), Sealed: sealed(n, 80+n%40), NIK: spread(n), Synthetic: n%2 == 0}
	if n%3 != 0 {
		p.Phone = spread(n % 17)
	}
	return p
}

func persons(from, to int) []identity.Stored {
	var out []identity.Stored
	for n := from; n <= to; n++ {
		out = append(out, person(n))
	}
	return out
}

func getPeople(t *testing.T, db store.DB, ids ...identity.PersonID) (got []identity.Stored) {
	t.Helper()
	view(t, db, func(s store.Stores) (err error) {
		got, err = s.People.Get(ids)
		return err
	})
	return got
}

func testPeople(t *testing.T, db store.DB) {
	all := persons(1, 40)
	all[4].Sealed = nil
	update(t, db, func(s store.Stores) error { return s.People.Put(all) })
	same(t, "people", getPeople(t, db, 40, 99, 1, 5, 1, 0),
		[]identity.Stored{all[39], {}, all[0], all[4], all[0], {}})

	view(t, db, func(s store.Stores) error {
		got, err := s.People.ByNIK([]identity.Tag{spread(7), spread(1000), spread(1), {}})
		same(t, "by NIK", got, []identity.PersonID{7, 0, 1, 0})
		return err
	})
}

func testNIKTaken(t *testing.T, db store.DB) {
	update(t, db, func(s store.Stores) error { return s.People.Put(persons(1, 3)) })
	clash := persons(10, 14)
	clash[2].NIK = spread(2)
	twins := persons(20, 22)
	twins[0].NIK = twins[2].NIK
	for name, add := range map[string][]identity.Stored{
		"one of five taken": clash, "the same twice": twins, "the same person again": persons(1, 1),
	} {
		err := persist(db, func(s store.Stores) error { return s.People.Put(add) })
		if !errors.Is(err, identity.ErrNIKTaken) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	// None was added, and a transaction that met the error goes on.
	update(t, db, func(s store.Stores) error {
		if err := s.People.Put(clash); !errors.Is(err, identity.ErrNIKTaken) {
			t.Errorf("got %v", err)
		}
		return s.People.Put(persons(50, 50))
	})
	view(t, db, func(s store.Stores) error {
		got, err := s.People.Walk(0, 100)
		same(t, "people", got, append(persons(1, 3), person(50)))
		if err != nil {
			return err
		}
		tags, err := s.People.ByNIK([]identity.Tag{spread(10), spread(11), spread(2), spread(20), spread(21)})
		same(t, "tags", tags, []identity.PersonID{0, 0, 2, 0, 0})
		return err
	})
	// What was undone can be added.
	update(t, db, func(s store.Stores) error { return s.People.Put(persons(10, 22)) })
	same(t, "added after all", getPeople(t, db, 12), persons(12, 12))
}

func testPersonKnown(t *testing.T, db store.DB) {
	update(t, db, func(s store.Stores) error { return s.People.Put(persons(1, 3)) })
	again := person(2)
	again.NIK = spread(77)
	wantErr(t, db, store.ErrConstraint, func(s store.Stores) error {
		return s.People.Put([]identity.Stored{person(8), again, person(9)})
	})
	same(t, "nothing changed", getPeople(t, db, 2, 8, 9), []identity.Stored{person(2), {}, {}})
}

func testWalkPeople(t *testing.T, db store.DB) {
	all := persons(1, 30)
	update(t, db, func(s store.Stores) error {
		if err := s.People.Put(all[15:]); err != nil {
			return err
		}
		return s.People.Put(all[:15])
	})
	var got []identity.Stored
	view(t, db, func(s store.Stores) error {
		got = nil
		for after := identity.PersonID(0); ; {
			page, err := s.People.Walk(after, 7)
			if err != nil || len(page) == 0 {
				return err
			}
			if len(page) > 7 {
				t.Fatalf("a page of %d", len(page))
			}
			got = append(got, page...)
			after = page[len(page)-1].ID
		}
	})
	same(t, "walk", got, all)
}

func testQuarantine(t *testing.T, db store.DB) {
	record := func(n int) identity.Quarantined {
		return identity.Quarantined{
			ID: identity.PersonID(n), Against: identity.PersonID(n + 100), Version: 3, Sealed: sealed(n, 90),
			Reason: "birth", Arrived: at(n), Released: n == 2,
		}
	}
	released := record(1)
	released.Released, released.Sealed, released.Version = true, sealed(9, 10), 4
	update(t, db, func(s store.Stores) error {
		return s.People.Quarantine([]identity.Quarantined{record(3), record(1), record(2)})
	})
	view(t, db, func(s store.Stores) error {
		got, err := s.People.Quarantined(0, 2)
		same(t, "first page", got, []identity.Quarantined{record(1), record(2)})
		return err
	})
	update(t, db, func(s store.Stores) error { return s.People.Quarantine([]identity.Quarantined{released}) })
	view(t, db, func(s store.Stores) error {
		got, err := s.People.Quarantined(0, 9)
		same(t, "released", got, []identity.Quarantined{released, record(2), record(3)})
		if err != nil {
			return err
		}
		got, err = s.People.Quarantined(2, 9)
		same(t, "above 2", got, []identity.Quarantined{record(3)})
		return err
	})
}

func link(n int) identity.Link {
	return identity.Link{
		ID: id16(n), Partner: 3, Subject: spread(n % 4), Device: id32(n), Created: at(n),
		Scope: identity.LinkScope(n % 2), Synthetic: n%3 == 0,
	}
}

func testLinks(t *testing.T, db store.DB) {
	update(t, db, func(s store.Stores) error {
		for n := 1; n <= 5; n++ {
			if err := s.Links.Put(link(n)); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, db, func(s store.Stores) error {
		got, err := s.Links.Get([]identity.LinkID{id16(5), id16(6), id16(1), id16(5)})
		same(t, "links", got, []identity.Link{link(5), {}, link(1), link(5)})
		return err
	})
}

func testLinkEnds(t *testing.T, db store.DB) {
	put := func(l identity.Link) {
		t.Helper()
		update(t, db, func(s store.Stores) error { return s.Links.Put(l) })
	}
	get := func() (l identity.Link) {
		t.Helper()
		view(t, db, func(s store.Stores) error {
			got, err := s.Links.Get([]identity.LinkID{id16(1)})
			l = got[0]
			return err
		})
		return l
	}
	l := link(1)
	put(l)
	put(l) // a retry
	same(t, "live", get(), l)

	l.Ended = at(100)
	other := l
	other.Device, other.Partner, other.Subject = id32(9), 9, spread(9)
	put(other)
	same(t, "ended, and nothing else changed", get(), l)
	revived := l
	revived.Ended = time.Time{}
	put(revived)
	same(t, "not revived", get(), l)
	later := l
	later.Ended = at(200)
	put(later)
	same(t, "ended when it first ended", get(), l)
}

func testLinksOf(t *testing.T, db store.DB) {
	late := link(1)
	late.Created = at(1000) // the id does not decide what is older
	update(t, db, func(s store.Stores) error {
		for _, l := range []identity.Link{link(9), link(5), late, link(13), link(2)} {
			if err := s.Links.Put(l); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, db, func(s store.Stores) error {
		got, err := s.Links.Of(spread(1))
		same(t, "links of a person", got, []identity.Link{link(5), link(9), link(13), late})
		if err != nil {
			return err
		}
		got, err = s.Links.Of(spread(99))
		same(t, "of nobody", got, []identity.Link{})
		return err
	})
}

func testProgress(t *testing.T, db store.DB) {
	p := identity.Progress{Source: "sha256:ab", Offset: 10, Added: 8, Refused: 2, Updated: at(1)}
	get := func(source string) (p identity.Progress) {
		t.Helper()
		view(t, db, func(s store.Stores) (err error) {
			p, err = s.Progress.Progress(source)
			return err
		})
		return p
	}
	same(t, "new", get(p.Source), identity.Progress{})
	update(t, db, func(s store.Stores) error { return s.Progress.SetProgress(p) })
	same(t, "set", get(p.Source), p)
	p.Offset, p.Added, p.Updated = 1<<40, 1<<39, at(2)
	update(t, db, func(s store.Stores) error { return s.Progress.SetProgress(p) })
	same(t, "set again", get(p.Source), p)
	same(t, "another", get("sha256:cd"), identity.Progress{})
}
