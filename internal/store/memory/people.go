package memory

import (
	"bytes"
	"math"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
)

type people struct{ *tx }

func (t people) Put(add []identity.Stored) error {
	if err := t.write(); err != nil {
		return err
	}
	before := t.state
	known, taken := false, false
	for _, p := range add {
		if !names(uint64(p.ID)) || !fits(p.Version) {
			return t.fail(store.ErrConstraint)
		}
		_, again := t.people.get(number(p.ID))
		known = known || again
		if p.NIK != (identity.Tag{}) {
			_, again := t.niks.get(id16(p.NIK))
			taken = taken || again
			t.niks.put(id16(p.NIK), p.ID)
		}
		if p.Phone != (identity.Tag{}) {
			t.phones.put(claim{id16(p.Phone), number(p.ID)}, none{})
		}
		p.Sealed = bytes.Clone(p.Sealed)
		t.people.put(number(p.ID), p)
	}
	switch {
	case taken:
		t.state = before
		return identity.ErrNIKTaken
	case known:
		return t.fail(store.ErrConstraint)
	}
	return nil
}

func (t people) ByNIK(tags []identity.Tag) ([]identity.PersonID, error) {
	out := make([]identity.PersonID, len(tags))
	for i, tag := range tags {
		out[i], _ = t.niks.get(id16(tag))
	}
	return out, t.err
}

func (t people) Get(ids []identity.PersonID) ([]identity.Stored, error) {
	out := make([]identity.Stored, len(ids))
	for i, id := range ids {
		out[i], _ = t.people.get(number(id))
		out[i].Sealed = bytes.Clone(out[i].Sealed)
	}
	return out, t.err
}

func (t people) Walk(after identity.PersonID, n int) ([]identity.Stored, error) {
	var out []identity.Stored
	walk(t.people, uint64(after), n, func(p identity.Stored) {
		p.Sealed = bytes.Clone(p.Sealed)
		out = append(out, p)
	})
	return out, t.err
}

func (t people) Quarantine(q []identity.Quarantined) error {
	if err := t.write(); err != nil {
		return err
	}
	for _, r := range q {
		if !names(uint64(r.ID)) || !fits(uint64(r.Against)) || !fits(r.Version) {
			return t.fail(store.ErrConstraint)
		}
		r.Sealed, r.Arrived = bytes.Clone(r.Sealed), whole(r.Arrived)
		t.quarantine.put(number(r.ID), r)
	}
	return nil
}

func (t people) Quarantined(after identity.PersonID, n int) ([]identity.Quarantined, error) {
	var out []identity.Quarantined
	walk(t.quarantine, uint64(after), n, func(r identity.Quarantined) {
		r.Sealed = bytes.Clone(r.Sealed)
		out = append(out, r)
	})
	return out, t.err
}

// walk shows up to n values above a number.
func walk[V any](t tree[number, V], after uint64, n int, show func(V)) {
	if n <= 0 || after == math.MaxUint64 {
		return
	}
	for _, v := range t.from(number(after + 1)) {
		show(v)
		if n--; n == 0 {
			return
		}
	}
}
