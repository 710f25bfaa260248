package venue_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/verify"
)

// A pass's format knows the categories that the policy knows, in no other words.
func TestPassCategories(t *testing.T) {
	var words []string
	for _, c := range venue.Categories() {
		words = append(words, string(c))
	}
	if d := cmp.Diff(words, verify.PassCategories()); d != "" {
		t.Errorf("(-policy +passes):\n%s", d)
	}
}

func TestCheckPass(t *testing.T) {
	for _, c := range []struct {
		level venue.Level
		hours int
		want  error
	}{
		{0, 12, nil}, {4, 1, nil}, {5, 12, venue.ErrPassLevel}, {255, 12, venue.ErrPassLevel},
		{1, 0, venue.ErrPassHours}, {1, 13, venue.ErrPassHours}, {1, -1, venue.ErrPassHours},
	} {
		if err := venue.CheckPass(c.level, c.hours); !errors.Is(err, c.want) {
			t.Errorf("level %d, %d h: %v", c.level, c.hours, err)
		}
	}
}

// TestPassIsNeverLenient: a pass lets nobody in whom a door would have refused at any
// minute of its life and any level it is good for; and it is no stricter than the
// strictest of them.
func TestPassIsNeverLenient(t *testing.T) {
	p := shippedPolicy(t)
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(venue.Categories()).Draw(t, "category")
		upTo := venue.Level(rapid.IntRange(1, 4).Draw(t, "level"))
		start := rapid.SampledFrom(p.Starts()).Draw(t, "policy")
		from := start.Add(time.Duration(rapid.IntRange(-20*60, 20*60).Draw(t, "minutes")) * time.Minute)
		until := from.Add(time.Duration(rapid.IntRange(1, venue.MaxPassHours).Draw(t, "hours")) * time.Hour)
		turn := from.Add(time.Duration(rapid.IntRange(-60, 13*60).Draw(t, "turn")) * time.Minute)
		before, after := drawVisitor(t), drawVisitor(t)
		extra := rapid.IntRange(0, 1).Draw(t, "extra")
		birthday := rapid.Bool().Draw(t, "birthday")
		party := func(at time.Time) []venue.Visitor {
			v := before
			if !at.Before(turn) {
				v.Colour, v.Reason = after.Colour, after.Reason
			}
			if birthday && v.Age >= 0 && day.Of(at) > day.Of(from) {
				v.Age++
			}
			return []venue.Visitor{v}
		}
		got := p.Pass(c, upTo, from, until, []time.Time{turn}, party, extra)
		worst := venue.Decision(0)
		for at := from; at.Before(until); at = at.Add(time.Minute) {
			for l := venue.Level(1); l <= upTo; l++ {
				worst = max(worst, p.Admit(c, l, at, party(at), extra).Decision)
			}
		}
		if got.Decision != worst || got.Text.ID == "" {
			t.Fatalf("%v, the doors' strictest is %v", got, worst)
		}
	})
}

func held() venue.Pass {
	return venue.Pass{
		ID: venue.VisitID{1}, Serial: venue.VisitID{1}, Day: day.Of(noon()), Who: venue.Pseudonym{7}, Category: venue.Mall, Level: 2,
		Issued: noon(), Expires: noon().Add(12 * time.Hour), Party: 3, Decision: venue.Admit, Leaf: venue.LeafRef{Seq: 4, Index: 5},
	}
}

func noon() time.Time { return time.Date(2022, 8, 1, 5, 0, 0, 0, time.UTC) }

func mall() venue.Venue { return venue.Venue{ID: 9, Category: venue.Mall, Level: 1, Doors: 2} }

func TestSettle(t *testing.T) {
	hour := func(n int) time.Time { return noon().Add(time.Duration(n) * time.Hour) }
	used := func(v venue.ID, d venue.Door, at time.Time) func(*venue.Pass, *venue.Showing, *venue.Venue) {
		return func(p *venue.Pass, _ *venue.Showing, _ *venue.Venue) {
			p.Use = venue.PassUse{Venue: v, Door: d, At: at}
		}
	}
	for name, c := range map[string]struct {
		change func(p *venue.Pass, s *venue.Showing, v *venue.Venue)
		want   venue.SeenCode
		result string
	}{
		"good":               {func(*venue.Pass, *venue.Showing, *venue.Venue) {}, venue.SeenCounted, "counted"},
		"the same report":    {used(9, 1, hour(3)), venue.SeenAgain, "again"},
		"at another door":    {used(9, 2, hour(3)), venue.SeenHere, "duplicate"},
		"at another time":    {used(9, 1, hour(2)), venue.SeenHere, "duplicate"},
		"at another venue":   {used(8, 1, hour(3)), venue.SeenElsewhere, "duplicate"},
		"not known":          {func(p *venue.Pass, _ *venue.Showing, _ *venue.Venue) { *p = venue.Pass{} }, venue.SeenForgotten, "refused"},
		"was refused":        {func(p *venue.Pass, _ *venue.Showing, _ *venue.Venue) { p.Decision = venue.Refuse }, venue.SeenForged, "refused"},
		"another place":      {func(_ *venue.Pass, _ *venue.Showing, v *venue.Venue) { v.Category = venue.Cinema }, venue.SeenForeign, "refused"},
		"at its end":         {func(_ *venue.Pass, s *venue.Showing, _ *venue.Venue) { s.At = hour(12) }, venue.SeenStale, "refused"},
		"before it":          {func(_ *venue.Pass, s *venue.Showing, _ *venue.Venue) { s.At = hour(-1) }, venue.SeenStale, "refused"},
		"later than now":     {func(_ *venue.Pass, s *venue.Showing, _ *venue.Venue) { s.At = hour(14) }, venue.SeenAhead, "refused"},
		"no such door":       {func(_ *venue.Pass, s *venue.Showing, _ *venue.Venue) { s.Door = 3 }, venue.SeenNoDoor, "refused"},
		"door 0":             {func(_ *venue.Pass, s *venue.Showing, _ *venue.Venue) { s.Door = 0 }, venue.SeenNoDoor, "refused"},
		"a level that rose":  {func(_ *venue.Pass, _ *venue.Showing, v *venue.Venue) { v.Level = 4 }, venue.SeenCounted, "counted"},
		"within clocks' gap": {func(_ *venue.Pass, s *venue.Showing, _ *venue.Venue) { s.At = noon().Add(-10 * time.Second) }, venue.SeenCounted, "counted"},
	} {
		p, s, v := held(), venue.Showing{Serial: venue.VisitID{1}, Door: 1, At: hour(3)}, mall()
		c.change(&p, &s, &v)
		if got := p.Settle(s, v, hour(13)); got != c.want || got.Result() != c.result || got.Text() == "" {
			t.Errorf("%s: %s (%s, %q), want %s", name, got, got.Result(), got.Text(), c.want)
		}
	}
}

// TestPassVisit: nobody is in two places, whatever is reported late.
func TestPassVisit(t *testing.T) {
	at := noon().Add(3 * time.Hour)
	s := venue.Showing{Serial: venue.VisitID{1}, Door: 2, At: at}
	other := func(entered time.Time) venue.Visit {
		return venue.Visit{ID: venue.VisitID{2}, Venue: 4, Entered: entered, Decision: venue.Admit, Party: 1}
	}
	left := func(v venue.Visit) venue.Visit { v.Left = v.Entered.Add(time.Minute); return v }
	refused := func(v venue.Visit) venue.Visit { v.Decision = venue.Refuse; return v }
	ends := at.Add(4 * time.Hour).Truncate(time.Minute).Add(time.Minute)
	for name, c := range map[string]struct {
		others []venue.Visit
		now    time.Time
		left   time.Time
		ends   []venue.Leaving
	}{
		"still inside":               {nil, at.Add(time.Hour), time.Time{}, nil},
		"its stay is over":           {nil, ends, ends, nil},
		"was elsewhere before":       {[]venue.Visit{other(at.Add(-time.Hour))}, at.Add(time.Hour), time.Time{}, []venue.Leaving{{ID: venue.VisitID{2}, At: at}}},
		"had left there":             {[]venue.Visit{left(other(at.Add(-time.Hour)))}, at.Add(time.Hour), time.Time{}, nil},
		"went elsewhere after":       {[]venue.Visit{other(at.Add(time.Hour))}, at.Add(2 * time.Hour), at.Add(time.Hour), nil},
		"and is gone from there too": {[]venue.Visit{left(other(at.Add(time.Hour)))}, at.Add(2 * time.Hour), at.Add(time.Hour), nil},
		"after its stay was over":    {[]venue.Visit{other(ends.Add(time.Hour))}, ends.Add(2 * time.Hour), ends, nil},
		"was refused elsewhere":      {[]venue.Visit{refused(other(at.Add(-time.Hour))), refused(other(at.Add(time.Hour)))}, at.Add(2 * time.Hour), time.Time{}, nil},
	} {
		v, gone := held().Visit(s, mall(), 4*time.Hour, c.others, c.now)
		want := venue.Visit{
			ID: venue.VisitID{1}, Venue: 9, Door: 2, Day: held().Day, Who: held().Who, Entered: at, LeavesBy: ends, Left: c.left,
			Party: 3, Decision: venue.Admit, Leaf: held().Leaf,
		}
		if d := cmp.Diff(want, v); d != "" || !slices.Equal(gone, c.ends) {
			t.Errorf("%s: ends %v (-want +got):\n%s", name, gone, d)
		}
	}
}

// A party that a pass admitted leaves before it enters elsewhere, for all times.
func TestPassVisitNeverOverlaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minute := func(name string) time.Time {
			return noon().Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, name)) * time.Minute)
		}
		shown := minute("shown")
		now := shown.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "later")) * time.Minute)
		o := venue.Visit{ID: venue.VisitID{2}, Entered: minute("entered"), Decision: venue.Check}
		stay := time.Duration(rapid.IntRange(1, 1440).Draw(t, "stay")) * time.Minute
		v, ends := held().Visit(venue.Showing{Door: 1, At: shown}, mall(), stay, []venue.Visit{o}, now)
		for _, e := range ends {
			o.Left = e.At
		}
		if !v.Left.IsZero() && v.Left.Before(v.Entered) || !o.Left.IsZero() && o.Left.Before(o.Entered) {
			t.Fatalf("left before entering: %+v, %+v", v, o)
		}
		if v.Open() && o.Open() {
			t.Fatal("in two places")
		}
		if v.Open() && !v.LeavesBy.After(now) {
			t.Fatal("inside after the stay is over")
		}
	})
}
