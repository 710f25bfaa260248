package gate_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

func TestCheckInAndOut(t *testing.T) {
	w := newWorld(t, nil, gate.Options{})
	in := w.do(w.checkIn(greenPerson, 1, 3))
	if in.Err != nil || in.Step.Colour != status.Green || in.Outcome.Decision != venue.Check || in.Inside != 3 {
		t.Fatalf("a party with two strangers: %+v", in)
	}
	alone := w.do(w.checkIn(greenPerson, 1, 1))
	if alone.Err != nil || alone.Outcome.Decision != venue.Admit || alone.Inside != 1 {
		t.Fatalf("the same person again, alone, replaces the party: %+v", alone)
	}
	out := w.do(gate.Ask{Act: venue.ActLeave, Partner: 1, Member: gate.Member{Link: linkOf(greenPerson), Person: greenPerson}, Device: deviceOf(greenPerson), Visit: alone.Visit.ID})
	if out.Err != nil || out.Closed != 1 || w.inside(1) != 0 {
		t.Fatalf("leave: %+v, inside %d", out, w.inside(1))
	}
	again := w.do(gate.Ask{Act: venue.ActLeave, Partner: 1, Member: gate.Member{Link: linkOf(greenPerson), Person: greenPerson}, Device: deviceOf(greenPerson), Visit: alone.Visit.ID})
	if again.Closed != 0 {
		t.Errorf("leaving twice closes %d visits", again.Closed)
	}
}

func TestRetriesAreOneVisit(t *testing.T) {
	w := newWorld(t, nil, gate.Options{})
	a := w.checkIn(greenPerson, 1, 2)
	first := w.do(a)
	for range 5 {
		again := w.do(a)
		if again.Err != nil || again.Visit.ID != first.Visit.ID || again.Outcome.Decision != first.Outcome.Decision || again.Inside != 2 {
			t.Fatalf("retry: %+v, first: %+v", again, first)
		}
	}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { w.do(a) })
	}
	wg.Wait()
	if n := w.inside(1); n != 2 {
		t.Errorf("inside %d", n)
	}
	if n, _ := w.events(); n != 56 {
		t.Errorf("%d events for 56 requests", n)
	}
}

func TestNobodyIsInTwoPlaces(t *testing.T) {
	w := newWorld(t, nil, gate.Options{})
	w.do(w.checkIn(greenPerson, 1, 2))
	w.clock.forward(time.Minute)
	w.do(w.checkIn(greenPerson, 2, 1))
	if a, b := w.inside(1), w.inside(2); a != 0 || b != 1 {
		t.Errorf("inside: %d and %d", a, b)
	}
}

func TestRefusalsAreRecordedAndCountNobody(t *testing.T) {
	w := newWorld(t, nil, gate.Options{})
	a := w.checkIn(blackPerson, 1, 1)
	in := w.do(a)
	if in.Err != nil || in.Step.Colour != status.Black || in.Outcome.Decision != venue.Refuse || w.inside(1) != 0 {
		t.Fatalf("black: %+v", in)
	}
	if in.Next == nil || !in.Next.From.After(w.clock.now()) {
		t.Errorf("nothing says when black ends: %+v", in.Next)
	}
	if again := w.do(a); again.Outcome.Decision != venue.Refuse {
		t.Errorf("a retry turns a refusal into %v", again.Outcome.Decision)
	}
	if n, _ := w.events(); n != 2 {
		t.Errorf("%d events", n)
	}
}

func TestLinkedMembersDecideWithTheParty(t *testing.T) {
	w := newWorld(t, nil, gate.Options{})
	a := w.checkIn(greenPerson, 2, 2)
	a.With = []gate.Member{{Link: linkOf(blackPerson), Person: blackPerson}}
	in := w.do(a)
	if in.Outcome.Decision != venue.Refuse || len(in.Colours) != 1 || in.Colours[0] != status.Black {
		t.Fatalf("a black member: %+v", in)
	}
	a = w.checkIn(greenPerson, 2, 2)
	a.With = []gate.Member{{Link: linkOf(otherGreen), Person: otherGreen}}
	if in := w.do(a); !errors.Is(in.Err, identity.ErrNoLink) {
		t.Errorf("a member linked on another device: %+v", in)
	}
}

func TestWhoMayNotAsk(t *testing.T) {
	w := newWorld(t, nil, gate.Options{})
	end := identity.Link{ID: linkOf(redPerson), Partner: 1, Device: deviceOf(redPerson), Ended: w.clock.now()}
	if err := w.db.Update(context.Background(), func(s store.Stores) error { return s.Links.Put(end) }); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*gate.Ask){
		"an ended link":     func(a *gate.Ask) { a.Member = gate.Member{Link: linkOf(redPerson), Person: redPerson} },
		"an unknown link":   func(a *gate.Ask) { a.Link = identity.LinkID{9} },
		"another device":    func(a *gate.Ask) { a.Device = identity.Thumbprint{9} },
		"another's partner": func(a *gate.Ask) { a.Partner = 2 },
	} {
		a := w.checkIn(greenPerson, 1, 1)
		change(&a)
		if in := w.do(a); !errors.Is(in.Err, identity.ErrNoLink) || in.Step.Colour != 0 {
			t.Errorf("%s: %+v", name, in)
		}
	}
	if n, _ := w.events(); n != 4 {
		t.Errorf("%d events for 4 refused requests", n)
	}
	// Who may not ask uses up none of the person's colours of the day.
	if len(w.keeper.counted) != 0 {
		t.Errorf("colours were opened for who may not ask: %v", len(w.keeper.counted))
	}
	w.do(w.checkIn(greenPerson, 1, 1))
	if w.keeper.counted[greenPerson] != 1 {
		t.Error("control: a colour that was told was not counted")
	}
}

func TestLimitedColoursAreNotTold(t *testing.T) {
	w := newWorld(t, nil, gate.Options{})
	w.keeper.limited[greenPerson] = true
	if in := w.do(w.checkIn(greenPerson, 1, 1)); !errors.Is(in.Err, gate.ErrLimited) || in.Step.Colour != 0 {
		t.Errorf("the thirteenth colour: %+v", in)
	}
}

func TestVoidAsksLeaveAnEvent(t *testing.T) {
	w := newWorld(t, nil, gate.Options{})
	why := fault.New(fault.Invalid, "the body is no JSON")
	if a := w.do(gate.Ask{Act: venue.ActVoid, Fault: why}); !errors.Is(a.Err, why) {
		t.Errorf("answer: %+v", a)
	}
	if n, _ := w.events(); n != 1 {
		t.Errorf("%d events", n)
	}
}

// TestNeverOverCapacity lets many people in at once, in batches of every size.
func TestNeverOverCapacity(t *testing.T) {
	w := newWorld(t, nil, gate.Options{Workers: 3})
	place, _ := w.book.Place(1)
	limit := place.Limit(w.clock.now())
	var mu sync.Mutex
	decided := map[venue.Decision]int{}
	codes := map[venue.Code]int{}
	var wg sync.WaitGroup
	asks := make([]gate.Ask, 200)
	for i := range asks {
		// Everybody has a pseudonym of their own, so nobody replaces anybody.
		asks[i] = w.checkIn(greenPerson, 1, 1)
		asks[i].Person = identity.PersonID(1000 + i)
	}
	w.giveColours(greenPerson, 1000, 200)
	for _, a := range asks {
		wg.Go(func() {
			in := w.do(a)
			mu.Lock()
			defer mu.Unlock()
			decided[in.Outcome.Decision]++
			codes[in.Outcome.Code]++
			if in.Inside > limit {
				t.Errorf("inside %d of %d", in.Inside, limit)
			}
		})
	}
	wg.Wait()
	if n := w.inside(1); n != limit {
		t.Errorf("inside %d, limit %d", n, limit)
	}
	if decided[venue.Admit] != limit || codes[venue.CodeFull] != 200-limit {
		t.Errorf("decisions %v, codes %v, limit %d", decided, codes, limit)
	}
}

// giveColours copies one person's colour to n others.
func (w *world) giveColours(from, first identity.PersonID, n int) {
	w.t.Helper()
	err := w.db.Update(context.Background(), func(s store.Stores) error {
		rows, err := s.Status.Colours([]identity.PersonID{from})
		if err != nil {
			return err
		}
		var more []status.SealedColour
		for i := range n {
			r := rows[0]
			r.Person = first + identity.PersonID(i)
			more = append(more, r)
		}
		return s.Status.PutColours(more)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// failing is a DB whose Updates fail as told: before their effect, or after it.
type failing struct {
	store.DB
	mu   sync.Mutex
	next []error // nil lets one through; an error fails one
	lost bool    // the failing Update takes effect all the same
	done int
}

func (f *failing) Update(ctx context.Context, fn func(store.Stores) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done++
	if len(f.next) == 0 {
		return f.DB.Update(ctx, fn)
	}
	err := f.next[0]
	f.next = f.next[1:]
	if err == nil || f.lost {
		if e := f.DB.Update(ctx, fn); e != nil {
			return e
		}
	}
	return err
}

func TestFailedTransactions(t *testing.T) {
	t.Run("busy is tried again", func(t *testing.T) {
		f := &failing{}
		w := newWorld(t, func(db store.DB) store.DB { f.DB = db; return f }, gate.Options{})
		f.next = []error{store.ErrBatch, store.ErrSlow}
		if in := w.do(w.checkIn(greenPerson, 1, 1)); in.Err != nil || f.done != 3 {
			t.Errorf("answer %+v after %d tries", in, f.done)
		}
		if n := w.inside(1); n != 1 {
			t.Errorf("inside %d", n)
		}
	})
	t.Run("gone: no answer, and the opened colours are not forgotten", func(t *testing.T) {
		f := &failing{}
		w := newWorld(t, func(db store.DB) store.DB { f.DB = db; return f }, gate.Options{})
		f.next = []error{store.ErrUnavailable}
		in := w.do(w.checkIn(greenPerson, 1, 1))
		if !errors.Is(in.Err, store.ErrUnavailable) || in.Step.Colour != 0 {
			t.Fatalf("an answer without a commit: %+v", in)
		}
		if in := w.do(w.checkIn(redPerson, 1, 1)); in.Err != nil {
			t.Fatal(in.Err)
		}
		if events, voided := w.events(); events != 2 || voided != 1 {
			t.Errorf("%d events, %d voided leaves", events, voided)
		}
	})
	t.Run("lost with its effect: the retry finds the visit", func(t *testing.T) {
		f := &failing{lost: true}
		w := newWorld(t, func(db store.DB) store.DB { f.DB = db; return f }, gate.Options{})
		f.next = []error{store.ErrUnavailable}
		a := w.checkIn(greenPerson, 1, 1)
		w.do(a)
		in := w.do(a)
		if in.Err != nil || in.Outcome.Code != venue.CodeAgain || w.inside(1) != 1 {
			t.Errorf("retry: %+v, inside %d", in, w.inside(1))
		}
	})
}

func TestKeeperGoneAndBack(t *testing.T) {
	w := newWorld(t, nil, gate.Options{})
	w.do(w.checkIn(greenPerson, 2, 1))
	w.keeper.setFail(keeper.ErrUnavailable)
	if in := w.do(w.checkIn(redPerson, 2, 1)); !errors.Is(in.Err, keeper.ErrUnavailable) || in.Step.Colour != 0 {
		t.Fatalf("without a keeper: %+v", in)
	}
	w.keeper.setFail(nil)
	if in := w.do(w.checkIn(redPerson, 2, 1)); in.Err != nil {
		t.Fatalf("with the keeper back: %v", in.Err)
	}
	if w.keeper.gates != 2 {
		t.Errorf("%d sessions", w.keeper.gates)
	}
}

func TestExpireAndStaffCheckOut(t *testing.T) {
	w := newWorld(t, nil, gate.Options{})
	in := w.do(w.checkIn(greenPerson, 1, 2))
	staff := w.do(w.checkIn(otherGreen, 1, 1))
	ctx := context.Background()
	if err := gate.CheckOut(ctx, w.db, 2, staff.Visit.ID, w.clock.now()); !errors.Is(err, venue.ErrNoVisit) {
		t.Errorf("staff of another venue: %v", err)
	}
	if err := gate.CheckOut(ctx, w.db, 1, staff.Visit.ID, w.clock.now()); err != nil {
		t.Error(err)
	}
	if err := gate.CheckOut(ctx, w.db, 1, staff.Visit.ID, w.clock.now()); !errors.Is(err, venue.ErrNoVisit) {
		t.Errorf("twice: %v", err)
	}
	if n, err := gate.Expire(ctx, w.db, in.Visit.LeavesBy.Add(-time.Second), 100); n != 0 || err != nil {
		t.Errorf("before its time: %d, %v", n, err)
	}
	if n, err := gate.Expire(ctx, w.db, in.Visit.LeavesBy.Add(time.Second), 100); n != 1 || err != nil {
		t.Errorf("after its time: %d, %v", n, err)
	}
	if n := w.inside(1); n != 0 {
		t.Errorf("inside %d", n)
	}
}

func TestCloseAnswersWhatWaits(t *testing.T) {
	w := newWorld(t, nil, gate.Options{})
	var wg sync.WaitGroup
	for range 20 {
		a := w.checkIn(greenPerson, 2, 1)
		wg.Go(func() {
			if in := w.do(a); in.Err != nil && !errors.Is(in.Err, gate.ErrStopped) {
				t.Errorf("answer: %v", in.Err)
			}
		})
	}
	w.gate.Close()
	wg.Wait()
	if in := w.do(w.checkIn(greenPerson, 2, 1)); !errors.Is(in.Err, gate.ErrStopped) {
		t.Errorf("after Close: %+v", in)
	}
}
