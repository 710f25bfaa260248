package oauth_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/web/pace"
	"github.com/amanah-project/amanah/internal/web/route"
	"github.com/amanah-project/amanah/internal/web/token"
)

const accessPath = "/oauth2/v1/accesstoken"

// hospital is a facility's systems: one with a key and a secret, one with a secret.
type hospital struct {
	*stand
	key    *key
	secret staff.Secret
	shut   error // what Client answers instead
}

func newHospital(t *testing.T) *hospital {
	h := &hospital{stand: newStand(t), key: newKey(t), secret: staff.NewSecret()}
	h.server.Systems, h.server.Pace = h, pace.New(1e6, 1e6)
	h.mux = &route.Mux{}
	h.server.Routes(h.mux)
	return h
}

// Client implements oauth.Systems.
func (h *hospital) Client(_ context.Context, id staff.ActorID) (staff.Actor, [32]byte, error) {
	a := staff.Actor{ID: id, Facility: "rs-99-001", Role: staff.RoleClient}
	switch {
	case h.shut != nil:
		return staff.Actor{}, [32]byte{}, h.shut
	case id == "client-rs":
		a.Key = encode(h.key.jwk)
		return a, h.secret.Hash(), nil
	case id == "client-signs":
		a.Key = encode(h.key.jwk)
		return a, [32]byte{}, nil
	}
	return staff.Actor{}, [32]byte{}, staff.ErrSecret
}

// asks is a system's call; signed by its key when it asserts.
func (h *hospital) asks(id string, asserts, proves bool) *request {
	v := h.serverOf(id, h.key)
	r := h.proven(h.key, "/oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {id}})
	if asserts {
		h.asserting(v, r)
	} else {
		r.form.Set("client_secret", h.secret.Reveal())
	}
	if !proves {
		r.claims = nil
	}
	return r
}

// access turns a call into one in SATUSEHAT's manner.
func access(r *request) *request {
	r.path = accessPath + "?grant_type=client_credentials"
	r.form.Del("grant_type")
	if r.claims != nil {
		r.claims["htu"] = issuer + accessPath
	}
	return r
}

// TestSystemTokens: a key gives a bound token, a secret a bearer token, in both
// manners.
func TestSystemTokens(t *testing.T) {
	h := newHospital(t)
	open := func(text string) token.System {
		t.Helper()
		got, err := h.tokens.OpenSystem(text, h.now)
		h.must(err)
		if got.Facility != "rs-99-001" || !got.Expires.Equal(h.now.Add(time.Hour)) {
			t.Errorf("%+v", got)
		}
		return got
	}
	for _, c := range []struct {
		asserts, proves bool
		typ             string
	}{{true, true, "DPoP"}, {true, false, "Bearer"}, {false, false, "Bearer"}, {false, true, "DPoP"}} {
		got := h.ok(h.asks("client-rs", c.asserts, c.proves))
		said := open(got.text("access_token"))
		if bound := said.Key == identity.Thumbprint(h.key.thumbprint()); got.text("token_type") != c.typ || bound != c.proves || got.doc["expires_in"] != 3600.0 || got.doc["refresh_token"] != nil {
			t.Errorf("%+v: %s", c, got.body)
		}
		old := h.ok(access(h.asks("client-rs", c.asserts, c.proves)))
		want := strings.Replace(c.typ, "Bearer", "BearerToken", 1)
		if said := open(old.text("access_token")); said.Actor != "client-rs" || old.text("token_type") != want || old.text("expires_in") != "3600" || old.text("status") != "approved" || len(old.text("issued_at")) != 13 {
			t.Errorf("%+v: %s", c, old.body)
		}
	}
	if _, err := h.tokens.Open(h.ok(h.asks("client-rs", true, true)).text("access_token"), token.ScopeDoor, h.now); err == nil {
		t.Error("a system's token opens as a door's")
	}
	if _, err := h.tokens.OpenSystem(h.ok(h.asks("client-rs", true, true)).text("access_token"), h.now.Add(time.Hour+time.Second)); err == nil {
		t.Error("a token outlives its time")
	}
}

// TestSystemRefused: no token without the key or the secret, and none bound to a key
// that is not enrolled. Each unspoilt call is accepted above.
func TestSystemRefused(t *testing.T) {
	stranger := newKey(t)
	for name, c := range map[string]struct {
		spoil func(h *hospital, r *request)
		code  string
	}{
		"another secret":    {func(_ *hospital, r *request) { r.form.Set("client_secret", staff.NewSecret().Reveal()) }, "invalid_client"},
		"no secret":         {func(_ *hospital, r *request) { r.form.Del("client_secret") }, "invalid_client"},
		"no secret stored":  {func(_ *hospital, r *request) { r.form.Set("client_id", "client-signs") }, "invalid_client"},
		"nobody":            {func(_ *hospital, r *request) { r.form.Set("client_id", "client-other") }, "invalid_client"},
		"a partner":         {func(_ *hospital, r *request) { r.form.Set("client_id", "7") }, "invalid_client"},
		"no name":           {func(_ *hospital, r *request) { r.form.Set("client_id", "Ani Contoh") }, "invalid_client"},
		"ended":             {func(h *hospital, _ *request) { h.shut = staff.ErrSecret }, "invalid_client"},
		"the database away": {func(h *hospital, _ *request) { h.shut = fault.New(fault.Unavailable, "away") }, "temporarily_unavailable"},
		"too fast":          {func(h *hospital, _ *request) { h.server.Pace = pace.New(0, 0) }, "temporarily_unavailable"},
		"a proof by another": {func(_ *hospital, r *request) {
			r.key = stranger
			r.head["jwk"] = stranger.jwk
			r.head["alg"] = stranger.alg
			r.claims["jti"] = "x"
		}, "invalid_dpop_proof"},
		"a proof of a path": {func(_ *hospital, r *request) { r.claims["htu"] = issuer + "/oauth/par" }, "invalid_dpop_proof"},
		"no nonce":          {func(_ *hospital, r *request) { delete(r.claims, "nonce") }, "use_dpop_nonce"},
		"two ways":          {func(h *hospital, r *request) { v := h.serverOf("client-rs", h.key); h.asserting(v, r) }, "invalid_request"},
		"an assertion by another": {func(h *hospital, r *request) {
			r.form.Del("client_secret")
			h.asserting(h.serverOf("client-rs", stranger), r)
		}, "invalid_client"},
	} {
		h := newHospital(t)
		r := h.asks("client-rs", false, true)
		c.spoil(h, r)
		if got := h.send(r); got.text("error") != c.code || got.text("access_token") != "" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}

// TestSystemQuery: what identifies a client never stands in an address.
func TestSystemQuery(t *testing.T) {
	h := newHospital(t)
	for _, query := range []string{
		"", "grant_type=refresh_token", "grant_type=client_credentials&client_id=client-rs", "grant_type=client_credentials&grant_type=client_credentials",
		"grant_type=client_credentials&client_secret=" + h.secret.Reveal(), "%zz",
	} {
		r := access(h.asks("client-rs", false, false))
		r.path = accessPath + "?" + query
		if got := h.send(r); got.status != 400 || strings.Contains(got.body, h.secret.Reveal()) {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
	twice := h.asks("client-rs", true, true)
	h.ok(twice)
	if got := h.send(twice); got.text("access_token") != "" {
		t.Errorf("an assertion was taken twice: %s", got.body)
	}
	if got := newStand(t).send(h.asks("client-rs", true, true)); got.text("error") != "unsupported_grant_type" {
		t.Errorf("where there are no systems: %d %s", got.status, got.body)
	}
}
