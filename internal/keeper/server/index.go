package server

import (
	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/seal"
)

// Index computes blind-index tags. The server's own look-ups are metered, so that
// whoever takes it over cannot enumerate the country.
func (k *Keeper) Index(role keeper.Role, kind keeper.Kind, values [][]byte) ([]identity.Tag, error) {
	if len(values) > keeper.MaxBulk {
		return nil, keeper.ErrTooMany
	}
	if kind < keeper.KindNIK || kind > keeper.KindBlob {
		return nil, keeper.ErrRole
	}
	if role != keeper.RoleAdmin && !k.mayIndex(kind, len(values)) {
		k.refused.Add(1)
		return nil, keeper.ErrBudget
	}
	out := make([]identity.Tag, len(values))
	for i, v := range values {
		out[i] = identity.Tag(seal.MAC(k.index, append([]byte{byte(kind)}, v...)))
	}
	return out, nil
}

func (k *Keeper) mayIndex(kind keeper.Kind, n int) bool {
	switch kind {
	case keeper.KindSource:
		return k.sources.Take(k.now(), n)
	case keeper.KindBlob:
		k.blobs.Add(uint64(n)) // who can name the content has it
		return true
	}
	return k.meter.Take(k.now(), n)
}

// registerFor makes n new people. The server itself may make a few, for records that match
// nobody and wait.
func (k *Keeper) registerFor(role keeper.Role, n int) ([]keeper.Registered, error) {
	if role != keeper.RoleAdmin && !k.numbers.Take(k.now(), n) {
		k.refused.Add(1)
		return nil, keeper.ErrBudget
	}
	return k.people.Register(n)
}

// Pseudonyms names a person on each day; zero for a day without a key.
func (k *Keeper) Pseudonyms(who identity.PersonID, days []day.Day) ([]venue.Pseudonym, error) {
	if k.people.Erased(who) {
		return nil, keeper.ErrErased
	}
	return k.days.Pseudonyms(who, days)
}

// WriteRecords begins writes of health records and gives the keys of their versions.
func (k *Keeper) WriteRecords(enters []keeper.Enter) ([]keeper.Entered, error) {
	out, wait, err := k.people.Enter(enters)
	if err != nil {
		return nil, err
	}
	k.Know(enters, out) // while the journal is written
	if err := wait(); err != nil {
		return nil, err
	}
	return out, nil
}
