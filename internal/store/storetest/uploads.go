package storetest

import (
	"testing"

	"github.com/amanah-project/amanah/internal/store"
)

// testUploads: what began before a moment is found, the oldest first, until it ends;
// what a row names is held, whether its upload is known or not.
func testUploads(t *testing.T, db store.DB) {
	names := [][32]byte{id32(101), id32(102), id32(103), id32(104)}
	update(t, db, func(s store.Stores) error {
		for i, n := range names {
			if err := s.Uploads.Begin(n, at(40-i)); err != nil {
				return err
			}
		}
		return s.Uploads.Begin(names[0], at(1)) // keeps its time
	})
	stale := func(before, n int, want ...[32]byte) {
		t.Helper()
		view(t, db, func(s store.Stores) error {
			got, err := s.Uploads.Stale(at(before), n)
			same(t, "stale", got, want)
			return err
		})
	}
	stale(37, 9)
	stale(39, 9, names[3], names[2])
	stale(99, 3, names[3], names[2], names[1])
	stale(99, 0)
	row := rowOf(7, 1, 1)
	putRecords(t, db, writeOf(7, 0, 1, 1, 2))
	view(t, db, func(s store.Stores) error {
		got, err := s.Uploads.Held([][32]byte{names[0], row.Blob, {}})
		same(t, "held", got, []bool{false, true, false})
		return err
	})
	update(t, db, func(s store.Stores) error { return s.Uploads.End([][32]byte{names[2], names[0], id32(999)}) })
	stale(99, 9, names[3], names[1])
}
