package oauth

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/flow/link"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/token"
)

type granted struct {
	Access  string        `json:"access_token"`
	Type    string        `json:"token_type"`
	Expires int           `json:"expires_in"`
	Refresh string        `json:"refresh_token"`
	Scope   partner.Scope `json:"scope"`
	Sub     string        `json:"sub,omitempty"` // pairwise; with a code only
}

// token answers POST /oauth/token.
func (s *Server) token(ctx context.Context, c *call, form map[string]string) (granted, error) {
	who, by, err := s.admit(c, form)
	if err != nil {
		return granted{}, err
	}
	switch form["grant_type"] {
	case "authorization_code":
		return s.redeem(ctx, who, by, form)
	case "refresh_token":
		return s.renew(ctx, who, by, form)
	}
	return granted{}, ErrGrantType
}

func (s *Server) redeem(ctx context.Context, who client, by holder, form map[string]string) (granted, error) {
	if form["code"] == "" || form["redirect_uri"] == "" || form["code_verifier"] == "" {
		return granted{}, ErrMissing
	}
	g, err := s.Grants.Redeem(ctx, form["code"], identity.Exchange{
		Client: who.id, Device: by.key, Redirect: form["redirect_uri"], Verifier: form["code_verifier"],
	})
	if err != nil {
		return granted{}, err
	}
	out, err := s.issue(token.Refresh{
		Scope: g.Link.Scope, Partner: g.Link.Partner, Link: g.Link.ID, Person: g.Person, Key: g.Link.Device,
		Generation: 1, Until: g.Until,
	}, by)
	out.Sub = base64.RawURLEncoding.EncodeToString(g.Sub[:])
	return out, err
}

func (s *Server) renew(ctx context.Context, who client, by holder, form map[string]string) (granted, error) {
	if form["refresh_token"] == "" {
		return granted{}, ErrMissing
	}
	held, err := s.Tokens().OpenRefresh(form["refresh_token"], s.Now())
	if err != nil {
		return granted{}, err
	}
	scope := scopeOf(held.Scope)
	if held.Partner != who.partner || held.Key != by.key {
		return granted{}, token.ErrToken
	}
	if form["scope"] != "" && form["scope"] != string(scope) {
		return granted{}, ErrScope
	}
	if err := who.may(scope); err != nil {
		return granted{}, err
	}
	held.Generation, err = s.Grants.Renew(ctx, holding(held))
	if err != nil {
		return granted{}, err
	}
	return s.issue(held, by)
}

func holding(r token.Refresh) link.Held {
	return link.Held{Link: r.Link, Partner: r.Partner, Device: r.Key, Generation: r.Generation, Until: r.Until}
}

func scopeOf(s identity.LinkScope) partner.Scope {
	if s == identity.LinkDecision {
		return partner.ScopeDecision
	}
	return partner.ScopeColour
}

// issue seals both tokens of a link, bound to what its holder showed. Neither outlives
// a guardian's consent.
func (s *Server) issue(r token.Refresh, by holder) (granted, error) {
	now := s.Now()
	last := func(life time.Duration) time.Time {
		at := now.Add(life)
		if !r.Until.IsZero() && r.Until.Before(at) {
			at = r.Until
		}
		return at.Truncate(time.Second)
	}
	claims := token.Claims{
		Scope: token.ScopeColour, Partner: r.Partner, Link: r.Link, Person: r.Person, Key: r.Key, Expires: last(accessLife),
	}
	if r.Scope == identity.LinkDecision {
		claims.Scope = token.ScopeDecision
	}
	access, err := s.Tokens().Seal(claims, now)
	if err != nil {
		return granted{}, err
	}
	r.Expires = last(refreshLife)
	refresh, err := s.Tokens().SealRefresh(r, now)
	kind := "DPoP"
	if by.certified {
		kind = "Bearer" // as RFC 8705 §3 has it; of another certificate it is refused
	}
	return granted{
		Access: access, Type: kind, Expires: int(claims.Expires.Sub(now) / time.Second), Refresh: refresh, Scope: scopeOf(r.Scope),
	}, err
}

// revoke answers POST /oauth/revoke (RFC 7009). A token that is not the caller's is
// answered as one that is not there. A server authenticates; a device shows by its
// proof that the key is its own.
func (s *Server) revoke(ctx context.Context, c *call, form map[string]string) error {
	var proof dpop.Proof
	var err error
	if c.proof != "" || c.attestation != "" {
		if proof, err = s.proof(c); err != nil {
			return err
		}
	}
	who, err := s.authenticate(c, form, proof)
	if err != nil {
		return err
	}
	if proof != (dpop.Proof{}) {
		if err := s.Once.Use(proof, s.Now()); err != nil {
			return err
		}
	}
	if form["token"] == "" {
		return ErrMissing
	}
	held, ok := s.held(form["token"])
	if !ok || held.Partner != who.partner || who.device && held.Device != who.key {
		return nil
	}
	return s.Grants.Revoke(ctx, held)
}

// held reads a token of either kind.
func (s *Server) held(text string) (link.Held, bool) {
	now := s.Now()
	if r, err := s.Tokens().OpenRefresh(text, now); err == nil {
		return holding(r), true
	}
	for _, scope := range []token.Scope{token.ScopeColour, token.ScopeDecision} {
		if c, err := s.Tokens().Open(text, scope, now); err == nil {
			return link.Held{Link: c.Link, Partner: c.Partner, Device: c.Key}, true
		}
	}
	return link.Held{}, false
}
