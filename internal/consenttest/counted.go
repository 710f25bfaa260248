package consenttest

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/flow/evidence"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Counts says how often what was called.
type Counts struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *Counts) add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[what]++
}

// Take returns the counts and begins anew.
func (c *Counts) Take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.n
	c.n = map[string]int{}
	return out
}

// Of returns one count.
func (c *Counts) Of(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[what]
}

// Differ describes the first difference of two counts, or returns "".
func Differ(a, b map[string]int) string {
	if maps.Equal(a, b) {
		return ""
	}
	for what, n := range a {
		if b[what] != n {
			return fmt.Sprintf("%s: %d and %d times", what, n, b[what])
		}
	}
	return "the second called more"
}

// evidenceKeeper is the whole client, for imports.
type evidenceKeeper = evidence.Keeper

type countedKeeper struct {
	evidenceKeeper
	counts *Counts
}

func (k *countedKeeper) Index(ctx context.Context, kind keeper.Kind, values [][]byte) ([]identity.Tag, error) {
	k.counts.add(fmt.Sprintf("keeper index %d of %d", kind, len(values)))
	return k.evidenceKeeper.Index(ctx, kind, values)
}

func (k *countedKeeper) Read(ctx context.Context, i keeper.Intent, r []keeper.Read) (keeper.Receipt, []keeper.Opened, error) {
	receipt, out, err := k.evidenceKeeper.Read(ctx, i, r)
	k.counts.add(fmt.Sprintf("keeper read %s of %d", i.Purpose, len(r))) // once it is done
	return receipt, out, err
}

type countedDB struct {
	store.DB
	counts *Counts
}

func (d *countedDB) View(ctx context.Context, fn func(store.Stores) error) error {
	d.counts.add("view")
	return d.DB.View(ctx, func(s store.Stores) error { return fn(d.stores(s)) })
}

func (d *countedDB) Update(ctx context.Context, fn func(store.Stores) error) error {
	d.counts.add("update")
	return d.DB.Update(ctx, func(s store.Stores) error { return fn(d.stores(s)) })
}

func (d *countedDB) stores(s store.Stores) store.Stores {
	s.People = people{s.People, d.counts}
	s.Bindings = bindings{s.Bindings, d.counts}
	s.Guesses = guesses{s.Guesses, d.counts}
	s.Authorizations = authorizations{s.Authorizations, d.counts}
	s.Status = colours{s.Status, d.counts}
	return s
}

type people struct {
	identity.Store
	counts *Counts
}

func (s people) ByNIK(tags []identity.Tag) ([]identity.PersonID, error) {
	s.counts.add("people by NIK")
	return s.Store.ByNIK(tags)
}

func (s people) Get(ids []identity.PersonID) ([]identity.Stored, error) {
	s.counts.add("people get")
	return s.Store.Get(ids)
}

type bindings struct {
	identity.BindingStore
	counts *Counts
}

func (s bindings) Get(who identity.PersonID) (identity.StoredBinding, error) {
	s.counts.add("binding get")
	return s.BindingStore.Get(who)
}

func (s bindings) Claimants(phone identity.Tag) ([]identity.PersonID, error) {
	if phone != (identity.Tag{}) { // none is asked about in the zero tag
		s.counts.add("claimants")
	}
	return s.BindingStore.Claimants(phone)
}

func (s bindings) Put(b identity.StoredBinding) error {
	s.counts.add("binding put")
	return s.BindingStore.Put(b)
}

type guesses struct {
	identity.GuessStore
	counts *Counts
}

func (s guesses) Get(nik identity.Tag) (identity.Guesses, error) {
	s.counts.add("guesses get")
	return s.GuessStore.Get(nik)
}

func (s guesses) Put(nik identity.Tag, g identity.Guesses) error {
	s.counts.add("guesses put")
	return s.GuessStore.Put(nik, g)
}

type authorizations struct {
	identity.AuthorizationStore
	counts *Counts
}

func (s authorizations) Get(id identity.AuthorizationID) (identity.Authorization, error) {
	s.counts.add("authorization get")
	return s.AuthorizationStore.Get(id)
}

func (s authorizations) Put(a identity.Authorization) error {
	s.counts.add(fmt.Sprintf("authorization put of %d bytes", len(a.Sealed)))
	return s.AuthorizationStore.Put(a)
}

type colours struct {
	status.Store
	counts *Counts
}

func (s colours) Evidence(ids []identity.PersonID) ([]status.SealedEvidence, error) {
	s.counts.add("evidence get")
	return s.Store.Evidence(ids)
}
