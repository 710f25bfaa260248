package server

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/ohttp"
	"github.com/amanah-project/amanah/verify"
)

// How long service keys are used and accepted.
const (
	ohttpLife   = 24 * time.Hour      // a configuration is handed out so long
	ohttpAccept = 72 * time.Hour      // and its key accepted so long
	signLife    = 90 * 24 * time.Hour // tickets' and codes' keys sign so long
	signAccept  = 3 * 365 * 24 * time.Hour
	tokenLife   = 30 * 24 * time.Hour // a token key seals so long
	tokenAccept = 150 * 24 * time.Hour
)

// service are the keys that the server holds.
type service struct {
	mu   sync.Mutex
	keys stored
}

// stored is the file of service keys, wrapped whole by the root.
type stored struct {
	OHTTP  []storedKey
	Ticket []storedKey
	Venue  []storedKey
	Card   []storedKey
	Token  []storedKey
	Next   uint32 // number of the next token key; its low byte numbers OHTTP keys
}

type storedKey struct {
	ID                  uint32
	KEM                 uint16
	Key                 []byte
	Made, Until, Accept time.Time
}

// openFixed reads or makes the keys that do not rotate here: index, epoch, log and
// pin.
func (k *Keeper) openFixed() error {
	fixed := map[string][]byte{}
	names := []string{"index", "epoch", "log", "pin"}
	raw, err := durable.ReadFile(k.disk, "fixed")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := durable.ReadFile(k.disk, "mark"); !errors.Is(err, fs.ErrNotExist) {
			return ErrRootFile
		}
		for _, n := range append(names, traceKeys...) {
			fixed[n] = make([]byte, 32)
			rand.Read(fixed[n])
		}
		if err := k.storeWrapped("fixed", fixed); err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		if err := k.loadWrapped("fixed", raw, &fixed); err != nil {
			return err
		}
	}
	for _, n := range names {
		if len(fixed[n]) != 32 {
			return ErrRootFile
		}
	}
	k.index = fixed["index"]
	if k.ledger.key, err = hkdf.Expand(sha256.New, k.index, "amanah ledger key v1", 32); err != nil {
		return err
	}
	k.marks.keys(fixed)
	k.logKey, k.pinKey = ed25519.NewKeyFromSeed(fixed["log"]), ed25519.NewKeyFromSeed(fixed["pin"])
	k.epoch, err = newAEAD(fixed["epoch"])
	return err
}

func (k *Keeper) storeWrapped(name string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	sealed, err := k.root.Wrap(name, raw)
	if err != nil {
		return err
	}
	return durable.WriteFile(k.disk, name, sealed)
}

func (k *Keeper) loadWrapped(name string, sealed []byte, v any) error {
	raw, err := k.root.Unwrap(name, sealed)
	if err != nil {
		return ErrRootFile
	}
	return json.Unmarshal(raw, v)
}

func (s *service) load(k *Keeper) error {
	raw, err := durable.ReadFile(k.disk, "service")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return k.loadWrapped("service", raw, &s.keys)
}

// rotate makes the keys whose successors are due and drops those nobody accepts.
// Nothing is used before it is on disk.
func (s *service) rotate(k *Keeper, now time.Time) error {
	changed, made := false, s.keys
	due := func(keys []storedKey) bool {
		// A successor comes when half of the newest one's time is over.
		return len(keys) == 0 || now.After(keys[0].Made.Add(keys[0].Until.Sub(keys[0].Made)/2))
	}
	fresh := func(key []byte, id uint32, kem uint16, life, accept time.Duration) storedKey {
		changed = true
		return storedKey{id, kem, key, now, now.Add(life), now.Add(accept)}
	}
	if due(made.OHTTP) {
		for _, kem := range []ohttp.KEM{ohttp.P256, ohttp.X25519} {
			made.Next++
			p, err := ohttp.GenerateKey(ohttp.KeyID(made.Next), kem)
			if err != nil {
				return err
			}
			b, err := p.Bytes()
			if err != nil {
				return err
			}
			made.OHTTP = append([]storedKey{fresh(b, made.Next, uint16(kem), ohttpLife, ohttpAccept)}, made.OHTTP...)
		}
	}
	for _, set := range []struct {
		keys         *[]storedKey
		life, accept time.Duration
	}{
		{&made.Ticket, signLife, signAccept}, {&made.Venue, signLife, signAccept}, {&made.Card, signLife, signAccept},
		{&made.Token, tokenLife, tokenAccept},
	} {
		if due(*set.keys) {
			key := make([]byte, 32)
			rand.Read(key)
			made.Next++
			*set.keys = append([]storedKey{fresh(key, made.Next, 0, set.life, set.accept)}, *set.keys...)
		}
	}
	for _, keys := range []*[]storedKey{&made.OHTTP, &made.Ticket, &made.Venue, &made.Card, &made.Token} {
		for n := len(*keys); n > 0 && now.After((*keys)[n-1].Accept); n = len(*keys) {
			*keys, changed = (*keys)[:n-1], true
		}
	}
	if !changed {
		return nil
	}
	if _, _, err := k.journal.Append(recService, nil); err != nil {
		return err
	}
	if err := k.storeWrapped("service", made); err != nil {
		return err
	}
	s.keys = made
	return nil
}

// ServiceKeys returns the keys that the server holds, rotated when due.
func (k *Keeper) ServiceKeys() (keeper.ServiceKeys, error) {
	s := &k.service
	s.mu.Lock()
	defer s.mu.Unlock()
	now := k.now().Truncate(time.Second)
	if err := s.rotate(k, now); err != nil {
		return keeper.ServiceKeys{}, err
	}
	out := keeper.ServiceKeys{Pin: [32]byte(k.pinKey.Public().(ed25519.PublicKey)), Log: [32]byte(k.logKey.Public().(ed25519.PublicKey)), Run: k.once.run, Ledger: k.ledger.key}
	for _, o := range s.keys.OHTTP {
		out.OHTTP = append(out.OHTTP, keeper.OHTTPKey{KeyID: uint8(o.ID), KEM: o.KEM, Private: o.Key, NotBefore: o.Made, NotAfter: o.Accept})
	}
	out.Ticket, out.Venue, out.Card = signKeys(s.keys.Ticket), signKeys(s.keys.Venue), signKeys(s.keys.Card)
	for _, t := range s.keys.Token {
		out.Token = append(out.Token, keeper.TokenKey{ID: t.ID, Key: t.Key, NotBefore: t.Made.Add(-behind), NotAfter: t.Accept})
	}
	var err error
	if out.Config, err = k.signConfig(s.keys.OHTTP[:2], now); err != nil {
		return out, err
	}
	out.Published, err = k.publish(out, now)
	return out, err
}

// behind is how much a server's clock may be behind the keeper's: a server that is
// given a new key must be able to use it, or it has none at the first start.
const behind = 5 * time.Minute

func signKeys(made []storedKey) []keeper.SignKey {
	var out []keeper.SignKey
	for _, m := range made {
		out = append(out, keeper.SignKey{Seed: m.Key, NotBefore: m.Made.Add(-behind), NotAfter: m.Accept})
	}
	return out
}

// Attest signs a digest for an operator, after the journal names it.
func (k *Keeper) Attest(role keeper.Role, digest [32]byte) (c partner.Countersignature, err error) {
	if role != keeper.RoleAdmin {
		return c, keeper.ErrRole
	}
	c.At = k.now().Truncate(time.Millisecond)
	if c.Seq, _, err = k.journal.Append(recAttest, digest[:]); err == nil {
		c.Sign(k.logKey, digest)
	}
	return c, err
}

// signConfig signs the newest key configurations, X25519 first.
func (k *Keeper) signConfig(newest []storedKey, now time.Time) ([]byte, error) {
	var configs []ohttp.Config
	for _, o := range newest {
		p, err := ohttp.NewPrivateKey(ohttp.KeyID(o.ID), ohttp.KEM(o.KEM), o.Key)
		if err != nil {
			return nil, err
		}
		configs = append(configs, p.Config())
	}
	raw, err := ohttp.AppendConfigs(nil, configs...)
	if err != nil {
		return nil, err
	}
	return ohttp.SignConfigs(k.pinKey, raw, newest[0].Made.Add(-time.Hour), now.Add(ohttpLife))
}

// publish signs the public halves of the ticket and code keys.
func (k *Keeper) publish(s keeper.ServiceKeys, now time.Time) ([]byte, error) {
	public := func(keys []keeper.SignKey) []verify.Key {
		var out []verify.Key
		for _, key := range keys {
			out = append(out, verify.NewKey(ed25519.NewKeyFromSeed(key.Seed).Public().(ed25519.PublicKey), key.NotBefore.Add(-time.Hour), key.NotAfter))
		}
		return out
	}
	venues, err := verify.NewKeys(verify.ForVenues, public(s.Venue)...)
	if err != nil {
		return nil, err
	}
	tickets, err := verify.NewKeys(verify.ForTickets, public(s.Ticket)...)
	if err != nil {
		return nil, err
	}
	return verify.Published{Venues: venues, Tickets: tickets}.Sign(k.pinKey, now.Add(-time.Hour), now.Add(ohttpLife))
}
