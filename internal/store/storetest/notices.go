package storetest

import (
	"errors"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/notice"
	"github.com/amanah-project/amanah/internal/store"
)

// testNotices: what is put waits until it is due, the earliest first, moves and is dropped;
// what is there stays as it is when it is put again.
func testNotices(t *testing.T, db store.DB) {
	w := func(place uint64, due, tries int) notice.Waiting {
		return notice.Waiting{Place: place, Due: at(due), Tries: tries}
	}
	due := func(now, n int, want ...notice.Waiting) {
		t.Helper()
		view(t, db, func(s store.Stores) error {
			got, err := s.Notices.Due(at(now), n)
			same(t, "due", got, want)
			return err
		})
	}
	update(t, db, func(s store.Stores) error {
		return errors.Join(s.Notices.Put([]uint64{9, 4}, at(10)), s.Notices.Put([]uint64{7}, at(5)), s.Notices.Put([]uint64{9}, at(1)))
	})
	due(4, 9)
	due(9, 9, w(7, 5, 0))
	due(10, 9, w(7, 5, 0), w(4, 10, 0), w(9, 10, 0))
	due(10, 2, w(7, 5, 0), w(4, 10, 0))
	due(10, 0)
	update(t, db, func(s store.Stores) error {
		return errors.Join(s.Notices.Move(w(7, 20, 3)), s.Notices.Move(w(8, 1, 1)), s.Notices.Drop([]uint64{4, 8}))
	})
	due(30, 9, w(9, 10, 0), w(7, 20, 3))
	update(t, db, func(s store.Stores) error { return s.Notices.Drop([]uint64{7, 9}) })
	due(30, 9)
	for name, wrong := range map[string]func(s store.Stores) error{
		"no place": func(s store.Stores) error { return s.Notices.Put([]uint64{0}, at(1)) },
		"tries below": func(s store.Stores) error {
			return errors.Join(s.Notices.Put([]uint64{3}, at(1)), s.Notices.Move(w(3, 1, -1)))
		},
	} {
		if err := db.Update(t.Context(), wrong); !errors.Is(err, store.ErrConstraint) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
