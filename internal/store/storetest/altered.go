package storetest

import (
	"context"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
)

// Altered is a database in which somebody changed a link, until it is put back: what the
// stores over a ledger say of it is what this says.
type Altered struct {
	store.DB
	Link identity.LinkID // zero: put back
}

type alteredLinks struct {
	identity.LinkStore
	of *Altered
}

// Get implements identity.LinkStore.
func (l alteredLinks) Get(ids []identity.LinkID) ([]identity.Link, error) {
	out, err := l.LinkStore.Get(ids)
	for i := range out {
		if l.of.Link != (identity.LinkID{}) && ids[i] == l.of.Link {
			out[i] = identity.Link{Altered: true}
		}
	}
	return out, err
}

func (a *Altered) over(fn func(store.Stores) error) func(store.Stores) error {
	return func(s store.Stores) error {
		s.Links = alteredLinks{s.Links, a}
		return fn(s)
	}
}

// View implements store.DB.
func (a *Altered) View(ctx context.Context, fn func(store.Stores) error) error {
	return a.DB.View(ctx, a.over(fn))
}

// Update implements store.DB.
func (a *Altered) Update(ctx context.Context, fn func(store.Stores) error) error {
	return a.DB.Update(ctx, a.over(fn))
}

// Bulk implements store.DB.
func (a *Altered) Bulk(ctx context.Context, fn func(store.Stores) error) error {
	return a.DB.Bulk(ctx, a.over(fn))
}
