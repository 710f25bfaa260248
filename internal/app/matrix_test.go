package app

import (
	"crypto/ed25519"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/web/contract"
	"github.com/amanah-project/amanah/internal/web/token"
	"github.com/amanah-project/amanah/ohttp"
	"github.com/amanah-project/amanah/verify"
)

// role is who asks.
type role int

const (
	nobody    role = iota // holds no credential
	device                // of the person and link that a row is about
	stranger              // another person's device, through the same partner
	elsewhere             // the device's own token, brought by the other partner's relay
	relayOf               // the relay of the device's partner
	relayOff              // another partner's relay
	doorOf                // staff at the venue that a row is about
	doorOff               // staff at another venue
	operator              // whoever reaches the operator's own address; elsewhere nobody
	decider               // a partner's server that is told admit or refuse for the device's person
	roles                 // how many there are
)

func (r role) String() string {
	return [roles]string{"nobody", "device", "stranger", "elsewhere", "relay", "other relay", "door", "other door", "operator", "decider"}[r]
}

// schemes says which roles hold what a security scheme of the contract asks for.
var schemes = map[string][]role{
	"deviceToken": {device, stranger}, "relayToken": {relayOf, relayOff}, "relayCertificate": nil, "doorToken": {doorOf, doorOff},
	"serverToken": {decider}, "serverCertificate": nil,
	"clientAttestation": {device, stranger}, "clientAssertion": nil,
}

// holder is one role's credential.
type holder struct {
	key   ed25519.PrivateKey
	token string
}

// town is a server with everybody who could ask it for something.
type town struct {
	*rig
	public  http.Handler
	ops     http.Handler
	holders [roles]holder
	code    string // of the venue
	visit   string // open, of the device's person
	made    byte   // links
	number  string // of a dispute of the device's person
}

func newTown(t *testing.T) *town {
	t.Helper()
	r := newRig(t)
	r.consent()
	m := &town{rig: r, ops: r.contract.Watch("ops", r.server.opsRoutes(), func(err error) { t.Error(err) })}
	m.public = r.contract.Watch("public", r.server.routes(), func(err error) { t.Error(err) })
	m.populate()
	var err error
	if m.code, err = r.server.ring.set.Load().venues.Code(verify.VenueCode{Venue: 1, Door: 1, Serial: 1}); err != nil {
		t.Fatal(err)
	}
	return m
}

// seal gives a role a credential.
func (m *town) seal(who role, c token.Claims, key ed25519.PrivateKey) {
	m.t.Helper()
	c.Key, c.Expires = thumbprintOf(key), time.Now().Add(time.Hour)
	sealed, err := m.server.ring.tokens().Seal(c, time.Now())
	if err != nil {
		m.t.Fatal(err)
	}
	m.holders[who] = holder{key, sealed}
}

// auth signs a request for a role; nobody sends none.
func (m *town) auth(who role, method, path string) (authorization, dpop string) {
	h := m.holders[who]
	if h.token == "" {
		return "", ""
	}
	path, _, _ = strings.Cut(path, "?")
	if strings.HasPrefix(path, "/oauth/") { // no token is shown there
		return "", proof(h.key, method, "https://localhost"+path, "", m.server.nonces.Give())
	}
	return "DPoP " + h.token, proof(h.key, method, "https://localhost"+path, h.token, m.server.nonces.Give())
}

// reply is what came back, in whichever way it was asked.
type reply struct {
	status int
	media  string
	body   []byte
}

// outside asks over HTTP.
func (m *town) outside(who role, o contract.Operation, path, media string, body []byte) reply {
	m.t.Helper()
	h := m.public
	if who == operator && slices.Contains(o.Listeners, "ops") {
		h = m.ops
	}
	req := httptest.NewRequestWithContext(m.t.Context(), o.Method, "https://localhost"+path, strings.NewReader(string(body)))
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	if a, p := m.auth(who, o.Method, path); p != "" {
		req.Header.Set("Authorization", a)
		req.Header.Set("DPoP", p)
	}
	if who == device || who == stranger { // two instances of the partner's app
		req.Header.Set("OAuth-Client-Attestation", m.attest(m.holders[who].key))
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return reply{w.Code, w.Header().Get("Content-Type"), w.Body.Bytes()}
}

// inside asks in an encapsulated message, which the device's partner brings, and for
// elsewhere the other partner.
func (m *town) inside(who role, method, path string, body []byte) reply {
	m.t.Helper()
	by := relayOf
	if who == elsewhere {
		by = relayOff
	}
	inner := &ohttp.Request{Method: method, Scheme: "https", Authority: "localhost", Path: path, Body: body}
	if a, p := m.auth(who, method, path); p != "" {
		inner.Header = []ohttp.Field{{Name: "authorization", Value: a}, {Name: "dpop", Value: p}}
	}
	if strings.HasPrefix(path, "/oauth/") {
		inner.Header = append(inner.Header, ohttp.Field{Name: "content-type", Value: mediaForm})
		if who == device || who == stranger || who == elsewhere {
			inner.Header = append(inner.Header, ohttp.Field{Name: "oauth-client-attestation", Value: m.attest(m.holders[who].key)})
		}
	}
	plain, err := ohttp.AppendRequest(nil, inner)
	if err != nil {
		m.t.Fatal(err)
	}
	sealed, exchange, err := m.config.Encapsulate(plain)
	if err != nil {
		m.t.Fatal(err)
	}
	out := m.outside(by, contract.Operation{Method: "POST"}, "/ohttp", ohttp.MediaTypeRequest, sealed)
	if out.status != 200 {
		m.t.Fatalf("the relay was answered %d %s", out.status, out.body)
	}
	opened, err := exchange.Open(out.body)
	if err != nil {
		m.t.Fatal(err)
	}
	res, err := ohttp.ParseResponse(opened)
	if err != nil {
		m.t.Fatal(err)
	}
	m.conforms(method, path, res)
	return reply{res.Status, ohttp.Get(res.Header, "content-type"), res.Body}
}

// row is one thing that may be asked of somebody's, and what each role is answered.
type row struct {
	route string
	owner string // whose it is
	ask   func(m *town) (path, media string, body []byte)
	want  [roles]int
	ends  bool // a visit, when it is served
}

// TestAuthorizationMatrix asks the real server for everything it serves in every role.
// No cell is left to a default: a route without a row and a row without a cell fail.
// A row that grants all is the control.
func TestAuthorizationMatrix(t *testing.T) {
	m := newTown(t)
	rows := matrix()
	var named []string
	all := served(m.server)
	for where, routes := range all {
		for _, r := range routes {
			if where == "encapsulated" && slices.Contains(all["public"], r) {
				r = "inside " + r
			}
			named = append(named, r)
		}
	}
	var told []string
	for _, r := range rows {
		told = append(told, plain([]string{r.route})...)
	}
	for _, r := range staffMatrix() { // asked by staff: TestStaffMatrix
		told = append(told, plain([]string{r.route})...)
	}
	for _, r := range fhirMatrix() { // asked by systems: TestFHIRMatrix
		told = append(told, plain([]string{r.route})...)
	}
	missing, extra := differ(named, told)
	for _, r := range missing {
		t.Errorf("%s has no row: say for every role what it is answered", r)
	}
	for _, r := range extra {
		t.Errorf("%s has a row and is not served", r)
	}
	operations := m.operations()
	cells, granted := 0, map[string]bool{}
	for _, r := range rows {
		o, ok := operations[r.route]
		if !ok {
			t.Errorf("%s is not in api/openapi.yaml", r.route)
			continue
		}
		m.fresh()
		for who := roles - 1; who >= 0; who-- {
			if r.want[who] == 0 {
				t.Errorf("%s of %s: nothing is said of %s", r.route, r.owner, who)
				continue
			}
			cells++
			if wrong := m.cell(o, r, who); wrong != "" {
				t.Error(wrong)
			}
			if r.want[who] < 400 {
				granted[r.route] = true
				if len(o.Callers) > 0 && !slices.ContainsFunc(o.Callers, func(s string) bool { return slices.Contains(schemes[s], who) }) {
					t.Errorf("%s: %s is served, which api/openapi.yaml does not say", r.route, who)
				}
			}
		}
	}
	for _, r := range staffMatrix() {
		granted[r.route] = true // or TestStaffMatrix fails
	}
	for _, r := range fhirMatrix() {
		granted[r.route] = true // or TestFHIRMatrix fails
	}
	for route := range operations {
		if !granted[route] {
			t.Errorf("%s: nobody is served, so the refusals prove nothing", route)
		}
	}
	t.Logf("%d rows, %d cells", len(rows), cells)
	for who := range roles { // the control: what a server without any protection would answer
		if who == device {
			continue
		}
		all := row{"DELETE /v1/links/{link}", "the device's person", (*town).unlink, [roles]int{}, false}
		all.want[who] = 200
		if m.cell(operations[all.route], all, who) == "" {
			t.Errorf("%s may unlink anybody, and the matrix does not see it", who)
		}
	}
}

// operations are those of the contract, by route. Of one that is asked either way the
// encapsulated one has inside before it.
func (m *town) operations() map[string]contract.Operation {
	out := map[string]contract.Operation{}
	for _, o := range m.contract.Operations {
		if !o.Encapsulated {
			out[o.Route()] = o
		}
	}
	for _, o := range m.contract.Operations {
		name := o.Route()
		if _, outside := out[name]; o.Encapsulated && outside {
			name = "inside " + name
		}
		out[name] = o
	}
	return out
}

// cell asks in one role, with everything right but who asks.
func (m *town) cell(o contract.Operation, r row, who role) (wrong string) {
	m.t.Helper()
	path, media, body := r.ask(m)
	var got reply
	if o.Encapsulated {
		got = m.inside(who, o.Method, path, body)
	} else {
		got = m.outside(who, o, path, media, body)
	}
	if r.ends && got.status == 200 {
		m.visit = ""
	}
	if got.status != r.want[who] {
		return fmt.Sprintf("%s of %s, asked by %s: %d %s, want %d", r.route, r.owner, who, got.status, got.body, r.want[who])
	}
	return ""
}

// TestNothingEncapsulatedOutside: what devices ask is not served to anybody outside
// the encapsulation, whatever they hold.
func TestNothingEncapsulatedOutside(t *testing.T) {
	m := newTown(t)
	operations := m.operations()
	for _, r := range matrix() {
		o := operations[r.route]
		if !o.Encapsulated || strings.HasPrefix(r.route, "inside ") {
			continue
		}
		path, _, body := r.ask(m)
		for who := range roles {
			if got := m.outside(who, o, path, mediaJSON, body); got.status != 404 && got.status != 405 {
				t.Errorf("%s outside, asked by %s: %d %s", r.route, who, got.status, got.body)
			}
		}
	}
}

func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
