package consent

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Errors of recording at a facility.
var (
	ErrNoPerson    = fault.New(fault.NotFound, "nobody is registered under this NIK")
	ErrNoMessenger = fault.New(fault.Invalid, "no messenger is configured, so the old number could not be told: set message.kind")
	ErrNotTold     = fault.New(fault.Unavailable, "the old number could not be told, so the new one was taken back: try again")
	ErrNoGuardian  = fault.New(fault.NotFound, "no such guardian is recorded")
)

// Records is what a facility records about people who stand before its staff, who
// saw their documents. It answers plainly, unlike the pages.
type Records struct {
	DB        store.DB
	Keeper    Keeper
	Messenger Messenger // nil: none is configured
	Now       func() time.Time
}

func (r *Records) intent(purpose string) keeper.Intent {
	i := keeper.Intent{Actor: "operator", Purpose: purpose, Budget: keeper.BudgetImport}
	rand.Read(i.ID[:])
	return i
}

// find opens the people of some NIKs; ErrNoPerson unless all are registered.
func (r *Records) find(ctx context.Context, purpose string, niks ...identity.NIK) ([]file, error) {
	values := make([][]byte, len(niks))
	for i, n := range niks {
		values[i] = []byte(n.Reveal())
	}
	tags, err := r.Keeper.Index(ctx, keeper.KindNIK, values)
	if err != nil {
		return nil, err
	}
	var ids []identity.PersonID
	err = r.DB.View(ctx, func(s store.Stores) (err error) {
		ids, err = s.People.ByNIK(tags)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if id == 0 {
			return nil, ErrNoPerson
		}
	}
	return openFiles(ctx, r.DB, r.Keeper, r.intent(purpose), ids)
}

func (r *Records) tag(ctx context.Context, phone identity.Phone) (identity.Tag, error) {
	tags, err := r.Keeper.Index(ctx, keeper.KindPhone, [][]byte{[]byte(phone.Reveal())})
	if err != nil {
		return identity.Tag{}, err
	}
	return tags[0], nil
}

// Bind binds a person's first number. ErrNoPerson, identity.ErrPhoneBound,
// identity.ErrPhoneClaimed.
func (r *Records) Bind(ctx context.Context, nik identity.NIK, phone identity.Phone) error {
	files, err := r.find(ctx, "bind-number", nik)
	if err != nil {
		return err
	}
	tag, err := r.tag(ctx, phone)
	if err != nil {
		return err
	}
	own := &files[0]
	sealed, err := own.seal(identity.Number{Phone: phone})
	if err != nil {
		return err
	}
	return r.DB.Bulk(ctx, func(s store.Stores) error {
		claimants, err := s.Bindings.Claimants(tag)
		if err != nil {
			return err
		}
		b, err := bindingOf(s, own.id, own.stored.NIK)
		if err != nil {
			return err
		}
		if b, err = b.First(tag, claimants); err != nil {
			return err
		}
		row, err := own.row(s, b)
		if err != nil {
			return err
		}
		row.Bound = sealed
		return s.Bindings.Put(row)
	})
}

// Rebind lets a new number wait, tells the old one and returns when the new one
// takes over; zero when it is bound or waits already. When the old number cannot be
// told nothing waits. ErrNoPerson, ErrNoMessenger, ErrNotTold, identity.ErrNoPhone,
// identity.ErrPhoneWaits, identity.ErrPhoneClaimed.
func (r *Records) Rebind(ctx context.Context, nik identity.NIK, phone identity.Phone) (time.Time, error) {
	if r.Messenger == nil {
		return time.Time{}, ErrNoMessenger
	}
	files, err := r.find(ctx, "change-number", nik)
	if err != nil {
		return time.Time{}, err
	}
	tag, err := r.tag(ctx, phone)
	if err != nil {
		return time.Time{}, err
	}
	own, now := &files[0], r.Now()
	old, err := own.number(now)
	if err != nil {
		return time.Time{}, err
	}
	var ripe time.Time
	var channel identity.Tag
	err = r.DB.Bulk(ctx, func(s store.Stores) error {
		claimants, err := s.Bindings.Claimants(tag)
		if err != nil {
			return err
		}
		if ripe, err = own.ask(s, phone, tag, claimants, now); err != nil {
			return err
		}
		b, err := s.Bindings.Get(own.id)
		channel = b.Phone
		return err
	})
	if err != nil || ripe.IsZero() {
		return ripe, err
	}
	told := r.Messenger.Send(ctx, Message{To: old, Kind: KindNewNumber, Lang: "id", At: ripe})
	if told == nil {
		return ripe, nil
	}
	err = r.DB.Bulk(context.WithoutCancel(ctx), func(s store.Stores) error { return cancel(s, own.id, channel, now) })
	return time.Time{}, errors.Join(ErrNotTold, err)
}

// Guard records that a guardian consents for a child, and returns until when. What
// is recorded already stays as it is. ErrNoPerson, identity.ErrOneself,
// identity.ErrOfAge, identity.ErrOffice.
func (r *Records) Guard(ctx context.Context, guardian, child identity.NIK, proof identity.Proof, office string) (time.Time, error) {
	if err := identity.CheckOffice(office); err != nil {
		return time.Time{}, err
	}
	files, err := r.find(ctx, "record-guardian", guardian, child)
	if err != nil {
		return time.Time{}, err
	}
	g := identity.Guardianship{
		Guardian: files[0].id, Child: files[1].id, Proof: proof, Office: office, Recorded: r.Now().Truncate(time.Second),
	}
	until, err := identity.Guard(g.Guardian, g.Child, files[1].person.Birth, r.Now())
	if err != nil {
		return time.Time{}, err
	}
	return until, r.DB.Bulk(ctx, func(s store.Stores) error {
		known, err := recorded(s, g.Guardian, g.Child)
		if err != nil || len(known) > 0 {
			return err
		}
		return s.Guardians.Put(g)
	})
}

// Unguard ends a guardianship, and with it every link of the child: a link's row does
// not tell whose consent made it. ErrNoPerson, ErrNoGuardian.
func (r *Records) Unguard(ctx context.Context, guardian, child identity.NIK) error {
	files, err := r.find(ctx, "end-guardian", guardian, child)
	if err != nil {
		return err
	}
	subject := binary.BigEndian.AppendUint64(nil, uint64(files[1].id))
	tags, err := r.Keeper.Index(ctx, keeper.KindSubject, [][]byte{subject})
	if err != nil {
		return err
	}
	at := r.Now().Truncate(time.Second)
	return r.DB.Bulk(ctx, func(s store.Stores) error {
		known, err := recorded(s, files[0].id, files[1].id)
		if err != nil {
			return err
		}
		if len(known) == 0 {
			return ErrNoGuardian
		}
		for _, g := range known {
			g.Ended = at
			if err := s.Guardians.Put(g); err != nil {
				return err
			}
		}
		return endLinks(s, tags[0], at)
	})
}

func endLinks(s store.Stores, subject identity.Tag, at time.Time) error {
	links, err := s.Links.Of(subject)
	for _, l := range links {
		if err == nil && l.Ended.IsZero() {
			l.Ended = at
			err = s.Links.Put(l)
		}
	}
	return err
}

func recorded(s store.Stores, guardian, child identity.PersonID) (out []identity.Guardianship, err error) {
	all, err := s.Guardians.Of(guardian)
	for _, g := range all {
		if g.Child == child {
			out = append(out, g)
		}
	}
	return out, err
}
