package storetest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

// pass is the j-th person of the n-th pass, which is of one of 3 days.
func pass(n, j int) venue.Pass {
	p := venue.Pass{
		ID: id16(100*n + j), Serial: id16(100 * n), Day: day.Of(at(0)).Add(n % 3), Who: spread(n + j), Category: venue.Mall,
		Level: venue.Level(1 + n%4), Issued: at(0).Truncate(time.Minute), Expires: at(0).Truncate(time.Minute).Add(12 * time.Hour),
		Decision: venue.Admit, Leaf: venue.LeafRef{Gate: spread(n % 2), Seq: uint64(n), Index: j},
	}
	if j == 0 {
		p.Party = 1 + n%4
	}
	return p
}

func putPasses(t *testing.T, db store.DB, p ...venue.Pass) {
	t.Helper()
	update(t, db, func(s store.Stores) error { return s.Passes.Put(p) })
}

func wantPasses(t *testing.T, db store.DB, why string, serials []venue.VisitID, want ...[]venue.Pass) {
	t.Helper()
	view(t, db, func(s store.Stores) error {
		got, err := s.Passes.Of(serials)
		same(t, why, got, want)
		return err
	})
}

func testPasses(t *testing.T, db store.DB) {
	far := pass(3, 0)
	far.Day, far.Leaf.Seq, far.Decision, far.Category = -5, 1<<63-1, venue.Refuse, venue.Health
	far.Use = venue.PassUse{Venue: 1<<63 - 1, Door: 65535, At: at(9)}
	putPasses(t, db, pass(1, 1), pass(1, 0), pass(2, 0), far, pass(1, 2))
	party := []venue.Pass{pass(1, 0), pass(1, 1), pass(1, 2)}
	wantPasses(t, db, "passes", []venue.VisitID{id16(300), id16(100), id16(900), id16(200), id16(100), id16(101)},
		[]venue.Pass{far}, party, nil, []venue.Pass{pass(2, 0)}, party, nil)

	other := pass(1, 0) // the first stays
	other.Who, other.Party, other.Expires = spread(77), 9, at(9)
	putPasses(t, db, other, pass(1, 3))
	wantPasses(t, db, "as they were", []venue.VisitID{id16(100)}, append(party, pass(1, 3)))
}

func testPassUse(t *testing.T, db store.DB) {
	putPasses(t, db, pass(1, 0), pass(1, 1), pass(2, 0))
	use := func(why string, serials []venue.VisitID, uses []venue.PassUse, want ...bool) {
		t.Helper()
		update(t, db, func(s store.Stores) error {
			got, err := s.Passes.Use(serials, uses)
			same(t, why, got, want)
			return err
		})
	}
	here, there := venue.PassUse{Venue: 4, Door: 2, At: at(3)}, venue.PassUse{Venue: 5, Door: 1, At: at(4)}
	use("once", []venue.VisitID{id16(100), id16(900), id16(100)}, []venue.PassUse{here, here, there}, true, false, false)
	use("not again", []venue.VisitID{id16(100)}, []venue.PassUse{there}, false)
	used := []venue.Pass{pass(1, 0), pass(1, 1)}
	used[0].Use, used[1].Use = here, here
	wantPasses(t, db, "everybody's, where it was first", []venue.VisitID{id16(100), id16(200)}, used, []venue.Pass{pass(2, 0)})
	for name, write := range map[string]func(s store.Stores) error{
		"nowhere": func(s store.Stores) error {
			_, err := s.Passes.Use([]venue.VisitID{id16(200)}, []venue.PassUse{{Door: 1, At: at(1)}})
			return err
		},
		"one too few": func(s store.Stores) error {
			_, err := s.Passes.Use([]venue.VisitID{id16(200)}, nil)
			return err
		},
		"far": func(s store.Stores) error {
			_, err := s.Passes.Use([]venue.VisitID{id16(200)}, []venue.PassUse{{Venue: 1 << 63, Door: 1, At: at(1)}})
			return err
		},
		"its leaf": func(s store.Stores) error {
			p := pass(4, 0)
			p.Leaf.Seq = 1 << 63
			return s.Passes.Put([]venue.Pass{p})
		},
	} {
		if err := persist(db, write); !errors.Is(err, store.ErrConstraint) {
			t.Errorf("%s: got %v, want ErrConstraint", name, err)
		}
	}
}

// testPassRace: of many who report one pass at once, one counts it.
func testPassRace(t *testing.T, db store.DB) {
	putPasses(t, db, pass(1, 0), pass(1, 1))
	var mu sync.Mutex
	var wg sync.WaitGroup
	first := 0
	for n := range 8 {
		wg.Go(func() {
			var mine bool
			err := persist(db, func(s store.Stores) error {
				got, err := s.Passes.Use([]venue.VisitID{id16(100)}, []venue.PassUse{{Venue: venue.ID(1 + n), Door: 1, At: at(n)}})
				mine = err == nil && got[0]
				return err
			})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if mine {
				first++
			}
		})
	}
	wg.Wait()
	same(t, "who were first", first, 1)
}

func testPassesForgotten(t *testing.T, db store.DB) {
	first := day.Of(at(0))
	for n := range 6 {
		putPasses(t, db, pass(n+1, 0), pass(n+1, 1))
	}
	forget := func(why string, before day.Day, n, want int) {
		t.Helper()
		update(t, db, func(s store.Stores) error {
			got, err := s.Passes.Forget(before, n)
			same(t, why, got, want)
			return err
		})
	}
	forget("nobody asked", first.Add(9), 0, 0)
	forget("nobody asked for less", first.Add(9), -1, 0)
	forget("none before the first", first, 99, 0)
	forget("no more than asked", first.Add(1), 3, 3)
	forget("the rest of the day", first.Add(1), 99, 1)
	wantPasses(t, db, "of that day", []venue.VisitID{id16(300), id16(600), id16(100)}, nil, nil, []venue.Pass{pass(1, 0), pass(1, 1)})
	forget("all", first.Add(9), 99, 8)
	forget("nothing left", first.Add(9), 99, 0)
}
