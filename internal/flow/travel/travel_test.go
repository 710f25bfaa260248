package travel_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/flow/travel"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/keepertest"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/memory"
	"github.com/amanah-project/amanah/internal/store/storetest"
)

// stand is the flow over a real gate, a real keeper and a memory store. Person 1 is
// green, person 2 black for some days, nothing is known of person 3.
type stand struct {
	*testing.T
	db   store.DB
	flow *travel.Flow
	hist *gate.History
}

func newStand(t *testing.T) *stand {
	t.Helper()
	k := keepertest.Serve(t, durabletest.New(1))
	s := &stand{T: t, db: memory.New()}
	policy, err := venue.ShippedPolicy()
	s.must(err)
	rules, err := status.Builtin()
	s.must(err)
	_, err = k.Register(t.Context(), 3)
	s.must(err)
	born, err := day.Parse("1990-01-01")
	s.must(err)
	today := day.Of(time.Now())
	green, black := status.Evidence{Birth: born}, status.Evidence{Birth: born}
	for i, ago := range []int{300, 270, 60} {
		green.Doses = append(green.Doses, status.Dose{On: today.Add(-ago), Vaccine: "sinovac", Ref: string(rune('a' + i))})
	}
	black.Doses = green.Doses
	black.Tests = []status.Test{{At: time.Now().Add(-24 * time.Hour).Truncate(time.Minute), Kind: status.PCR, Positive: true, Ref: "t"}}
	var decided []keeper.Decided
	for i, e := range []status.Evidence{green, black, {Birth: born}} {
		line, err := status.MakeTimeline(e, rules, time.Now())
		s.must(err)
		decided = append(decided, keeper.Decided{Person: identity.PersonID(i + 1), Timeline: line.Marshal()})
	}
	sealed, err := k.PutColours(t.Context(), decided)
	s.must(err)
	s.must(s.db.Update(t.Context(), func(st store.Stores) error {
		for p := range 3 {
			q := question(identity.PersonID(p+1), "")
			if err := st.Links.Put(identity.Link{ID: q.Member.Link, Partner: 1, Device: q.Key, Created: time.Now(), Scope: identity.LinkDecision}); err != nil {
				return err
			}
		}
		return st.Status.PutColours(sealed)
	}))
	g := gate.New(s.db, k, gate.NewBook(policy, rules), gate.Options{})
	t.Cleanup(g.Close)
	s.flow = &travel.Flow{DB: s.db, Gate: g, Now: time.Now}
	s.hist = &gate.History{DB: s.db, Keeper: k, Now: time.Now}
	return s
}

func (s *stand) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func question(p identity.PersonID, journey string) travel.Question {
	return travel.Question{
		Partner: 1, Member: gate.Member{Link: identity.LinkID{1, 15: byte(p)}, Person: p}, Key: identity.Thumbprint{9},
		Journey: journey, On: day.Of(time.Now()), For: venue.Transport, PerDay: 1000,
	}
}

func (s *stand) wants(what string, q travel.Question, want venue.Decision) {
	s.Helper()
	if got, err := s.flow.Decide(s.Context(), q); err != nil || got != want {
		s.Errorf("%s: %s, %v", what, got, err)
	}
}

func TestDecide(t *testing.T) {
	s := newStand(t)
	s.wants("green", question(1, "a"), venue.Admit)
	s.wants("black", question(2, "a"), venue.Refuse)
	s.wants("nothing known, which a door checks", question(3, "a"), venue.Refuse)
	later := question(2, "b")
	later.On = later.On.Add(25)
	s.wants("black now, well by then", later, venue.Admit)
	for name, spoil := range map[string]struct {
		change func(*travel.Question)
		want   error
	}{
		"yesterday":   {func(q *travel.Question) { q.On = q.On.Add(-1) }, venue.ErrJourneyDate},
		"far":         {func(q *travel.Question) { q.On = q.On.Add(31) }, venue.ErrJourneyDate},
		"no name":     {func(q *travel.Question) { q.Journey = "" }, venue.ErrJourney},
		"long name":   {func(q *travel.Question) { q.Journey = strings.Repeat("x", 65) }, venue.ErrJourney},
		"another key": {func(q *travel.Question) { q.Key = identity.Thumbprint{8} }, identity.ErrNoLink},
		"partner":     {func(q *travel.Question) { q.Partner = 2 }, identity.ErrNoLink},
		"no link":     {func(q *travel.Question) { q.Member.Link = identity.LinkID{7} }, identity.ErrNoLink},
	} {
		q := question(1, "c")
		spoil.change(&q)
		if _, err := s.flow.Decide(t.Context(), q); !errors.Is(err, spoil.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.must(s.db.Update(t.Context(), func(st store.Stores) error {
		q := question(1, "")
		return st.Links.Put(identity.Link{ID: q.Member.Link, Partner: 1, Device: q.Key, Created: time.Now(), Ended: time.Now(), Scope: identity.LinkDecision})
	}))
	if _, err := s.flow.Decide(t.Context(), question(1, "a")); !errors.Is(err, identity.ErrNoLink) {
		t.Errorf("a journey decided before, over a link that ended: %v", err)
	}
}

// TestAlteredLinkDecidesNothing: a link that somebody changed in the database is not "none",
// also for a journey that was decided before. The control is that it is put back.
func TestAlteredLinkDecidesNothing(t *testing.T) {
	s := newStand(t)
	q := question(1, "a")
	db := &storetest.Altered{DB: s.db}
	s.flow.DB = db
	s.wants("as it was written", q, venue.Admit)
	db.Link = q.Member.Link
	if _, err := s.flow.Decide(t.Context(), q); !errors.Is(err, store.ErrAltered) {
		t.Errorf("altered: %v", err)
	}
	db.Link = identity.LinkID{}
	s.wants("put back", q, venue.Admit)
}

// TestOneDecisionForAJourney: asking again is answered from what is kept and costs
// neither a colour nor a decision, until thirteen journeys use the colours up.
func TestOneDecisionForAJourney(t *testing.T) {
	s := newStand(t)
	for i := range 12 {
		for range 3 {
			s.wants("journey", question(1, fmt.Sprint(i)), venue.Admit)
		}
	}
	if _, err := s.flow.Decide(t.Context(), question(1, "thirteenth")); !errors.Is(err, gate.ErrLimited) {
		t.Errorf("the thirteenth journey: %v", err)
	}
	s.wants("the first again", question(1, "0"), venue.Admit)
	n := 0
	for page, more := 0, true; more; page++ {
		p, err := s.hist.Asks(t.Context(), gate.Member{Person: 1}, page)
		s.must(err)
		for _, a := range p.Asked {
			if a.Act != venue.ActDecide || a.Link != question(1, "").Member.Link {
				t.Errorf("%+v", a)
			}
			if a.Outcome == venue.AskGiven {
				n++
			}
		}
		more = p.More
	}
	if n != 12 {
		t.Errorf("the person is told of %d decisions", n)
	}
}

// TestDecisionsOfTheDay: the partner's quota holds over all its people; what is kept
// is answered beyond it.
func TestDecisionsOfTheDay(t *testing.T) {
	s := newStand(t)
	ask := func(p identity.PersonID, journey string) error {
		q := question(p, journey)
		q.PerDay = 3
		_, err := s.flow.Decide(t.Context(), q)
		return err
	}
	for _, p := range []identity.PersonID{1, 2, 3} {
		s.must(ask(p, "a"))
	}
	if err := ask(1, "b"); !errors.Is(err, venue.ErrDecisions) {
		t.Error(err)
	}
	s.must(ask(1, "a"))
	if n, err := travel.Forget(context.Background(), s.db, time.Now().AddDate(0, 0, 61), 10); n != 3 || err != nil {
		t.Errorf("forgot %d, %v", n, err)
	}
}
