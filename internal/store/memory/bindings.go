package memory

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
)

type bindings struct{ *tx }

func (t bindings) Put(b identity.StoredBinding) error {
	if err := t.write(); err != nil {
		return err
	}
	if _, known := t.people.get(number(b.Person)); !known || !fits(b.Version) {
		return t.fail(store.ErrConstraint)
	}
	old, _ := t.bindings.get(number(b.Person))
	t.bound.drop(claim{id16(old.Phone), number(b.Person)})
	if b.Phone != (identity.Tag{}) {
		t.bound.put(claim{id16(b.Phone), number(b.Person)}, none{})
	}
	b.Ripe = whole(b.Ripe)
	t.bindings.put(number(b.Person), cloneBinding(b))
	return nil
}

func cloneBinding(b identity.StoredBinding) identity.StoredBinding {
	b.Bound, b.Waiting = bytes.Clone(b.Bound), bytes.Clone(b.Waiting)
	return b
}

func (t bindings) Get(who identity.PersonID) (identity.StoredBinding, error) {
	b, _ := t.bindings.get(number(who))
	return cloneBinding(b), t.err
}

func (t bindings) Claimants(phone identity.Tag) ([]identity.PersonID, error) {
	if phone == (identity.Tag{}) {
		return nil, t.err
	}
	var out []identity.PersonID
	for _, who := range t.under(t.bound, phone) {
		out = append(out, identity.PersonID(who))
	}
	for _, who := range t.under(t.phones, phone) {
		if b, _ := t.bindings.get(who); b.Phone == (identity.Tag{}) {
			out = append(out, identity.PersonID(who))
		}
	}
	slices.Sort(out)
	return out, t.err
}

func (t bindings) under(claims tree[claim, none], phone identity.Tag) (out []number) {
	for k := range claims.from(claim{phone: id16(phone)}) {
		if k.phone != id16(phone) {
			break
		}
		out = append(out, k.who)
	}
	return out
}

func (t bindings) Ripe(at time.Time, n int) ([]identity.StoredBinding, error) {
	var out []identity.StoredBinding
	for _, b := range t.bindings.from(0) {
		if !b.Ripe.IsZero() && micros(b.Ripe) <= micros(at) {
			out = append(out, cloneBinding(b))
		}
	}
	slices.SortFunc(out, func(a, b identity.StoredBinding) int {
		return cmp.Or(a.Ripe.Compare(b.Ripe), cmp.Compare(a.Person, b.Person))
	})
	return out[:max(0, min(n, len(out)))], t.err
}

type guardians struct{ *tx }

func (t guardians) Put(g identity.Guardianship) error {
	if err := t.write(); err != nil {
		return err
	}
	for _, who := range []identity.PersonID{g.Guardian, g.Child} {
		if _, known := t.people.get(number(who)); !known {
			return t.fail(store.ErrConstraint)
		}
	}
	g.Recorded, g.Ended = whole(g.Recorded), whole(g.Ended)
	key := ward{number(g.Guardian), number(g.Child), micros(g.Recorded)}
	if old, known := t.wards.get(key); known {
		if !old.Ended.IsZero() {
			return nil
		}
		old.Ended = g.Ended
		g = old
	}
	t.wards.put(key, g)
	return nil
}

func (t guardians) Of(guardian identity.PersonID) ([]identity.Guardianship, error) {
	var out []identity.Guardianship
	for k, g := range t.wards.from(ward{guardian: number(guardian)}) {
		if k.guardian != number(guardian) {
			break
		}
		if g.Ended.IsZero() {
			out = append(out, g)
		}
	}
	return out, t.err
}

func (t guardians) Guardians(child identity.PersonID) ([]identity.Guardianship, error) {
	var out []identity.Guardianship
	for k, g := range t.wards.from(ward{}) {
		if k.child == number(child) && g.Ended.IsZero() {
			out = append(out, g)
		}
	}
	return out, t.err
}

type guesses struct{ *tx }

func (t guesses) Put(nik identity.Tag, g identity.Guesses) error {
	if err := t.write(); err != nil {
		return err
	}
	if g.Wrong < 0 || g.Sent < 0 {
		return t.fail(store.ErrConstraint)
	}
	t.guesses.put(id16(nik), g)
	return nil
}

func (t guesses) Get(nik identity.Tag) (identity.Guesses, error) {
	g, _ := t.guesses.get(id16(nik))
	return g, t.err
}

func (t guesses) Forget(before day.Day, n int) (int, error) {
	if err := t.write(); err != nil {
		return 0, err
	}
	var old []id16
	for k, g := range t.guesses.from(id16{}) {
		if g.Day < before {
			old = append(old, k)
		}
	}
	slices.SortFunc(old, func(a, b id16) int {
		x, _ := t.guesses.get(a)
		y, _ := t.guesses.get(b)
		return cmp.Or(cmp.Compare(x.Day, y.Day), a.compare(b))
	})
	old = old[:max(0, min(n, len(old)))]
	for _, k := range old {
		t.guesses.drop(k)
	}
	return len(old), nil
}
