package lookup

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/vault"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/verify"
)

// Errors of giving people a card or a PIN, at a facility.
var (
	ErrNobody = fault.New(fault.NotFound, "nobody is registered under this NIK")
	ErrLife   = fault.New(fault.Invalid, "a card is good for 1 to 366 days")
)

// Actor is on whose behalf a person's record is opened.
type Actor struct {
	Name   string // of an intent: never personal data
	Budget keeper.Budget
}

// IssueCard gives somebody a card and revokes those they had: whoever finds an older
// one finds paper. It returns the card and its holder, to be printed.
func (f *Flow) IssueCard(ctx context.Context, by Actor, nik identity.NIK, life time.Duration) (identity.Card, identity.Person, error) {
	if life < 24*time.Hour || life > verify.MaxCard {
		return identity.Card{}, identity.Person{}, ErrLife
	}
	id, err := f.find(ctx, nik)
	if err != nil {
		return identity.Card{}, identity.Person{}, err
	}
	who, err := f.open(ctx, by, "print-card", id)
	if err != nil {
		return identity.Card{}, identity.Person{}, err
	}
	now := f.Now()
	c := identity.Card{ID: identity.NewCardID(now), Person: id, Issued: now.Truncate(time.Minute)}
	c.Expires = c.Issued.Add(life)
	return c, who, f.DB.Update(ctx, func(s store.Stores) error {
		if _, err := revoke(s, id, now); err != nil {
			return err
		}
		return s.Cards.Put(c)
	})
}

// RevokeCards revokes all cards of the person of a NIK and returns how many held.
func (f *Flow) RevokeCards(ctx context.Context, nik identity.NIK) (int, error) {
	id, err := f.find(ctx, nik)
	if err != nil {
		return 0, err
	}
	return f.DropCards(ctx, id)
}

// DropCards revokes all cards of a person and returns how many held.
func (f *Flow) DropCards(ctx context.Context, id identity.PersonID) (n int, err error) {
	err = f.DB.Update(ctx, func(s store.Stores) (err error) {
		n, err = revoke(s, id, f.Now())
		return err
	})
	return n, err
}

func revoke(s store.Stores, id identity.PersonID, now time.Time) (int, error) {
	cards, err := s.Cards.Of(id)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, c := range cards {
		if !c.Holds(now) {
			continue
		}
		c.Revoked = now.Truncate(time.Second)
		if err := s.Cards.Put(c); err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// SetPIN sets the PIN of the person of a NIK, at a facility; what was counted against
// the old one today is forgotten. identity.ErrWeakPIN.
func (f *Flow) SetPIN(ctx context.Context, nik identity.NIK, pin identity.PIN) error {
	if err := pin.Check(nik); err != nil {
		return err
	}
	id, err := f.find(ctx, nik)
	if err != nil {
		return err
	}
	tag, err := f.index(ctx, keeper.KindPIN, pin.Blind(id))
	if err != nil {
		return err
	}
	counted, err := f.index(ctx, keeper.KindNIK, []byte(nik.Reveal()))
	if err != nil {
		return err
	}
	return f.DB.Update(ctx, func(s store.Stores) error {
		n, err := s.PINs.Count(counted, day.Of(f.Now()), 0)
		if err != nil {
			return err
		}
		if _, err := s.PINs.Count(counted, day.Of(f.Now()), -n); err != nil {
			return err
		}
		return s.PINs.Put(id, tag)
	})
}

// ChangePIN sets a person's own PIN, by their device. Their record is opened to see
// that the PIN is not in their NIK; what was counted today stays.
func (f *Flow) ChangePIN(ctx context.Context, by Actor, id identity.PersonID, pin identity.PIN) error {
	who, err := f.open(ctx, by, "own-pin", id)
	if err != nil {
		return err
	}
	if err := pin.Check(who.NIK); err != nil {
		return err
	}
	tag, err := f.index(ctx, keeper.KindPIN, pin.Blind(id))
	if err != nil {
		return err
	}
	return f.DB.Update(ctx, func(s store.Stores) error { return s.PINs.Put(id, tag) })
}

// DropPIN removes a person's PIN: from then on a NIK and a PIN prove nothing.
func (f *Flow) DropPIN(ctx context.Context, id identity.PersonID) error {
	return f.DB.Update(ctx, func(s store.Stores) error { return s.PINs.Put(id, identity.Tag{}) })
}

// RemovePIN removes the PIN of the person of a NIK.
func (f *Flow) RemovePIN(ctx context.Context, nik identity.NIK) error {
	id, err := f.find(ctx, nik)
	if err != nil {
		return err
	}
	return f.DropPIN(ctx, id)
}

func (f *Flow) find(ctx context.Context, nik identity.NIK) (identity.PersonID, error) {
	tag, err := f.index(ctx, keeper.KindNIK, []byte(nik.Reveal()))
	if err != nil {
		return 0, err
	}
	var people []identity.PersonID
	err = f.DB.View(ctx, func(s store.Stores) (err error) {
		people, err = s.People.ByNIK([]identity.Tag{tag})
		return err
	})
	if err != nil {
		return 0, err
	}
	if people[0] == 0 {
		return 0, ErrNobody
	}
	return people[0], nil
}

// open opens one person's own record, under an intent.
func (f *Flow) open(ctx context.Context, by Actor, purpose string, id identity.PersonID) (identity.Person, error) {
	var people []identity.Stored
	var facts []status.SealedEvidence
	err := f.DB.View(ctx, func(s store.Stores) (err error) {
		if people, err = s.People.Get([]identity.PersonID{id}); err != nil {
			return err
		}
		facts, err = s.Status.Evidence([]identity.PersonID{id})
		return err
	})
	if err != nil {
		return identity.Person{}, err
	}
	want := keeper.Version{Record: keeper.RecordPerson, Version: people[0].Version}
	have := []keeper.Version{want}
	if facts[0].Version > 0 {
		have = append(have, keeper.Version{Record: keeper.RecordEvidence, Version: facts[0].Version})
	}
	i := keeper.Intent{Actor: by.Name, Purpose: purpose, Budget: by.Budget}
	rand.Read(i.ID[:])
	_, opened, err := f.Keeper.Read(ctx, i, []keeper.Read{{Person: id, Have: have, Want: []keeper.Version{want}}})
	if err != nil {
		return identity.Person{}, err
	}
	if len(opened) != 1 {
		return identity.Person{}, keeper.ErrUnavailable
	}
	if opened[0].Err != nil {
		return identity.Person{}, opened[0].Err
	}
	plain, err := vault.OpenRecord(opened[0].Keys[0], vault.Binding{Table: vault.People, Person: id, Record: uint64(keeper.RecordPerson), Version: want.Version}, people[0].Sealed)
	if err != nil {
		return identity.Person{}, err
	}
	return identity.OpenPerson(plain)
}
