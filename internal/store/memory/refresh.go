package memory

import (
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
)

type refresh struct{ *tx }

func (t refresh) Generation(id identity.LinkID) (identity.Generation, error) {
	g, _ := t.refreshed.get(id16(id))
	return g, t.err
}

func (t refresh) Advance(id identity.LinkID, to identity.Generation) error {
	if err := t.write(); err != nil {
		return err
	}
	if to == 0 {
		return t.fail(store.ErrConstraint)
	}
	if stored, _ := t.refreshed.get(id16(id)); stored != to-1 {
		return identity.ErrGeneration
	}
	t.refreshed.put(id16(id), to)
	return nil
}
