package storetest

import (
	"errors"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/store"
)

// testSent: a transfer is found by whom it goes to and whom it comes from, the newest
// first, stays as it was put, and keeps the first moment of what is noted.
func testSent(t *testing.T, db store.DB) {
	tag := func(b byte) identity.Tag { return identity.Tag{b} }
	one := func(n, at0 int, to, from byte) record.Sent {
		return record.Sent{
			Ref: record.Ref{Person: 7, Number: record.Entered + record.Number(n)}, Version: uint64(n), To: tag(to), From: tag(from),
			At: at(at0), Until: at(at0 + 50), Digest: id32(n), Size: 9,
		}
	}
	a, b, c := one(1, 10, 1, 2), one(2, 20, 1, 3), one(3, 30, 2, 1)
	update(t, db, func(s store.Stores) error {
		for _, x := range []record.Sent{a, b, c} {
			if err := s.Sent.Put(x); err != nil {
				return err
			}
		}
		again := a
		again.To = tag(9)
		return s.Sent.Put(again)
	})
	view(t, db, func(s store.Stores) error {
		got, err := s.Sent.To(tag(1), at(0), 9)
		same(t, "to", got, []record.Sent{b, a})
		if err != nil {
			return err
		}
		got, err = s.Sent.To(tag(1), at(20), 9)
		same(t, "since", got, []record.Sent{b})
		if err != nil {
			return err
		}
		got, err = s.Sent.To(tag(1), at(0), 1)
		same(t, "one", got, []record.Sent{b})
		if err != nil {
			return err
		}
		got, err = s.Sent.From(tag(1), at(0), 9)
		same(t, "from", got, []record.Sent{c})
		if err != nil {
			return err
		}
		if _, err := s.Sent.Get(record.Ref{Person: 8, Number: a.Ref.Number}); !errors.Is(err, record.ErrNone) {
			t.Errorf("a transfer of nobody: %v", err)
		}
		return nil
	})
	for _, n := range []int{40, 60} {
		update(t, db, func(s store.Stores) error {
			if err := s.Sent.Fetched(a.Ref, at(n)); err != nil {
				return err
			}
			return s.Sent.Received(a.Ref, at(n+1))
		})
	}
	a.Fetched, a.Received = at(40), at(41)
	view(t, db, func(s store.Stores) error {
		got, err := s.Sent.Get(a.Ref)
		same(t, "noted", got, a)
		return err
	})
}
