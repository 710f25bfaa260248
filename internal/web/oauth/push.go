package oauth

import (
	"context"
	"encoding/base64"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
)

const (
	referencePrefix = "urn:ietf:params:oauth:request_uri:"
	maxState        = 512
)

type pushed struct {
	Reference string `json:"request_uri"`
	Expires   int    `json:"expires_in"`
}

// push answers POST /oauth/par (RFC 9126).
func (s *Server) push(ctx context.Context, c *call, form map[string]string) (pushed, error) {
	who, by, err := s.admit(c, form)
	if err != nil {
		return pushed{}, err
	}
	asked, err := who.asking(form, by)
	if err != nil {
		return pushed{}, err
	}
	id, err := s.Grants.Begin(ctx, who.partner, asked)
	if err != nil {
		return pushed{}, err
	}
	ref, err := s.Tokens().SealReference(id, s.Now())
	return pushed{referencePrefix + ref, int(identity.RequestLife / time.Second)}, err
}

// admit verifies what a call holds and whose it is. A proof is used up only when
// everything holds; a certificate is shown anew with each connection.
func (s *Server) admit(c *call, form map[string]string) (client, holder, error) {
	by, err := s.holder(c)
	if err != nil {
		return client{}, by, err
	}
	who, err := s.authenticate(c, form, by.proof)
	if err != nil || by.certified {
		return who, by, err
	}
	return who, by, s.Once.Use(by.proof, s.Now())
}

// asking reads what a client pushes. Parameters it does not know are passed over,
// as RFC 6749 §3.1 wants.
func (who client) asking(form map[string]string, by holder) (identity.Asking, error) {
	challenge, err := base64.RawURLEncoding.Strict().DecodeString(form["code_challenge"])
	switch {
	case form["request"] != "", form["request_uri"] != "":
		return identity.Asking{}, ErrObject
	case form["response_type"] != "code":
		return identity.Asking{}, ErrResponseType
	case form["response_mode"] != "" && form["response_mode"] != "query":
		return identity.Asking{}, ErrMode
	case !slices.Contains(who.terms.Redirects, form["redirect_uri"]):
		return identity.Asking{}, ErrRedirect
	case form["code_challenge_method"] != "S256", err != nil, len(challenge) != 32, len(form["code_challenge"]) != 43:
		return identity.Asking{}, ErrChallenge
	case len(form["state"]) > maxState, plain(form["state"]) != form["state"]:
		return identity.Asking{}, ErrState
	case form["dpop_jkt"] != "" && (by.certified || form["dpop_jkt"] != base64.RawURLEncoding.EncodeToString(by.key[:])):
		return identity.Asking{}, ErrKey
	}
	scope := partner.Scope(form["scope"])
	if err := who.may(scope); err != nil {
		return identity.Asking{}, err
	}
	return identity.Asking{
		Client: who.id, Device: by.key, Scope: scope, Redirect: form["redirect_uri"], State: form["state"],
		Challenge: [32]byte(challenge), Agreement: who.terms.Version,
	}, nil
}

// may says whether the agreement grants a scope to this kind of client: a colour is
// for a person's own device, never for a server.
func (who client) may(scope partner.Scope) error {
	if !slices.Contains(who.terms.Scopes, scope) {
		return ErrScope
	}
	if who.device != (scope == partner.ScopeColour) {
		return ErrKind
	}
	return nil
}
