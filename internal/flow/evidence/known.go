package evidence

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/vault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Reader opens what is sealed to people, by an intent that is in the keeper's journal first.
type Reader interface {
	Read(ctx context.Context, i keeper.Intent, r []keeper.Read) (keeper.Receipt, []keeper.Opened, error)
}

// Known opens who some people are, at most keeper.MaxBatch of them, by an intent that says
// who asks and what for. Whoever is erased or not registered is left out; stuck is how many
// rows are not the keeper's newest, or do not open.
func Known(ctx context.Context, db store.DB, k Reader, i keeper.Intent, ids []identity.PersonID) (known map[identity.PersonID]identity.Person, stuck int, err error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	var reads []keeper.Read
	var people []identity.Stored
	err = db.View(ctx, func(s store.Stores) error {
		reads, people = nil, nil
		all, err := s.People.Get(ids)
		if err != nil {
			return err
		}
		evidence, err := s.Status.Evidence(ids)
		if err != nil {
			return err
		}
		for i, p := range all {
			if p.ID == 0 {
				continue
			}
			have := []keeper.Version{{Record: keeper.RecordPerson, Version: p.Version}}
			if v := evidence[i].Version; v > 0 {
				have = append(have, keeper.Version{Record: keeper.RecordEvidence, Version: v})
			}
			people = append(people, p)
			reads = append(reads, keeper.Read{Person: p.ID, Have: have, Want: have[:1]})
		}
		return nil
	})
	known = map[identity.PersonID]identity.Person{}
	if err != nil || len(reads) == 0 {
		return known, 0, err
	}
	rand.Read(i.ID[:])
	_, opened, err := k.Read(ctx, i, reads)
	if err != nil {
		return nil, 0, err
	}
	if len(opened) != len(reads) {
		return nil, 0, keeper.ErrUnavailable
	}
	for n, o := range opened {
		switch {
		case errors.Is(o.Err, keeper.ErrErased):
			continue
		case errors.Is(o.Err, keeper.ErrHead):
			stuck++
			continue
		case o.Err != nil:
			return nil, 0, o.Err
		}
		one, err := whole(people[n], o.Keys[0])
		if err != nil {
			stuck++
			continue
		}
		known[people[n].ID] = one
	}
	return known, stuck, nil
}

func whole(p identity.Stored, key []byte) (identity.Person, error) {
	plain, err := vault.OpenRecord(key, vault.Binding{Table: vault.People, Person: p.ID, Record: uint64(keeper.RecordPerson), Version: p.Version}, p.Sealed)
	if err != nil {
		return identity.Person{}, err
	}
	return identity.OpenPerson(plain)
}
