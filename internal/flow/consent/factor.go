package consent

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Begin has a code sent to the number bound for a NIK, if there is such a person
// and number. Whatever it answers, it answers for nobody as well: a busy fault when
// too much was asked, identity.ErrFactorSpent when no code would be looked at. From
// names the network the browser is in.
func (f *Flow) Begin(ctx context.Context, a Attempt, nik identity.NIK, from, lang string) error {
	now := f.Now()
	if err := f.Lanes.Admit(from, nik, now); err != nil {
		return err
	}
	tags, err := f.Keeper.Index(ctx, keeper.KindNIK, [][]byte{[]byte(nik.Reveal())})
	if err != nil {
		return err
	}
	var r reached
	err = f.DB.View(ctx, func(s store.Stores) (err error) {
		r, err = reach(s, tags[0])
		return err
	})
	if err != nil {
		return err
	}
	code, err := identity.NewOneTime()
	if err != nil {
		return err
	}
	factor, none := code.Hash(f.Key, a.ID), [32]byte{}
	rand.Read(none[:])
	if r.who == 0 {
		factor = none // no code is right
	}
	err = f.change(ctx, a, func(t turn) error {
		g, err := t.Guesses.Get(tags[0])
		if err != nil {
			return err
		}
		if g, err = g.Send(t.page.Codes, now); err != nil {
			return err
		}
		*t.page = t.page.Sending(tags[0], r.who, r.channel, factor, now)
		return t.Guesses.Put(tags[0], g)
	})
	if err != nil {
		return err
	}
	f.Courier.take(letter{attempt: a.ID, who: r.who, message: Message{Kind: KindCode, Lang: lang, Code: code, Partner: a.Name}})
	return nil
}

// reached is who a NIK's tag names and the number their codes go to; of nobody, or
// somebody without a number of their own, who is zero.
type reached struct {
	who     identity.PersonID
	channel identity.Tag
}

// reach reads as much for nobody as for somebody.
func reach(s store.Stores, nik identity.Tag) (reached, error) {
	who, err := s.People.ByNIK([]identity.Tag{nik})
	if err != nil {
		return reached{}, err
	}
	b, err := bindingOf(s, who[0], nik)
	if err != nil {
		return reached{}, err
	}
	claimants, err := s.Bindings.Claimants(orElse(b.Phone, nik))
	if err != nil {
		return reached{}, err
	}
	channel, err := b.Channel(claimants)
	if who[0] == 0 || err != nil {
		return reached{}, nil // to be told to nobody
	}
	return reached{who[0], channel}, nil
}

// bindingOf returns a person's binding, the registry's number standing for one that
// is not bound. Stand is a tag to ask about where there is no number, so that the
// same is asked for everybody.
func bindingOf(s store.Stores, who identity.PersonID, stand identity.Tag) (identity.Binding, error) {
	people, err := s.People.Get([]identity.PersonID{who})
	if err != nil {
		return identity.Binding{}, err
	}
	stored, err := s.Bindings.Get(who)
	if err != nil {
		return identity.Binding{}, err
	}
	claimants, err := s.Bindings.Claimants(orElse(people[0].Phone, stand))
	if err != nil {
		return identity.Binding{}, err
	}
	b := stored.Binding
	b.Person = who
	return b.Registered(people[0].Phone, claimants), nil
}

func orElse(phone, stand identity.Tag) identity.Tag {
	if phone == (identity.Tag{}) {
		return stand
	}
	return phone
}

// Prove takes a code. The guess is counted, durably, before the code is looked at,
// and taken back when it was right. identity.ErrFactor, identity.ErrFactorSpent,
// identity.ErrStep.
func (f *Flow) Prove(ctx context.Context, a Attempt, code identity.OneTime) error {
	now := f.Now()
	var trial, counted identity.Trial
	err := f.change(ctx, a, func(t turn) error {
		if t.page.Step() != identity.StepCode {
			return identity.ErrStep
		}
		g, err := t.Guesses.Get(t.page.NIK)
		if err != nil {
			return err
		}
		trial = identity.Trial{Attempt: a.ID, Factor: t.page.Factor, Sent: t.page.Sent, Tries: t.row.Tries, Today: g}
		if counted, err = trial.Judge(f.Key, identity.OneTime{}, now); errors.Is(err, identity.ErrFactorSpent) {
			return err // otherwise no code is a wrong code
		}
		t.row.Tries = counted.Tries
		return t.Guesses.Put(t.page.NIK, counted.Today)
	})
	if err != nil {
		return err
	}
	if _, err := trial.Judge(f.Key, code, now); err != nil {
		return err
	}
	return f.change(ctx, a, func(t turn) error {
		page, err := t.page.Prove(trial)
		if err != nil {
			return err
		}
		g, err := t.Guesses.Get(page.NIK)
		if err != nil {
			return err
		}
		t.row.Tries--
		*t.page = page
		return t.Guesses.Put(page.NIK, g.Right(counted.Today))
	})
}
