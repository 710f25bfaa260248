package memory

import (
	"time"

	"github.com/amanah-project/amanah/internal/domain/notice"
	"github.com/amanah-project/amanah/internal/store"
)

type notices struct{ *tx }

// wait is when a notice is due, in microseconds.
type wait struct {
	due   int64
	place uint64
}

func (a wait) compare(b wait) int {
	return (couple{uint64(a.due), a.place}).compare(couple{uint64(b.due), b.place})
}

func (t notices) Put(places []uint64, due time.Time) error {
	if err := t.write(); err != nil {
		return err
	}
	for _, p := range places {
		if !names(p) {
			return t.fail(store.ErrConstraint)
		}
		if _, there := t.notices.get(number(p)); !there {
			t.notices.put(number(p), notice.Waiting{Place: p, Due: whole(due)})
			t.noticed.put(wait{micros(due), p}, none{})
		}
	}
	return nil
}

func (t notices) Due(at time.Time, n int) ([]notice.Waiting, error) {
	var out []notice.Waiting
	for k := range t.noticed.from(wait{}) {
		if len(out) >= n || k.due > micros(at) {
			break
		}
		w, _ := t.notices.get(number(k.place))
		out = append(out, w)
	}
	return out, t.err
}

func (t notices) Move(w notice.Waiting) error {
	if err := t.write(); err != nil {
		return err
	}
	if w.Tries < 0 {
		return t.fail(store.ErrConstraint)
	}
	if had, there := t.notices.get(number(w.Place)); there {
		t.noticed.drop(wait{micros(had.Due), w.Place})
		w.Due = whole(w.Due)
		t.notices.put(number(w.Place), w)
		t.noticed.put(wait{micros(w.Due), w.Place}, none{})
	}
	return nil
}

func (t notices) Drop(places []uint64) error {
	if err := t.write(); err != nil {
		return err
	}
	for _, p := range places {
		if had, there := t.notices.get(number(p)); there {
			t.notices.drop(number(p))
			t.noticed.drop(wait{micros(had.Due), p})
		}
	}
	return nil
}
