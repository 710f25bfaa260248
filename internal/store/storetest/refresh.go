package storetest

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
)

func wantGeneration(t *testing.T, db store.DB, id identity.LinkID, want identity.Generation) {
	t.Helper()
	view(t, db, func(s store.Stores) error {
		got, err := s.Refresh.Generation(id)
		same(t, "generation", got, want)
		return err
	})
}

func testGenerations(t *testing.T, db store.DB) {
	wantGeneration(t, db, id16(1), 0)
	advance := func(n int, to identity.Generation) func(store.Stores) error {
		return func(s store.Stores) error { return s.Refresh.Advance(id16(n), to) }
	}
	wantErr(t, db, identity.ErrGeneration, advance(1, 2)) // none before it
	for to := range identity.Generation(3) {
		update(t, db, advance(1, to+1))
	}
	update(t, db, advance(2, 1))
	for _, to := range []identity.Generation{1, 2, 3, 5, 1 << 63} {
		wantErr(t, db, identity.ErrGeneration, advance(1, to))
		// A transaction that met the error goes on.
		update(t, db, func(s store.Stores) error {
			if err := s.Refresh.Advance(id16(1), to); !errors.Is(err, identity.ErrGeneration) {
				t.Errorf("to %d: got %v", to, err)
			}
			return s.Links.Put(link(1))
		})
	}
	wantErr(t, db, store.ErrConstraint, advance(1, 0))
	wantErr(t, db, store.ErrConstraint, advance(3, 0))
	wantGeneration(t, db, id16(1), 3)
	wantGeneration(t, db, id16(2), 1)
	wantGeneration(t, db, id16(3), 0)
}

// testGenerationRace: of many that present one token at once, one moves the link on.
func testGenerationRace(t *testing.T, db store.DB) {
	update(t, db, func(s store.Stores) error { return s.Refresh.Advance(id16(1), 1) })
	var won atomic.Int32
	together(func(int) {
		err := persist(db, func(s store.Stores) error { return s.Refresh.Advance(id16(1), 2) })
		switch {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, identity.ErrGeneration):
			t.Errorf("advance: %v", err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("moved on %d times", won.Load())
	}
	wantGeneration(t, db, id16(1), 2)
}
