package oauth

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/token"
)

// accessPath is where SATUSEHAT's clients ask for a token; the tokenPath answers the
// same grant as RFC 6749 writes it.
const accessPath = "/oauth2/v1/accesstoken"

// systemLife is how long the token of a facility's system is good, as SATUSEHAT's.
const systemLife = time.Hour

// ErrSystemQuery: parameters where a log would keep them.
var ErrSystemQuery = fault.New(fault.Invalid, "the address takes grant_type=client_credentials alone: client_id and client_secret go into the body")

// Systems knows the facilities' systems, one organisation each.
type Systems interface {
	// Client returns a system that may ask now, and the hash of its secret, zero when
	// it has none; a fault of kind Denied for any other.
	Client(ctx context.Context, id staff.ActorID) (staff.Actor, [32]byte, error)
}

// Pace holds back who asks too fast.
type Pace interface {
	Take(name string, now time.Time) error
}

// system answers the grant client_credentials (RFC 6749 §4.4). A system that proves
// its enrolled key gets a token bound to it, with which it views; without a proof it
// gets a bearer token, which enters records and opens none.
func (s *Server) system(ctx context.Context, c *call, form map[string]string) (token.System, string, error) {
	fail := func(err error) (token.System, string, error) { return token.System{}, "", err }
	if c.relay != 0 || s.Systems == nil {
		return fail(ErrGrantType)
	}
	text, err := clientOf(form)
	if err != nil {
		return fail(err)
	}
	id, err := staff.ParseActor(text)
	if err != nil {
		return fail(ErrClient)
	}
	now := s.Now()
	who, secret, err := s.Systems.Client(ctx, id)
	if fault.KindOf(err) == fault.Denied || fault.KindOf(err) == fault.NotFound {
		return fail(ErrClient)
	}
	if err != nil {
		return fail(err)
	}
	if err := s.knows(who, secret, form); err != nil {
		return fail(err)
	}
	// Counted now: who only knows the name takes nothing of theirs away.
	if err := s.Pace.Take(string(id), now); err != nil {
		return fail(err)
	}
	out := token.System{Actor: who.ID, Facility: who.Facility, Expires: now.Add(systemLife).Truncate(time.Second)}
	if c.proof != "" {
		if out.Key, err = s.holds(c, who); err != nil {
			return fail(err)
		}
	}
	sealed, err := s.Tokens().SealSystem(out, now)
	return out, sealed, err
}

// knows authenticates a system by its key or by its secret.
func (s *Server) knows(who staff.Actor, secret [32]byte, form map[string]string) error {
	switch {
	case form["client_assertion"] != "" && form["client_secret"] != "":
		return ErrTwoWays
	case form["client_assertion"] != "":
		return s.asserted(form, string(who.ID), []json.RawMessage{who.Key})
	}
	shown, err := staff.ParseSecret(form["client_secret"])
	sum := shown.Hash()
	if err != nil || secret == ([32]byte{}) || subtle.ConstantTimeCompare(sum[:], secret[:]) != 1 {
		return ErrClient
	}
	return nil
}

// holds verifies that the proof of a call is by the system's enrolled key: a token for
// another would be of no use, because the keeper believes only that one.
func (s *Server) holds(c *call, who staff.Actor) (identity.Thumbprint, error) {
	proof, err := s.proof(c)
	if err != nil {
		return identity.Thumbprint{}, err
	}
	key, err := partner.ParseKey(who.Key)
	if err != nil || key.Thumbprint() != proof.Thumbprint {
		return identity.Thumbprint{}, dpop.ErrBound
	}
	return proof.Thumbprint, s.Once.Use(proof, s.Now())
}

// systemGranted is the answer of RFC 6749 §5.1.
type systemGranted struct {
	Access  string `json:"access_token"`
	Type    string `json:"token_type"`
	Expires int    `json:"expires_in"`
}

func (s *Server) systemGrant(ctx context.Context, c *call, form map[string]string) (systemGranted, error) {
	said, sealed, err := s.system(ctx, c, form)
	out := systemGranted{sealed, "Bearer", int(said.Expires.Sub(s.Now()) / time.Second)}
	if said.Key != (identity.Thumbprint{}) {
		out.Type = "DPoP"
	}
	return out, err
}

// accessGranted is the answer of SATUSEHAT: everything is a string.
type accessGranted struct {
	Access   string `json:"access_token"`
	Type     string `json:"token_type"`
	Expires  string `json:"expires_in"`
	Issued   string `json:"issued_at"` // milliseconds
	Client   string `json:"client_id"`
	Facility string `json:"organization_name"`
	Scope    string `json:"scope"`
	Status   string `json:"status"`
	Refresh  string `json:"refresh_token_expires_in"`
	Count    string `json:"refresh_count"`
}

// access answers POST /oauth2/v1/accesstoken?grant_type=client_credentials.
func (s *Server) access(w http.ResponseWriter, r *http.Request) {
	s.write(w, s.answerAccess(r))
}

func (s *Server) answerAccess(r *http.Request) answer {
	query, err := single(r.URL.RawQuery)
	if err != nil {
		return s.refuse(err)
	}
	grant := query["grant_type"]
	if delete(query, "grant_type"); len(query) > 0 {
		return s.refuse(ErrSystemQuery)
	}
	c, err := direct(r, s.Now())
	if err != nil {
		return s.refuse(err)
	}
	form, err := c.form()
	if err != nil {
		return s.refuse(err)
	}
	if grant != "client_credentials" || form["grant_type"] != "" && form["grant_type"] != grant {
		return s.refuse(ErrGrantType)
	}
	said, sealed, err := s.system(r.Context(), c, form)
	if err != nil {
		return s.refuse(err)
	}
	out := accessGranted{
		Access: sealed, Type: "BearerToken", Expires: strconv.Itoa(int(said.Expires.Sub(s.Now()) / time.Second)),
		Issued: strconv.FormatInt(s.Now().UnixMilli(), 10), Client: string(said.Actor), Facility: string(said.Facility),
		Status: "approved", Refresh: "0", Count: "0",
	}
	if said.Key != (identity.Thumbprint{}) {
		out.Type = "DPoP"
	}
	raw, err := json.Marshal(out)
	if err != nil { // strings always encode
		panic(err)
	}
	return answer{http.StatusOK, raw, s.Nonces.Give()}
}
