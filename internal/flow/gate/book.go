package gate

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

// Book is what the gate knows without asking: venues, the admission policy and
// the texts of the rules. Refresh brings it up to date with the database.
type Book struct {
	policy *venue.Policy
	rules  *status.Schedule
	places atomic.Pointer[map[venue.ID]*Place]
}

// NewBook makes a Book that knows no venue yet.
func NewBook(p *venue.Policy, rules *status.Schedule) *Book {
	b := &Book{policy: p, rules: rules}
	b.places.Store(&map[venue.ID]*Place{})
	return b
}

// Place is one venue with its policy.
type Place struct {
	Venue  venue.Venue
	Inside int // people inside when the book was last refreshed
	policy *venue.Policy
}

// Refresh reads the venues and how full they are.
func (b *Book) Refresh(ctx context.Context, db store.DB) error {
	places := map[venue.ID]*Place{}
	err := db.View(ctx, func(s store.Stores) error {
		all, err := s.Venues.All()
		if err != nil {
			return err
		}
		ids := make([]venue.ID, len(all))
		for i, v := range all {
			ids[i] = v.ID
		}
		inside, err := s.Venues.Inside(ids)
		if err != nil {
			return err
		}
		for i, v := range all {
			places[v.ID] = &Place{Venue: v, Inside: max(0, inside[i]), policy: b.policy}
		}
		return nil
	})
	if err == nil {
		b.places.Store(&places)
	}
	return err
}

// Place returns a venue.
func (b *Book) Place(id venue.ID) (*Place, bool) {
	p, ok := (*b.places.Load())[id]
	return p, ok
}

// Places returns every venue known.
func (b *Book) Places() map[venue.ID]*Place { return *b.places.Load() }

// Reason returns the code of a step's reason, by the rules that gave it.
func (b *Book) Reason(s status.Step) string { return b.rules.Reason(s.Reason).Code }

// Text returns what a step's reason says to the person.
func (b *Book) Text(s status.Step) status.Reason { return b.rules.Reason(s.Reason) }

func (p *Place) table(now time.Time) venue.Table {
	t, _ := p.policy.Table(p.Venue.Category, p.Venue.Level, now)
	return t
}

// Limit returns how many people the venue may hold now.
func (p *Place) Limit(now time.Time) int { return p.table(now).Capacity(p.Venue.Declared) }

// Admit decides for a party by the policy in force.
func (p *Place) Admit(now time.Time, party []venue.Visitor, extra int) venue.Outcome {
	return p.table(now).Admit(party, extra)
}

// Stay returns after how long a visit ends by itself.
func (p *Place) Stay() time.Duration { return p.policy.Stay(p.Venue.Category) }

// Journey decides whether somebody may travel by the policy in force at a moment, at
// the strictest level of the places of that kind: a journey has no one district.
func (b *Book) Journey(c venue.Category, at time.Time, who venue.Visitor) venue.Outcome {
	return b.policy.Admit(c, b.strictest(c), at, []venue.Visitor{who}, 0)
}

// strictest returns the strictest level of the districts that have a place of a kind;
// the mildest where there is none.
func (b *Book) strictest(c venue.Category) venue.Level {
	level := venue.Level(1)
	for _, p := range b.Places() {
		if p.Venue.Category == c {
			level = max(level, p.Venue.Level)
		}
	}
	return level
}
