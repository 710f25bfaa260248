package consent

import (
	"context"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Numbers are a person's own, masked.
type Numbers struct {
	Bound   string
	Waiting string    // empty when none waits
	Ripe    time.Time // when it takes over
}

// Numbers shows whoever proved who they are their numbers. identity.ErrStep before.
func (f *Flow) Numbers(ctx context.Context, a Attempt) (Numbers, error) {
	own, err := f.own(ctx, a)
	if err != nil {
		return Numbers{}, err
	}
	bound, err := own.number(f.Now())
	if err != nil {
		return Numbers{}, err
	}
	out := Numbers{Bound: bound.Masked()}
	if own.binding.Next != (identity.Tag{}) {
		n, err := own.unseal(own.binding.Waiting)
		if err != nil {
			return out, err
		}
		out.Waiting, out.Ripe = n.Phone.Masked(), own.binding.Ripe
	}
	return out, nil
}

// Holder is who proved who they are, in an attempt of their own; identity.ErrStep before,
// and in an attempt to link.
func (a Attempt) Holder() (identity.PersonID, error) {
	page := a.Asking.Page
	if !page.Proved || page.Asked == 0 || a.Partner != 0 {
		return 0, identity.ErrStep
	}
	return page.Asked, nil
}

func (f *Flow) own(ctx context.Context, a Attempt) (*file, error) {
	who, err := a.Holder()
	if err != nil {
		return nil, err
	}
	files, err := openFiles(ctx, f.DB, f.Keeper, intent(a.ID, "link-number"), []identity.PersonID{who})
	if err != nil {
		return nil, err
	}
	return &files[0], nil
}

// AskNumber lets a new number wait in whoever's place proved who they are, and
// tells the old one. Whether another claims the new number is not told here, or it
// would tell whose numbers are registered: it is dropped when it would take over.
// identity.ErrStep, identity.ErrPhoneWaits.
func (f *Flow) AskNumber(ctx context.Context, a Attempt, phone identity.Phone, from, lang string) error {
	now := f.Now()
	if err := f.Lanes.Enter(from, now); err != nil {
		return err
	}
	tags, err := f.Keeper.Index(ctx, keeper.KindPhone, [][]byte{[]byte(phone.Reveal())})
	if err != nil {
		return err
	}
	own, err := f.own(ctx, a)
	if err != nil {
		return err
	}
	var ripe time.Time
	err = f.change(ctx, a, func(t turn) (err error) {
		ripe, err = own.ask(t.Stores, phone, tags[0], nil, now)
		return err
	})
	if err != nil || ripe.IsZero() {
		return err
	}
	f.Courier.take(letter{attempt: a.ID, who: own.id, message: Message{Kind: KindNewNumber, Lang: lang, At: ripe}})
	return nil
}

// CancelNumber takes back the number that waits. identity.ErrStep,
// identity.ErrNotChannel, identity.ErrNoneWaits.
func (f *Flow) CancelNumber(ctx context.Context, a Attempt) error {
	page := a.Asking.Page
	if !page.Proved || page.Asked == 0 {
		return identity.ErrStep
	}
	return f.change(ctx, a, func(t turn) error {
		return cancel(t.Stores, page.Asked, page.Channel, f.Now())
	})
}

func cancel(s store.Stores, who identity.PersonID, channel identity.Tag, at time.Time) error {
	stored, err := s.Bindings.Get(who)
	if err != nil {
		return err
	}
	if stored.Binding, err = stored.Cancel(channel, at); err != nil {
		return err
	}
	stored.Waiting = nil
	return s.Bindings.Put(stored)
}

// ask lets a number wait and returns when it takes over; zero when nothing changed.
func (f *file) ask(s store.Stores, phone identity.Phone, tag identity.Tag, claimants []identity.PersonID, at time.Time) (time.Time, error) {
	b, err := bindingOf(s, f.id, f.stored.NIK)
	if err != nil {
		return time.Time{}, err
	}
	next, err := b.Ask(tag, claimants, at)
	if err != nil || next == b {
		return time.Time{}, err
	}
	row, err := f.row(s, next)
	if err != nil {
		return time.Time{}, err
	}
	if row.Waiting, err = f.seal(identity.Number{Phone: phone, From: next.Ripe.Truncate(time.Second)}); err != nil {
		return time.Time{}, err
	}
	return next.Ripe, s.Bindings.Put(row)
}

// row is a binding to be stored, the registry's number sealed where it stands for
// one that is bound.
func (f *file) row(s store.Stores, b identity.Binding) (identity.StoredBinding, error) {
	before, err := s.Bindings.Get(f.id)
	if err != nil {
		return before, err
	}
	row := identity.StoredBinding{Binding: b, Version: f.stored.Version, Bound: before.Bound, Waiting: before.Waiting}
	switch {
	case before.Phone == (identity.Tag{}):
		row.Bound, err = f.seal(identity.Number{Phone: f.person.Phone})
	case before.Version != f.stored.Version:
		err = ErrOpen
	}
	return row, err
}

// Settle puts up to n numbers that waited long enough in the old ones' place and
// drops those that became another's; it returns how many of both there were.
func Settle(ctx context.Context, db store.DB, at time.Time, n int) (int, error) {
	done := 0
	err := db.Update(ctx, func(s store.Stores) error {
		ripe, err := s.Bindings.Ripe(at, n)
		done = len(ripe)
		if err != nil {
			return err
		}
		for _, b := range ripe {
			claimants, err := s.Bindings.Claimants(b.Next)
			if err != nil {
				return err
			}
			var refused error
			if b.Binding, refused = b.Settle(claimants, at); refused == nil {
				b.Bound = b.Waiting
			}
			b.Waiting = nil
			if err := s.Bindings.Put(b); err != nil {
				return err
			}
		}
		return nil
	})
	return done, err
}

// Forget removes up to n counts of codes and guesses of past days.
func Forget(ctx context.Context, db store.DB, at time.Time, n int) (gone int, err error) {
	err = db.Update(ctx, func(s store.Stores) error {
		gone, err = s.Guesses.Forget(day.Of(at), n)
		return err
	})
	return gone, err
}
