package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

// ask is the n-th ask: by one of 7 people, on one of 3 days.
func ask(n int) venue.Ask {
	return venue.Ask{
		Day: day.Of(at(0)).Add(n % 3), Who: spread(n % 7), ID: spread(n), At: at(n), Outcome: venue.AskOutcome(1 + n%5), Times: 1,
		Leaf: venue.LeafRef{Gate: spread(n % 2), Seq: uint64(n), Index: n % 256},
	}
}

func putAsks(t *testing.T, db store.DB, a ...venue.Ask) {
	t.Helper()
	update(t, db, func(s store.Stores) error { return s.Asks.Put(a) })
}

func trailOf(a venue.Ask) venue.Trail { return venue.Trail{Day: a.Day, Who: a.Who} }

func wantAsks(t *testing.T, db store.DB, why string, trails []venue.Trail, want ...[]venue.Ask) {
	t.Helper()
	view(t, db, func(s store.Stores) error {
		got, err := s.Asks.Of(trails)
		same(t, why, got, want)
		return err
	})
}

func testAsks(t *testing.T, db store.DB) {
	a, b, c := ask(1), ask(22), ask(43) // one person, one day
	a.At = at(100)                      // the id does not decide what is older
	c.Leaf.Seq, c.Leaf.Index, c.Times = 1<<63-1, 255, 1<<20
	b.At = c.At
	tied := []venue.Ask{b, c}
	if string(b.ID[:]) > string(c.ID[:]) {
		tied = []venue.Ask{c, b}
	}
	otherDay, otherWho, early := ask(8), ask(4), ask(5)
	early.Day = -5
	putAsks(t, db, c, a, otherDay, otherWho, b, early)
	wantAsks(t, db, "of trails", []venue.Trail{trailOf(otherDay), trailOf(a), {Day: a.Day.Add(9), Who: a.Who}, trailOf(early), trailOf(a)},
		[]venue.Ask{otherDay}, append(tied, a), nil, []venue.Ask{early}, append(tied, a))
}

func testAskTimes(t *testing.T, db store.DB) {
	rest, more := ask(1), ask(22)
	rest.ID, more.ID, more.Times = venue.Rest(), venue.Rest(), 4
	putAsks(t, db, rest, ask(43), more)
	putAsks(t, db, more)
	sum := more
	sum.Times = 9
	wantAsks(t, db, "the last, for all of them", []venue.Trail{trailOf(rest)}, []venue.Ask{sum, ask(43)})
	other := ask(2) // somebody else's rest is their own
	other.ID = venue.Rest()
	putAsks(t, db, other)
	wantAsks(t, db, "each their own", []venue.Trail{trailOf(other), trailOf(rest)}, []venue.Ask{other}, []venue.Ask{sum, ask(43)})
}

func testAsksForgotten(t *testing.T, db store.DB) {
	first := day.Of(at(0))
	for n := range 12 {
		putAsks(t, db, ask(n))
	}
	forget := func(why string, before time.Time, n, want int) {
		t.Helper()
		update(t, db, func(s store.Stores) error {
			got, err := s.Asks.Forget(before, n)
			same(t, why, got, want)
			return err
		})
	}
	forget("none before the first", first.Start(), 99, 0)
	forget("no more than asked", first.Add(1).Start(), 3, 3)
	forget("the rest of the day", first.Add(1).Start(), 99, 1)
	wantAsks(t, db, "of that day", []venue.Trail{trailOf(ask(0)), trailOf(ask(3)), trailOf(ask(4))}, nil, nil, []venue.Ask{ask(4)})
	forget("all", first.Add(9).Start(), 99, 8)
	forget("nothing left", first.Add(9).Start(), 99, 0)
}

func testAskRange(t *testing.T, db store.DB) {
	none, negative, far := ask(1), ask(1), ask(1)
	none.Times, negative.Times, far.Leaf.Seq = 0, -1, 1<<63
	for name, a := range map[string]venue.Ask{"no times": none, "less than none": negative, "leaf": far} {
		err := persist(db, func(s store.Stores) error { return s.Asks.Put([]venue.Ask{a}) })
		if !errors.Is(err, store.ErrConstraint) {
			t.Errorf("%s: got %v, want ErrConstraint", name, err)
		}
	}
	wantAsks(t, db, "nothing", []venue.Trail{trailOf(ask(1))}, nil)
}
