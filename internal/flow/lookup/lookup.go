// Package lookup is the flow for people without a phone: staff at a door scan a
// printed card, or take a NIK and the PIN that its person set, and are told admit,
// refuse or check. The person is told that they asked.
//
// Whether a NIK is registered, has a PIN or met the right one must not show but in
// the decision: a wrong PIN is counted before it is compared, an unknown NIK is
// counted, compared and sent through the gate like any other. A venue asks about as
// many people as come through its doors. The flow sequences; what a door is told is
// decided in the domain.
package lookup

import (
	"context"
	"crypto/subtle"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Keeper is what this flow asks of the keeper.
type Keeper interface {
	Index(ctx context.Context, kind keeper.Kind, values [][]byte) ([]identity.Tag, error)
	Read(ctx context.Context, i keeper.Intent, r []keeper.Read) (keeper.Receipt, []keeper.Opened, error)
}

// Gate decides, and records what it decided.
type Gate interface {
	Do(ctx context.Context, a gate.Ask) gate.Answer
}

// Flow looks people up and keeps what they are looked up by.
type Flow struct {
	DB     store.DB
	Keeper Keeper
	Gate   Gate // for look-ups only
	Now    func() time.Time
}

// Question is what staff ask.
type Question struct {
	Venue venue.ID
	Door  venue.Door
	Party int
	Nonce venue.Nonce
	Card  identity.CardID // of a card whose code held; zero for a code that did not, or
	NIK   identity.NIK    // with its PIN
	PIN   identity.PIN
}

// Ask answers a question: a visit with a decision. venue.ErrLookups when the venue
// may ask no more in this hour.
func (f *Flow) Ask(ctx context.Context, q Question) (gate.Answer, error) {
	find := f.byCard
	if !q.NIK.IsZero() {
		find = f.byPIN
	}
	who, proved, err := find(ctx, q)
	if err != nil {
		return gate.Answer{}, err
	}
	a := f.Gate.Do(ctx, gate.Ask{
		Act: venue.ActLookup, Member: gate.Member{Person: who}, Decoy: !proved, Venue: q.Venue, Door: q.Door,
		Nonce: q.Nonce, Party: q.Party,
	})
	return a, a.Err
}

func (f *Flow) byCard(ctx context.Context, q Question) (who identity.PersonID, proved bool, err error) {
	now := f.Now()
	err = f.DB.Update(ctx, func(s store.Stores) error {
		if err := spend(s, q.Venue, now); err != nil {
			return err
		}
		c, err := s.Cards.Get(q.Card)
		who, proved = c.Person, c.Holds(now)
		return err
	})
	return who, proved, err
}

func (f *Flow) byPIN(ctx context.Context, q Question) (identity.PersonID, bool, error) {
	now := f.Now()
	nik, err := f.index(ctx, keeper.KindNIK, []byte(q.NIK.Reveal()))
	if err != nil {
		return 0, false, err
	}
	var who identity.PersonID
	var have identity.Tag
	var tries int
	err = f.DB.Update(ctx, func(s store.Stores) error {
		if err := spend(s, q.Venue, now); err != nil {
			return err
		}
		var err error
		if tries, err = s.PINs.Count(nik, day.Of(now), 1); err != nil {
			return err
		}
		people, err := s.People.ByNIK([]identity.Tag{nik})
		if err != nil {
			return err
		}
		who = people[0]
		have, err = s.PINs.Get(who)
		return err
	})
	if err != nil {
		return 0, false, err
	}
	given, err := f.index(ctx, keeper.KindPIN, q.PIN.Blind(who))
	if err != nil {
		return 0, false, err
	}
	held := have != identity.Tag{} && tries <= identity.MaxPINTries
	if subtle.ConstantTimeCompare(have[:], given[:]) != 1 || !held {
		return who, false, nil
	}
	// A right PIN is no wrong one: what was counted against it is taken back.
	return who, true, f.DB.Update(ctx, func(s store.Stores) error {
		_, err := s.PINs.Count(nik, day.Of(now), -1)
		return err
	})
}

// spend counts a look-up against the venue's budget, durable with what it finds.
func spend(s store.Stores, at venue.ID, now time.Time) error {
	if _, err := s.Venues.Inside([]venue.ID{at}); err != nil { // holds the venue
		return err
	}
	entered, err := s.Venues.Entered(at)
	if err != nil {
		return err
	}
	l, err := s.Lookups.Get(at)
	if err != nil {
		return err
	}
	if l, err = l.Spend(now, entered); err != nil {
		return err
	}
	return s.Lookups.Put(l)
}

func (f *Flow) index(ctx context.Context, kind keeper.Kind, value []byte) (identity.Tag, error) {
	tags, err := f.Keeper.Index(ctx, kind, [][]byte{value})
	if err != nil {
		return identity.Tag{}, err
	}
	if len(tags) != 1 {
		return identity.Tag{}, keeper.ErrUnavailable
	}
	return tags[0], nil
}

// Forget removes up to n cards that expired a month ago and counts of wrong PINs of
// days before today, and returns how many of the more numerous it removed.
func Forget(ctx context.Context, db store.DB, now time.Time, n int) (int, error) {
	var gone int
	err := db.Bulk(ctx, func(s store.Stores) error {
		cards, err := s.Cards.Forget(now.AddDate(0, -1, 0), n)
		if err != nil {
			return err
		}
		tries, err := s.PINs.Forget(day.Of(now), n)
		gone = max(cards, tries)
		return err
	})
	return gone, err
}
