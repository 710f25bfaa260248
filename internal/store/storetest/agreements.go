package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/store"
)

func agreement(id partner.ID, version int) partner.Agreement {
	n := int(id%1000)*100 + version
	return partner.Agreement{
		Partner: id, Version: version, Terms: sealed(n, 700), Signature: fmt.Sprintf("e30..%d", n),
		Offered: at(n), Until: at(n + 10_000),
	}
}

func countersignature(n int) partner.Countersignature {
	c := partner.Countersignature{Seq: uint64(n), At: at(n + 50)}
	copy(c.Signature[:], sealed(n, 64))
	return c
}

func offer(t *testing.T, db store.DB, all ...partner.Agreement) {
	t.Helper()
	update(t, db, func(s store.Stores) error {
		for _, a := range all {
			if err := s.Agreements.Offer(a); err != nil {
				return err
			}
		}
		return nil
	})
}

func wantAgreements(t *testing.T, db store.DB, what string, id partner.ID, want ...partner.Agreement) {
	t.Helper()
	view(t, db, func(s store.Stores) error {
		got, err := s.Agreements.Of(id)
		same(t, what, got, want)
		return err
	})
}

func testAgreements(t *testing.T, db store.DB) {
	wantAgreements(t, db, "none", 3)
	claimed := agreement(3, 1)
	claimed.Countersignature = countersignature(9) // nobody offers it with the platform's word
	offer(t, db, claimed, agreement(3, 2), agreement(1<<32-1, 1))
	wantAgreements(t, db, "offered", 3, agreement(3, 1), agreement(3, 2))
	wantAgreements(t, db, "of another", 1<<32-1, agreement(1<<32-1, 1))
	for name, a := range map[string]partner.Agreement{
		"again": agreement(3, 2), "one skipped": agreement(3, 4), "zero": agreement(3, 0), "below": agreement(3, -1), "first of another": agreement(5, 2),
	} {
		a.Terms = sealed(1, 3)
		update(t, db, func(s store.Stores) error {
			if err := s.Agreements.Offer(a); !errors.Is(err, partner.ErrVersion) {
				t.Errorf("%s: %v", name, err)
			}
			return nil // the transaction goes on
		})
	}
	wantAgreements(t, db, "unchanged", 3, agreement(3, 1), agreement(3, 2))
}

func testCountersigned(t *testing.T, db store.DB) {
	offer(t, db, agreement(3, 1), agreement(3, 2), agreement(3, 3), agreement(2, 1))
	sign := func(id partner.ID, version, n int) error {
		return persist(db, func(s store.Stores) error { return s.Agreements.Countersign(id, version, countersignature(n)) })
	}
	for _, err := range []error{sign(3, 1, 1), sign(3, 3, 2), sign(2, 1, 3)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := sign(3, 1, 7); !errors.Is(err, partner.ErrSigned) {
		t.Errorf("signed twice: %v", err)
	}
	if err := sign(3, 4, 7); !errors.Is(err, partner.ErrAgreement) {
		t.Errorf("unknown: %v", err)
	}
	signed := func(a partner.Agreement, n int) partner.Agreement {
		a.Countersignature = countersignature(n)
		return a
	}
	one, three, two := signed(agreement(3, 1), 1), signed(agreement(3, 3), 2), signed(agreement(2, 1), 3)
	wantAgreements(t, db, "signed", 3, one, agreement(3, 2), three)
	current := func(when time.Time, want ...partner.Agreement) {
		t.Helper()
		view(t, db, func(s store.Stores) error {
			got, err := s.Agreements.Current(when)
			same(t, "current", got, want)
			return err
		})
	}
	current(at(0), two, one, three)
	current(one.Until.Add(-time.Microsecond), one, three)
	current(one.Until, three)
	current(three.Until)
	far := countersignature(1)
	far.Seq = 1 << 63
	for name, c := range map[string]partner.Countersignature{"a number too far": far} {
		err := persist(db, func(s store.Stores) error { return s.Agreements.Countersign(3, 2, c) })
		if !errors.Is(err, store.ErrConstraint) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// testAgreementRace: of many who offer the same version, one does.
func testAgreementRace(t *testing.T, db store.DB) {
	var won atomic.Int32
	together(func(g int) {
		a := agreement(3, 1)
		a.Signature = fmt.Sprint(g)
		err := persist(db, func(s store.Stores) error { return s.Agreements.Offer(a) })
		switch {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, partner.ErrVersion):
			t.Errorf("offer: %v", err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("version 1 was offered %d times", won.Load())
	}
}

func step(id partner.ID, n int) partner.Step {
	s := partner.Step{
		Partner: id, Number: n, Who: "kantor \"mitra\"", From: partner.State(n), To: partner.State(n + 1), Stage: n % 3, Reason: "alasan <&>", At: at(n),
	}
	if n%2 == 0 {
		s.Report = partner.Report{Partner: id, Relay: id32(n), Passed: n%4 == 0, At: at(n - 9), Digest: id32(n + 40)}
	}
	return s
}

func testSteps(t *testing.T, db store.DB) {
	update(t, db, func(s store.Stores) error {
		for n := 1; n <= 4; n++ {
			for _, id := range []partner.ID{3, 4} {
				one := step(id, n)
				one.Number = 77 // the store numbers them
				if err := s.Partners.Log(one); err != nil {
					return err
				}
			}
		}
		return nil
	})
	view(t, db, func(s store.Stores) error {
		got, err := s.Partners.Steps(3)
		same(t, "steps", got, []partner.Step{step(3, 1), step(3, 2), step(3, 3), step(3, 4)})
		if err != nil {
			return err
		}
		got, err = s.Partners.Steps(9)
		same(t, "of nobody", got, []partner.Step{})
		return err
	})
	odd := step(3, 5)
	odd.Stage = -1
	wantErr(t, db, store.ErrConstraint, func(s store.Stores) error { return s.Partners.Log(odd) })
}

func putLinks(t *testing.T, db store.DB, all ...identity.Link) {
	t.Helper()
	update(t, db, func(s store.Stores) error {
		for _, l := range all {
			if err := s.Links.Put(l); err != nil {
				return err
			}
		}
		return nil
	})
}

// testLinked: people are counted once, and for as long as one of their links lives.
func testLinked(t *testing.T, db store.DB) {
	want := func(why string, through partner.ID, people int) {
		t.Helper()
		view(t, db, func(s store.Stores) error {
			n, err := s.Links.Linked(through)
			if n != people {
				t.Errorf("%s: %d people, want %d", why, n, people)
			}
			return err
		})
	}
	ended := func(l identity.Link) identity.Link {
		l.Ended = at(500)
		return l
	}
	want("nobody", 3, 0)
	putLinks(t, db, link(1), link(2), link(5)) // the first and the last are one person's
	want("two people", 3, 2)
	putLinks(t, db, link(1))
	want("a retry", 3, 2)
	other := link(9) // the same person again, through another partner
	other.Partner = 4
	putLinks(t, db, other)
	want("another partner's", 3, 2)
	want("of that partner", 4, 1)
	putLinks(t, db, ended(link(1)))
	want("one of two links ended", 3, 2)
	putLinks(t, db, ended(link(1)), link(1), ended(link(5)), ended(link(5)))
	want("both ended, twice", 3, 1)
	putLinks(t, db, link(13))
	want("linked again", 3, 2)
	putLinks(t, db, ended(link(17)))
	want("ended from the start", 3, 2)
	for n := 100; n < 102; n++ {
		nobody := link(n)
		nobody.Subject = identity.Tag{}
		putLinks(t, db, nobody)
	}
	want("links without a subject", 3, 4)
	wantErr(t, db, partner.ErrFull, func(s store.Stores) error {
		if err := s.Links.Put(link(3)); err != nil {
			return err
		}
		return partner.ErrFull
	})
	want("undone", 3, 4)
}

// testLinkedCap: whoever links by Linked never brings a partner above its cap.
func testLinkedCap(t *testing.T, db store.DB) {
	const most, tries = 11, 6
	update(t, db, func(s store.Stores) error {
		return s.Partners.Put(partner.Partner{ID: 3, State: partner.Live, Joined: at(1)})
	})
	var linked atomic.Int32
	together(func(g int) {
		for i := range tries {
			n := 1 + g*tries + i
			l := link(n)
			l.Subject = spread(1000 + n)
			fits := false
			err := persist(db, func(s store.Stores) error {
				have, err := s.Links.Linked(3)
				if fits = err == nil && have < most; !fits {
					return err
				}
				return s.Links.Put(l)
			})
			if err != nil {
				t.Errorf("link: %v", err)
			}
			if fits {
				linked.Add(1)
			}
		}
	})
	view(t, db, func(s store.Stores) error {
		n, err := s.Links.Linked(3)
		if n != most || linked.Load() != most {
			t.Errorf("%d people by %d links, want %d", n, linked.Load(), most)
		}
		return err
	})
}
