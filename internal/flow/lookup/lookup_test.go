package lookup_test

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/flow/lookup"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

var operator = lookup.Actor{Name: "operator", Budget: keeper.BudgetImport}

func (s *stand) card(nik string) identity.Card {
	s.Helper()
	c, _, err := s.flow.IssueCard(s.Context(), operator, s.nik(nik), 30*24*time.Hour)
	s.must(err)
	return c
}

func TestCard(t *testing.T) {
	s := newStand(t)
	c, who, err := s.flow.IssueCard(t.Context(), operator, s.nik(sitiNIK), 30*24*time.Hour)
	s.must(err)
	if who.Name.Reveal() != "Siti" || c.Person != 1 {
		t.Errorf("a card of %d", c.Person)
	}
	s.wants("green", byCard(c.ID), venue.Admit)
	s.wants("no dose", byCard(s.card(budiNIK).ID), venue.Refuse)
	s.wants("unknown card", byCard(identity.NewCardID(time.Now())), venue.Check)
	s.wants("no card", byCard(identity.CardID{}), venue.Check)
	again := s.card(sitiNIK)
	s.wants("reprinted: the older", byCard(c.ID), venue.Check)
	s.wants("reprinted: the newer", byCard(again.ID), venue.Admit)
	if n, err := s.flow.RevokeCards(t.Context(), s.nik(sitiNIK)); n != 1 || err != nil {
		t.Errorf("revoked %d, %v", n, err)
	}
	s.wants("revoked", byCard(again.ID), venue.Check)
	if _, err := s.flow.RevokeCards(t.Context(), s.nik(nobodyNIK)); !errors.Is(err, lookup.ErrNobody) {
		t.Error(err)
	}
	for _, life := range []time.Duration{0, time.Hour, 367 * 24 * time.Hour} {
		if _, _, err := s.flow.IssueCard(t.Context(), operator, s.nik(sitiNIK), life); !errors.Is(err, lookup.ErrLife) {
			t.Errorf("%v: %v", life, err)
		}
	}
}

func TestPIN(t *testing.T) {
	s := newStand(t)
	s.wants("no PIN set", s.byPIN(sitiNIK, "482915"), venue.Check)
	s.must(s.flow.SetPIN(t.Context(), s.nik(sitiNIK), s.pin("482915")))
	s.must(s.flow.SetPIN(t.Context(), s.nik(budiNIK), s.pin("482915")))
	s.wants("green", s.byPIN(sitiNIK, "482915"), venue.Admit)
	s.wants("no dose", s.byPIN(budiNIK, "482915"), venue.Refuse)
	s.wants("wrong", s.byPIN(sitiNIK, "482916"), venue.Check)
	s.wants("nobody", s.byPIN(nobodyNIK, "482915"), venue.Check)
	own := lookup.Actor{Name: "link/1", Budget: keeper.BudgetSelf}
	s.must(s.flow.ChangePIN(t.Context(), own, 1, s.pin("730164")))
	s.wants("the old one", s.byPIN(sitiNIK, "482915"), venue.Check)
	s.wants("the new one", s.byPIN(sitiNIK, "730164"), venue.Admit)
	if err := s.flow.ChangePIN(t.Context(), own, 1, s.pin("150890")); !errors.Is(err, identity.ErrWeakPIN) {
		t.Errorf("a birth date by the device: %v", err)
	}
	if err := s.flow.SetPIN(t.Context(), s.nik(sitiNIK), s.pin("123456")); !errors.Is(err, identity.ErrWeakPIN) {
		t.Errorf("a run at a facility: %v", err)
	}
	s.must(s.flow.RemovePIN(t.Context(), s.nik(sitiNIK)))
	s.wants("removed", s.byPIN(sitiNIK, "730164"), venue.Check)
}

// TestPINGuessed: five wrong PINs close a NIK for the day, over whatever door and
// however many at once; right ones are not counted. The control is the fifth, after
// which the right one still opens.
func TestPINGuessed(t *testing.T) {
	s := newStand(t)
	s.must(s.flow.SetPIN(t.Context(), s.nik(sitiNIK), s.pin("482915")))
	for i := range 4 {
		s.wants("wrong", s.byPIN(sitiNIK, fmt.Sprint(700001+i)), venue.Check)
		s.wants("right", s.byPIN(sitiNIK, "482915"), venue.Admit)
	}
	s.wants("fifth wrong", s.byPIN(sitiNIK, "700009"), venue.Check)
	s.wants("after five, the right one", s.byPIN(sitiNIK, "482915"), venue.Check)
	s.must(s.flow.SetPIN(t.Context(), s.nik(sitiNIK), s.pin("730164")))
	s.wants("a new PIN at a facility", s.byPIN(sitiNIK, "730164"), venue.Admit)

	var all sync.WaitGroup
	for i := range 30 {
		q := s.byPIN(budiNIK, fmt.Sprint(700001+i))
		all.Go(func() {
			f := *s.flow
			f.Gate = s.gate
			if _, err := f.Ask(t.Context(), q); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	tags, err := s.keeper.Index(t.Context(), keeper.KindNIK, [][]byte{[]byte(budiNIK)})
	s.must(err)
	s.must(s.db.Update(t.Context(), func(st store.Stores) error {
		n, err := st.PINs.Count(tags[0], day.Of(time.Now()), 0)
		if n != 30 {
			t.Errorf("%d of 30 guesses at once were counted", n)
		}
		return err
	}))
}

// TestUnknownTakesTheSameWay: unknown and unproved differ in nothing that a door, or
// a thief of the database, could see of a single answer: one event, one visit under
// the name of nobody, one place of the venue's, the same answer. The control is
// somebody who proved who they are.
func TestUnknownTakesTheSameWay(t *testing.T) {
	s := newStand(t)
	s.must(s.flow.SetPIN(t.Context(), s.nik(sitiNIK), s.pin("482915")))
	old := s.card(sitiNIK)
	held := s.card(sitiNIK)
	shape := func(q lookup.Question) (gate.Answer, int, int) {
		t.Helper()
		inside, asks := s.inside(), len(s.asks)
		a, err := s.flow.Ask(t.Context(), q)
		s.must(err)
		return a, s.inside() - inside, len(s.asks) - asks
	}
	names := map[venue.Pseudonym]bool{}
	for name, q := range map[string]lookup.Question{
		"unknown card": byCard(identity.CardID{1}), "revoked card": byCard(old.ID), "no card": byCard(identity.CardID{}),
		"wrong PIN": s.byPIN(sitiNIK, "482916"), "no PIN": s.byPIN(budiNIK, "482915"), "unknown NIK": s.byPIN(nobodyNIK, "482915"),
	} {
		a, inside, asks := shape(q)
		if a.Outcome != venue.Unproved() || inside != 1 || asks != 1 || len(a.Receipt.Leaf.Events) != 1 || a.Step.Colour != 0 {
			t.Errorf("%s: %+v, %d more inside, %d asks", name, a.Outcome, inside, asks)
		}
		if a.Visit.Decision != venue.Check || names[a.Visit.Who] {
			t.Errorf("%s: a visit of a name seen before", name)
		}
		names[a.Visit.Who] = true
		if again, inside, _ := shape(q); again.Outcome != a.Outcome || inside != 0 || again.Visit.ID != a.Visit.ID {
			t.Errorf("%s, again: %+v, %d more inside", name, again.Outcome, inside)
		}
	}
	a, inside, _ := shape(byCard(held.ID))
	if a.Outcome.Decision != venue.Admit || inside != 1 {
		t.Errorf("control: %+v", a.Outcome)
	}
}

// TestVenueCannotAskAboutATown: the budget holds whatever the answers are.
func TestVenueCannotAskAboutATown(t *testing.T) {
	s := newStand(t)
	at := time.Now()
	s.flow.Now = func() time.Time { return at } // one hour, whenever the test runs
	s.must(s.db.Update(t.Context(), func(st store.Stores) error {
		return st.Lookups.Put(venue.Lookups{Venue: 1, Hour: at.Unix() / 3600, Used: venue.BaseLookups - 1})
	}))
	s.wants("the last of the hour", byCard(identity.CardID{1}), venue.Check)
	before := len(s.asks)
	for _, q := range []lookup.Question{byCard(identity.CardID{1}), s.byPIN(sitiNIK, "482915")} {
		if _, err := s.flow.Ask(t.Context(), q); !errors.Is(err, venue.ErrLookups) {
			t.Error(err)
		}
	}
	if len(s.asks) != before {
		t.Error("a look-up beyond the budget reached the gate")
	}
	s.must(s.db.Update(t.Context(), func(st store.Stores) error {
		return st.Venues.Add([]venue.Delta{{Venue: 1, Entered: 1}})
	}))
	s.wants("after a check-in", byCard(identity.CardID{1}), venue.Check)
	if _, err := s.flow.Ask(t.Context(), byCard(identity.CardID{1})); !errors.Is(err, venue.ErrLookups) {
		t.Error(err)
	}
}

// TestColoursOfTheDay: a look-up is one of the person's twelve; beyond them it is
// `check`, and somebody who proved nothing uses none up.
func TestColoursOfTheDay(t *testing.T) {
	s := newStand(t)
	c := s.card(sitiNIK)
	s.must(s.flow.SetPIN(t.Context(), s.nik(sitiNIK), s.pin("482915")))
	s.wants("wrong", s.byPIN(sitiNIK, "482916"), venue.Check)
	for range 12 {
		s.wants("within", byCard(c.ID), venue.Admit)
	}
	s.wants("beyond", byCard(c.ID), venue.Check)
}

// TestPersonIsTold: the look-up stands in the person's own history.
func TestPersonIsTold(t *testing.T) {
	s := newStand(t)
	c := s.card(sitiNIK)
	q := byCard(c.ID)
	q.Party, q.Door = 2, 2
	a, err := s.flow.Ask(t.Context(), q)
	s.must(err)
	h := &gate.History{DB: s.db, Keeper: s.keeper, Now: time.Now}
	page, err := h.Page(t.Context(), gate.Member{Person: 1}, 0)
	s.must(err)
	if len(page.Visits) != 1 || page.Visits[0].Visit.ID != a.Visit.ID || page.Visits[0].Partner != 0 {
		t.Fatalf("%+v", page.Visits)
	}
	// The party's other member is not known, so staff look.
	if v := page.Visits[0].Visit; v.Decision != venue.Check || v.Party != 2 || v.Door != 2 {
		t.Errorf("%+v", v)
	}
}

// TestAsksAreTold: a look-up is among the person's asks whatever came of it, a wrong
// PIN and one beyond the day's colours too.
func TestAsksAreTold(t *testing.T) {
	s := newStand(t)
	c := s.card(sitiNIK)
	s.must(s.flow.SetPIN(t.Context(), s.nik(sitiNIK), s.pin("482915")))
	s.wants("wrong", s.byPIN(sitiNIK, "482916"), venue.Check)
	s.wants("nobody", s.byPIN(nobodyNIK, "482916"), venue.Check)
	for range 13 {
		s.decided(byCard(c.ID))
	}
	h := &gate.History{DB: s.db, Keeper: s.keeper, Now: time.Now}
	got := map[venue.AskOutcome]int{}
	for page, more := 0, true; more; page++ {
		p, err := h.Asks(t.Context(), gate.Member{Person: 1}, page)
		s.must(err)
		for _, a := range p.Asked {
			if a.Act != venue.ActLookup || a.Venue != 1 || a.Link != (identity.LinkID{}) {
				t.Errorf("%+v", a)
			}
			got[a.Outcome]++
		}
		more = p.More
	}
	want := map[venue.AskOutcome]int{venue.AskGiven: 12, venue.AskLimited: 1, venue.AskRefused: 1}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestForget(t *testing.T) {
	s := newStand(t)
	c := s.card(sitiNIK)
	s.wants("wrong", s.byPIN(nobodyNIK, "482916"), venue.Check)
	for _, x := range []struct {
		at   time.Time
		want int
	}{{time.Now(), 0}, {time.Now().AddDate(0, 0, 1), 1}, {c.Expires.AddDate(0, 1, 1), 1}, {c.Expires.AddDate(0, 1, 1), 0}} {
		if n, err := lookup.Forget(t.Context(), s.db, x.at, 10); n != x.want || err != nil {
			t.Errorf("forgot %d, %v", n, err)
		}
	}
	s.wants("forgotten", byCard(c.ID), venue.Check)
}
