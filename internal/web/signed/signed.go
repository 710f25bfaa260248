// Package signed says who of the staff signed a request: a token of their sign-in, and
// a proof of possession (RFC 9449) by the browser's key that their passkey endorsed.
//
// What it returns beside the person is their own words, which the keeper checks again:
// a handler that opens a record passes them on and needs no trust of its own.
package signed

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/signin"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/web/dpop"
)

// ErrToken: no token of a sign-in.
var ErrToken = fault.New(fault.Denied, "this needs a sign-in: its token as Authorization: DPoP, and a proof by the browser's key")

// Sessions finds whose session a token is.
type Sessions interface {
	Session(ctx context.Context, t signin.Token, browser staff.Hash) (staff.Session, staff.Member, error)
}

// Desk admits staff.
type Desk struct {
	Host     string // public host name, as it stands in proofs
	Sessions Sessions
	Nonces   *dpop.Nonces
	Once     *dpop.Once // that asks what all servers remember
	Now      func() time.Time
}

// Caller is who signed a request.
type Caller struct {
	Session staff.Session
	Member  staff.Member
	Ask     keeper.Ask // their own words
	Purpose string     // that the proof names; empty for none
}

// Is reports whether a token has the form of a sign-in's.
func Is(token string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	return err == nil && len(raw) == len(signin.Token{}) && !strings.ContainsAny(token, "\r\n")
}

// Admit returns who signed a request, and takes their proof. The keeper, which remembers
// apart what it was asked to open, may be shown it once more.
func (d *Desk) Admit(r *http.Request) (Caller, error) {
	shown, ok := strings.CutPrefix(r.Header.Get("Authorization"), "DPoP ")
	if !ok {
		return Caller{}, ErrToken
	}
	if !Is(shown) {
		return Caller{}, ErrToken
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(shown)
	if err != nil {
		return Caller{}, ErrToken
	}
	p, err := d.verify(r, shown)
	if err == nil {
		err = d.Once.Use(p, d.Now())
	}
	if err != nil {
		return Caller{}, err
	}
	one, m, err := d.Sessions.Session(r.Context(), signin.Token(raw), p.Thumbprint)
	if err != nil {
		return Caller{}, err
	}
	return Caller{one, m, keeper.Ask{Proof: r.Header.Get("DPoP"), Endorsement: one.Endorsement}, p.Purpose}, nil
}

// Proof verifies the proof of a request that comes without a token, and takes it.
func (d *Desk) Proof(r *http.Request) (dpop.Proof, error) {
	p, err := d.verify(r, "")
	if err == nil {
		err = d.Once.Use(p, d.Now())
	}
	return p, err
}

func (d *Desk) verify(r *http.Request, token string) (dpop.Proof, error) {
	return dpop.Verify(r.Header.Get("DPoP"), dpop.Want{
		Method: r.Method, URL: "https://" + d.Host + r.URL.EscapedPath(), Token: token, Fresh: d.Nonces.Fresh,
	})
}
