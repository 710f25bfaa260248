package consent

import (
	"context"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/vault"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// ErrOpen is returned when a person's stored record does not open.
var ErrOpen = fault.New(fault.Unavailable, "the person's record cannot be opened now: see the keeper's and the server's log")

// file is what is stored about one person, and what of it was opened.
type file struct {
	id      identity.PersonID
	stored  identity.Stored
	have    []keeper.Version
	binding identity.StoredBinding
	person  identity.Person
	key     keeper.Secret // of the person's attributes
}

// load reads people's sealed rows; nobody's are empty.
func load(ctx context.Context, db store.DB, ids []identity.PersonID) ([]file, error) {
	files := make([]file, len(ids))
	err := db.View(ctx, func(s store.Stores) error {
		people, err := s.People.Get(ids)
		if err != nil {
			return err
		}
		evidence, err := s.Status.Evidence(ids)
		if err != nil {
			return err
		}
		for i, id := range ids {
			b, err := s.Bindings.Get(id)
			if err != nil {
				return err
			}
			files[i] = file{id: id, stored: people[i], binding: b}
			files[i].have = []keeper.Version{{Record: keeper.RecordPerson, Version: people[i].Version}}
			if v := evidence[i].Version; v > 0 {
				files[i].have = append(files[i].have, keeper.Version{Record: keeper.RecordEvidence, Version: v})
			}
		}
		return nil
	})
	return files, err
}

// openFiles reads and opens people's attributes under one intent.
func openFiles(ctx context.Context, db store.DB, k Keeper, i keeper.Intent, ids []identity.PersonID) ([]file, error) {
	files, err := load(ctx, db, ids)
	if err != nil {
		return nil, err
	}
	reads := make([]keeper.Read, len(files))
	for n, f := range files {
		reads[n] = keeper.Read{Person: f.id, Have: f.have, Want: f.have[:1]}
	}
	_, opened, err := k.Read(ctx, i, reads)
	if err != nil {
		return nil, err
	}
	if len(opened) != len(files) {
		return nil, keeper.ErrUnavailable
	}
	for n := range files {
		if err := files[n].open(opened[n]); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func (f *file) open(o keeper.Opened) error {
	if o.Err != nil || len(o.Keys) != 1 {
		return ErrOpen
	}
	f.key = o.Keys[0]
	raw, err := vault.OpenRecord(f.key, f.place(vault.People), f.stored.Sealed)
	if err != nil {
		return ErrOpen
	}
	if f.person, err = identity.OpenPerson(raw); err != nil {
		return ErrOpen
	}
	return nil
}

func (f *file) place(t vault.Table) vault.Binding {
	return vault.Binding{Table: t, Person: f.id, Record: uint64(keeper.RecordPerson), Version: f.stored.Version}
}

// number opens the number that a code may go to now: the one bound, or else the
// registry's. The zero Phone when there is none, or it may not be used yet.
func (f *file) number(now time.Time) (identity.Phone, error) {
	if f.binding.Phone == (identity.Tag{}) {
		return f.person.Phone, nil
	}
	n, err := f.unseal(f.binding.Bound)
	if err != nil || now.Before(n.From) {
		return identity.Phone{}, err
	}
	return n.Phone, nil
}

// unseal opens a number that seal sealed.
func (f *file) unseal(sealed []byte) (identity.Number, error) {
	if f.binding.Version != f.stored.Version {
		return identity.Number{}, ErrOpen // under a key of before
	}
	raw, err := vault.OpenRecord(f.key, f.place(vault.Bindings), sealed)
	if err != nil {
		return identity.Number{}, ErrOpen
	}
	return identity.OpenNumber(raw)
}

func (f *file) seal(n identity.Number) ([]byte, error) {
	raw, err := n.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	return vault.SealRecord(f.key, f.place(vault.Bindings), raw)
}
