package memory

import (
	"bytes"
	"math"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
)

type authorizations struct{ *tx }

func (t authorizations) Put(a identity.Authorization) error {
	if err := t.write(); err != nil {
		return err
	}
	key := id16(a.ID)
	old, known := t.attempts.get(key)
	if a.Version > 1 && (!known || old.Version != a.Version-1) {
		return identity.ErrNoAuthorization
	}
	if !names(a.Version) || a.Tries < 0 {
		return t.fail(store.ErrConstraint)
	}
	if a.Version == 1 && known {
		return identity.ErrNoAuthorization
	}
	given := a.Code != [32]byte{}
	if holder, taken := t.codes.get(id32(a.Code)); given && taken && holder != a.ID {
		return t.fail(store.ErrConstraint)
	}
	a.Sealed, a.Expires = bytes.Clone(a.Sealed), whole(a.Expires)
	if known {
		t.codes.drop(id32(old.Code))
		t.lapses.drop(due{micros(old.Expires), key})
	}
	if given {
		t.codes.put(id32(a.Code), a.ID)
	}
	t.lapses.put(due{micros(a.Expires), key}, none{})
	t.attempts.put(key, a)
	return nil
}

func (t authorizations) Get(id identity.AuthorizationID) (identity.Authorization, error) {
	a, _ := t.attempts.get(id16(id))
	a.Sealed = bytes.Clone(a.Sealed)
	return a, t.err
}

func (t authorizations) ByCode(code [32]byte) (identity.Authorization, error) {
	id, known := t.codes.get(id32(code))
	if !known {
		return identity.Authorization{}, t.err
	}
	return t.Get(id)
}

func (t authorizations) Forget(before time.Time, n int) (int, error) {
	if err := t.write(); err != nil {
		return 0, err
	}
	gone := 0
	for k := range t.lapses.from(due{leavesBy: math.MinInt64}) { // over them as they were
		if gone >= n || k.leavesBy >= micros(before) {
			break
		}
		a, _ := t.attempts.get(k.id)
		t.codes.drop(id32(a.Code))
		t.attempts.drop(k.id)
		t.lapses.drop(k)
		gone++
	}
	return gone, nil
}
