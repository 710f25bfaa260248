package care_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/care/caretest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

var errCrash = errors.New("the process died here")

// point is where a process may die.
type point int

const (
	keys point = iota // the keeper's answer
	commit
	settle
)

// crash ends a write at a point, once: before it, or after it with its answer lost.
type crash struct {
	at    point
	after bool
	over  atomic.Bool
}

// dies reports whether the process dies at a point.
func (c *crash) dies(at point, after bool) bool {
	return c.at == at && c.after == after && c.over.CompareAndSwap(false, true)
}

func (c *crash) step(at point, do func() error) error {
	if c.dies(at, false) {
		return errCrash
	}
	if err := do(); err != nil {
		return err
	}
	if c.dies(at, true) {
		return errCrash
	}
	return nil
}

type crashingKeeper struct {
	caretest.Trusting
	*crash
}

func (k crashingKeeper) WriteRecords(ctx context.Context, e []keeper.Enter) ([]keeper.Entered, error) {
	if k.dies(keys, false) {
		return nil, errCrash
	}
	out, err := k.Trusting.WriteRecords(ctx, e)
	if err == nil && out[0].Err == nil && k.dies(keys, true) {
		return nil, errCrash
	}
	return out, err
}

func (k crashingKeeper) SettleRecords(ctx context.Context, s []keeper.Settled) error {
	return k.step(settle, func() error { return k.Trusting.SettleRecords(ctx, s) })
}

type crashingDB struct {
	store.DB
	*crash
}

func (d crashingDB) Update(ctx context.Context, fn func(store.Stores) error) error {
	return d.step(commit, func() error { return d.DB.Update(ctx, fn) })
}

// steps of one write that may be the last thing a process did: each point, before and
// after.
const steps = 6

// dies makes the site's flow die at a step of its next write, and returns what brings
// it back.
func dies(s *caretest.Site, step int) (back func()) {
	whole := s.Care
	c := &crash{at: point(step / 2), after: step%2 == 1}
	s.Care = &care.Flow{
		DB: crashingDB{s.DB, c}, Keeper: crashingKeeper{caretest.Trusting{Client: s.Keeper}, c}, Documents: whole.Documents, Colours: whole.Colours,
		Reader: whole.Reader, Now: whole.Now, Actor: whole.Actor, Budget: whole.Budget,
	}
	return func() { s.Care = whole }
}

// TestEveryCrash: wherever one writer dies, and wherever the next one does, the person
// reads and is written again, and each write is there whole or not at all.
func TestEveryCrash(t *testing.T) {
	for first := range steps {
		for second := range steps {
			t.Run(fmt.Sprintf("%d then %d", first, second), func(t *testing.T) {
				t.Parallel()
				s := newSite(t)
				who := s.Register(nikA, nameA, birthA)
				must(s, who, immunization(who, "2021-01-01", "208"))
				for n, step := range []int{first, second} {
					back := dies(s, step)
					_, err := s.Care.Enter(t.Context(), hospital, []care.Entry{{Person: who, Items: []care.Item{
						{Resource: s.Read(immunization(who, fmt.Sprintf("2021-02-0%d", n+1), "208"))}, {Resource: s.Read(immunization(who, fmt.Sprintf("2021-02-0%d", n+1), "511"))},
					}}})
					if !errors.Is(err, errCrash) {
						t.Fatalf("step %d: %v", step, err)
					}
					back()
					if got := count(s, who); got%2 != 1 {
						t.Fatalf("%d records: half of a write is there", got)
					}
				}
				before := count(s, who)
				must(s, who, immunization(who, "2021-03-01", "208"), immunization(who, "2021-03-02", "208"))
				if got := count(s, who); got != before+2 {
					t.Errorf("%d records, want %d", got, before+2)
				}
				stored := 0
				for _, step := range []int{first, second} {
					if step >= 3 { // the commit happened
						stored += 2
					}
				}
				if before != 1+stored {
					t.Errorf("%d records after crashes at %d and %d, want %d", before, first, second, 1+stored)
				}
				if _, err := s.Care.Drain(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// count opens all of a person's records.
func count(s *caretest.Site, who identity.PersonID) int {
	s.Helper()
	all, err := s.Care.Everything(s.Context(), hospital, who)
	if err != nil {
		s.Fatalf("the person is locked out: %v", err)
	}
	return len(all)
}

// TestManyWriters: whoever writes at once, and whoever gives up in the middle, nobody
// is locked out, nothing is there twice and nothing that was said to be there is not.
func TestManyWriters(t *testing.T) {
	s := onDisk(t)
	people := []identity.PersonID{s.Register(nikA, nameA, birthA), s.Register(nikB, "Budi Contoh", "1990-08-15")}
	var mu sync.Mutex
	said := map[record.Ref]uint64{}
	tries := atomic.Int64{}
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(w)))
			for range 6 {
				who := people[r.IntN(len(people))]
				ctx, cancel := context.WithCancel(t.Context())
				if r.IntN(4) == 0 {
					// Some give up at a moment of their own.
					left := r.IntN(3)
					go func() {
						for range left {
							_, _ = s.Keeper.Health(ctx)
						}
						cancel()
					}()
				}
				tries.Add(1)
				done, err := s.Care.Enter(ctx, hospital, []care.Entry{{Person: who, Items: []care.Item{{Resource: s.Read(immunization(who, "2021-01-01", "208"))}}}})
				cancel()
				switch {
				case err != nil && !errors.Is(err, context.Canceled) && fault.KindOf(err) != fault.Unavailable:
					t.Errorf("enter: %v", err)
				case err == nil && done[0].Err != nil && fault.KindOf(done[0].Err) != fault.Busy:
					t.Errorf("enter: %v", done[0].Err)
				case err == nil && done[0].Err == nil:
					mu.Lock()
					if p := done[0].Placed[0]; said[p.Ref] != 0 {
						t.Errorf("%s twice", p.Ref)
					} else {
						said[p.Ref] = p.Version
					}
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	there := 0
	for _, who := range people {
		must(s, who, immunization(who, "2022-01-01", "208"))
		records, err := s.Care.Everything(t.Context(), hospital, who)
		if err != nil {
			t.Fatalf("locked out: %v", err)
		}
		there += len(records) - 1
		for _, r := range records {
			if v, ok := said[r.Ref]; ok && v != r.Version {
				t.Errorf("%s stands at %d, its writer was told %d", r.Ref, r.Version, v)
			}
			delete(said, r.Ref)
		}
	}
	if len(said) > 0 {
		t.Errorf("%d records that were said to be entered are not there", len(said))
	}
	t.Logf("%d writes tried, %d there", tries.Load(), there)
}
