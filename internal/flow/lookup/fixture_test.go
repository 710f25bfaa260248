package lookup_test

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/flow/evidence"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/flow/lookup"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/client"
	"github.com/amanah-project/amanah/internal/keeper/keepertest"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/memory"
)

// The stand's people: siti is green, budi is known to have no dose and is refused at a mall;
// nobody is registered under the third.
const (
	sitiNIK   = "9901011508900001"
	budiNIK   = "9901011508900002"
	nobodyNIK = "9901011508900003"
)

// stand is the flow over a real gate, a real keeper and a memory store.
type stand struct {
	*testing.T
	db     store.DB
	keeper *client.Client
	flow   *lookup.Flow
	gate   *gate.Gate
	asks   []gate.Ask // that reached the gate
}

// Do implements lookup.Gate.
func (s *stand) Do(ctx context.Context, a gate.Ask) gate.Answer {
	s.asks = append(s.asks, a)
	return s.gate.Do(ctx, a)
}

func newStand(t *testing.T) *stand {
	t.Helper()
	s := &stand{T: t, db: memory.New(), keeper: keepertest.Serve(t, durabletest.New(1))}
	policy, err := venue.ShippedPolicy()
	s.must(err)
	rules, err := status.Builtin()
	s.must(err)
	s.must(s.db.Update(t.Context(), func(st store.Stores) error {
		return st.Venues.Put(venue.Venue{ID: 1, Name: "Mal", Category: venue.Mall, Level: 1, Declared: 1000, Doors: 2})
	}))
	s.people(rules)
	book := gate.NewBook(policy, rules)
	s.must(book.Refresh(t.Context(), s.db))
	s.gate = gate.New(s.db, s.keeper, book, gate.Options{})
	t.Cleanup(s.gate.Close)
	s.flow = &lookup.Flow{DB: s.db, Keeper: s.keeper, Gate: s, Now: time.Now}
	return s
}

func (s *stand) people(rules *status.Schedule) {
	s.Helper()
	f := &evidence.Flow{DB: s.db, Keeper: s.keeper, Rules: rules, Now: time.Now, Actor: "test", Budget: keeper.BudgetImport}
	born, err := day.Parse("1990-08-15")
	s.must(err)
	var rows []evidence.Newcomer
	for i, text := range []string{sitiNIK, budiNIK} {
		name, err := identity.ParseName("Siti")
		s.must(err)
		rows = append(rows, evidence.Newcomer{Line: int64(i), Person: identity.Person{NIK: s.nik(text), Name: name, Birth: born}})
	}
	_, err = f.People(s.Context(), rows, identity.Progress{Source: "test"})
	s.must(err)
	today := day.Of(time.Now())
	green := status.Evidence{Birth: born}
	for i, ago := range []int{300, 270, 60} {
		green.Doses = append(green.Doses, status.Dose{On: today.Add(-ago), Vaccine: "sinovac", Ref: string(rune('a' + i))})
	}
	var decided []keeper.Decided
	for i, e := range []status.Evidence{green, {Birth: born, Inquiries: []status.Inquiry{{On: today.Add(-1), Ref: "i"}}}} {
		line, err := status.MakeTimeline(e, rules, time.Now())
		s.must(err)
		decided = append(decided, keeper.Decided{Person: identity.PersonID(i + 1), Timeline: line.Marshal()})
	}
	sealed, err := s.keeper.PutColours(s.Context(), decided)
	s.must(err)
	s.must(s.db.Update(s.Context(), func(st store.Stores) error { return st.Status.PutColours(sealed) }))
}

func (s *stand) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *stand) nik(text string) identity.NIK {
	s.Helper()
	n, err := identity.ParseNIK(text)
	s.must(err)
	return n
}

func (s *stand) pin(text string) identity.PIN {
	s.Helper()
	p, err := identity.ParsePIN(text)
	s.must(err)
	return p
}

// question asks at the venue, with a nonce of its own.
func question() lookup.Question {
	q := lookup.Question{Venue: 1, Door: 1, Party: 1}
	rand.Read(q.Nonce[:])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(time.Now().UnixMilli()))
	copy(q.Nonce[:6], ms[2:])
	return q
}

func (s *stand) byPIN(nik, pin string) lookup.Question {
	s.Helper()
	q := question()
	q.NIK, q.PIN = s.nik(nik), s.pin(pin)
	return q
}

func byCard(id identity.CardID) lookup.Question {
	q := question()
	q.Card = id
	return q
}

// decided asks and returns the decision.
func (s *stand) decided(q lookup.Question) venue.Decision {
	s.Helper()
	a, err := s.flow.Ask(s.Context(), q)
	s.must(err)
	return a.Outcome.Decision
}

func (s *stand) wants(what string, q lookup.Question, want venue.Decision) {
	s.Helper()
	if got := s.decided(q); got != want {
		s.Errorf("%s: %s, want %s", what, got, want)
	}
}

func (s *stand) inside() int {
	s.Helper()
	var n []int
	s.must(s.db.View(s.Context(), func(st store.Stores) (err error) {
		n, err = st.Venues.Inside([]venue.ID{1})
		return err
	}))
	return n[0]
}
