package storetest

import (
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/store"
)

func colour(n, version int) status.SealedColour {
	return status.SealedColour{Person: identity.PersonID(n), Version: uint32(version), Sealed: sealed(n+version, 52)}
}

func evidence(n, version int) status.SealedEvidence {
	return status.SealedEvidence{Person: identity.PersonID(n), Version: uint64(version), Sealed: sealed(n+version, 200)}
}

func testColours(t *testing.T, db store.DB) {
	last := colour(3, 1)
	last.Version = 1<<32 - 1
	update(t, db, func(s store.Stores) error {
		return s.Status.PutColours([]status.SealedColour{colour(2, 1), colour(1, 7), last})
	})
	view(t, db, func(s store.Stores) error {
		got, err := s.Status.Colours([]identity.PersonID{1, 9, 2, 3, 1})
		same(t, "colours", got, []status.SealedColour{colour(1, 7), {Person: 9}, colour(2, 1), last, colour(1, 7)})
		return err
	})
}

func testColourVersions(t *testing.T, db store.DB) {
	put := func(rows ...status.SealedColour) {
		t.Helper()
		update(t, db, func(s store.Stores) error { return s.Status.PutColours(rows) })
	}
	want := func(why string, want status.SealedColour) {
		t.Helper()
		view(t, db, func(s store.Stores) error {
			got, err := s.Status.Colours([]identity.PersonID{1})
			same(t, why, got, []status.SealedColour{want})
			return err
		})
	}
	put(colour(1, 5))
	put(colour(1, 4))
	want("older", colour(1, 5))
	other := colour(1, 5)
	other.Sealed = sealed(99, 52)
	put(other)
	want("as old", colour(1, 5))
	put(colour(1, 6), colour(1, 8), colour(1, 7))
	want("newest of one batch", colour(1, 8))
}

func testWalkColours(t *testing.T, db store.DB) {
	update(t, db, func(s store.Stores) error {
		return s.Status.PutColours([]status.SealedColour{colour(30, 1), colour(10, 1), colour(20, 1)})
	})
	view(t, db, func(s store.Stores) error {
		got, err := s.Status.WalkColours(0, 2)
		same(t, "first", got, []status.SealedColour{colour(10, 1), colour(20, 1)})
		if err != nil {
			return err
		}
		got, err = s.Status.WalkColours(20, 2)
		same(t, "next", got, []status.SealedColour{colour(30, 1)})
		if err != nil {
			return err
		}
		got, err = s.Status.WalkColours(30, 2)
		same(t, "end", got, []status.SealedColour{})
		return err
	})
}

func testEvidence(t *testing.T, db store.DB) {
	big := evidence(3, 1)
	big.Version = 1<<63 - 1
	update(t, db, func(s store.Stores) error {
		return s.Status.PutEvidence([]status.SealedEvidence{evidence(1, 2), evidence(2, 1), big})
	})
	update(t, db, func(s store.Stores) error {
		return s.Status.PutEvidence([]status.SealedEvidence{evidence(1, 1), evidence(2, 3)})
	})
	view(t, db, func(s store.Stores) error {
		got, err := s.Status.Evidence([]identity.PersonID{2, 9, 1, 3})
		same(t, "evidence", got, []status.SealedEvidence{evidence(2, 3), {Person: 9}, evidence(1, 2), big})
		return err
	})
}

func testPartners(t *testing.T, db store.DB) {
	one := partner.Partner{ID: 1, Name: "Angkutan <Sejahtera> & Co", Relay: id32(1), State: partner.Live, Stage: 2, Joined: at(1)}
	two := partner.Partner{ID: 1<<32 - 1, Name: "", Relay: id32(2), State: partner.Suspended, Held: partner.Sandbox, Joined: at(2)}
	all := func(why string, want ...partner.Partner) {
		t.Helper()
		view(t, db, func(s store.Stores) error {
			got, err := s.Partners.All()
			same(t, why, got, want)
			return err
		})
	}
	all("none")
	update(t, db, func(s store.Stores) error {
		if err := s.Partners.Put(two); err != nil {
			return err
		}
		return s.Partners.Put(one)
	})
	all("by id", one, two)
	one.State, one.Name, one.Relay = partner.Suspended, "ö'\"; --", id32(3)
	update(t, db, func(s store.Stores) error { return s.Partners.Put(one) })
	all("changed", one, two)
	for id, want := range map[partner.ID]partner.Partner{1: one, 1<<32 - 1: two, 9: {}} {
		update(t, db, func(s store.Stores) error {
			got, err := s.Partners.Get(id)
			same(t, "one", got, want)
			return err
		})
	}
	odd := one
	odd.Stage = -1
	wantErr(t, db, store.ErrConstraint, func(s store.Stores) error { return s.Partners.Put(odd) })
}
