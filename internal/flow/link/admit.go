package link

import (
	"crypto/ed25519"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
)

// ErrPlatform is returned when it is not known by which key agreements are signed.
var ErrPlatform = fault.New(fault.Unavailable, "the platform's key is not known now")

// Put stores new links of people, all or none, within the caller's transaction:
// each partner's agreement in force must cover the link's scope, the partner must
// serve that person where it stands, and a person more must fit its stage. The
// count of a partner's people is held until the transaction ends, so that two
// links made at once cannot both be the last that fits.
func (f *Flow) Put(s store.Stores, links []identity.Link, people []identity.PersonID) error {
	stored, err := s.People.Get(people)
	if err != nil {
		return err
	}
	grants := map[partner.ID]partner.Grant{}
	for i, l := range links {
		g, known := grants[l.Partner]
		if !known {
			if g, err = f.grant(s, l.Partner); err != nil {
				return err
			}
			grants[l.Partner] = g
		}
		l.Synthetic = stored[i].Synthetic
		if err := fits(s, g, l); err != nil {
			return err
		}
		if err := s.Links.Put(l); err != nil {
			return err
		}
	}
	return nil
}

func (f *Flow) grant(s store.Stores, id partner.ID) (partner.Grant, error) {
	p, err := s.Partners.Get(id)
	if err != nil {
		return partner.Grant{}, err
	}
	all, err := s.Agreements.Of(id)
	if err != nil {
		return partner.Grant{}, err
	}
	var platform ed25519.PublicKey
	if f.Platform != nil {
		platform = f.Platform()
	}
	if platform == nil {
		return partner.Grant{}, ErrPlatform
	}
	// One that does not hold is as good as none: without another there is no grant.
	agreed, _ := partner.OpenAll(all, platform)
	return p.Grant(agreed, f.Now())
}

// fits holds one link against what its partner was granted.
func fits(s store.Stores, g partner.Grant, l identity.Link) error {
	scope := partner.ScopeColour
	if l.Scope == identity.LinkDecision {
		scope = partner.ScopeDecision
	}
	if err := g.Covers(scope); err != nil {
		return err
	}
	if err := g.Person(l.Synthetic); err != nil {
		return err
	}
	linked, err := s.Links.Linked(l.Partner)
	if err != nil {
		return err
	}
	others, err := s.Links.Of(l.Subject)
	if err != nil {
		return err
	}
	for _, o := range others {
		if o.SamePerson(l) && o.Partner == l.Partner && o.Ended.IsZero() {
			return nil // counted already
		}
	}
	return g.Admits(linked)
}
