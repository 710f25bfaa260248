package api

import (
	"encoding/base64"
	"time"

	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/web/token"
	"github.com/amanah-project/amanah/verify"
)

// party checks the nonce and the party of an ask that names a visit.
func (d *Device) party(with []string, a *gate.Ask, now time.Time) error {
	if err := a.Nonce.Check(now); err != nil {
		return err
	}
	if err := venue.CheckParty(a.Party); err != nil {
		return err
	}
	return d.members(with, a, now)
}

func readNonce(s string) (n venue.Nonce, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(raw) != len(n) {
		return n, ErrNonce
	}
	return venue.Nonce(raw), nil
}

// members opens the tokens of the party's other linked members: they must be of
// this partner and bound to this device.
func (d *Device) members(tokens []string, a *gate.Ask, now time.Time) error {
	if len(tokens) > gate.MaxMembers || len(tokens) >= a.Party && len(tokens) > 0 {
		return gate.ErrMembers
	}
	for _, sealed := range tokens {
		c, err := d.Tokens().Open(sealed, token.ScopeColour, now)
		if err != nil {
			return err
		}
		if c.Partner != a.Partner || c.Key != a.Device || c.Person == a.Person {
			return token.ErrToken
		}
		a.With = append(a.With, gate.Member{Link: c.Link, Person: c.Person})
	}
	return nil
}

func readHolder(s string) (verify.PublicKey, error) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return verify.PublicKey{}, ErrHolder
	}
	alg := verify.Ed25519
	if len(raw) == 33 {
		alg = verify.P256
	}
	k, err := verify.ParsePublicKey(alg, raw)
	if err != nil {
		return verify.PublicKey{}, ErrHolder
	}
	return k, nil
}
