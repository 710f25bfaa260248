package storetest

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

const writers = 8

// together runs fn in several goroutines at once.
func together(fn func(g int)) {
	var done sync.WaitGroup
	start := make(chan struct{})
	for g := range writers {
		done.Go(func() {
			<-start
			fn(g)
		})
	}
	close(start)
	done.Wait()
}

// testCapacity: entries decided on Inside never bring a venue above its limit.
func testCapacity(t *testing.T, db store.DB) {
	const limit, tries = 37, 15
	putPlaces(t, db, 2)
	var admitted [writers]int
	together(func(g int) {
		r := rand.New(rand.NewPCG(uint64(g), 1))
		for range tries {
			party, entered := 1+r.IntN(3), false
			err := persist(db, func(s store.Stores) error {
				entered = false
				inside, err := s.Venues.Inside([]venue.ID{2, 1})
				if err != nil {
					return err
				}
				if inside[1] > limit {
					t.Errorf("%d inside", inside[1])
				}
				if entered = venue.Fits(inside[1], party, limit); !entered {
					return nil
				}
				return s.Venues.Add([]venue.Delta{{Venue: 1, By: party}, {Venue: 2, By: 1}})
			})
			if err != nil {
				t.Errorf("enter: %v", err)
				return
			}
			if entered {
				admitted[g] += party
			}
		}
	})
	sum := 0
	for _, n := range admitted {
		sum += n
	}
	if sum > limit || sum < limit-2 {
		t.Errorf("%d admitted, want %d at most and no room left", sum, limit)
	}
	view(t, db, func(s store.Stores) error {
		got, err := s.Venues.Inside([]venue.ID{1})
		same(t, "inside", got, []int{sum})
		return err
	})
}

// testSameIDs: many retries of the same check-ins, at once, count each once.
func testSameIDs(t *testing.T, db store.DB) {
	const n = 12
	putPlaces(t, db, 5)
	together(func(int) {
		for i := 1; i <= n; i++ {
			v := visit(i)
			err := persist(db, func(s store.Stores) error {
				found, err := s.Visits.Get([]venue.VisitID{v.ID})
				if err != nil || found[0].ID == v.ID {
					return err
				}
				if err := s.Visits.Put([]venue.Visit{v}); err != nil {
					return err
				}
				return s.Venues.Add([]venue.Delta{{Venue: v.Venue, By: v.Party}})
			})
			if err != nil {
				t.Errorf("check in: %v", err)
				return
			}
		}
	})
	want := make([]int, 5)
	for _, v := range visits(1, n) {
		want[v.Venue-1] += v.Party
	}
	wantInside(t, db, "each once", []venue.ID{1, 2, 3, 4, 5}, want...)
}

// testCounts: changes from many sides add up.
func testCounts(t *testing.T, db store.DB) {
	const n = 12
	putPlaces(t, db, 3)
	together(func(g int) {
		for i := range n {
			first, second := venue.ID(1+g%3), venue.ID(1+(g+i)%3)
			err := persist(db, func(s store.Stores) error {
				return s.Venues.Add([]venue.Delta{{Venue: first, By: 1}, {Venue: second, By: 1}})
			})
			if err != nil {
				t.Errorf("add: %v", err)
				return
			}
		}
	})
	view(t, db, func(s store.Stores) error {
		got, err := s.Venues.Inside([]venue.ID{1, 2, 3})
		same(t, "sum", got[0]+got[1]+got[2], 2*n*writers)
		return err
	})
}

// testWriteSkew: of several transactions that each find a person nowhere and put
// them somewhere, one does: nobody is in two places.
func testWriteSkew(t *testing.T, db store.DB) {
	const rounds = 10
	today := day.Of(at(0))
	together(func(g int) {
		for r := range rounds {
			v := visit(1 + r*writers + g)
			v.Day, v.Who, v.Venue = today, spread(r), venue.ID(1+g)
			err := persist(db, func(s store.Stores) error {
				of, err := s.Visits.Of([]venue.Trail{{Day: today, Who: v.Who}})
				if err != nil || len(of[0]) > 0 {
					return err
				}
				return s.Visits.Put([]venue.Visit{v})
			})
			if err != nil {
				t.Errorf("put: %v", err)
				return
			}
		}
	})
	view(t, db, func(s store.Stores) error {
		for r := range rounds {
			of, err := s.Visits.Of([]venue.Trail{{Day: today, Who: spread(r)}})
			if err != nil {
				return err
			}
			if len(of[0]) != 1 {
				t.Errorf("person %d is in %d places", r, len(of[0]))
			}
		}
		return nil
	})
}
