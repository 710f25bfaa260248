package app

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/web/api"
	"github.com/amanah-project/amanah/internal/web/token"
	"github.com/amanah-project/amanah/ohttp"
	"github.com/amanah-project/amanah/verify"
)

// ring holds the service keys as the keeper last gave them. It is renewed while
// the server runs; readers see one whole set or the next.
type ring struct {
	set atomic.Pointer[keySet]
}

type keySet struct {
	tokens    *token.Sealer
	tickets   signer
	venues    signer
	cards     signer
	cardKeys  verify.Keys
	passKeys  verify.Keys // public halves of tickets, by which reported passes are verified
	published []byte      // public halves of both, signed by the pin
	config    []byte      // signed key configurations
	pin       ed25519.PublicKey
	log       ed25519.PublicKey
	ledger    []byte // key of the database's ledger of rows
}

// signer signs tickets and venue codes with the key in force.
type signer struct {
	host string
	keys []signKey
	now  func() time.Time
}

type signKey struct {
	private     ed25519.PrivateKey
	from, until time.Time
}

func newSigner(host string, keys []keeper.SignKey, now func() time.Time) signer {
	s := signer{host: host, now: now}
	for _, k := range keys {
		// Made once: from the seed it costs as much as a signature.
		s.keys = append(s.keys, signKey{ed25519.NewKeyFromSeed(k.Seed), k.NotBefore, k.NotAfter})
	}
	return s
}

func (s signer) key() (ed25519.PrivateKey, error) {
	now := s.now()
	for _, k := range s.keys {
		if !now.Before(k.from) && now.Before(k.until) {
			return k.private, nil
		}
	}
	return nil, fmt.Errorf("no signing key is in its window: %w", keeper.ErrUnavailable)
}

// Sign implements api.TicketSigner.
func (s signer) Sign(t verify.Ticket) ([]byte, error) {
	k, err := s.key()
	if err != nil {
		return nil, err
	}
	return verify.SignTicket(k, t)
}

// Pass implements api.TicketSigner.
func (s signer) Pass(p verify.Pass) ([]byte, error) {
	k, err := s.key()
	if err != nil {
		return nil, err
	}
	return verify.SignPass(k, p)
}

// Code returns the URL of a venue code.
func (s signer) Code(c verify.VenueCode) (string, error) {
	k, err := s.key()
	if err != nil {
		return "", err
	}
	return verify.SignVenueCode(k, s.host, c)
}

// Card returns the text of a card's code.
func (s signer) Card(c verify.Card) (string, error) {
	k, err := s.key()
	if err != nil {
		return "", err
	}
	return verify.SignCard(k, c)
}

// cardKeys are the public halves of the keys that sign cards.
func cardKeys(keys []keeper.SignKey) (verify.Keys, error) {
	var public []verify.Key
	for _, k := range keys {
		// Like the published ones: a server whose clock trails the keeper's signs too.
		public = append(public, verify.NewKey(ed25519.NewKeyFromSeed(k.Seed).Public().(ed25519.PublicKey), k.NotBefore.Add(-time.Hour), k.NotAfter))
	}
	return verify.NewKeys(verify.ForCards, public...)
}

// source gives the service keys: the keeper's client.
type source interface {
	ServiceKeys(ctx context.Context) (keeper.ServiceKeys, error)
}

// renew asks the keeper for the keys and hands them to whoever uses them.
func (r *ring) renew(ctx context.Context, from source, host string, gw *ohttp.Gateway, codes *api.Codes, now func() time.Time) error {
	k, err := from.ServiceKeys(ctx)
	if err != nil {
		return err
	}
	set := &keySet{
		tickets: newSigner(host, k.Ticket, now), venues: newSigner(host, k.Venue, now), cards: newSigner(host, k.Card, now),
		config: k.Config, pin: k.Pin[:], log: k.Log[:], ledger: k.Ledger,
	}
	if set.tokens, err = token.New(k.Token); err != nil {
		return err
	}
	if set.cardKeys, err = cardKeys(k.Card); err != nil {
		return err
	}
	set.published = k.Published
	public, err := verify.OpenPublished(k.Published, now(), set.pin)
	if err != nil {
		return err
	}
	private := make([]*ohttp.PrivateKey, 0, len(k.OHTTP))
	for _, o := range k.OHTTP {
		p, err := ohttp.NewPrivateKey(ohttp.KeyID(o.KeyID), ohttp.KEM(o.KEM), o.Private)
		if err != nil {
			return err
		}
		private = append(private, p)
	}
	if gw != nil {
		if err := gw.SetKeys(private...); err != nil {
			return err
		}
	}
	if codes != nil {
		codes.Renew(public.Venues)
	}
	set.passKeys = public.Tickets
	r.set.Store(set)
	return nil
}

func (r *ring) tokens() *token.Sealer { return r.set.Load().tokens }

// logKey is the public key of what the keeper signs, or nil before it was asked.
func (r *ring) logKey() ed25519.PublicKey {
	if set := r.set.Load(); set != nil {
		return set.log
	}
	return nil
}

// Fingerprint shows a public key for comparing by eye.
func Fingerprint(pin ed25519.PublicKey) string { return hex.EncodeToString(pin) }
