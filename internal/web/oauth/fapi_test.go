package oauth_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
)

// spoil changes a request that would be served; each case of the tables below is
// held against the same request unspoilt.
type spoil func(s *stand, p *phone, r *request)

func form(name, value string) spoil {
	return func(_ *stand, _ *phone, r *request) { r.form.Set(name, value) }
}

func without(name string) spoil { return func(_ *stand, _ *phone, r *request) { r.form.Del(name) } }

func twice(name string) spoil {
	return func(_ *stand, _ *phone, r *request) { r.form.Add(name, r.form.Get(name)) }
}

func proofHead(name string, value any) spoil {
	return func(_ *stand, _ *phone, r *request) { r.head[name] = value }
}

func proofClaim(name string, value any) spoil {
	return func(_ *stand, _ *phone, r *request) { r.claims[name] = value }
}

func attestation(alter func(s *stand, head, claims map[string]any)) spoil {
	return func(s *stand, p *phone, r *request) {
		r.header.Set("OAuth-Client-Attestation", s.attestation(s.toko, p.id, p.key, func(h, c map[string]any) { alter(s, h, c) }))
	}
}

type negative struct {
	name  string
	spoil spoil
	want  string
}

// proofs are what a proof of possession may be wrong in, at whichever endpoint.
func proofs() []negative {
	return []negative{
		{"DPoP absent", func(_ *stand, _ *phone, r *request) { r.claims = nil }, "invalid_dpop_proof"},
		{"DPoP twice", func(_ *stand, _ *phone, r *request) {
			r.header["Dpop"] = []string{r.key.jwt(r.head, r.claims), r.key.jwt(r.head, r.claims)}
		}, "invalid_dpop_proof"},
		{"DPoP of another key", func(s *stand, _ *phone, r *request) { r.key = newKey(s.t) }, "invalid_dpop_proof"},
		{"DPoP by a key not attested", func(s *stand, _ *phone, r *request) {
			r.key = newKey(s.t)
			r.head["jwk"] = r.key.jwk
		}, "invalid_client"},
		{"nonce missing", func(_ *stand, _ *phone, r *request) { delete(r.claims, "nonce") }, "use_dpop_nonce"},
		{"nonce stale", func(s *stand, _ *phone, _ *request) { s.now = s.now.Add(6 * time.Minute) }, "use_dpop_nonce"},
		{"nonce made up", proofClaim("nonce", b64(make([]byte, 24))), "use_dpop_nonce"},
		{"iat absent", func(_ *stand, _ *phone, r *request) { delete(r.claims, "iat") }, "invalid_dpop_proof"},
		{"htu of another host", proofClaim("htu", "https://evil.example/oauth/token"), "invalid_dpop_proof"},
		{"htu of another endpoint", proofClaim("htu", issuer+"/v1/visits"), "invalid_dpop_proof"},
		{"htm GET", proofClaim("htm", "GET"), "invalid_dpop_proof"},
		{"jti absent", func(_ *stand, _ *phone, r *request) { delete(r.claims, "jti") }, "invalid_dpop_proof"},
		{"bound to a token", proofClaim("ath", b64(make([]byte, 32))), "invalid_dpop_proof"},
		{"typ JWT", proofHead("typ", "JWT"), "invalid_dpop_proof"},
		{"alg none", func(_ *stand, _ *phone, r *request) {
			r.header.Set("DPoP", b64(encode(map[string]any{"typ": "dpop+jwt", "alg": "none", "jwk": r.key.jwk}))+"."+b64(encode(r.claims))+".")
		}, "invalid_dpop_proof"},
		{"alg HS256 by the public key", func(_ *stand, _ *phone, r *request) {
			r.head["alg"] = "HS256"
			message := b64(encode(r.head)) + "." + b64(encode(r.claims))
			m := hmac.New(sha256.New, encode(r.key.jwk))
			m.Write([]byte(message))
			r.header.Set("DPoP", message+"."+b64(m.Sum(nil)))
		}, "invalid_dpop_proof"},
		{"RSA key", proofHead("jwk", map[string]any{"kty": "RSA", "n": b64(make([]byte, 256)), "e": "AQAB"}), "invalid_dpop_proof"},
		{"private key in jwk", func(_ *stand, _ *phone, r *request) {
			r.head["jwk"].(map[string]any)["d"] = b64(make([]byte, 32))
		}, "invalid_dpop_proof"},
		{"larger than any proof", proofClaim("more", strings.Repeat("x", 2000)), "invalid_dpop_proof"},
	}
}

// attestations are what a partner's word for a device may be wrong in.
func attestations() []negative {
	set := func(name string, value any) spoil {
		return attestation(func(_ *stand, _, c map[string]any) { c[name] = value })
	}
	return []negative{
		{"no attestation", func(_ *stand, _ *phone, r *request) { r.header.Del("OAuth-Client-Attestation") }, "invalid_client"},
		{"attested by another partner", func(s *stand, p *phone, r *request) {
			r.header.Set("OAuth-Client-Attestation", s.attestation(s.kabar, p.id, p.key, nil))
		}, "invalid_client"},
		{"attested by itself", func(s *stand, p *phone, r *request) {
			r.header.Set("OAuth-Client-Attestation", s.attestation(p.key, p.id, p.key, nil))
		}, "invalid_client"},
		{"attestation for another client", set("sub", "8"), "invalid_client"},
		{"attestation expired", attestation(func(s *stand, _, c map[string]any) { c["exp"] = s.now.Add(-2 * time.Minute).Unix() }), "invalid_client"},
		{"attestation without end", attestation(func(_ *stand, _, c map[string]any) { delete(c, "exp") }), "invalid_client"},
		{"attestation of the future", attestation(func(s *stand, _, c map[string]any) { c["nbf"] = s.now.Add(time.Hour).Unix() }), "invalid_client"},
		{"attestation without a key", set("cnf", map[string]any{}), "invalid_client"},
		{"attestation of another key", attestation(func(s *stand, _, c map[string]any) { c["cnf"] = map[string]any{"jwk": newKey(s.t).jwk} }), "invalid_client"},
		{"attestation that is an assertion", attestation(func(_ *stand, h, _ map[string]any) { h["typ"] = "JWT" }), "invalid_client"},
		{"attestation by alg none", attestation(func(_ *stand, h, _ map[string]any) { h["alg"] = "none" }), "invalid_client"},
		{"attestation twice", func(_ *stand, p *phone, r *request) { r.header.Add("OAuth-Client-Attestation", p.attest) }, "invalid_client"},
		{"unknown client", form("client_id", "9"), "invalid_client"},
		{"no client", without("client_id"), "invalid_client"},
		{"client spelt otherwise", form("client_id", "07"), "invalid_client"},
		{"partner suspended", func(s *stand, _ *phone, _ *request) { delete(s.terms, 7) }, "invalid_client"},
		{"states not known", func(s *stand, _ *phone, _ *request) { s.shut = fault.New(fault.Unavailable, "stale") }, "temporarily_unavailable"},
	}
}

// bodies are what a form may be wrong in.
func bodies() []negative {
	return []negative{
		{"JSON", func(_ *stand, _ *phone, r *request) { r.header.Set("Content-Type", "application/json") }, "invalid_request"},
		{"no type", func(_ *stand, _ *phone, r *request) { r.header.Del("Content-Type") }, "invalid_request"},
		{"oversized", form("more", strings.Repeat("x", 9<<10)), "invalid_request"},
		{"bad escapes", func(_ *stand, _ *phone, r *request) { r.body = "a=%zz" }, "invalid_request"},
		{"client_id twice", twice("client_id"), "invalid_request"},
		{"parameters in the address", func(_ *stand, _ *phone, r *request) { r.path += "?client_id=7" }, "invalid_request"},
	}
}

func TestPushRefuses(t *testing.T) {
	cases := []negative{
		{"no PKCE", without("code_challenge"), "invalid_request"},
		{"PKCE without a method", without("code_challenge_method"), "invalid_request"},
		{"PKCE plain", form("code_challenge_method", "plain"), "invalid_request"},
		{"challenge short", form("code_challenge", "abc"), "invalid_request"},
		{"challenge padded", func(_ *stand, _ *phone, r *request) { r.form.Set("code_challenge", r.form.Get("code_challenge")+"=") }, "invalid_request"},
		{"challenge twice", twice("code_challenge"), "invalid_request"},
		{"redirect of another's", form("redirect_uri", "https://evil.example/back"), "invalid_request"},
		{"redirect with more", form("redirect_uri", redirect+"?a=1"), "invalid_request"},
		{"redirect with a slash", form("redirect_uri", redirect+"/"), "invalid_request"},
		{"redirect in capitals", form("redirect_uri", strings.ToUpper(redirect)), "invalid_request"},
		{"no redirect", without("redirect_uri"), "invalid_request"},
		{"response_type token", form("response_type", "token"), "unsupported_response_type"},
		{"response_type code id_token", form("response_type", "code id_token"), "unsupported_response_type"},
		{"no response_type", without("response_type"), "unsupported_response_type"},
		{"response_mode fragment", form("response_mode", "fragment"), "invalid_request"},
		{"a request object", form("request", "e30.e30."), "invalid_request"},
		{"a request_uri", form("request_uri", "https://evil.example/r"), "invalid_request"},
		{"dpop_jkt of another key", form("dpop_jkt", b64(make([]byte, 32))), "invalid_request"},
		{"scope unknown", form("scope", "record"), "invalid_scope"},
		{"two scopes", form("scope", "colour decision:server"), "invalid_scope"},
		{"no scope", without("scope"), "invalid_scope"},
		{"a server's scope for a device", form("scope", "decision:server"), "unauthorized_client"},
		{"scope outside the agreement", func(s *stand, _ *phone, _ *request) {
			t := s.terms[7]
			t.Scopes = []partner.Scope{partner.ScopeDecision}
			s.terms[7] = t
		}, "invalid_scope"},
		{"state too long", form("state", strings.Repeat("s", 513)), "invalid_request"},
		{"state with a line feed", form("state", "a\nb"), "invalid_request"},
	}
	for _, c := range append(append(append(cases, proofs()...), attestations()...), bodies()...) {
		t.Run(c.name, func(t *testing.T) {
			s := newStand(t)
			p := s.phone()
			s.ok(s.pushing(p)) // the control
			s.refuses(c, p, s.pushing(p))
		})
	}
}

// refuses sends a spoilt request, which must be refused as the case says.
func (s *stand) refuses(c negative, p *phone, r *request) {
	s.t.Helper()
	c.spoil(s, p, r)
	got := s.send(r)
	if got.text("error") != c.want || got.status < 400 || got.status >= 500 && c.want != "temporarily_unavailable" {
		s.t.Errorf("%d %s, want %s", got.status, got.body, c.want)
	}
	if got.header.Get("DPoP-Nonce") == "" || got.header.Get("Cache-Control") != "no-store" {
		s.t.Errorf("headers %v", got.header)
	}
}

func TestCodeRefuses(t *testing.T) {
	cases := []negative{
		{"wrong verifier", form("code_verifier", strings.Repeat("v", 52)), "invalid_grant"},
		{"no verifier", without("code_verifier"), "invalid_request"},
		{"verifier twice", twice("code_verifier"), "invalid_request"},
		{"wrong redirect", form("redirect_uri", "https://toko.example/other"), "invalid_grant"},
		{"no redirect", without("redirect_uri"), "invalid_request"},
		{"no code", without("code"), "invalid_request"},
		{"a code made up", form("code", b64(make([]byte, 32))), "invalid_grant"},
		{"no grant_type", without("grant_type"), "unsupported_grant_type"},
		{"password", form("grant_type", "password"), "unsupported_grant_type"},
		{"client_credentials", form("grant_type", "client_credentials"), "unsupported_grant_type"},
		{"too late", func(s *stand, p *phone, r *request) {
			s.now = s.now.Add(61 * time.Second)
		}, "invalid_grant"},
		{"another client's code", func(s *stand, p *phone, r *request) {
			other := s.phoneOf("8", s.kabar, p.key)
			other.verifier = p.verifier
			*r = *s.redeeming(other, r.form.Get("code"))
		}, "invalid_grant"},
		{"another device's code", func(s *stand, p *phone, r *request) {
			other := s.phone()
			other.verifier = p.verifier
			*r = *s.redeeming(other, r.form.Get("code"))
		}, "invalid_grant"},
	}
	for _, c := range append(append(append(cases, proofs()...), attestations()...), bodies()...) {
		t.Run(c.name, func(t *testing.T) {
			s := newStand(t)
			p := s.phone()
			r := s.redeeming(p, s.code(p))
			s.refuses(c, p, r)
			if live := s.links(siti); len(live) != 0 {
				t.Fatalf("%+v", live)
			}
			// The control: what was refused spoilt nothing, while the code lives.
			switch c.name {
			case "too late", "nonce stale", "partner suspended", "states not known":
				return
			}
			s.ok(s.redeeming(p, codeOfRequest(r, c, s, p)))
		})
	}
}

// codeOfRequest is the code that a spoilt request had before it was spoilt.
func codeOfRequest(r *request, c negative, s *stand, p *phone) string {
	if code := r.form.Get("code"); code != "" && c.name != "a code made up" {
		return code
	}
	p.verifier = rand.Text() + rand.Text()
	return s.code(p)
}

func TestRefreshRefuses(t *testing.T) {
	cases := []negative{
		{"no token", without("refresh_token"), "invalid_request"},
		{"token twice", twice("refresh_token"), "invalid_request"},
		{"a token made up", form("refresh_token", strings.Repeat("A", 158)), "invalid_grant"},
		{"an access token", func(s *stand, p *phone, r *request) {
			r.form.Set("refresh_token", s.ok(s.refreshing(p, r.form.Get("refresh_token"))).text("access_token"))
		}, "invalid_grant"},
		{"another scope", form("scope", "decision:server"), "invalid_scope"},
		{"another device's", func(s *stand, p *phone, r *request) { *r = *s.refreshing(s.phone(), r.form.Get("refresh_token")) }, "invalid_grant"},
		{"another partner's", func(s *stand, p *phone, r *request) {
			*r = *s.refreshing(s.phoneOf("8", s.kabar, p.key), r.form.Get("refresh_token"))
		}, "invalid_grant"},
		{"too late", func(s *stand, p *phone, r *request) {
			s.now = s.now.AddDate(0, 0, 91)
			*r = *s.refreshing(s.phoneOf("7", s.toko, p.key), r.form.Get("refresh_token"))
		}, "invalid_grant"},
		{"scope no longer agreed", func(s *stand, _ *phone, _ *request) {
			t := s.terms[7]
			t.Scopes = []partner.Scope{partner.ScopeDecision}
			s.terms[7] = t
		}, "invalid_scope"},
	}
	for _, c := range append(append(cases, proofs()...), attestations()...) {
		t.Run(c.name, func(t *testing.T) {
			s := newStand(t)
			p := s.phone()
			refresh := s.ok(s.redeeming(p, s.code(p))).text("refresh_token")
			s.ok(s.refreshing(p, refresh)) // the control
			s.refuses(c, p, s.refreshing(p, refresh))
			if len(s.links(siti)) != 1 {
				t.Error("the link ended")
			}
		})
	}
}

// TestProofReused: each endpoint takes a proof once, and not for another endpoint.
func TestProofReused(t *testing.T) {
	s := newStand(t)
	p := s.phone()
	code := s.code(p)
	first := s.ok(s.redeeming(p, code))
	for name, r := range map[string]*request{
		"push": s.pushing(p), "refresh": s.refreshing(p, first.text("refresh_token")), "revoke": s.revoking(p, "x"),
	} {
		s.ok(r)
		if got := s.send(r); got.text("error") != "invalid_dpop_proof" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}

// TestCodeTwice: a second use of a code ends the link that the first one gave.
func TestCodeTwice(t *testing.T) {
	for name, by := range map[string]func(s *stand, p *phone) *phone{
		"by the same device": func(_ *stand, p *phone) *phone { return p },
		"by another of them": func(s *stand, _ *phone) *phone { return s.phone() },
		"within the ten minutes": func(s *stand, p *phone) *phone {
			s.now = s.now.Add(9 * time.Minute)
			return p
		},
	} {
		s := newStand(t)
		p := s.phone()
		code := s.code(p)
		got := s.ok(s.redeeming(p, code))
		if len(s.links(siti)) != 1 {
			t.Fatal("control: no link")
		}
		// A stranger's client ends nothing.
		if r := s.send(s.redeeming(s.phoneOf("8", s.kabar, newKey(t)), code)); r.text("error") != "invalid_grant" || len(s.links(siti)) != 1 {
			t.Errorf("%s: another client: %d %s", name, r.status, r.body)
		}
		if r := s.send(s.redeeming(by(s, p), code)); r.text("error") != "invalid_grant" || !strings.Contains(r.body, "used before") {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
		if len(s.links(siti)) != 0 {
			t.Errorf("%s: the link lives on", name)
		}
		if r := s.send(s.refreshing(p, got.text("refresh_token"))); r.text("error") != "invalid_grant" {
			t.Errorf("%s: refresh: %d %s", name, r.status, r.body)
		}
	}
}

// TestAuthorizeRefuses: a browser that comes with anything but one pending reference
// of its client is sent nowhere.
func TestAuthorizeRefuses(t *testing.T) {
	for name, spoil := range map[string]func(s *stand, q url.Values){
		"no request_uri":     func(_ *stand, q url.Values) { q.Del("request_uri") },
		"no client_id":       func(_ *stand, q url.Values) { q.Del("client_id") },
		"parameters outside": func(_ *stand, q url.Values) { q.Set("redirect_uri", "https://evil.example/") },
		"scope outside":      func(_ *stand, q url.Values) { q.Set("scope", "colour") },
		"plain parameters": func(_ *stand, q url.Values) {
			q.Del("request_uri")
			q.Set("response_type", "code")
			q.Set("redirect_uri", redirect)
		},
		"a foreign request_uri": func(_ *stand, q url.Values) { q.Set("request_uri", "https://evil.example/request.jwt") },
		"a reference made up": func(_ *stand, q url.Values) {
			q.Set("request_uri", "urn:ietf:params:oauth:request_uri:"+strings.Repeat("A", 66))
		},
		"request_uri twice":   func(_ *stand, q url.Values) { q.Add("request_uri", q.Get("request_uri")) },
		"another client's":    func(_ *stand, q url.Values) { q.Set("client_id", "8") },
		"expired":             func(s *stand, _ url.Values) { s.now = s.now.Add(91 * time.Second) },
		"suspended meanwhile": func(s *stand, _ url.Values) { delete(s.terms, 7) },
		"reused": func(s *stand, q url.Values) {
			if w := s.browse(q); w.Code != 303 {
				s.t.Errorf("control: %d", w.Code)
			}
		},
		"a code for nobody": func(s *stand, _ url.Values) { s.page.Person = 0 },
	} {
		s := newStand(t)
		p := s.phone()
		q := url.Values{"client_id": {"7"}, "request_uri": {s.ok(s.pushing(p)).text("request_uri")}}
		spoil(s, q)
		w := s.browse(q)
		if w.Code < 400 || w.Code >= 500 || w.Header().Get("Location") != "" {
			t.Errorf("%s: %d to %q", name, w.Code, w.Header().Get("Location"))
		}
	}
	// The control is in "reused", and in every test that links.
}

// TestUnknownAlike: an unknown client, a wrong one and one that is not served are
// answered alike, byte for byte.
func TestUnknownAlike(t *testing.T) {
	s := newStand(t)
	p := s.phone()
	bodies := map[string][]string{}
	try := func(name string, r *request) {
		got := s.send(r)
		bodies[got.body] = append(bodies[got.body], name)
	}
	r := s.pushing(p)
	r.form.Set("client_id", "9")
	try("unknown", r)
	try("foreign attestation", s.pushing(s.phoneOf("8", s.toko, newKey(t))))
	delete(s.terms, 7)
	try("suspended", s.pushing(p))
	if len(bodies) != 1 {
		t.Errorf("%v", bodies)
	}
}

// server is a partner's server, which authenticates by itself.
type server struct {
	phone
	assertion map[string]any // head is fixed
	head      map[string]any
	by        *key
}

func (s *stand) serverOf(id string, by *key) *server {
	return &server{
		phone: phone{newKey(s.t), id, "", rand.Text() + rand.Text()}, by: by, head: map[string]any{"alg": by.alg},
		assertion: map[string]any{
			"iss": id, "sub": id, "aud": issuer, "jti": rand.Text(), "exp": s.now.Add(time.Minute).Unix(), "iat": s.now.Unix(),
		},
	}
}

func (s *stand) asserting(v *server, r *request) *request {
	r.header.Del("OAuth-Client-Attestation")
	if r.form.Get("scope") != "" {
		r.form.Set("scope", "decision:server")
	}
	v.assertion["jti"] = rand.Text()
	r.form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	r.form.Set("client_assertion", v.by.jwt(v.head, v.assertion))
	return r
}

// TestServerLinks: private_key_jwt, for decisions, never for colours.
func TestServerLinks(t *testing.T) {
	s := newStand(t)
	v := s.serverOf("7", s.toko)
	ref := s.ok(s.asserting(v, s.pushing(&v.phone))).text("request_uri")
	w := s.browse(url.Values{"client_id": {"7"}, "request_uri": {ref}})
	u, err := url.Parse(w.Header().Get("Location"))
	s.must(err)
	r := s.asserting(v, s.redeeming(&v.phone, u.Query().Get("code")))
	r.form.Del("client_id") // the assertion names it
	got := s.ok(r)
	if got.text("scope") != "decision:server" {
		t.Errorf("%s", got.body)
	}
	got = s.ok(s.asserting(v, s.refreshing(&v.phone, got.text("refresh_token"))))
	colour := s.asserting(v, s.pushing(&v.phone))
	colour.form.Set("scope", "colour")
	if r := s.send(colour); r.text("error") != "unauthorized_client" {
		t.Errorf("a server asks for colours: %d %s", r.status, r.body)
	}
	revoke := s.asserting(v, s.revoking(&v.phone, got.text("access_token")))
	revoke.claims = nil // a server authenticated by itself
	s.ok(revoke)
	if len(s.links(siti)) != 0 {
		t.Error("the link lives on")
	}
}

func TestAssertionRefuses(t *testing.T) {
	set := func(name string, value any) func(*stand, *server) {
		return func(_ *stand, v *server) { v.assertion[name] = value }
	}
	for name, spoil := range map[string]func(*stand, *server){
		"aud of the endpoint":   set("aud", issuer+"/oauth/token"),
		"aud of another server": set("aud", "https://other.example"),
		"aud a list":            set("aud", []string{issuer}),
		"no aud":                func(_ *stand, v *server) { delete(v.assertion, "aud") },
		"iss of another":        set("iss", "8"),
		"sub of another":        set("sub", "8"),
		"expired":               func(s *stand, v *server) { v.assertion["exp"] = s.now.Add(-61 * time.Second).Unix() },
		"no exp":                func(_ *stand, v *server) { delete(v.assertion, "exp") },
		"good for too long":     func(s *stand, v *server) { v.assertion["exp"] = s.now.Add(time.Hour).Unix() },
		"of the future":         func(s *stand, v *server) { v.assertion["nbf"] = s.now.Add(time.Minute).Unix() },
		"issued in the future":  func(s *stand, v *server) { v.assertion["iat"] = s.now.Add(time.Minute).Unix() },
		"alg none":              func(_ *stand, v *server) { v.head["alg"] = "none" },
		"alg HS256":             func(_ *stand, v *server) { v.head["alg"] = "HS256" },
		"alg of the other kind": func(_ *stand, v *server) { v.head["alg"] = "ES256" },
		"a key in the header":   func(_ *stand, v *server) { v.head["jwk"] = v.by.jwk },
		"typ of an attestation": func(_ *stand, v *server) { v.head["typ"] = "oauth-client-attestation+jwt" },
		"typ of a proof":        func(_ *stand, v *server) { v.head["typ"] = "dpop+jwt" },
		"another partner's key": func(s *stand, v *server) { v.by = s.kabar; v.head["alg"] = s.kabar.alg },
		"the device's own key":  func(_ *stand, v *server) { v.by = v.key; v.head["alg"] = v.key.alg },
	} {
		s := newStand(t)
		v := s.serverOf("7", s.toko)
		s.ok(s.asserting(v, s.pushing(&v.phone))) // the control
		spoil(s, v)
		if got := s.send(s.asserting(v, s.pushing(&v.phone))); got.text("error") != "invalid_client" || got.status != 401 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	s := newStand(t)
	v := s.serverOf("7", s.toko)
	first := s.asserting(v, s.pushing(&v.phone))
	s.ok(first)
	again := s.pushing(&v.phone)
	again.header.Del("OAuth-Client-Attestation")
	again.form = first.form
	if got := s.send(again); got.text("error") != "invalid_client" {
		t.Errorf("jti reused: %d %s", got.status, got.body)
	}
	delete(v.assertion, "jti")
	none := s.asserting(v, s.pushing(&v.phone))
	delete(v.assertion, "jti")
	none.form.Set("client_assertion", v.by.jwt(v.head, v.assertion))
	if got := s.send(none); got.text("error") != "invalid_client" {
		t.Errorf("no jti: %d %s", got.status, got.body)
	}
	untyped := s.asserting(v, s.pushing(&v.phone))
	untyped.form.Set("client_assertion_type", "urn:other")
	if got := s.send(untyped); got.text("error") != "invalid_client" {
		t.Errorf("another kind of assertion: %d %s", got.status, got.body)
	}
	both := s.asserting(v, s.pushing(&v.phone))
	both.header.Set("OAuth-Client-Attestation", s.attestation(s.toko, "7", v.key, nil))
	if got := s.send(both); got.text("error") != "invalid_request" {
		t.Errorf("two ways at once: %d %s", got.status, got.body)
	}
}

// TestCertificate: a server that the agreement knows by its certificate.
func TestCertificate(t *testing.T) {
	s := newStand(t)
	cert := []byte("a certificate")
	sum := sha256.Sum256(cert)
	terms := s.terms[7]
	terms.Keys.Certificate = b64(sum[:])
	s.terms[7] = terms
	v := s.serverOf("7", s.toko)
	push := func(cert []byte, id string) reply {
		r := s.pushing(&v.phone)
		r.header.Del("OAuth-Client-Attestation")
		r.form.Set("scope", "decision:server")
		r.form.Set("client_id", id)
		r.cert = cert
		return s.send(r)
	}
	if got := push(cert, "7"); got.status != 201 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	for name, got := range map[string]reply{
		"absent": push(nil, "7"), "another": push([]byte("another"), "7"), "for another partner": push(cert, "8"),
	} {
		if got.text("error") != "invalid_client" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	// A partner whose agreement binds none is not known by the hash of nothing.
	terms.Keys.Certificate = ""
	s.terms[7] = terms
	if got := push(nil, "7"); got.text("error") != "invalid_client" {
		t.Errorf("none bound: %d %s", got.status, got.body)
	}
}

// TestGuessedCodes: ten thousand guesses give no link and end none.
func TestGuessedCodes(t *testing.T) {
	s := newStand(t)
	p := s.phoneOf("7", s.toko, newEd(t))
	code := s.code(p)
	bodies := map[string]int{}
	for range 10_000 {
		var raw [32]byte
		rand.Read(raw[:])
		bodies[s.send(s.redeeming(p, b64(raw[:]))).body]++
	}
	if len(bodies) != 1 || len(s.links(siti)) != 0 {
		t.Errorf("%v", bodies)
	}
	s.ok(s.redeeming(p, code))
}

// FuzzPush: whatever comes, the answer is JSON with a code, and never a 500.
func FuzzPush(f *testing.F) {
	f.Add("client_id=7&response_type=code", "e30.e30.AA", "e30.e30.AA")
	f.Add("client_id=7&client_assertion=a.b.c", "", "")
	f.Fuzz(func(t *testing.T, body, proof, attest string) {
		s := newStand(t)
		r := s.proven(newKey(t), "/oauth/par", url.Values{})
		r.body = body + "&"
		if proof != "" {
			r.header.Set("DPoP", proof)
		}
		r.header.Set("OAuth-Client-Attestation", attest)
		got := s.send(r)
		if got.status >= 500 || got.text("error") == "" || !json.Valid([]byte(got.body)) {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
}
