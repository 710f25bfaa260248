package api_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/web/api"
	"github.com/amanah-project/amanah/internal/web/contract"
	"github.com/amanah-project/amanah/internal/web/problem"
)

// call is a request before it is signed, so that a test can spoil any part of it.
type call struct {
	method, path string
	body         map[string]any
	raw          *string // sent instead of the body
	relay        partner.ID
	grant        partner.Grant // of the relay
	token        string
	auth         string // Authorization, instead of the token's
	head, claims map[string]any
	signer       ed25519.PrivateKey
	proof        func(string) string // changes the finished proof; may be nil
}

// call makes a request that is right in everything.
func (s *stand) call(p *phone, method, path string, body map[string]any) *call {
	s.t.Helper()
	var id [16]byte
	rand.Read(id[:])
	c := &call{method: method, path: path, body: body, relay: p.claims.Partner, grant: agreed(), signer: p.key}
	c.head = map[string]any{"typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk(p.key)}
	plain, _, _ := strings.Cut(path, "?")
	c.claims = map[string]any{"jti": b64(id[:]), "htm": method, "htu": "https://" + host + plain, "iat": s.now.Unix(), "nonce": s.nonces.Give()}
	s.use(c, s.seal(p.claims))
	return c
}

// use sends the call with that token, which its proof names.
func (s *stand) use(c *call, token string) {
	sum := sha256.Sum256([]byte(token))
	c.token, c.claims["ath"] = token, b64(sum[:])
}

// request signs the call as it is.
func (s *stand) request(c *call) *api.Request {
	s.t.Helper()
	signed := b64(encode(s.t, c.head)) + "." + b64(encode(s.t, c.claims))
	sig, err := c.signer.Sign(nil, []byte(signed), crypto.Hash(0))
	s.must(err)
	r := &api.Request{Partner: c.relay, Grant: c.grant, Method: c.method, Path: c.path, Auth: c.auth, Proof: signed + "." + b64(sig), Lang: "en"}
	if c.auth == "" {
		r.Auth = "DPoP " + c.token
	}
	if c.proof != nil {
		r.Proof = c.proof(r.Proof)
	}
	switch {
	case c.raw != nil:
		r.Body = []byte(*c.raw)
	case c.body != nil:
		r.Body = encode(s.t, c.body)
	}
	return r
}

// send sends a call and holds its answer against the wire contract.
func (s *stand) send(c *call) api.Response {
	s.t.Helper()
	r := s.device.Serve(s.t.Context(), s.request(c))
	if err := s.contract.Check(contract.Answer{
		Method: c.method, Path: c.path, Encapsulated: true, Status: r.Status, Body: r.Body,
		Header: map[string][]string{"Content-Type": {r.Type}, "Dpop-Nonce": {r.Nonce}},
	}); err != nil {
		s.t.Error(err)
	}
	return r
}

// served sends a call that must be served, and reads its answer.
func (s *stand) served(c *call) map[string]any {
	s.t.Helper()
	r := s.send(c)
	if _, fresh := s.nonces.Fresh(r.Nonce); r.Status != 200 || r.Type != "application/json" || !fresh {
		s.t.Fatalf("%s %s: %d %s %s", c.method, c.path, r.Status, r.Type, r.Body)
	}
	var v map[string]any
	s.must(json.Unmarshal(r.Body, &v))
	return v
}

// refused sends a call that must be refused for that reason and no other, and leave
// one event all the same.
func (s *stand) refused(t *testing.T, c *call, want error) {
	t.Helper()
	before := s.keeper.count()
	r := s.send(c)
	status, body := problem.Document(want)
	if r.Status != status || !bytes.Equal(r.Body, body) || r.Type != problem.Type {
		t.Errorf("%d %s; want %d %s", r.Status, r.Body, status, body)
	}
	if _, fresh := s.nonces.Fresh(r.Nonce); !fresh {
		t.Error("a refusal brings no nonce for the next request")
	}
	if n := s.keeper.count() - before; n != 1 {
		t.Errorf("%d events", n)
	}
}

// refusal is a request that is right, what spoils it, and why it is refused then.
type refusal struct {
	name  string
	spoil func(s *stand, c *call)
	want  error
}

// run sends each request as it is, which is the control, and then spoiled.
func (s *stand) run(t *testing.T, good func() *call, cases []refusal) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s.t = t
			s.served(good())
			bad := good()
			c.spoil(s, bad)
			s.refused(t, bad, c.want)
		})
	}
	s.t = t
}

// set spoils one member of the body.
func set(name string, value any) func(*stand, *call) {
	return func(_ *stand, c *call) { c.body[name] = value }
}

// text spoils the whole body.
func text(body string) func(*stand, *call) {
	return func(_ *stand, c *call) { c.raw = &body }
}

// path sends the request, rightly signed, to another resource.
func path(method, path string) func(*stand, *call) {
	return func(_ *stand, c *call) {
		c.method, c.path = method, path
		plain, _, _ := strings.Cut(path, "?")
		c.claims["htm"], c.claims["htu"] = method, "https://"+host+plain
	}
}
