package link

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Granted is a link that a code gave.
type Granted struct {
	Link   identity.Link
	Person identity.PersonID
	Sub    identity.Tag // names the person to this partner, and to no other
	Until  time.Time    // a guardian's consent carries it so long; zero for one's own
}

// Redeem exchanges a code for a link. identity.ErrGrant for one that gives nothing;
// identity.ErrCodeUsed for one that gave a link before, which is ended then. A
// device's older link of the same person through the same partner ends.
func (g *Grants) Redeem(ctx context.Context, code string, e identity.Exchange) (Granted, error) {
	sum := sha256.Sum256([]byte(code))
	asked, by, err := g.coded(ctx, sum)
	if err != nil {
		return Granted{}, err
	}
	names, err := g.Keeper.Index(ctx, keeper.KindSubject, [][]byte{subjectOf(asked.Page.Person), pairOf(asked.Page.Person, by)})
	if err != nil {
		return Granted{}, err
	}
	var out Granted
	var used error
	err = g.DB.Update(ctx, func(s store.Stores) error {
		out, used = Granted{}, nil
		now := g.Now()
		a, asked, err := g.matching(s, sum, e)
		switch {
		case err != nil:
			return err
		case a.Used:
			used = identity.ErrCodeUsed
			return end(s, a.Link, now)
		case !now.Before(a.Expires):
			return identity.ErrGrant
		}
		if err := asked.Page.Consented(now); err != nil {
			return identity.ErrGrant // the child came of age meanwhile
		}
		out = Granted{
			Link: identity.Link{
				ID: newID(now), Partner: a.Partner, Subject: names[0], Device: asked.Device,
				Created: now.Truncate(time.Second), Scope: scopeOf(asked.Scope),
			},
			Person: asked.Page.Person, Sub: names[1], Until: asked.Page.Until,
		}
		if err := replace(s, out.Link); err != nil {
			return err
		}
		if err := g.Put(s, []identity.Link{out.Link}, []identity.PersonID{out.Person}); err != nil {
			return err
		}
		a.Version++
		a.Used, a.Link, a.Expires = true, out.Link.ID, now.Add(identity.UsedLife)
		return s.Authorizations.Put(a)
	})
	if err == nil {
		err = used
	}
	if err != nil {
		return Granted{}, err
	}
	return out, nil
}

// coded reads what a code was given for: the keeper cannot be asked in the
// transaction that decides.
func (g *Grants) coded(ctx context.Context, sum [32]byte) (asked identity.Asking, by partner.ID, err error) {
	err = g.DB.View(ctx, func(s store.Stores) error {
		a, err := s.Authorizations.ByCode(sum)
		if err != nil {
			return err
		}
		if a.ID == (identity.AuthorizationID{}) {
			return identity.ErrGrant
		}
		by = a.Partner
		asked, err = g.open(a)
		return err
	})
	return asked, by, err
}

// matching returns the authorization of a code if it may be exchanged, or if it was.
// That it was is for any device of its client to find out.
func (g *Grants) matching(s store.Stores, sum [32]byte, e identity.Exchange) (identity.Authorization, identity.Asking, error) {
	a, err := s.Authorizations.ByCode(sum)
	if err != nil {
		return a, identity.Asking{}, err
	}
	if a.ID == (identity.AuthorizationID{}) {
		return a, identity.Asking{}, identity.ErrGrant
	}
	asked, err := g.open(a)
	if err != nil || a.Used && asked.Client == e.Client {
		return a, asked, err
	}
	return a, asked, asked.Matches(e)
}

// replace ends the links that a new one takes the place of.
func replace(s store.Stores, with identity.Link) error {
	all, err := s.Links.Of(with.Subject)
	if err != nil {
		return err
	}
	for _, l := range all {
		if l.Live() && l.Partner == with.Partner && l.Device == with.Device && l.Scope == with.Scope {
			l.Ended = with.Created
			if err := s.Links.Put(l); err != nil {
				return err
			}
		}
	}
	return nil
}

// end ends a link, once.
func end(s store.Stores, id identity.LinkID, now time.Time) error {
	l, err := one(s, id)
	if err != nil || !l.Live() {
		return err
	}
	l.Ended = now.Truncate(time.Second)
	return s.Links.Put(l)
}

func scopeOf(s partner.Scope) identity.LinkScope {
	if s == partner.ScopeDecision {
		return identity.LinkDecision
	}
	return identity.LinkColour
}

func subjectOf(p identity.PersonID) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(p))
}

// pairOf is longer than any subject, so that its tag is never one.
func pairOf(p identity.PersonID, by partner.ID) []byte {
	return binary.BigEndian.AppendUint32(subjectOf(p), uint32(by))
}
