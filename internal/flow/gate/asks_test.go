package gate_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/store"
)

// asksOf are the asks kept of a person on the day of the clock.
func (w *world) asksOf(p identity.PersonID) []venue.Ask {
	w.t.Helper()
	today := day.Of(w.clock.now())
	var of [][]venue.Ask
	err := w.db.View(context.Background(), func(s store.Stores) (err error) {
		of, err = s.Asks.Of([]venue.Trail{{Day: today, Who: pseudonym(p, today)}})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return of[0]
}

func (w *world) look(p identity.PersonID) gate.Ask {
	return gate.Ask{Act: venue.ActLook, Partner: 1, Member: gate.Member{Link: linkOf(p), Person: p}, Device: deviceOf(p)}
}

func outcomes(asks []venue.Ask) (out []string) {
	for _, a := range asks {
		out = append(out, a.Outcome.String())
	}
	slices.Sort(out)
	return out
}

// TestAsksNoted: of every colour asked for without a visit, the person finds what
// became of it; of a visit, nothing is noted beside it.
func TestAsksNoted(t *testing.T) {
	party := func(w *world, p identity.PersonID) gate.Ask {
		a := w.checkIn(greenPerson, 2, 3)
		a.With = []gate.Member{{Link: linkOf(p), Person: p}}
		return a
	}
	for name, c := range map[string]struct {
		ask         func(w *world) []gate.Ask
		want, other []string // of the person, of a red member
	}{
		"a check-in":              {func(w *world) []gate.Ask { return []gate.Ask{w.checkIn(greenPerson, 1, 1)} }, nil, nil},
		"one refused at the door": {func(w *world) []gate.Ask { return []gate.Ask{w.checkIn(redPerson, 1, 1)} }, nil, nil},
		"a party":                 {func(w *world) []gate.Ask { return []gate.Ask{party(w, redPerson)} }, nil, nil},
		"a look":                  {func(w *world) []gate.Ask { return []gate.Ask{w.look(greenPerson)} }, []string{"given"}, nil},
		"a cover":                 {func(w *world) []gate.Ask { a := w.look(greenPerson); a.Act = venue.ActCover; return []gate.Ask{a} }, nil, nil},
		"a void": {func(w *world) []gate.Ask {
			a := w.look(greenPerson)
			a.Act, a.Fault = venue.ActVoid, fault.New(fault.Invalid, "x")
			return []gate.Ask{a}
		}, nil, nil},
		"a check-out": {func(w *world) []gate.Ask {
			a := w.look(greenPerson)
			a.Act, a.Venue = venue.ActLeave, 1
			return []gate.Ask{w.checkIn(greenPerson, 1, 1), a}
		}, nil, nil},
		"a retry":              {func(w *world) []gate.Ask { a := w.checkIn(greenPerson, 1, 1); return []gate.Ask{a, a} }, []string{"again"}, nil},
		"a venue nobody knows": {func(w *world) []gate.Ask { return []gate.Ask{w.checkIn(greenPerson, 99, 1)} }, []string{"failed"}, nil},
		"over the limit": {func(w *world) []gate.Ask {
			w.keeper.limited[greenPerson] = true
			return []gate.Ask{w.look(greenPerson), w.checkIn(greenPerson, 1, 1)}
		}, []string{"limited", "limited"}, nil},
		"a member over the limit": {func(w *world) []gate.Ask {
			w.keeper.limited[redPerson] = true
			return []gate.Ask{party(w, redPerson)}
		}, []string{"failed"}, []string{"limited"}},
		"a member linked elsewhere": {func(w *world) []gate.Ask { return []gate.Ask{party(w, otherGreen)} }, []string{"failed"}, nil},
		"by a link of another partner": {func(w *world) []gate.Ask {
			a := w.look(greenPerson)
			a.Partner = 2
			return []gate.Ask{a}
		}, []string{"refused"}, nil},
		"a cover of a link that ended": {func(w *world) []gate.Ask {
			a := w.look(greenPerson)
			a.Act, a.Partner = venue.ActCover, 2
			return []gate.Ask{a}
		}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil, gate.Options{})
			for _, a := range c.ask(w) {
				w.do(a)
			}
			if got := outcomes(w.asksOf(greenPerson)); !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
			if got := outcomes(w.asksOf(redPerson)); !slices.Equal(got, c.other) {
				t.Errorf("of the other: %v, want %v", got, c.other)
			}
		})
	}
}

// TestLostAsksNoted: colours that were opened for a batch which then failed are
// noted with the next one, once.
func TestLostAsksNoted(t *testing.T) {
	for _, effect := range []bool{false, true} {
		f := &failing{lost: effect}
		w := newWorld(t, func(db store.DB) store.DB { f.DB = db; return f }, gate.Options{})
		f.next = []error{store.ErrUnavailable}
		w.do(w.look(greenPerson))
		w.do(w.checkIn(redPerson, 1, 1))
		want := []string{"failed"}
		if effect { // the transaction was there after all
			want = []string{"given"}
		}
		if got := outcomes(w.asksOf(greenPerson)); !slices.Equal(got, want) {
			t.Errorf("took effect %v: %v, want %v", effect, got, want)
		}
	}
}

// TestIdleAsksAreBounded: a device that asks on and on over the limit fills neither
// the table nor the list, every ask is counted, and what was told stays listed.
func TestIdleAsksAreBounded(t *testing.T) {
	w := newWorld(t, nil, gate.Options{Workers: 2})
	w.keeper.limited[greenPerson] = true
	const n = venue.MaxIdle + 50
	for range n {
		w.do(w.look(greenPerson))
		w.clock.forward(time.Millisecond)
	}
	w.keeper.limited[greenPerson] = false
	w.do(w.look(greenPerson))
	asks, sum := w.asksOf(greenPerson), 0
	for _, a := range asks {
		sum += a.Times
	}
	if len(asks) != venue.MaxIdle+2 || sum != n+1 {
		t.Errorf("%d rows for %d of %d asks", len(asks), sum, n+1)
	}
	if last := asks[len(asks)-1]; last.Outcome != venue.AskGiven {
		t.Errorf("the last: %+v", last)
	}
}

// counting counts what an ordinary check-in asks of the store of asks.
type counting struct {
	store.DB
	rows, reads int
}

func (c *counting) Update(ctx context.Context, fn func(store.Stores) error) error {
	return c.DB.Update(ctx, func(s store.Stores) error {
		s.Asks = &countedAsks{s.Asks, c}
		return fn(s)
	})
}

type countedAsks struct {
	venue.AskStore
	to *counting
}

func (c *countedAsks) Put(a []venue.Ask) error {
	c.to.rows += len(a)
	return c.AskStore.Put(a)
}

func (c *countedAsks) Of(t []venue.Trail) ([][]venue.Ask, error) {
	c.to.reads += len(t)
	return c.AskStore.Of(t)
}

// TestCheckInsWriteNothingMore: check-ins, check-outs and covers neither write nor
// read an ask. The control is a look, which writes one row and reads none.
func TestCheckInsWriteNothingMore(t *testing.T) {
	c := &counting{}
	w := newWorld(t, func(db store.DB) store.DB { c.DB = db; return c }, gate.Options{})
	for range 20 {
		in := w.do(w.checkIn(greenPerson, 2, 1))
		if in.Err != nil {
			t.Fatal(in.Err)
		}
		leave, cover := w.look(greenPerson), w.look(greenPerson)
		leave.Act, leave.Visit, cover.Act = venue.ActLeave, in.Visit.ID, venue.ActCover
		w.do(leave)
		w.do(cover)
	}
	if c.rows != 0 || c.reads != 0 {
		t.Errorf("%d rows and %d reads for 20 check-ins", c.rows, c.reads)
	}
	w.do(w.look(greenPerson))
	if c.rows != 1 || c.reads != 0 {
		t.Errorf("control: %d rows and %d reads for a look", c.rows, c.reads)
	}
}
