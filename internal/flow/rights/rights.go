// Package rights is the flow by which people see and remove what may ask for
// their colour, from any device of theirs, and contest what they were told.
//
// A person is found by the link that asks: its subject is the keeper's tag of the
// person, and every other link of theirs carries the same one. So no identifier is
// looked up, and the keeper is asked nothing. What a person contests is sealed to them
// by the keeper, and opened for them or for the desk that answers.
package rights

import (
	"context"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
)

// ErrNoLink is returned for a link that is not one of the person's, whether it is
// somebody else's or nobody's.
var ErrNoLink = fault.New(fault.NotFound, "you have no such link")

// PageSize is the number of links of one page, so that a page fits an answer.
const PageSize = 6

// Flow shows and removes links.
type Flow struct {
	DB  store.DB
	Now func() time.Time
}

// Page is a part of a person's links, newest first.
type Page struct {
	Links []Linked
	More  bool
}

// Linked is one link as its person sees it.
type Linked struct {
	Link    identity.Link
	Partner string // name; empty for a partner that is not on record
	This    bool   // the link that asks
}

// Links returns the page-th part, from 0, of the live links of the person for whom
// a link asks; identity.ErrNoLink unless that link lives.
func (f *Flow) Links(ctx context.Context, asks identity.LinkID, page int) (Page, error) {
	var out Page
	err := f.DB.View(ctx, func(s store.Stores) error {
		own, _, err := f.pair(s, asks, asks)
		if err != nil {
			return err
		}
		live, err := f.live(s, own)
		if err != nil {
			return err
		}
		names, err := names(s)
		if err != nil {
			return err
		}
		from, to := min(page*PageSize, len(live)), min((page+1)*PageSize, len(live))
		out = Page{More: to < len(live)}
		for _, l := range live[from:to] {
			out.Links = append(out.Links, Linked{Link: l, Partner: names[l.Partner], This: l.ID == asks})
		}
		return nil
	})
	return out, err
}

// Unlink ends one of the links of the person for whom a link asks, that one
// included. A link that ended already stays as it ended, without an error.
// identity.ErrNoLink unless the link that asks lives; ErrNoLink for one that is not
// the person's.
func (f *Flow) Unlink(ctx context.Context, asks, id identity.LinkID) error {
	return f.DB.Update(ctx, func(s store.Stores) error {
		own, l, err := f.pair(s, asks, id)
		if err != nil {
			return err
		}
		if !own.SamePerson(l) {
			return ErrNoLink
		}
		if !l.Ended.IsZero() {
			return nil
		}
		l.Ended = f.Now().Truncate(time.Second)
		return s.Links.Put(l)
	})
}

// pair reads the link that asks, which must live, and another one.
func (f *Flow) pair(s store.Stores, asks, id identity.LinkID) (own, other identity.Link, err error) {
	found, err := s.Links.Get([]identity.LinkID{asks, id})
	if err != nil {
		return own, other, err
	}
	if found[0].Altered || found[1].Altered {
		return own, other, store.ErrAltered // it lives when it is put back
	}
	if !found[0].Live() {
		return own, other, identity.ErrNoLink
	}
	return found[0], found[1], nil
}

// live returns the person's links that live, newest first, so that one which the
// person did not make is seen at once.
func (f *Flow) live(s store.Stores, own identity.Link) ([]identity.Link, error) {
	all, err := s.Links.Of(own.Subject)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(l identity.Link) bool { return !l.Live() || !own.SamePerson(l) })
	slices.Reverse(all)
	return all, nil
}

func names(s store.Stores) (map[partner.ID]string, error) {
	all, err := s.Partners.All()
	if err != nil {
		return nil, err
	}
	out := make(map[partner.ID]string, len(all))
	for _, p := range all {
		out[p.ID] = p.Name
	}
	return out, nil
}
