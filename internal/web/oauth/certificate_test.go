package oauth_test

import (
	"crypto/sha256"
	"net/url"
	"testing"

	"github.com/amanah-project/amanah/internal/web/token"
)

// certified is a server's call over a connection that shows a certificate, with no
// proof.
func (s *stand) certified(v *server, cert string, r *request) *request {
	r = s.asserting(v, r)
	r.claims, r.cert = nil, []byte(cert)
	return r
}

// consented links a server's person over mTLS and returns the code.
func (s *stand) consented(v *server, cert string) string {
	s.t.Helper()
	ref := s.ok(s.certified(v, cert, s.pushing(&v.phone))).text("request_uri")
	w := s.browse(url.Values{"client_id": {"7"}, "request_uri": {ref}})
	u, err := url.Parse(w.Header().Get("Location"))
	s.must(err)
	return u.Query().Get("code")
}

// TestCertificateBound: a server that sends no proof has its tokens bound to its
// certificate (RFC 8705 §3), from the pushed request on, and nothing else stands in
// for it.
func TestCertificateBound(t *testing.T) {
	const cert = "a certificate"
	s := newStand(t)
	v := s.serverOf("7", s.toko)
	for name, spoil := range map[string]func(r *request){
		"another certificate": func(r *request) { r.cert = []byte("another") },
		"no certificate":      func(r *request) { r.cert = nil },
		"a proof instead":     func(r *request) { *r = *s.asserting(v, s.redeeming(&v.phone, r.form.Get("code"))) },
	} {
		r := s.certified(v, cert, s.redeeming(&v.phone, s.consented(v, cert)))
		spoil(r)
		want := "invalid_grant"
		if name == "no certificate" {
			want = "invalid_dpop_proof" // nothing at all is shown to be held
		}
		if got := s.send(r); got.text("error") != want {
			t.Errorf("the code, %s: %d %s", name, got.status, got.body)
		}
	}
	got := s.ok(s.certified(v, cert, s.redeeming(&v.phone, s.consented(v, cert))))
	claims, err := s.tokens.Open(got.text("access_token"), token.ScopeDecision, s.now)
	if err != nil || claims.Key != sha256.Sum256([]byte(cert)) || got.text("token_type") != "Bearer" || got.text("scope") != "decision:server" {
		t.Fatalf("%+v, %v, %s", claims, err, got.body)
	}
	if live := s.links(siti); len(live) != 1 || live[0].Device != claims.Key {
		t.Errorf("%+v", live)
	}
	refresh := got.text("refresh_token")
	for name, r := range map[string]*request{
		"another certificate": s.certified(v, "another", s.refreshing(&v.phone, refresh)),
		"a proof":             s.asserting(v, s.refreshing(&v.phone, refresh)),
	} {
		if got := s.send(r); got.text("error") != "invalid_grant" {
			t.Errorf("the refresh token, %s: %d %s", name, got.status, got.body)
		}
	}
	again := s.ok(s.certified(v, cert, s.refreshing(&v.phone, refresh)))
	if again.text("token_type") != "Bearer" || len(s.links(siti)) != 1 {
		t.Errorf("%s", again.body)
	}
}

// TestCertificateIsForServers: a certificate takes no device's proof's place, brings
// no colour, and one that is over proves nothing. What is sent with a proof is bound
// to the proof's key.
func TestCertificateIsForServers(t *testing.T) {
	const cert = "a certificate"
	s := newStand(t)
	v := s.serverOf("7", s.toko)
	p := s.phone()
	device := s.pushing(p)
	device.claims, device.cert = nil, []byte(cert)
	colour := s.certified(v, cert, s.pushing(&v.phone))
	colour.form.Set("scope", "colour")
	named := s.certified(v, cert, s.pushing(&v.phone))
	named.form.Set("dpop_jkt", b64(make([]byte, 32)))
	for name, c := range map[string]struct {
		r    *request
		want string
	}{
		"an attested device without a proof": {device, "invalid_dpop_proof"},
		"for a colour":                       {colour, "unauthorized_client"},
		"a proof's key named beside":         {named, "invalid_request"},
	} {
		if got := s.send(c.r); got.text("error") != c.want {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	both := s.asserting(v, s.pushing(&v.phone))
	both.cert = []byte(cert)
	ref := s.ok(both).text("request_uri")
	w := s.browse(url.Values{"client_id": {"7"}, "request_uri": {ref}})
	u, err := url.Parse(w.Header().Get("Location"))
	s.must(err)
	r := s.asserting(v, s.redeeming(&v.phone, u.Query().Get("code")))
	r.cert = []byte(cert)
	if got := s.ok(r); got.text("token_type") != "DPoP" {
		t.Errorf("%s", got.body)
	}
	late := s.certified(v, cert, s.pushing(&v.phone))
	s.now = s.now.AddDate(2, 0, 0) // past the certificate's end
	if got := s.send(late); got.text("error") != "invalid_dpop_proof" {
		t.Errorf("a certificate that is over: %d %s", got.status, got.body)
	}
}
