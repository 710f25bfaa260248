package storetest

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
)

// authorization is one as it is pushed.
func authorization(n int) identity.Authorization {
	return identity.Authorization{ID: id16(n), Partner: 3, Version: 1, Sealed: sealed(n, 200+n), Expires: at(n)}
}

// coded is the version after, with a code.
func coded(n int) identity.Authorization {
	a := authorization(n)
	a.Version, a.Code, a.Tries, a.Sealed, a.Expires = 2, id32(n), n%5, sealed(n+50, 300), at(n+60)
	return a
}

// exchanged is the version after that, with its code used.
func exchanged(n int) identity.Authorization {
	a := coded(n)
	a.Version, a.Used, a.Link = 3, true, spread(n)
	return a
}

func putAuthorizations(t *testing.T, db store.DB, all ...identity.Authorization) {
	t.Helper()
	update(t, db, func(s store.Stores) error {
		for _, a := range all {
			if err := s.Authorizations.Put(a); err != nil {
				return err
			}
		}
		return nil
	})
}

func wantAuthorization(t *testing.T, db store.DB, what string, id identity.AuthorizationID, want identity.Authorization) {
	t.Helper()
	view(t, db, func(s store.Stores) error {
		got, err := s.Authorizations.Get(id)
		same(t, what, got, want)
		return err
	})
}

func wantCode(t *testing.T, db store.DB, what string, code [32]byte, want identity.Authorization) {
	t.Helper()
	view(t, db, func(s store.Stores) error {
		got, err := s.Authorizations.ByCode(code)
		same(t, what, got, want)
		return err
	})
}

func testAuthorizations(t *testing.T, db store.DB) {
	empty := authorization(3)
	empty.Sealed = nil
	putAuthorizations(t, db, authorization(2), authorization(1), empty)
	wantAuthorization(t, db, "first", id16(1), authorization(1))
	wantAuthorization(t, db, "nothing sealed", id16(3), empty)
	wantAuthorization(t, db, "unknown", id16(9), identity.Authorization{})
	wantAuthorization(t, db, "zero", identity.AuthorizationID{}, identity.Authorization{})
	putAuthorizations(t, db, coded(1), exchanged(1))
	wantAuthorization(t, db, "exchanged", id16(1), exchanged(1))
	wantAuthorization(t, db, "its neighbour", id16(2), authorization(2))
}

func testAuthorizationVersions(t *testing.T, db store.DB) {
	putAuthorizations(t, db, authorization(1), coded(1), authorization(2))
	skipped := exchanged(2)
	late := coded(1)
	late.Tries, late.Code = 4, id32(77)
	again := authorization(1)
	again.Code = id32(1) // a code of its own is no reason to fail otherwise
	for name, a := range map[string]identity.Authorization{
		"added again": authorization(1), "added again with its code": again, "same version": late,
		"a version skipped": skipped, "unknown": coded(9),
	} {
		wantErr(t, db, identity.ErrNoAuthorization, func(s store.Stores) error { return s.Authorizations.Put(a) })
		// A transaction that met the error goes on.
		update(t, db, func(s store.Stores) error {
			if err := s.Authorizations.Put(a); !errors.Is(err, identity.ErrNoAuthorization) {
				t.Errorf("%s: got %v", name, err)
			}
			return s.Links.Put(link(1))
		})
	}
	wantAuthorization(t, db, "one", id16(1), coded(1))
	wantAuthorization(t, db, "two", id16(2), authorization(2))
	wantAuthorization(t, db, "unknown", id16(9), identity.Authorization{})
	wantCode(t, db, "the late writer's code", id32(77), identity.Authorization{})
}

func testAuthorizationCodes(t *testing.T, db store.DB) {
	putAuthorizations(t, db, authorization(1), authorization(2), coded(2), authorization(3), coded(3))
	wantCode(t, db, "code", id32(2), coded(2))
	wantCode(t, db, "unknown code", id32(99), identity.Authorization{})
	wantCode(t, db, "no code", [32]byte{}, identity.Authorization{})
	putAuthorizations(t, db, exchanged(2))
	wantCode(t, db, "used", id32(2), exchanged(2))

	// Another code takes the first one's place.
	other := exchanged(3)
	other.Code = id32(30)
	putAuthorizations(t, db, other)
	wantCode(t, db, "replaced", id32(3), identity.Authorization{})
	wantCode(t, db, "in its place", id32(30), other)

	// One code is of one authorization.
	twin := coded(1)
	twin.Code = id32(2)
	wantErr(t, db, store.ErrConstraint, func(s store.Stores) error { return s.Authorizations.Put(twin) })
	added := authorization(8)
	added.Code = id32(2)
	wantErr(t, db, store.ErrConstraint, func(s store.Stores) error { return s.Authorizations.Put(added) })
	wantCode(t, db, "still of the first", id32(2), exchanged(2))
	wantAuthorization(t, db, "unchanged", id16(1), authorization(1))
}

func testAuthorizationsForgotten(t *testing.T, db store.DB) {
	putAuthorizations(t, db, authorization(5), authorization(1), coded(1), authorization(2), authorization(3), authorization(4))
	forget := func(seconds, n, want int) {
		t.Helper()
		update(t, db, func(s store.Stores) error {
			gone, err := s.Authorizations.Forget(at(seconds), n)
			if gone != want {
				t.Errorf("%d forgotten before %d, want %d", gone, seconds, want)
			}
			return err
		})
	}
	forget(2, 9, 0) // 1 expires later since it was given a code, 2 expires at this moment
	forget(5, 2, 2) // the oldest first
	wantAuthorization(t, db, "two", id16(2), identity.Authorization{})
	wantAuthorization(t, db, "three", id16(3), identity.Authorization{})
	wantAuthorization(t, db, "four", id16(4), authorization(4))
	wantErr(t, db, identity.ErrNoAuthorization, func(s store.Stores) error { return s.Authorizations.Put(coded(2)) })
	forget(100, 9, 3)
	forget(100, 9, 0)
	wantCode(t, db, "a code forgotten", id32(1), identity.Authorization{})
	// A code and an id that were forgotten are free.
	reborn := authorization(6)
	reborn.Code = id32(1)
	putAuthorizations(t, db, reborn, authorization(1))
	wantCode(t, db, "again", id32(1), reborn)
}

func testAuthorizationRange(t *testing.T, db store.DB) {
	putAuthorizations(t, db, authorization(1))
	none, negative, moved, known := authorization(2), authorization(2), coded(1), authorization(1)
	none.Version, known.Version = 0, 0
	negative.Tries, moved.Tries = -1, -1
	for name, a := range map[string]identity.Authorization{
		"version zero": none, "version zero of a known one": known, "tries": negative, "tries moved": moved,
	} {
		err := persist(db, func(s store.Stores) error { return s.Authorizations.Put(a) })
		if !errors.Is(err, store.ErrConstraint) {
			t.Errorf("%s: got %v, want ErrConstraint", name, err)
		}
	}
	far := authorization(1)
	far.Version = 1 << 63
	wantErr(t, db, identity.ErrNoAuthorization, func(s store.Stores) error { return s.Authorizations.Put(far) })
	wantAuthorization(t, db, "unchanged", id16(1), authorization(1))
}

// testAuthorizationRace: of many that exchange one code at once, one does.
func testAuthorizationRace(t *testing.T, db store.DB) {
	putAuthorizations(t, db, authorization(1), coded(1))
	var won atomic.Int32
	together(func(int) {
		err := persist(db, func(s store.Stores) error {
			a, err := s.Authorizations.ByCode(id32(1))
			if err != nil {
				return err
			}
			if a.Used {
				return identity.ErrCodeUsed
			}
			return s.Authorizations.Put(exchanged(1))
		})
		switch {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, identity.ErrCodeUsed) && !errors.Is(err, identity.ErrNoAuthorization):
			t.Errorf("exchange: %v", err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("the code was exchanged %d times", won.Load())
	}
	wantAuthorization(t, db, "exchanged", id16(1), exchanged(1))
}
