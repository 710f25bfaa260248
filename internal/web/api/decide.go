package api

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/flow/travel"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/problem"
	"github.com/amanah-project/amanah/internal/web/route"
	"github.com/amanah-project/amanah/internal/web/token"
)

// Deciding is the flow behind decisions.
type Deciding interface {
	Decide(ctx context.Context, q travel.Question) (venue.Decision, error)
}

// Decisions answers partners' servers: one person, one journey, admit or refuse.
type Decisions struct {
	Host   string
	Tokens func() *token.Sealer
	Nonces *dpop.Nonces
	Once   *dpop.Once
	// Grant returns what a partner may do now, or why it is not served.
	Grant func(id partner.ID) (partner.Grant, error)
	Flow  Deciding
	Now   func() time.Time
}

// Routes adds the resource to a mux.
func (d *Decisions) Routes(mux *route.Mux) { mux.HandleFunc("POST /v1/decisions", d.serve) }

func (d *Decisions) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("DPoP-Nonce", d.Nonces.Give())
	decision, err := d.decide(r)
	if err != nil {
		problem.Write(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]venue.Decision{"decision": decision}) // whoever hung up asks again
}

func (d *Decisions) decide(r *http.Request) (venue.Decision, error) {
	claims, err := d.admit(r)
	if err != nil {
		return 0, err
	}
	var b struct {
		Journey  string `json:"journey"`  // the partner's own name for it, without personal data
		Date     string `json:"date"`     // YYYY-MM-DD, in Western Indonesian Time
		Category string `json:"category"` // of the policy: default transport
	}
	b.Category = "transport"
	raw, err := io.ReadAll(io.LimitReader(r.Body, 1024))
	if err != nil || json.Unmarshal(raw, &b) != nil {
		return 0, ErrBody
	}
	on, err := day.Parse(b.Date)
	if err != nil {
		return 0, venue.ErrJourneyDate
	}
	category, err := venue.ParseCategory(b.Category)
	if err != nil {
		return 0, err
	}
	grant, err := d.Grant(claims.Partner)
	if err == nil {
		err = grant.Covers(partner.ScopeDecision)
	}
	if err != nil {
		return 0, err
	}
	return d.Flow.Decide(r.Context(), travel.Question{
		Partner: claims.Partner, Member: gate.Member{Link: claims.Link, Person: claims.Person}, Key: claims.Key,
		Journey: b.Journey, On: on, For: category, PerDay: grant.Limits.DecisionsPerDay, SyntheticOnly: grant.SyntheticOnly,
	})
}

// ErrOtherCertificate is returned for a token that is bound to another certificate
// than the connection's, or to a key.
var ErrOtherCertificate = fault.New(fault.Denied, "the token is bound to another certificate")

// certified opens a token that comes without a proof: it must be bound to the
// certificate of this very connection (RFC 8705 §3). A bearer's alone is good for
// nothing.
func (d *Decisions) certified(r *http.Request, sealed string, now time.Time) (token.Claims, error) {
	claims, err := d.Tokens().Open(sealed, token.ScopeDecision, now)
	if err != nil {
		return token.Claims{}, err
	}
	sum, err := token.Certificate(r, now)
	if err != nil {
		return token.Claims{}, err
	}
	if subtle.ConstantTimeCompare(sum[:], claims.Key[:]) != 1 {
		return token.Claims{}, ErrOtherCertificate
	}
	return claims, nil
}

// admit opens the token of a server's link and verifies that the caller holds what it
// is bound to: the key of the proof that comes with it, or the connection's
// certificate.
func (d *Decisions) admit(r *http.Request) (token.Claims, error) {
	now, auth := d.Now(), r.Header.Get("Authorization")
	if sealed, ok := strings.CutPrefix(auth, "Bearer "); ok {
		return d.certified(r, sealed, now)
	}
	sealed, ok := strings.CutPrefix(auth, "DPoP ")
	if !ok {
		return token.Claims{}, token.ErrToken
	}
	claims, err := d.Tokens().Open(sealed, token.ScopeDecision, now)
	if err != nil {
		return token.Claims{}, err
	}
	proof, err := dpop.Verify(r.Header.Get("DPoP"), dpop.Want{
		Method: r.Method, URL: "https://" + d.Host + r.URL.Path, Token: sealed, Fresh: d.Nonces.Fresh,
	})
	if err != nil {
		return token.Claims{}, err
	}
	if proof.Thumbprint != claims.Key {
		return token.Claims{}, dpop.ErrBound
	}
	return claims, d.Once.Use(proof, now)
}
