package link

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/store"
)

// Sealer seals what an authorization asks for, for its row alone.
type Sealer interface {
	SealAsking(id identity.AuthorizationID, a identity.Asking, now time.Time) ([]byte, error)
	OpenAsking(id identity.AuthorizationID, sealed []byte) (identity.Asking, error)
}

// Grants are links by consent: a client asks, a person consents on the platform's
// own pages, the client exchanges a code for the link and keeps it by refreshing.
type Grants struct {
	DB     store.DB
	Keeper Keeper
	Sealer func() Sealer
	// Put stores new links of people if their partners may have them.
	Put func(s store.Stores, links []identity.Link, people []identity.PersonID) error
	Now func() time.Time
}

// Begin stores what a client pushed, and names it.
func (g *Grants) Begin(ctx context.Context, by partner.ID, asked identity.Asking) (identity.AuthorizationID, error) {
	now := g.Now()
	a := identity.Authorization{
		ID: identity.AuthorizationID(newID(now)), Partner: by, Version: 1, Expires: now.Add(identity.RequestLife).Truncate(time.Second),
	}
	var err error
	if a.Sealed, err = g.Sealer().SealAsking(a.ID, asked, now); err != nil {
		return a.ID, err
	}
	return a.ID, g.DB.Update(ctx, func(s store.Stores) error { return s.Authorizations.Put(a) })
}

// Arrive is called when a browser came for an authorization, and returns what it
// asks for. identity.ErrNoAuthorization for one that is not pending, or not of the
// client named.
func (g *Grants) Arrive(ctx context.Context, id identity.AuthorizationID, client string) (identity.Asking, error) {
	var asked identity.Asking
	err := g.change(ctx, id, func(a *identity.Authorization, of identity.Asking) (err error) {
		if of.Client != client {
			return identity.ErrNoAuthorization
		}
		asked = of
		*a, err = a.Arrive(g.Now())
		return err
	})
	return asked, err
}

// Code gives the code of an authorization to which a person consented; it is given
// once. identity.ErrNoAuthorization.
func (g *Grants) Code(ctx context.Context, id identity.AuthorizationID) (string, identity.Asking, error) {
	var raw [32]byte
	rand.Read(raw[:])
	code := base64.RawURLEncoding.EncodeToString(raw[:])
	var asked identity.Asking
	err := g.change(ctx, id, func(a *identity.Authorization, of identity.Asking) error {
		now := g.Now()
		if err := a.Pending(now); err != nil {
			return err
		}
		if a.Partner == 0 {
			return identity.ErrNoAuthorization // people who see to their number link nothing
		}
		asked = of
		a.Version++
		a.Code, a.Expires = sha256.Sum256([]byte(code)), now.Add(identity.CodeLife)
		return of.Page.Consented(now)
	})
	if err != nil {
		return "", identity.Asking{}, err
	}
	return code, asked, nil
}

// Refuse ends an authorization without a code. identity.ErrNoAuthorization.
func (g *Grants) Refuse(ctx context.Context, id identity.AuthorizationID) (identity.Asking, error) {
	var asked identity.Asking
	err := g.change(ctx, id, func(a *identity.Authorization, of identity.Asking) error {
		now := g.Now()
		if err := a.Pending(now); err != nil {
			return err
		}
		asked = of
		a.Version++
		a.Used, a.Expires = true, now
		return nil
	})
	return asked, err
}

// change moves one authorization on, if f moves its version.
func (g *Grants) change(ctx context.Context, id identity.AuthorizationID, f func(*identity.Authorization, identity.Asking) error) error {
	return g.DB.Update(ctx, func(s store.Stores) error {
		a, err := s.Authorizations.Get(id)
		if err != nil {
			return err
		}
		before := a.Version
		asked, err := g.open(a)
		if err != nil {
			return err
		}
		if err := f(&a, asked); err != nil || a.Version == before {
			return err
		}
		return s.Authorizations.Put(a)
	})
}

func (g *Grants) open(a identity.Authorization) (identity.Asking, error) {
	if a.ID == (identity.AuthorizationID{}) {
		return identity.Asking{}, identity.ErrNoAuthorization
	}
	return g.Sealer().OpenAsking(a.ID, a.Sealed)
}

// Forget removes up to n attempts whose time is over, and says how many.
func (g *Grants) Forget(ctx context.Context, n int) (int, error) {
	gone := 0
	err := g.DB.Update(ctx, func(s store.Stores) (err error) {
		gone, err = s.Authorizations.Forget(g.Now(), n)
		return err
	})
	return gone, err
}
