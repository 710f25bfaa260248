// Package consent is the flow by which people link their own devices: they type
// their NIK, prove who they are by a code sent to the number bound for them, choose
// whom to link and consent to the partner's terms.
//
// Whoever types a NIK learns nothing of whether it is registered, or has a number:
// nobody's is answered like somebody's whose code was wrong, after the same reads
// and writes and the same calls of the keeper. Messages leave after the answer,
// through a Courier, which opens something for nobody too. A guess is counted
// before it is looked at. The flow sequences; how often, how long and who may is
// decided in the domain.
package consent

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Keeper is what this flow asks of the keeper.
type Keeper interface {
	Index(ctx context.Context, kind keeper.Kind, values [][]byte) ([]identity.Tag, error)
	Read(ctx context.Context, i keeper.Intent, r []keeper.Read) (keeper.Receipt, []keeper.Opened, error)
}

// Sealer seals what an attempt remembers, for its row alone.
type Sealer interface {
	SealAsking(id identity.AuthorizationID, a identity.Asking, now time.Time) ([]byte, error)
	OpenAsking(id identity.AuthorizationID, sealed []byte) (identity.Asking, error)
}

// Flow takes people from their NIK to their consent.
type Flow struct {
	DB      store.DB
	Keeper  Keeper
	Sealer  func() Sealer
	Key     identity.FactorKey
	Lanes   *Lanes
	Courier *Courier
	Now     func() time.Time
}

// Attempt is one attempt to link as it stood when it was read.
type Attempt struct {
	ID      identity.AuthorizationID
	Partner partner.ID // zero: nothing is linked, the person sees to their own number
	Name    string     // the partner's, as people know it
	Asking  identity.Asking
}

// Browser is what ties an attempt to one browser: the SHA-256 of its cookie.
type Browser = [32]byte

// Start makes an attempt without a partner, in which people see to their number.
func (f *Flow) Start(ctx context.Context, b Browser, from string) (identity.AuthorizationID, error) {
	now := f.Now()
	if err := f.Lanes.Enter(from, now); err != nil {
		return identity.AuthorizationID{}, err
	}
	id := newID(now)
	sealed, err := f.Sealer().SealAsking(id, identity.Asking{Browser: b}, now)
	if err != nil {
		return id, err
	}
	return id, f.DB.Update(ctx, func(s store.Stores) error {
		return s.Authorizations.Put(identity.Authorization{ID: id, Version: 1, Sealed: sealed, Expires: now.Add(identity.AttemptLife)})
	})
}

// newID makes an id that ascends with time: 48 bits of milliseconds, 80 random.
func newID(now time.Time) (id identity.AuthorizationID) {
	rand.Read(id[:])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli()))
	copy(id[:6], ms[2:])
	return id
}

// Seize gives an attempt to the browser that came first and prolongs it;
// identity.ErrNoAuthorization for another one.
func (f *Flow) Seize(ctx context.Context, id identity.AuthorizationID, b Browser) error {
	now := f.Now()
	return f.DB.Update(ctx, func(s store.Stores) error {
		row, asking, err := f.open(s, id, now)
		if err != nil {
			return err
		}
		switch asking.Browser {
		case b:
			return nil
		case Browser{}:
		default:
			return identity.ErrNoAuthorization
		}
		asking.Browser = b
		if end := now.Add(identity.AttemptLife); end.After(row.Expires) {
			row.Expires = end
		}
		return f.put(s, row, asking, now)
	})
}

// Load reads a browser's attempt; identity.ErrNoAuthorization when it is over, or
// another browser's.
func (f *Flow) Load(ctx context.Context, id identity.AuthorizationID, b Browser) (Attempt, error) {
	var a Attempt
	err := f.DB.View(ctx, func(s store.Stores) error {
		row, asking, err := f.open(s, id, f.Now())
		if err != nil {
			return err
		}
		if b == (Browser{}) || subtle.ConstantTimeCompare(asking.Browser[:], b[:]) != 1 {
			return identity.ErrNoAuthorization
		}
		a = Attempt{ID: id, Partner: row.Partner, Asking: asking}
		all, err := s.Partners.All()
		for _, p := range all {
			if p.ID == row.Partner {
				a.Name = p.Name
			}
		}
		return err
	})
	return a, err
}

func (f *Flow) open(s store.Stores, id identity.AuthorizationID, now time.Time) (identity.Authorization, identity.Asking, error) {
	row, err := s.Authorizations.Get(id)
	if err == nil {
		err = row.Open(now)
	}
	if err != nil {
		return row, identity.Asking{}, err
	}
	asking, err := f.Sealer().OpenAsking(id, row.Sealed)
	return row, asking, err
}

func (f *Flow) put(s store.Stores, row identity.Authorization, asking identity.Asking, now time.Time) error {
	sealed, err := f.Sealer().SealAsking(row.ID, asking, now)
	if err != nil {
		return err
	}
	row.Version++
	row.Sealed = sealed
	return s.Authorizations.Put(row)
}

// turn is an attempt within one transaction.
type turn struct {
	store.Stores
	row  *identity.Authorization
	page *identity.PageState
}

// change moves an attempt on, with whatever else fn writes, in one transaction.
func (f *Flow) change(ctx context.Context, a Attempt, fn func(t turn) error) error {
	now := f.Now()
	return f.DB.Update(ctx, func(s store.Stores) error {
		row, asking, err := f.open(s, a.ID, now)
		if err != nil {
			return err
		}
		if asking.Browser != a.Asking.Browser {
			return identity.ErrNoAuthorization
		}
		if err := fn(turn{s, &row, &asking.Page}); err != nil {
			return err
		}
		return f.put(s, row, asking, now)
	})
}

// intent notes an opening for an attempt before it happens.
func intent(id identity.AuthorizationID, purpose string) keeper.Intent {
	i := keeper.Intent{Actor: "authorization/" + hex.EncodeToString(id[:]), Purpose: purpose, Budget: keeper.BudgetSelf}
	rand.Read(i.ID[:])
	return i
}
