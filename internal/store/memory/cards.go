package memory

import (
	"math"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
)

type cards struct{ *tx }

func (t cards) Put(c identity.Card) error {
	if err := t.write(); err != nil {
		return err
	}
	if !names(uint64(c.Person)) {
		return t.fail(store.ErrConstraint)
	}
	key := id16(c.ID)
	if old, known := t.cards.get(key); known {
		if old.Revoked.IsZero() {
			old.Revoked = whole(c.Revoked)
			t.cards.put(key, old)
		}
		return nil
	}
	c.Issued, c.Expires, c.Revoked = whole(c.Issued), whole(c.Expires), whole(c.Revoked)
	t.cards.put(key, c)
	t.holders.put(holding{number(c.Person), key}, none{})
	t.lapsed.put(due{micros(c.Expires), key}, none{})
	return nil
}

func (t cards) Get(id identity.CardID) (identity.Card, error) {
	c, _ := t.cards.get(id16(id))
	return c, t.err
}

func (t cards) Of(p identity.PersonID) ([]identity.Card, error) {
	var out []identity.Card
	for k := range t.holders.from(holding{person: number(p)}) {
		if k.person != number(p) {
			break
		}
		c, _ := t.cards.get(k.card)
		out = append(out, c)
	}
	return out, t.err
}

func (t cards) Forget(before time.Time, n int) (int, error) {
	if err := t.write(); err != nil {
		return 0, err
	}
	gone := 0
	for k := range t.lapsed.from(due{leavesBy: math.MinInt64}) { // over them as they were
		if gone >= n || k.leavesBy >= micros(before) {
			break
		}
		c, _ := t.cards.get(k.id)
		t.holders.drop(holding{number(c.Person), k.id})
		t.cards.drop(k.id)
		t.lapsed.drop(k)
		gone++
	}
	return gone, nil
}

type pins struct{ *tx }

func (t pins) Put(p identity.PersonID, tag identity.Tag) error {
	if err := t.write(); err != nil {
		return err
	}
	if tag == (identity.Tag{}) {
		t.pins.drop(number(p))
		return nil
	}
	if !names(uint64(p)) {
		return t.fail(store.ErrConstraint)
	}
	t.pins.put(number(p), tag)
	return nil
}

func (t pins) Get(p identity.PersonID) (identity.Tag, error) {
	tag, _ := t.pins.get(number(p))
	return tag, t.err
}

func (t pins) Count(nik identity.Tag, d day.Day, by int) (int, error) {
	if err := t.write(); err != nil {
		return 0, err
	}
	key := attempt{d, id16(nik)}
	n, _ := t.tries.get(key)
	n = max(n+by, 0)
	t.tries.put(key, n)
	return n, nil
}

func (t pins) Forget(before day.Day, n int) (int, error) {
	if err := t.write(); err != nil {
		return 0, err
	}
	gone := 0
	for k := range t.tries.from(attempt{day: math.MinInt32}) { // over them as they were
		if gone >= n || k.day >= before {
			break
		}
		t.tries.drop(k)
		gone++
	}
	return gone, nil
}
