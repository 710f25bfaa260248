package api_test

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/web/api"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/token"
	"github.com/amanah-project/amanah/verify"
)

var entry = verify.VenueCode{Venue: 1, Door: 1, Serial: 1}

func (s *stand) checkIn(p *phone) *call { return s.checkInAt(p, 1) }

func (s *stand) checkInAt(p *phone, at uint64) *call {
	code := entry
	code.Venue = at
	return s.call(p, "POST", "/v1/visits", map[string]any{
		"code": s.code(code), "party": 1, "nonce": nonce(s.now), "holder": b64(newKey(s.t)[32:]),
	})
}

// TestAdmission: whose token it is, which device holds it and what the proof says,
// each wrong alone.
func TestAdmission(t *testing.T) {
	s := newStand(t)
	p := s.phone(siti, 1, nil)
	other := s.phone(siti, 1, nil)
	claims := func(change func(*token.Claims)) func(*stand, *call) {
		return func(s *stand, c *call) {
			of := p.claims
			change(&of)
			s.use(c, s.seal(of))
		}
	}
	says := func(name string, value any) func(*stand, *call) {
		return func(_ *stand, c *call) { c.claims[name] = value }
	}
	heads := func(name string, value any) func(*stand, *call) {
		return func(_ *stand, c *call) { c.head[name] = value }
	}
	foreign, err := token.New([]keeper.TokenKey{{ID: 1, Key: bytes.Repeat([]byte{1}, 32), NotBefore: s.now.Add(-time.Hour), NotAfter: s.now.Add(time.Hour)}})
	s.must(err)
	forged, err := foreign.Seal(p.claims, s.now)
	s.must(err)
	s.run(t, func() *call { return s.call(p, "GET", "/v1/status", nil) }, []refusal{
		{"partner without an agreement", func(_ *stand, c *call) { c.grant = partner.Grant{} }, partner.ErrScope},
		{"agreement without colours", func(_ *stand, c *call) { c.grant = agreed(); c.grant.Scopes = []partner.Scope{partner.ScopeDecision} }, partner.ErrScope},
		{"real person in the sandbox", func(_ *stand, c *call) { c.grant.SyntheticOnly = true }, partner.ErrSynthetic},
		{"no token", func(_ *stand, c *call) { c.auth = "DPoP " }, token.ErrToken},
		{"bearer", func(_ *stand, c *call) { c.auth = "Bearer " + c.token }, token.ErrToken},
		{"token cut", func(s *stand, c *call) { s.use(c, c.token[:len(c.token)-1]) }, token.ErrToken},
		{"token altered", func(s *stand, c *call) { s.use(c, flip(c.token, 40)) }, token.ErrToken},
		{"token with another end", func(s *stand, c *call) { s.use(c, c.token+"A") }, token.ErrToken},
		{"token under another key", func(s *stand, c *call) { s.use(c, forged) }, token.ErrToken},
		{"token of a relay", claims(func(c *token.Claims) { c.Scope = token.ScopeRelay }), token.ErrToken},
		{"token of a door", claims(func(c *token.Claims) { c.Scope = token.ScopeDoor }), token.ErrToken},
		{"token of another partner", claims(func(c *token.Claims) { c.Partner = 2 }), token.ErrToken},
		{"relay of another partner", func(_ *stand, c *call) { c.relay = 2 }, token.ErrToken},
		{"token over", claims(func(c *token.Claims) { c.Expires = s.now.Add(-time.Second) }), token.ErrExpired},
		{"token of another device", claims(func(c *token.Claims) { c.Key = other.claims.Key }), dpop.ErrBound},
		{"link of another device", claims(func(c *token.Claims) { c.Link = other.claims.Link }), identity.ErrNoLink},
		{"link that is none", claims(func(c *token.Claims) { c.Link = identity.LinkID{9} }), identity.ErrNoLink},
		{"no proof", func(_ *stand, c *call) { c.proof = func(string) string { return "" } }, dpop.ErrProof},
		{"long proof", func(_ *stand, c *call) { c.claims["pad"] = strings.Repeat("a", dpop.MaxProof) }, dpop.ErrProof},
		{"proof of another key", func(_ *stand, c *call) { c.signer, c.head["jwk"] = other.key, jwk(other.key) }, dpop.ErrBound},
		{"signed by another key", func(_ *stand, c *call) { c.signer = other.key }, dpop.ErrSigned},
		{"alg none", heads("alg", "none"), dpop.ErrKey},
		{"alg of a secret", heads("alg", "HS256"), dpop.ErrKey},
		{"alg of another kind", heads("alg", "ES256"), dpop.ErrKey},
		{"no jwk", heads("jwk", nil), dpop.ErrProof},
		{"typ", heads("typ", "jwt"), dpop.ErrProof},
		{"no jti", says("jti", ""), dpop.ErrProof},
		{"method", says("htm", "POST"), dpop.ErrBound},
		{"path", says("htu", "https://"+host+"/v1/visits"), dpop.ErrBound},
		{"host", says("htu", "https://other.example/v1/status"), dpop.ErrBound},
		{"no hash of the token", says("ath", ""), dpop.ErrBound},
		{"hash of another token", says("ath", b64(make([]byte, sha256.Size))), dpop.ErrBound},
		{"no nonce", says("nonce", ""), dpop.ErrNonce},
		{"nonce of another", says("nonce", dpop.NewNonces([]byte("x"), nonceLife, func() time.Time { return s.now }).Give()), dpop.ErrNonce},
		{"nonce of before", says("nonce", dpop.NewNonces(make([]byte, 32), nonceLife, func() time.Time { return s.now.Add(-nonceLife - time.Second) }).Give()), dpop.ErrNonce},
	})
}

func flip(s string, i int) string {
	b := []byte(s)
	if b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}

// TestReplay: a proof is good once.
func TestReplay(t *testing.T) {
	s := newStand(t)
	c := s.call(s.phone(siti, 1, nil), "GET", "/v1/status", nil)
	s.served(c)
	s.refused(t, c, dpop.ErrReplay)
}

// TestCheckIn: what a check-in's body may be wrong in.
func TestCheckIn(t *testing.T) {
	s := newStand(t)
	p := s.phone(siti, 1, nil)
	small := make([]byte, 32) // the neutral point
	small[0] = 1
	off := make([]byte, 33)
	off[0], off[32] = 2, 1 // no point of P-256 has x = 1
	code := func(c verify.VenueCode) func(*stand, *call) {
		return func(s *stand, to *call) { to.body["code"] = s.code(c) }
	}
	s.run(t, func() *call { return s.checkIn(p) }, []refusal{
		{"no body", text(""), api.ErrBody},
		{"no JSON", text("{"), api.ErrBody},
		{"a list", text("[]"), api.ErrBody},
		{"a party in words", set("party", "two"), api.ErrBody},
		{"half a person", set("party", 1.5), api.ErrBody},
		{"nobody", set("party", 0), venue.ErrParty},
		{"fewer", set("party", -1), venue.ErrParty},
		{"fifty-one", set("party", venue.MaxParty+1), venue.ErrParty},
		{"a thousand", set("party", 1000), venue.ErrParty},
		{"no nonce", set("nonce", ""), api.ErrNonce},
		{"short nonce", set("nonce", b64(make([]byte, 15))), api.ErrNonce},
		{"long nonce", set("nonce", b64(make([]byte, 17))), api.ErrNonce},
		{"nonce in hexadecimal", set("nonce", "00112233445566778899aabbccddeeff"), api.ErrNonce},
		{"nonce of before", set("nonce", nonce(s.now.Add(-venue.Skew-time.Second))), venue.ErrClock},
		{"nonce to come", set("nonce", nonce(s.now.Add(venue.Skew+time.Second))), venue.ErrClock},
		{"no holder", set("holder", ""), api.ErrHolder},
		{"short holder", set("holder", b64(make([]byte, 31))), api.ErrHolder},
		{"holder not on the curve", set("holder", b64(off)), api.ErrHolder},
		{"holder that anybody holds", set("holder", b64(small)), api.ErrHolder},
		{"holder in another alphabet", set("holder", strings.Repeat("+", 43)), api.ErrHolder},
		{"no code", set("code", ""), api.ErrCode},
		{"no venue's code", set("code", "https://"+host+"/v/AAAA"), api.ErrCode},
		{"code of another host", set("code", s.codeBy(s.venues, "other.example", entry)), api.ErrCodeForeign},
		{"code by another key", set("code", s.codeBy(newKey(t), host, entry)), api.ErrCodeForged},
		{"code over", code(verify.VenueCode{Venue: 1, Door: 1, Serial: 1, Expires: s.now.Add(-time.Minute)}), api.ErrCodeExpired},
		{"code of an exit", code(verify.VenueCode{Venue: 1, Door: 1, Serial: 1, Exit: true}), api.ErrExit},
		{"code of no venue", code(verify.VenueCode{Venue: 99, Door: 1, Serial: 1}), venue.ErrUnknown},
	})
}

// TestMembers: who may be named beside the person who scans.
func TestMembers(t *testing.T) {
	s := newStand(t)
	p := s.phone(siti, 1, nil)
	child := s.seal(s.phone(budi, 1, p).claims)
	with := func(tokens ...string) func(*stand, *call) { return set("with", tokens) }
	own := s.phone(siti, 1, p)
	over := s.phone(maya, 1, p).claims
	over.Expires = s.now.Add(-time.Second)
	good := func() *call {
		c := s.checkIn(p)
		c.body["party"], c.body["with"] = 2, []string{child}
		return c
	}
	if v := s.served(good()); v["decision"] != "admit" {
		t.Errorf("%v", v)
	}
	s.run(t, good, []refusal{
		{"more than enter", with(child, child), gate.ErrMembers},
		{"all who enter", set("party", 1), gate.ErrMembers},
		{"five", func(_ *stand, c *call) {
			c.body["party"], c.body["with"] = 20, []string{child, child, child, child, child}
		}, gate.ErrMembers},
		{"no token", with("x"), token.ErrToken},
		{"on another device", with(s.seal(s.phone(budi, 1, nil).claims)), token.ErrToken},
		{"of another partner", with(s.seal(s.phone(budi, 2, p).claims)), token.ErrToken},
		{"the person who scans", with(s.seal(own.claims)), token.ErrToken},
		{"over", with(s.seal(over)), token.ErrExpired},
	})
}

// TestLeave: what a check-out may be wrong in.
func TestLeave(t *testing.T) {
	s := newStand(t)
	p := s.phone(siti, 1, nil)
	id := func(at time.Time) string { return visitOf(t, nonce(at)) }
	theirs, _ := s.served(s.checkIn(s.phone(budi, 1, nil)))["visit"].(string)
	good := func() *call {
		mine := s.served(s.checkIn(p))["visit"]
		return s.call(p, "POST", "/v1/visits/leave", map[string]any{"visit": mine})
	}
	code := func(url string) func(*stand, *call) {
		return func(_ *stand, c *call) { c.body = map[string]any{"code": url} }
	}
	s.run(t, good, []refusal{
		{"no body", text(""), api.ErrBody},
		{"no JSON", text(`{"visit":`), api.ErrBody},
		{"nothing", text(`{}`), api.ErrEmpty},
		{"half a number", set("visit", "0011"), api.ErrVisitID},
		{"no number", set("visit", strings.Repeat("x", 32)), api.ErrVisitID},
		{"of days ago", set("visit", id(s.now.Add(-25*time.Hour))), api.ErrVisitID},
		{"to come", set("visit", id(s.now.Add(venue.Skew+time.Second))), api.ErrVisitID},
		{"that is none", set("visit", id(s.now)), venue.ErrNoVisit},
		{"somebody else's", set("visit", theirs), venue.ErrNoVisit},
		{"code of another host", code(s.codeBy(s.venues, "other.example", entry)), api.ErrCodeForeign},
		{"code by another key", code(s.codeBy(newKey(t), host, entry)), api.ErrCodeForged},
		{"code over", code(s.code(verify.VenueCode{Venue: 1, Door: 1, Serial: 1, Exit: true, Expires: s.now.Add(-time.Minute)})), api.ErrCodeExpired},
	})
	if v := s.served(good()); v["closed"] != 1.0 {
		t.Errorf("leaving: %v", v)
	}
	again := good()
	again.body = map[string]any{"code": s.code(verify.VenueCode{Venue: 1, Door: 1, Serial: 1, Exit: true})}
	if v := s.served(again); v["closed"] != 1.0 {
		t.Errorf("by the exit's code: %v", v)
	}
	cover := good()
	cover.body = map[string]any{"cover": true}
	if v := s.served(cover); v["closed"] != 0.0 {
		t.Errorf("a cover: %v", v)
	}
}

// TestRoutes: what there is not, asked for rightly, and pages and venues that are none.
func TestRoutes(t *testing.T) {
	s := newStand(t)
	p := s.phone(siti, 1, nil)
	s.served(s.checkIn(p))
	for _, c := range []struct {
		path  string
		cases []refusal
	}{
		{"/v1/status", []refusal{
			{"another", path("GET", "/v1/nothing"), api.ErrRoute},
			{"none", path("GET", ""), api.ErrRoute},
			{"root", path("GET", "/"), api.ErrRoute},
			{"longer", path("GET", "/v1/status/x"), api.ErrRoute},
			{"method", path("PUT", "/v1/status"), api.ErrRoute},
			{"no method", path("", "/v1/status"), api.ErrRoute},
		}},
		{"/v1/visits?page=1", []refusal{
			{"page below", path("GET", "/v1/visits?page=-1"), api.ErrRoute},
			{"page above", path("GET", "/v1/visits?page=1001"), api.ErrRoute},
			{"page in words", path("GET", "/v1/visits?page=x"), api.ErrRoute},
			{"visit", path("GET", "/v1/visits/x"), api.ErrRoute},
			{"visits deleted", path("DELETE", "/v1/visits"), api.ErrRoute},
		}},
		{"/v1/venues/1", []refusal{
			{"venue unknown", path("GET", "/v1/venues/2"), venue.ErrUnknown},
			{"venue none", path("GET", "/v1/venues/"), venue.ErrUnknown},
			{"venue in words", path("GET", "/v1/venues/mal"), venue.ErrUnknown},
			{"venue below", path("GET", "/v1/venues/-1"), venue.ErrUnknown},
		}},
	} {
		s.run(t, func() *call { return s.call(p, "GET", c.path, nil) }, c.cases)
	}
	if v := s.served(s.call(p, "GET", "/v1/visits", nil)); len(v["visits"].([]any)) != 1 {
		t.Errorf("%v", v)
	}
}
