package gate_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// fetch makes an Ask for a pass.
func (w *world) fetch(p identity.PersonID, party int) gate.Ask {
	a := w.checkIn(p, 0, party)
	a.Act, a.Door, a.For, a.Life = venue.ActPass, 0, venue.Mall, 12*time.Hour
	return a
}

// report reports showings at a venue.
func (w *world) report(at venue.ID, shown ...venue.Showing) []venue.SeenCode {
	w.t.Helper()
	place, ok := w.book.Place(at)
	if !ok {
		w.t.Fatal("no such venue")
	}
	codes, err := gate.Reconcile(context.Background(), w.db, place, shown, w.clock.now())
	if err != nil {
		w.t.Fatal(err)
	}
	return codes
}

func (w *world) wantReport(why string, at venue.ID, shown venue.Showing, want venue.SeenCode) {
	w.t.Helper()
	if got := w.report(at, shown); !slices.Equal(got, []venue.SeenCode{want}) {
		w.t.Errorf("%s: %v, want %s", why, got, want)
	}
}

func (w *world) showing(a gate.Answer) venue.Showing {
	return venue.Showing{Serial: a.Pass.Serial, Door: 1, At: w.clock.now()}
}

// visitsOf are a person's visits of the day of the pass.
func (w *world) visitsOf(p identity.PersonID, d day.Day) []venue.Visit {
	w.t.Helper()
	var of [][]venue.Visit
	err := w.db.View(context.Background(), func(s store.Stores) (err error) {
		of, err = s.Visits.Of([]venue.Trail{{Day: d, Who: pseudonym(p, d)}})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return of[0]
}

// TestPass: one colour is asked for, one event left, and nobody is inside anywhere; a
// retry is the same pass.
func TestPass(t *testing.T) {
	w := newWorld(t, nil, gate.Options{})
	ask := w.fetch(greenPerson, 1)
	a := w.do(ask)
	if a.Err != nil || a.Outcome.Decision != venue.Admit || a.Pass.Party != 1 || a.Pass.Level != 1 || a.Pass.Category != venue.Mall {
		t.Fatalf("%+v", a)
	}
	if life := a.Pass.Expires.Sub(a.Pass.Issued); life != 12*time.Hour {
		t.Errorf("it lives for %v", life)
	}
	if n := w.keeper.counted[greenPerson]; n != 1 {
		t.Errorf("%d colours counted, want 1", n)
	}
	again := w.do(ask)
	if again.Err != nil || again.Pass.Serial != a.Pass.Serial || !again.Pass.Issued.Equal(a.Pass.Issued) || again.Outcome.Decision != venue.Admit {
		t.Errorf("retry: %+v", again)
	}
	red := w.do(w.fetch(redPerson, 1))
	if red.Err != nil || red.Outcome.Decision != venue.Refuse {
		t.Errorf("red: %+v", red)
	}
	if events, _ := w.events(); events != 3 || w.inside(1) != 0 || w.inside(2) != 0 {
		t.Errorf("%d events, %d and %d inside", events, w.inside(1), w.inside(2))
	}
	if got := outcomes(w.asksOf(greenPerson)); !slices.Equal(got, []string{"again", "given"}) {
		t.Errorf("asks: %v", got)
	}
	w.wantReport("what was refused", 1, w.showing(red), venue.SeenForged)
}

// TestPassRefused: what refuses a check-in refuses a pass. The control is the same ask
// as it is.
func TestPassRefused(t *testing.T) {
	w := newWorld(t, nil, gate.Options{})
	if a := w.do(w.fetch(greenPerson, 1)); a.Err != nil {
		t.Fatal("control: ", a.Err)
	}
	for name, c := range map[string]struct {
		change func(a *gate.Ask)
		want   error
	}{
		"another device":  {func(a *gate.Ask) { a.Device = identity.Thumbprint{9} }, identity.ErrNoLink},
		"another partner": {func(a *gate.Ask) { a.Partner = 2 }, identity.ErrNoLink},
		"a link that ended": {func(a *gate.Ask) {
			w.end(redPerson)
			a.Link, a.Person = linkOf(redPerson), redPerson
		}, identity.ErrNoLink},
		"a member of another device": {func(a *gate.Ask) {
			a.Party, a.With = 2, []gate.Member{{Link: linkOf(otherGreen), Person: otherGreen}}
		}, identity.ErrNoLink},
		"nobody's colour":         {func(a *gate.Ask) { a.Person = 99 }, identity.ErrNoLink},
		"the colours are used up": {func(*gate.Ask) { w.keeper.limited[greenPerson] = true }, gate.ErrLimited},
		"a used proof": {func(a *gate.Ask) {
			a.Run, a.Proofs = nowRun, keeper.Proofs{}.Name(keeper.Proof{1})
			w.keeper.used[keeper.Proof{1}] = true
		}, keeper.ErrUsed},
	} {
		a := w.fetch(greenPerson, 1)
		c.change(&a)
		if got := w.do(a); !errors.Is(got.Err, c.want) || got.Pass.Serial != (venue.VisitID{}) {
			t.Errorf("%s: %+v, want %v", name, got, c.want)
		}
		w.keeper.limited[greenPerson] = false
	}
}

// end ends a person's link.
func (w *world) end(p identity.PersonID) {
	w.t.Helper()
	err := w.db.Update(context.Background(), func(s store.Stores) error {
		return s.Links.Put(identity.Link{ID: linkOf(p), Partner: 1, Device: deviceOf(p), Created: w.clock.at, Ended: w.clock.at})
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestPassReportedOnce: a pass that two doors, two venues and a lost answer report is
// one visit, from when it was shown.
func TestPassReportedOnce(t *testing.T) {
	w := newWorld(t, nil, gate.Options{})
	a := w.do(w.fetch(greenPerson, 3))
	if a.Err != nil || a.Outcome.Decision != venue.Check {
		t.Fatalf("%+v", a)
	}
	w.clock.forward(time.Hour)
	seen := w.showing(a)
	w.clock.forward(30 * time.Minute)
	w.wantReport("first", 1, seen, venue.SeenCounted)
	if n := w.inside(1); n != 3 {
		t.Errorf("%d inside, want the party of 3", n)
	}
	later := seen
	later.At = later.At.Add(time.Minute)
	for range 3 {
		w.wantReport("the same", 1, seen, venue.SeenAgain)
		w.wantReport("at another time", 1, later, venue.SeenHere)
		w.wantReport("elsewhere", 2, seen, venue.SeenElsewhere)
	}
	visits := w.visitsOf(greenPerson, a.Pass.Day)
	if len(visits) != 1 || visits[0].ID != a.Pass.Serial || !visits[0].Entered.Equal(seen.At) || w.inside(1) != 3 || w.inside(2) != 0 {
		t.Errorf("%+v; %d and %d inside", visits, w.inside(1), w.inside(2))
	}
	out := w.do(gate.Ask{Act: venue.ActLeave, Partner: 1, Member: gate.Member{Link: linkOf(greenPerson), Person: greenPerson}, Device: deviceOf(greenPerson), Visit: a.Pass.Serial})
	if out.Err != nil || out.Closed != 1 || w.inside(1) != 0 {
		t.Errorf("leaving it: %+v, %d inside", out, w.inside(1))
	}
	w.wantReport("after leaving", 1, seen, venue.SeenAgain)
	if w.inside(1) != 0 {
		t.Error("reported again, it counts again")
	}
}

// TestPassOfAParty: each member has their own visit; the party is counted once.
func TestPassOfAParty(t *testing.T) {
	w := newWorld(t, nil, gate.Options{})
	ask := w.fetch(greenPerson, 2)
	ask.With = []gate.Member{{Link: linkOf(redPerson), Person: redPerson}}
	if a := w.do(ask); a.Err != nil || a.Outcome.Decision != venue.Refuse {
		t.Fatalf("with a red member: %+v", a)
	}
	ask = w.fetch(redPerson, 2)
	ask.For = venue.Health // which refuses nobody
	ask.With = []gate.Member{{Link: linkOf(greenPerson), Person: greenPerson}}
	a := w.do(ask)
	if a.Err != nil || a.Outcome.Decision == venue.Refuse {
		t.Fatalf("to a clinic: %+v", a)
	}
	w.wantReport("at a mall", 1, w.showing(a), venue.SeenForeign)
	w.place(venue.Venue{ID: 3, Name: "Klinik", Category: venue.Health, Level: 1, Declared: 10, Doors: 1})
	w.wantReport("at a clinic", 3, w.showing(a), venue.SeenCounted)
	for _, p := range []identity.PersonID{redPerson, greenPerson} {
		if v := w.visitsOf(p, a.Pass.Day); len(v) != 1 || v[0].Venue != 3 {
			t.Errorf("visits of %d: %+v", p, v)
		}
	}
	if n := w.inside(3); n != 2 {
		t.Errorf("%d inside, want 2", n)
	}
}

// place adds a venue.
func (w *world) place(v venue.Venue) {
	w.t.Helper()
	if err := w.db.Update(context.Background(), func(s store.Stores) error { return s.Venues.Put(v) }); err != nil {
		w.t.Fatal(err)
	}
	if err := w.book.Refresh(context.Background(), w.db); err != nil {
		w.t.Fatal(err)
	}
}

// TestPassAmongVisits: the person is in one place at a time, reported late or not, and
// the counts of all places add up.
func TestPassAmongVisits(t *testing.T) {
	w := newWorld(t, nil, gate.Options{})
	first, second := w.do(w.fetch(greenPerson, 1)), w.do(w.fetch(greenPerson, 1))
	in := w.do(w.checkIn(greenPerson, 1, 1))
	if first.Err != nil || second.Err != nil || in.Outcome.Decision != venue.Admit {
		t.Fatalf("%v, %v, %+v", first.Err, second.Err, in)
	}
	w.clock.forward(10 * time.Minute)
	at2 := w.showing(first)
	w.clock.forward(10 * time.Minute)
	at1 := w.showing(second)
	w.clock.forward(10 * time.Minute)
	w.wantReport("from the mall to the other", 2, at2, venue.SeenCounted)
	if w.inside(1) != 0 || w.inside(2) != 1 {
		t.Errorf("%d and %d inside", w.inside(1), w.inside(2))
	}
	w.wantReport("and back", 1, at1, venue.SeenCounted)
	if w.inside(1) != 1 || w.inside(2) != 0 {
		t.Errorf("%d and %d inside", w.inside(1), w.inside(2))
	}
	open := 0
	for _, v := range w.visitsOf(greenPerson, first.Pass.Day) {
		if v.Open() {
			open++
		}
	}
	if open != 1 {
		t.Errorf("in %d places", open)
	}
	// Both at once, the later first.
	third, fourth := w.do(w.fetch(redPerson, 1)), w.do(w.fetch(otherGreen, 1))
	if third.Outcome.Decision != venue.Refuse || fourth.Outcome.Decision != venue.Admit {
		t.Fatalf("%+v, %+v", third, fourth)
	}
	seen := w.showing(fourth)
	if got := w.report(2, seen, seen, w.showing(third), venue.Showing{Serial: venue.VisitID{9}, Door: 1, At: seen.At}); !slices.Equal(got, []venue.SeenCode{
		venue.SeenCounted, venue.SeenAgain, venue.SeenForged, venue.SeenForgotten,
	}) {
		t.Errorf("one by one: %v", got)
	}
	if w.inside(2) != 1 {
		t.Errorf("%d inside", w.inside(2))
	}
}

// TestPassReportLong: a report of more passes than one transaction counts is answered
// in its order, the same pass in two of its parts among them.
func TestPassReportLong(t *testing.T) {
	w := newWorld(t, nil, gate.Options{})
	a, b := w.do(w.fetch(greenPerson, 1)), w.do(w.fetch(otherGreen, 1))
	shown := make([]venue.Showing, 40)
	want := make([]venue.SeenCode, len(shown))
	for i := range shown {
		shown[i], want[i] = venue.Showing{Serial: venue.VisitID{9, byte(i)}, Door: 1, At: w.clock.now()}, venue.SeenForgotten
	}
	for i, one := range map[int]gate.Answer{1: a, 30: a, 17: b} {
		shown[i] = w.showing(one)
		want[i] = venue.SeenCounted
	}
	want[30] = venue.SeenAgain
	if got := w.report(2, shown...); !slices.Equal(got, want) || w.inside(2) != 2 {
		t.Errorf("%v; %d inside", got, w.inside(2))
	}
}

// TestPassReportRace: of many reports at once one counts.
func TestPassReportRace(t *testing.T) {
	w := newWorld(t, nil, gate.Options{})
	a := w.do(w.fetch(greenPerson, 2))
	seen := w.showing(a)
	var mu sync.Mutex
	var wg sync.WaitGroup
	got := map[venue.SeenCode]int{}
	for n := range 40 {
		wg.Go(func() {
			codes := w.report(venue.ID(1+n%2), seen)
			mu.Lock()
			defer mu.Unlock()
			got[codes[0]]++
		})
	}
	wg.Wait()
	if got[venue.SeenCounted] != 1 || got[venue.SeenAgain] != 19 || got[venue.SeenElsewhere] != 20 || w.inside(1)+w.inside(2) != 2 {
		t.Errorf("%v; %d and %d inside", got, w.inside(1), w.inside(2))
	}
}

// TestPassOutlivesItsLink: a pass is not taken back by what ends its link afterwards;
// what bounds it is its life, and that it is one visit. The visit is the person's.
func TestPassOutlivesItsLink(t *testing.T) {
	w := newWorld(t, nil, gate.Options{})
	a, other := w.do(w.fetch(greenPerson, 1)), w.do(w.fetch(greenPerson, 1))
	w.end(greenPerson)
	if again := w.do(w.fetch(greenPerson, 1)); !errors.Is(again.Err, identity.ErrNoLink) {
		t.Errorf("another is given: %+v", again)
	}
	w.clock.forward(11 * time.Hour)
	w.wantReport("within its life", 1, w.showing(a), venue.SeenCounted)
	w.clock.forward(time.Hour)
	w.wantReport("after it", 1, w.showing(other), venue.SeenStale)
	if n := len(w.visitsOf(greenPerson, a.Pass.Day)); n != 1 {
		t.Errorf("%d visits", n)
	}
}

// TestPassesForgotten: a pass is known until the end of the day after its own.
func TestPassesForgotten(t *testing.T) {
	w := newWorld(t, nil, gate.Options{})
	a, late := w.do(w.fetch(greenPerson, 1)), w.do(w.fetch(greenPerson, 1))
	seen, missed := w.showing(a), w.showing(late)
	forget := func(at time.Time, want int) {
		t.Helper()
		if n, err := gate.ForgetPasses(context.Background(), w.db, at, 100); err != nil || n != want {
			t.Errorf("%d forgotten, %v; want %d", n, err, want)
		}
	}
	forget(a.Pass.Day.Add(2).Start().Add(-time.Second), 0)
	w.clock.forward(24 * time.Hour)
	w.wantReport("the day after", 1, seen, venue.SeenCounted)
	if v := w.visitsOf(greenPerson, a.Pass.Day); len(v) != 1 || v[0].Open() || w.inside(1) != 0 {
		t.Errorf("a stay that is long over: %+v, %d inside", v, w.inside(1))
	}
	forget(a.Pass.Day.Add(2).Start(), 2)
	w.wantReport("later", 1, missed, venue.SeenForgotten)
	w.wantReport("what was counted", 1, seen, venue.SeenForgotten)
}

// TestAPassThatIsAVisit: a pass whose row says that it was used nowhere, as it once did, is
// counted nowhere when it is a visit already.
func TestAPassThatIsAVisit(t *testing.T) {
	for made, want := range map[bool]venue.SeenCode{true: venue.SeenElsewhere, false: venue.SeenCounted} {
		w := newWorld(t, nil, gate.Options{})
		a := w.do(w.fetch(greenPerson, 1))
		if a.Err != nil {
			t.Fatal(a.Err)
		}
		if made {
			v := venue.Visit{ID: a.Pass.Serial, Venue: 77, Door: 1, Day: a.Pass.Day, Who: a.Pass.Who, Entered: w.clock.now(), LeavesBy: w.clock.now(), Party: 1, Decision: venue.Admit}
			if err := w.db.Update(t.Context(), func(s store.Stores) error { return s.Visits.Put([]venue.Visit{v}) }); err != nil {
				t.Fatal(err)
			}
		}
		w.wantReport("a pass", 1, w.showing(a), want)
	}
}
