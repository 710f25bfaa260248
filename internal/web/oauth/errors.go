package oauth

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/token"
)

// Errors of this package, each with the code that OAuth gives it.
var (
	ErrForm         = fault.New(fault.Invalid, "the body is a form of at most 8 KiB (application/x-www-form-urlencoded)")
	ErrQuery        = fault.New(fault.Invalid, "parameters go into the body, not into the address")
	ErrTwice        = fault.New(fault.Invalid, "a parameter is given twice")
	ErrObject       = fault.New(fault.Invalid, "request and request_uri are not taken here: push plain parameters")
	ErrChallenge    = fault.New(fault.Invalid, "code_challenge: 43 characters of base64url, with code_challenge_method S256")
	ErrRedirect     = fault.New(fault.Invalid, "redirect_uri: exactly one of the agreement's")
	ErrState        = fault.New(fault.Invalid, "state: at most 512 printable ASCII characters")
	ErrKey          = fault.New(fault.Invalid, "dpop_jkt is not the key of the proof")
	ErrMode         = fault.New(fault.Invalid, "response_mode: query, or leave it out")
	ErrMissing      = fault.New(fault.Invalid, "a parameter of this grant is missing")
	ErrResponseType = fault.New(fault.Invalid, "response_type: code")
	ErrGrantType    = fault.New(fault.Invalid, "grant_type: authorization_code or refresh_token; for a facility's system client_credentials")
	ErrScope        = fault.New(fault.Denied, "scope: one that the agreement grants")
	ErrKind         = fault.New(fault.Denied, "scope colour is for attested devices, decision:server for servers")
	ErrObjectOnly   = fault.New(fault.Invalid, "this address takes client_id and request_uri, once each, and nothing else: begin again in the app")
	// ErrClient tells nobody which partners there are, or what of a credential failed.
	ErrClient = fault.New(fault.Denied, "the client is not known, not served now, or did not authenticate as its agreement says")
	// ErrTwoWays: a client that authenticates in two ways could be two clients.
	ErrTwoWays = fault.New(fault.Invalid, "authenticate by an assertion or by an attestation, not by both")
)

// codes give each error its OAuth code, the first that fits.
func codes() []struct {
	code string
	of   []error
} {
	return []struct {
		code string
		of   []error
	}{
		{"use_dpop_nonce", []error{dpop.ErrNonce}},
		{"invalid_dpop_proof", []error{dpop.ErrProof, dpop.ErrKey, dpop.ErrSigned, dpop.ErrBound, dpop.ErrReplay}},
		{"invalid_client", []error{ErrClient}},
		{"invalid_scope", []error{ErrScope}},
		{"unauthorized_client", []error{ErrKind}},
		{"unsupported_response_type", []error{ErrResponseType}},
		{"unsupported_grant_type", []error{ErrGrantType}},
		{"invalid_grant", []error{
			identity.ErrGrant, identity.ErrCodeUsed, identity.ErrGeneration, identity.ErrNoLink, identity.ErrNoAuthorization,
			token.ErrToken, token.ErrExpired,
		}},
	}
}

// codeOf returns the code and status of an error.
func codeOf(err error) (string, int) {
	for _, c := range codes() {
		for _, of := range c.of {
			if errors.Is(err, of) {
				if c.code == "invalid_client" {
					return c.code, http.StatusUnauthorized
				}
				return c.code, http.StatusBadRequest
			}
		}
	}
	switch fault.KindOf(err) {
	case fault.Invalid:
		return "invalid_request", http.StatusBadRequest
	case fault.NotFound:
		return "invalid_request", http.StatusNotFound
	case fault.Denied, fault.Conflict:
		return "access_denied", http.StatusBadRequest
	case fault.Busy:
		return "temporarily_unavailable", http.StatusTooManyRequests
	case fault.Unavailable:
		return "temporarily_unavailable", http.StatusServiceUnavailable
	}
	return "server_error", http.StatusInternalServerError
}

// refuse answers with an error as RFC 6749 §5.2 writes it.
func (s *Server) refuse(err error) answer {
	code, status := codeOf(err)
	raw, merr := json.Marshal(struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{code, plain(fault.Text(err))})
	if merr != nil { // two strings always encode
		panic(merr)
	}
	return answer{status, raw, s.Nonces.Give()}
}

// plain keeps the characters that a description may have.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, text)
}
