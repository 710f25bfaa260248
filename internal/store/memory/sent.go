package memory

import (
	"cmp"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/store"
)

type sent struct{ *tx }

func sentKey(r record.Ref) couple { return couple{uint64(r.Person), uint64(r.Number)} }

func (t sent) Put(s record.Sent) error {
	if err := t.write(); err != nil {
		return err
	}
	if !names(uint64(s.Ref.Person)) || s.Ref.Number < record.First || !fits(uint64(s.Ref.Number)) || !names(s.Version) || s.Size <= 0 {
		return t.fail(store.ErrConstraint)
	}
	if _, known := t.sent.get(sentKey(s.Ref)); known {
		return nil
	}
	s.At, s.Until, s.Fetched, s.Received = whole(s.At), whole(s.Until), whole(s.Fetched), whole(s.Received)
	t.sent.put(sentKey(s.Ref), s)
	return nil
}

func (t sent) Get(r record.Ref) (record.Sent, error) {
	s, known := t.sent.get(sentKey(r))
	if t.err == nil && !known {
		return record.Sent{}, record.ErrNone
	}
	return s, t.err
}

func (t sent) To(facility identity.Tag, since time.Time, n int) ([]record.Sent, error) {
	return t.since(n, since, func(s *record.Sent) bool { return s.To == facility })
}

func (t sent) From(facility identity.Tag, since time.Time, n int) ([]record.Sent, error) {
	return t.since(n, since, func(s *record.Sent) bool { return s.From == facility })
}

func (t sent) since(n int, since time.Time, is func(*record.Sent) bool) ([]record.Sent, error) {
	var out []record.Sent
	for k := range t.sent.from(couple{}) {
		if s, _ := t.sent.get(k); is(&s) && micros(s.At) >= micros(since) {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b record.Sent) int {
		return -cmp.Or(a.At.Compare(b.At), sentKey(a.Ref).compare(sentKey(b.Ref)))
	})
	return out[:min(max(n, 0), len(out))], t.err
}

func (t sent) Fetched(r record.Ref, at time.Time) error {
	return t.mark(r, func(s *record.Sent) {
		if s.Fetched.IsZero() {
			s.Fetched = whole(at)
		}
	})
}

func (t sent) Received(r record.Ref, at time.Time) error {
	return t.mark(r, func(s *record.Sent) {
		if s.Received.IsZero() {
			s.Received = whole(at)
		}
	})
}

func (t sent) mark(r record.Ref, do func(*record.Sent)) error {
	if err := t.write(); err != nil {
		return err
	}
	if s, known := t.sent.get(sentKey(r)); known {
		do(&s)
		t.sent.put(sentKey(r), s)
	}
	return nil
}
