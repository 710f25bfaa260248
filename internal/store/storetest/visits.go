package storetest

import (
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

// visit is the n-th visit: of one of 7 people, on one of 3 days, at one of 5 venues.
func visit(n int) venue.Visit {
	return venue.Visit{
		ID: id16(n), Venue: venue.ID(1 + n%5), Door: venue.Door(1 + n%2), Day: day.Of(at(0)).Add(n % 3), Who: spread(n % 7),
		Entered: at(n), LeavesBy: at(n + 3600), Party: 1 + n%4, Decision: venue.Admit,
		Leaf: venue.LeafRef{Gate: spread(n % 2), Seq: uint64(n), Index: n % 256},
	}
}

func refused(n int) venue.Visit {
	v := visit(n)
	v.Decision, v.Left = venue.Refuse, v.Entered
	return v
}

func visits(from, to int) []venue.Visit {
	var out []venue.Visit
	for n := from; n <= to; n++ {
		out = append(out, visit(n))
	}
	return out
}

func putVisits(t *testing.T, db store.DB, v ...venue.Visit) {
	t.Helper()
	update(t, db, func(s store.Stores) error { return s.Visits.Put(v) })
}

func wantVisits(t *testing.T, db store.DB, why string, ids []venue.VisitID, want ...venue.Visit) {
	t.Helper()
	view(t, db, func(s store.Stores) error {
		got, err := s.Visits.Get(ids)
		same(t, why, got, want)
		return err
	})
}

func testVisits(t *testing.T, db store.DB) {
	all := visits(1, 20)
	all[2] = refused(3)
	all[3].Door, all[3].Party, all[3].Leaf.Index = 65535, 50, 255
	all[3].Venue, all[3].Leaf.Seq = 1<<63-1, 1<<63-1
	all[4].Day, all[4].Decision = -5, venue.Check
	putVisits(t, db, all...)
	wantVisits(t, db, "visits", []venue.VisitID{id16(20), id16(99), id16(3), id16(4), id16(5), id16(20)},
		all[19], venue.Visit{}, all[2], all[3], all[4], all[19])
}

func testVisitAgain(t *testing.T, db store.DB) {
	putVisits(t, db, visit(1))
	other := visit(1)
	other.Who, other.Party, other.Venue, other.Left = spread(50), 9, 77, at(50)
	putVisits(t, db, visit(2), other, visit(3), visit(3))
	wantVisits(t, db, "left as it is", []venue.VisitID{id16(1), id16(2), id16(3)}, visit(1), visit(2), visit(3))
	view(t, db, func(s store.Stores) error {
		got, err := s.Visits.Of([]venue.Trail{{Day: other.Day, Who: other.Who}, {Day: visit(1).Day, Who: visit(1).Who}})
		same(t, "no trail for what was not added", got, [][]venue.Visit{nil, {visit(1)}})
		return err
	})
}

func testVisitsOf(t *testing.T, db store.DB) {
	a, b, c := visit(1), visit(22), visit(43) // one person, one day
	a.Entered = at(100)                       // the id does not decide what is older
	otherDay, otherWho := visit(8), visit(4)
	putVisits(t, db, c, a, otherDay, otherWho, b)
	view(t, db, func(s store.Stores) error {
		got, err := s.Visits.Of([]venue.Trail{
			{Day: otherDay.Day, Who: otherDay.Who},
			{Day: a.Day, Who: a.Who},
			{Day: a.Day.Add(9), Who: a.Who},
			{Day: a.Day, Who: a.Who},
		})
		same(t, "trails", got, [][]venue.Visit{{otherDay}, {b, c, a}, nil, {b, c, a}})
		return err
	})
}

func testLeave(t *testing.T, db store.DB) {
	putVisits(t, db, visit(1), visit(2), refused(3), visit(4))
	open := visit(5)
	open.Decision = venue.Refuse // refused and not closed: still not open
	putVisits(t, db, open)
	leave := func(why string, want []int, l ...venue.Leaving) {
		t.Helper()
		update(t, db, func(s store.Stores) error {
			got, err := s.Visits.Leave(l)
			same(t, why, got, want)
			return err
		})
	}
	leave("open ones only", []int{1, 0, 0, 1, 0, 0},
		venue.Leaving{ID: id16(2), At: at(60)}, venue.Leaving{ID: id16(3), At: at(60)}, venue.Leaving{ID: id16(9), At: at(60)},
		venue.Leaving{ID: id16(1), At: at(61)}, venue.Leaving{ID: id16(2), At: at(62)}, venue.Leaving{ID: id16(5), At: at(62)})
	leave("not twice", []int{0}, venue.Leaving{ID: id16(1), At: at(70)})
	one, two := visit(1), visit(2)
	one.Left, two.Left = at(61), at(60)
	wantVisits(t, db, "left", []venue.VisitID{id16(1), id16(2), id16(3), id16(4), id16(5)}, one, two, refused(3), visit(4), open)
	wantErr(t, db, store.ErrConstraint, func(s store.Stores) error {
		_, err := s.Visits.Leave([]venue.Leaving{{ID: id16(4)}})
		return err
	})
}

func testDue(t *testing.T, db store.DB) {
	early := visit(9)
	early.LeavesBy = at(-100)
	gone := visit(2)
	gone.Left = at(2)
	tie := visit(8)
	tie.LeavesBy = visit(4).LeavesBy
	putVisits(t, db, visit(1), gone, refused(3), visit(4), early, visit(5), tie)
	due := func(why string, before time.Time, n int, want ...venue.Visit) {
		t.Helper()
		view(t, db, func(s store.Stores) error {
			got, err := s.Visits.Due(before, n)
			same(t, why, got, want)
			return err
		})
	}
	due("all, oldest first", at(90000), 99, early, visit(1), visit(4), tie, visit(5))
	due("the first two", at(90000), 2, early, visit(1))
	due("before, not at", visit(4).LeavesBy, 99, early, visit(1))
	due("none yet", at(-1000), 99)
	update(t, db, func(s store.Stores) error {
		_, err := s.Visits.Leave([]venue.Leaving{{ID: early.ID, At: early.LeavesBy}})
		return err
	})
	due("closed", at(90000), 2, visit(1), visit(4))
}

func testForget(t *testing.T, db store.DB) {
	all := visits(1, 12)
	first := day.Of(at(0))
	putVisits(t, db, all...)
	forget := func(why string, before time.Time, n, want int) {
		t.Helper()
		update(t, db, func(s store.Stores) error {
			got, err := s.Visits.Forget(before, n)
			same(t, why, got, want)
			return err
		})
	}
	left := func() (ids []venue.VisitID) {
		view(t, db, func(s store.Stores) error {
			ids = nil
			of, err := s.Visits.Due(at(1e6), 99)
			for _, v := range of {
				ids = append(ids, v.ID)
			}
			return err
		})
		return ids
	}
	forget("nothing is older", first.Start(), 99, 0)
	forget("its own first instant is not before it", first.Add(1).Start().Add(-time.Nanosecond), 99, 0)
	forget("three at most", first.Add(1).Start(), 3, 3)
	if n := len(left()); n != 9 {
		t.Fatalf("%d left, want 9", n)
	}
	forget("the fourth of that day", first.Add(1).Start(), 99, 1)
	same(t, "the other days", left(), []venue.VisitID{id16(1), id16(2), id16(4), id16(5), id16(7), id16(8), id16(10), id16(11)})
	view(t, db, func(s store.Stores) error {
		got, err := s.Visits.Of([]venue.Trail{{Day: first, Who: all[2].Who}, {Day: all[0].Day, Who: all[0].Who}})
		same(t, "trails", got, [][]venue.Visit{nil, {all[0]}})
		return err
	})
	putVisits(t, db, visit(3)) // forgotten entirely: it can be made again
	wantVisits(t, db, "made again", []venue.VisitID{id16(3), id16(6)}, visit(3), venue.Visit{})
}
