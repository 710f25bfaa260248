// Package lent holds the keys that the server is lent, which open or sign nothing about
// health: of encapsulation, of tickets, codes and cards, of tokens. They rotate here.
package lent

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
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

// Config is what Lent needs of the keeper.
type Config struct {
	Now     func() time.Time
	Journal *journal.Journal
	File    interface { // of keys; the root wraps it
		Load(v any) error // fs.ErrNotExist when there is none
		Store(v any) error
	}
	Pin    ed25519.PrivateKey // signs configurations and what is published
	Log    ed25519.PublicKey
	Run    keeper.Run
	Ledger []byte // the key of the database's ledger
}

// Lent are the keys that the server holds.
type Lent struct {
	opt  Config
	mu   sync.Mutex
	keys stored
}

// Open reads the keys.
func Open(c Config) (*Lent, error) {
	s := &Lent{opt: c}
	if err := c.File.Load(&s.keys); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return s, nil
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

// rotate makes the keys whose successors are due and drops those nobody accepts.
// Nothing is used before it is on disk.
func (s *Lent) rotate(now time.Time) error {
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
	if _, _, err := s.opt.Journal.Append(journal.KindService, nil); err != nil {
		return err
	}
	if err := s.opt.File.Store(made); err != nil {
		return err
	}
	s.keys = made
	return nil
}

// ServiceKeys returns the keys that the server holds, rotated when due.
func (s *Lent) ServiceKeys() (keeper.ServiceKeys, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now().Truncate(time.Second)
	if err := s.rotate(now); err != nil {
		return keeper.ServiceKeys{}, err
	}
	out := keeper.ServiceKeys{Pin: [32]byte(s.opt.Pin.Public().(ed25519.PublicKey)), Log: [32]byte(s.opt.Log), Run: s.opt.Run, Ledger: s.opt.Ledger}
	for _, o := range s.keys.OHTTP {
		out.OHTTP = append(out.OHTTP, keeper.OHTTPKey{KeyID: uint8(o.ID), KEM: o.KEM, Private: o.Key, NotBefore: o.Made, NotAfter: o.Accept})
	}
	out.Ticket, out.Venue, out.Card = signKeys(s.keys.Ticket), signKeys(s.keys.Venue), signKeys(s.keys.Card)
	for _, t := range s.keys.Token {
		out.Token = append(out.Token, keeper.TokenKey{ID: t.ID, Key: t.Key, NotBefore: t.Made.Add(-behind), NotAfter: t.Accept})
	}
	var err error
	if out.Config, err = s.signConfig(s.keys.OHTTP[:2], now); err != nil {
		return out, err
	}
	out.Published, err = s.publish(out, now)
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

// signConfig signs the newest key configurations, X25519 first.
func (s *Lent) signConfig(newest []storedKey, now time.Time) ([]byte, error) {
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
	return ohttp.SignConfigs(s.opt.Pin, raw, newest[0].Made.Add(-time.Hour), now.Add(ohttpLife))
}

// publish signs the public halves of the ticket and code keys.
func (s *Lent) publish(keys keeper.ServiceKeys, now time.Time) ([]byte, error) {
	public := func(keys []keeper.SignKey) []verify.Key {
		var out []verify.Key
		for _, key := range keys {
			out = append(out, verify.NewKey(ed25519.NewKeyFromSeed(key.Seed).Public().(ed25519.PublicKey), key.NotBefore.Add(-time.Hour), key.NotAfter))
		}
		return out
	}
	venues, err := verify.NewKeys(verify.ForVenues, public(keys.Venue)...)
	if err != nil {
		return nil, err
	}
	tickets, err := verify.NewKeys(verify.ForTickets, public(keys.Ticket)...)
	if err != nil {
		return nil, err
	}
	return verify.Published{Venues: venues, Tickets: tickets}.Sign(s.opt.Pin, now.Add(-time.Hour), now.Add(ohttpLife))
}
