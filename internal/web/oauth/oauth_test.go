package oauth_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/web/api"
	"github.com/amanah-project/amanah/internal/web/token"
)

func withCertificate(r *http.Request, raw []byte) {
	if raw != nil {
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Raw: raw, NotAfter: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}}}
	}
}

// TestLink goes the whole way, with both kinds of key.
func TestLink(t *testing.T) {
	for name, make := range map[string]func(testing.TB) *key{"P-256": newKey, "Ed25519": newEd} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			p := s.phoneOf("7", s.toko, make(t))
			pushed := s.ok(s.pushing(p))
			if pushed.status != 201 || pushed.doc["expires_in"] != 90.0 || pushed.header.Get("Cache-Control") != "no-store" || pushed.header.Get("DPoP-Nonce") == "" {
				t.Errorf("%d %s %v", pushed.status, pushed.body, pushed.header)
			}
			back := s.arrive(p)
			if back.Get("state") != "st4te" || back.Get("iss") != issuer || len(back) != 3 {
				t.Errorf("%v", back)
			}
			got := s.ok(s.redeeming(p, back.Get("code")))
			if got.text("token_type") != "DPoP" || got.text("scope") != "colour" || got.doc["expires_in"] != 86400.0 || got.text("sub") == "" {
				t.Errorf("%s", got.body)
			}
			claims, err := s.tokens.Open(got.text("access_token"), token.ScopeColour, s.now)
			if err != nil || claims.Key != p.key.thumbprint() || claims.Person != siti || claims.Partner != 7 {
				t.Errorf("%+v, %v", claims, err)
			}
			live := s.links(siti)
			if len(live) != 1 || live[0].ID != claims.Link || live[0].Device != claims.Key || live[0].Scope != identity.LinkColour {
				t.Errorf("%+v", live)
			}
		})
	}
}

// TestPairwise: the same person has one name for a partner, and another for another.
func TestPairwise(t *testing.T) {
	s := newStand(t)
	sub := func(id string, by *key) string {
		p := s.phoneOf(id, by, newKey(t))
		return s.ok(s.redeeming(p, s.code(p))).text("sub")
	}
	first, again, other := sub("7", s.toko), sub("7", s.toko), sub("8", s.kabar)
	if first != again || first == other || len(first) != 22 {
		t.Errorf("%s %s %s", first, again, other)
	}
}

func TestRefresh(t *testing.T) {
	s := newStand(t)
	p := s.phone()
	first := s.ok(s.redeeming(p, s.code(p))).text("refresh_token")
	second := s.ok(s.refreshing(p, first)).text("refresh_token")
	lost := s.ok(s.refreshing(p, first)) // its answer did not arrive
	if second == first || lost.text("access_token") == "" || lost.text("sub") != "" {
		t.Errorf("%s", lost.body)
	}
	third := s.ok(s.refreshing(p, lost.text("refresh_token"))).text("refresh_token")
	if len(s.links(siti)) != 1 {
		t.Fatal("the link ended")
	}
	// The first was replaced, and its successor seen: somebody has a copy.
	if r := s.send(s.refreshing(p, first)); r.text("error") != "invalid_grant" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if len(s.links(siti)) != 0 {
		t.Error("the link lives on")
	}
	if r := s.send(s.refreshing(p, third)); r.text("error") != "invalid_grant" {
		t.Errorf("the newest of an ended link: %d %s", r.status, r.body)
	}
}

// TestGuardian: a guardian's link asks until the child is of age, and what is stored
// does not tell when.
func TestGuardian(t *testing.T) {
	s := newStand(t)
	until := s.now.Add(30 * time.Hour)
	s.page = identity.PageState{Asked: siti, Proved: true, Person: 9, Guardian: siti, Until: until}
	p := s.phone()
	got := s.ok(s.redeeming(p, s.code(p)))
	s.now = s.now.Add(20 * time.Hour)
	got = s.ok(s.refreshing(p, got.text("refresh_token")))
	if got.doc["expires_in"] != (10 * time.Hour).Seconds() {
		t.Errorf("%s", got.body)
	}
	live := s.links(9)
	if len(live) != 1 || len(s.links(siti)) != 0 {
		t.Fatalf("%+v", live)
	}
	s.now = until.Add(time.Second)
	if _, err := s.tokens.Open(got.text("access_token"), token.ScopeColour, s.now); err == nil {
		t.Error("the access token outlives the guardian's consent")
	}
	if r := s.send(s.refreshing(p, got.text("refresh_token"))); r.text("error") != "invalid_grant" {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// TestChildComesOfAge between consent and exchange.
func TestChildComesOfAge(t *testing.T) {
	s := newStand(t)
	s.page = identity.PageState{Asked: siti, Proved: true, Person: 9, Guardian: siti, Until: s.now.Add(30 * time.Second)}
	p := s.phone()
	code := s.code(p)
	s.now = s.now.Add(31 * time.Second)
	if r := s.send(s.redeeming(p, code)); r.text("error") != "invalid_grant" || len(s.links(9)) != 0 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestRevoke(t *testing.T) {
	for _, kind := range []string{"access_token", "refresh_token"} {
		s := newStand(t)
		p := s.phone()
		got := s.ok(s.redeeming(p, s.code(p)))
		for name, foreign := range map[string]*request{
			"another device's": s.revoking(s.phone(), got.text(kind)), "another partner's": s.revoking(s.phoneOf("8", s.kabar, newKey(t)), got.text(kind)),
			"none of ours": s.revoking(p, "x"),
		} {
			if r := s.ok(foreign); r.body != "{}" || len(s.links(siti)) != 1 {
				t.Errorf("%s, %s: %d %s", kind, name, r.status, r.body)
			}
		}
		s.ok(s.revoking(p, got.text(kind)))
		if len(s.links(siti)) != 0 {
			t.Errorf("%s: the link lives on", kind)
		}
		s.ok(s.revoking(p, got.text(kind)))
	}
}

// TestLinkedAgain: a device has one link of a person through a partner.
func TestLinkedAgain(t *testing.T) {
	s := newStand(t)
	p := s.phone()
	for range 2 {
		p.verifier += "x"
		s.ok(s.redeeming(p, s.code(p)))
	}
	other := s.phone()
	s.ok(s.redeeming(other, s.code(other)))
	if live := s.links(siti); len(live) != 2 {
		t.Errorf("%+v", live)
	}
}

func TestDeclined(t *testing.T) {
	s := newStand(t)
	s.refuse = true
	p := s.phone()
	ref := s.ok(s.pushing(p)).text("request_uri")
	w := s.browse(url.Values{"client_id": {"7"}, "request_uri": {ref}})
	u, err := url.Parse(w.Header().Get("Location"))
	s.must(err)
	if q := u.Query(); w.Code != 303 || q.Get("error") != "access_denied" || q.Get("iss") != issuer || q.Get("code") != "" {
		t.Errorf("%d %v", w.Code, q)
	}
	if w := s.browse(url.Values{"client_id": {"7"}, "request_uri": {ref}}); w.Code != 403 {
		t.Errorf("asked again: %d", w.Code)
	}
}

// TestEncapsulated: the same call, brought by a relay.
func TestEncapsulated(t *testing.T) {
	s := newStand(t)
	p := s.phone()
	inner := func(r *request, relay partner.ID) (api.Response, map[string]any) {
		h := r.http()
		body := r.form.Encode()
		out := s.server.Linking(t.Context(), &api.Request{
			Partner: relay, Method: r.method, Path: r.path, Media: h.Header.Get("Content-Type"), Body: []byte(body),
			Proof: h.Header.Get("DPoP"), Attestation: h.Header.Get("OAuth-Client-Attestation"),
		})
		var doc map[string]any
		s.must(json.Unmarshal(out.Body, &doc))
		return out, doc
	}
	out, doc := inner(s.pushing(p), 7)
	if out.Status != 201 || out.Nonce == "" || out.Type != "application/json" {
		t.Fatalf("%d %s", out.Status, out.Body)
	}
	if out, foreign := inner(s.pushing(p), 8); out.Status != 401 || foreign["error"] != "invalid_client" {
		t.Errorf("through another partner's relay: %d %s", out.Status, out.Body)
	}
	w := s.browse(url.Values{"client_id": {"7"}, "request_uri": {doc["request_uri"].(string)}})
	u, err := url.Parse(w.Header().Get("Location"))
	s.must(err)
	if out, doc = inner(s.redeeming(p, u.Query().Get("code")), 7); out.Status != 200 || doc["access_token"] == nil {
		t.Fatalf("%d %s", out.Status, out.Body)
	}
	if out, _ = inner(s.revoking(p, doc["access_token"].(string)), 7); out.Status != 200 || len(s.links(siti)) != 0 {
		t.Errorf("%d %s", out.Status, out.Body)
	}
	for _, r := range []*request{s.attested(p, "/oauth/authorize", url.Values{}), {method: "GET", path: "/oauth/par", header: http.Header{}}} {
		if out, _ := inner(r, 7); out.Status != 400 && out.Status != 404 {
			t.Errorf("%s %s: %d", r.method, r.path, out.Status)
		}
	}
}

func TestMetadata(t *testing.T) {
	s := newStand(t)
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, httptest.NewRequest("GET", "/.well-known/oauth-authorization-server", nil))
	var doc map[string]any
	s.must(json.Unmarshal(w.Body.Bytes(), &doc))
	if doc["issuer"] != issuer || doc["require_pushed_authorization_requests"] != true || doc["authorization_response_iss_parameter_supported"] != true {
		t.Errorf("%s", w.Body)
	}
	if methods := doc["code_challenge_methods_supported"].([]any); len(methods) != 1 || methods[0] != "S256" {
		t.Errorf("%v", methods)
	}
}
