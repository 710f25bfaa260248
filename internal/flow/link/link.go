// Package link is the flow by which a device comes to ask for a person's colour.
//
// Until people link their own devices by consent, an operator's command does it,
// through the keeper's admin socket; the person is found by the blind index of
// their NIK, which this flow never stores.
package link

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Errors of linking.
var (
	ErrNoPerson = fault.New(fault.NotFound, "nobody is registered under this NIK")
	ErrNoLink   = fault.New(fault.NotFound, "no such link")
)

// Keeper is what linking asks of the keeper.
type Keeper interface {
	Index(ctx context.Context, kind keeper.Kind, values [][]byte) ([]identity.Tag, error)
}

// Flow links devices to people.
type Flow struct {
	DB       store.DB
	Keeper   Keeper
	Now      func() time.Time
	Platform func() ed25519.PublicKey // the log key, by which agreements are countersigned
}

// Request asks for one link.
type Request struct {
	NIK     identity.NIK
	Partner partner.ID
	Device  identity.Thumbprint
}

// Create makes the links asked for, all or none, and returns each with its person.
func (f *Flow) Create(ctx context.Context, asked []Request) ([]identity.Link, []identity.PersonID, error) {
	people, err := f.find(ctx, asked)
	if err != nil {
		return nil, nil, err
	}
	subjects := make([][]byte, len(people))
	for i, p := range people {
		subjects[i] = binary.BigEndian.AppendUint64(nil, uint64(p))
	}
	tags, err := f.Keeper.Index(ctx, keeper.KindSubject, subjects)
	if err != nil {
		return nil, nil, err
	}
	links := make([]identity.Link, len(asked))
	now := f.Now()
	for i, r := range asked {
		links[i] = identity.Link{ID: newID(now), Partner: r.Partner, Subject: tags[i], Device: r.Device, Created: now.Truncate(time.Second)}
	}
	err = f.DB.Bulk(ctx, func(s store.Stores) error {
		return f.Put(s, links, people)
	})
	return links, people, err
}

func (f *Flow) find(ctx context.Context, asked []Request) ([]identity.PersonID, error) {
	niks := make([][]byte, len(asked))
	for i, r := range asked {
		niks[i] = []byte(r.NIK.Reveal())
	}
	tags, err := f.Keeper.Index(ctx, keeper.KindNIK, niks)
	if err != nil {
		return nil, err
	}
	var people []identity.PersonID
	err = f.DB.View(ctx, func(s store.Stores) (err error) {
		people, err = s.People.ByNIK(tags)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, p := range people {
		if p == 0 {
			return nil, ErrNoPerson
		}
	}
	return people, nil
}

// End ends a link; the next request over it is refused.
func (f *Flow) End(ctx context.Context, id identity.LinkID) error {
	return f.DB.Bulk(ctx, func(s store.Stores) error {
		l, err := one(s, id)
		if err != nil {
			return err
		}
		if l.ID != id {
			return ErrNoLink
		}
		if l.Ended.IsZero() {
			l.Ended = f.Now().Truncate(time.Second)
		}
		return s.Links.Put(l)
	})
}

// one reads a link, the zero one when there is none. One that somebody else changed is
// store.ErrAltered and not "none": who ends it must not believe that it was ended.
func one(s store.Stores, id identity.LinkID) (identity.Link, error) {
	found, err := s.Links.Get([]identity.LinkID{id})
	if err == nil && found[0].Altered {
		err = store.ErrAltered
	}
	if err != nil {
		return identity.Link{}, err
	}
	return found[0], nil
}

// newID makes an id that ascends with time: 48 bits of milliseconds, 80 random.
func newID(now time.Time) identity.LinkID {
	var id identity.LinkID
	rand.Read(id[:])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli()))
	copy(id[:6], ms[2:])
	return id
}
