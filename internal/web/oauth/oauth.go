// Package oauth is the platform's authorization server: OAuth 2 in the FAPI 2.0
// profile (RFC 6749, 7009, 7636, 8414, 9126, 9207, 9449).
//
// A client pushes what it wants, a person decides on the platform's own pages, and
// the client exchanges a code for opaque tokens bound to its key. Two kinds of
// client are known by a partner's agreement: the partner's servers, which
// authenticate by private_key_jwt or their certificate, and device instances, which
// hold a key of their own that one of the partner's keys attests. Devices call the
// same endpoints through a relay, encapsulated; every check is here, once, for both.
// Facilities' systems, one organisation each, are given tokens by client credentials.
package oauth

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/flow/link"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/route"
	"github.com/amanah-project/amanah/internal/web/token"
)

// Paths of the endpoints.
const (
	pushPath      = "/oauth/par"
	authorizePath = "/oauth/authorize"
	tokenPath     = "/oauth/token"
	revokePath    = "/oauth/revoke"
)

// How long tokens are good. The link is read from the database with each request,
// so that a long access token delays no revocation; a short one would cost each
// check-in a second message.
const (
	accessLife  = 24 * time.Hour
	refreshLife = 90 * 24 * time.Hour
)

// Clients says whose clients are served.
type Clients interface {
	// Terms returns the agreement in force of a partner that may link people now;
	// an error of kind Unavailable when that is not known, any other when it may not.
	Terms(id partner.ID) (partner.Terms, error)
}

// Grants is the flow behind the endpoints.
type Grants interface {
	Begin(ctx context.Context, by partner.ID, asked identity.Asking) (identity.AuthorizationID, error)
	Arrive(ctx context.Context, id identity.AuthorizationID, client string) (identity.Asking, error)
	Code(ctx context.Context, id identity.AuthorizationID) (string, identity.Asking, error)
	Refuse(ctx context.Context, id identity.AuthorizationID) (identity.Asking, error)
	Redeem(ctx context.Context, code string, e identity.Exchange) (link.Granted, error)
	Renew(ctx context.Context, h link.Held) (identity.Generation, error)
	Revoke(ctx context.Context, h link.Held) error
}

// Pages are the platform's pages on which a person decides. They end with Finish
// or Leave.
type Pages interface {
	Start(w http.ResponseWriter, r *http.Request, id identity.AuthorizationID)
}

// Once remembers which proofs and assertions were used.
type Once interface {
	// Use returns dpop.ErrReplay when the proof was used before.
	Use(p dpop.Proof, at time.Time) error
}

// Server is the authorization server.
type Server struct {
	Host    string // public host name; the issuer is https:// before it
	Tokens  func() *token.Sealer
	Nonces  *dpop.Nonces
	Once    Once
	Clients Clients
	Grants  Grants
	Pages   Pages
	Systems Systems // may be nil: then no system is given a token
	Pace    Pace    // of the systems' asking for tokens
	Now     func() time.Time
}

func (s *Server) issuer() string { return "https://" + s.Host }

// Routes adds the endpoints as they are reached without a relay.
func (s *Server) Routes(mux *route.Mux) {
	for _, path := range []string{pushPath, tokenPath, revokePath} {
		mux.HandleFunc("POST "+path, s.direct)
	}
	if s.Systems != nil {
		mux.HandleFunc("POST "+accessPath, s.access)
	}
	mux.HandleFunc("GET "+authorizePath, s.authorize)
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", s.metadata)
}

// document is RFC 8414's. What is not in it is not supported.
type document struct {
	Issuer         string   `json:"issuer"`
	Authorize      string   `json:"authorization_endpoint"`
	Token          string   `json:"token_endpoint"`
	Push           string   `json:"pushed_authorization_request_endpoint"`
	Revoke         string   `json:"revocation_endpoint"`
	MustPush       bool     `json:"require_pushed_authorization_requests"`
	Scopes         []string `json:"scopes_supported"`
	ResponseTypes  []string `json:"response_types_supported"`
	ResponseModes  []string `json:"response_modes_supported"`
	GrantTypes     []string `json:"grant_types_supported"`
	Challenges     []string `json:"code_challenge_methods_supported"`
	Authentication []string `json:"token_endpoint_auth_methods_supported"`
	Algorithms     []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	RevokeAuth     []string `json:"revocation_endpoint_auth_methods_supported"`
	RevokeAlgs     []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	Attestations   []string `json:"client_attestation_signing_alg_values_supported"`
	Proofs         []string `json:"dpop_signing_alg_values_supported"`
	Iss            bool     `json:"authorization_response_iss_parameter_supported"`
	Certificates   bool     `json:"tls_client_certificate_bound_access_tokens"` // RFC 8705 §3.3: of servers that send no proof
}

func (s *Server) metadata(w http.ResponseWriter, _ *http.Request) {
	algs := []string{"ES256", "EdDSA"}
	methods := []string{"private_key_jwt", "self_signed_tls_client_auth", "attest_jwt_client_auth"}
	// client_secret_post is for the grant client_credentials alone.
	tokenMethods := append(slices.Clone(methods), "client_secret_post")
	raw, err := json.Marshal(document{
		Issuer: s.issuer(), Authorize: s.issuer() + authorizePath, Token: s.issuer() + tokenPath,
		Push: s.issuer() + pushPath, Revoke: s.issuer() + revokePath, MustPush: true,
		Scopes:        []string{string(partner.ScopeColour), string(partner.ScopeDecision)},
		ResponseTypes: []string{"code"}, ResponseModes: []string{"query"},
		GrantTypes: []string{"authorization_code", "refresh_token", "client_credentials"}, Challenges: []string{"S256"},
		Authentication: tokenMethods, Algorithms: algs, RevokeAuth: methods, RevokeAlgs: algs,
		Attestations: algs, Proofs: algs, Iss: true, Certificates: true,
	})
	if err != nil { // strings alone always encode
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(raw) // a caller who hung up is nobody's error
}
