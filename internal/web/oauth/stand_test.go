package oauth_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/flow/link"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/memory"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/oauth"
	"github.com/amanah-project/amanah/internal/web/route"
	"github.com/amanah-project/amanah/internal/web/token"
)

const (
	host     = "amanah.example"
	issuer   = "https://" + host
	redirect = "https://toko.example/back"
	siti     = identity.PersonID(41)
)

// key is a P-256 or Ed25519 key with its public JWK.
type key struct {
	signer crypto.Signer
	alg    string
	jwk    map[string]any
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func newKey(t testing.TB) *key {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return &key{private, "ES256", map[string]any{"crv": "P-256", "kty": "EC", "x": b64(raw[1:33]), "y": b64(raw[33:])}}
}

func newEd(t testing.TB) *key {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &key{private, "EdDSA", map[string]any{"crv": "Ed25519", "kty": "OKP", "x": b64(public)}}
}

func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

func (k *key) thumbprint() [32]byte { return sha256.Sum256(encode(k.jwk)) }

// jwt signs head and claims as they are, however wrong.
func (k *key) jwt(head, claims map[string]any) string {
	message := b64(encode(head)) + "." + b64(encode(claims))
	if e, ok := k.signer.(*ecdsa.PrivateKey); ok {
		sum := sha256.Sum256([]byte(message))
		r, s, err := ecdsa.Sign(rand.Reader, e, sum[:])
		if err != nil {
			panic(err)
		}
		return message + "." + b64(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
	}
	sig, err := k.signer.Sign(nil, []byte(message), crypto.Hash(0))
	if err != nil {
		panic(err)
	}
	return message + "." + b64(sig)
}

// tags is a keeper that only names.
type tags struct{}

func (tags) Index(_ context.Context, kind keeper.Kind, values [][]byte) ([]identity.Tag, error) {
	out := make([]identity.Tag, len(values))
	for i, v := range values {
		sum := sha256.Sum256(append([]byte{byte(kind)}, v...))
		out[i] = identity.Tag(sum[:16])
	}
	return out, nil
}

// stand is the authorization server over a memory store, with two partners.
type stand struct {
	t      testing.TB
	now    time.Time
	db     store.DB
	tokens *token.Sealer
	grants *link.Grants
	server *oauth.Server
	mux    *route.Mux
	terms  map[partner.ID]partner.Terms
	shut   error              // what Terms answers instead
	page   identity.PageState // what people decide on the pages
	refuse bool
	toko   *key // partner 7's client key
	kabar  *key // partner 8's
}

func newStand(t testing.TB) *stand {
	t.Helper()
	s := &stand{
		t: t, now: time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC), db: memory.New(), toko: newEd(t), kabar: newKey(t),
		page: identity.PageState{Asked: siti, Proved: true, Person: siti},
	}
	clock := func() time.Time { return s.now }
	var err error
	s.tokens, err = token.New([]keeper.TokenKey{{ID: 1, Key: make([]byte, 32), NotBefore: s.now.Add(-time.Hour), NotAfter: s.now.AddDate(1, 0, 0)}})
	s.must(err)
	terms := func(id partner.ID, k *key) partner.Terms {
		return partner.Terms{
			Partner: id, Version: 3, Scopes: []partner.Scope{partner.ScopeColour, partner.ScopeDecision},
			Redirects: []string{redirect, "https://toko.example/other"}, Keys: partner.Keys{Clients: []json.RawMessage{encode(newKey(t).jwk), encode(k.jwk)}},
		}
	}
	s.terms = map[partner.ID]partner.Terms{7: terms(7, s.toko), 8: terms(8, s.kabar)}
	s.grants = &link.Grants{
		DB: s.db, Keeper: tags{}, Sealer: func() link.Sealer { return s.tokens }, Now: clock,
		Put: func(st store.Stores, links []identity.Link, _ []identity.PersonID) error {
			return st.Links.Put(links[0])
		},
	}
	s.server = &oauth.Server{
		Host: host, Tokens: func() *token.Sealer { return s.tokens }, Nonces: dpop.NewNonces(make([]byte, 32), 5*time.Minute, clock),
		Once: dpop.NewOnce(5 * time.Minute), Clients: s, Grants: s.grants, Pages: s, Now: clock,
	}
	s.mux = &route.Mux{}
	s.server.Routes(s.mux)
	t.Cleanup(func() { _ = s.db.Close() })
	return s
}

func (s *stand) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// Terms implements oauth.Clients.
func (s *stand) Terms(id partner.ID) (partner.Terms, error) {
	t, ok := s.terms[id]
	if s.shut != nil {
		return partner.Terms{}, s.shut
	}
	if !ok {
		return t, partner.ErrUnknown
	}
	return t, nil
}

// Start implements oauth.Pages: people decide at once.
func (s *stand) Start(w http.ResponseWriter, r *http.Request, id identity.AuthorizationID) {
	if s.refuse {
		s.server.Refuse(w, r, id)
		return
	}
	s.must(s.db.Update(r.Context(), func(st store.Stores) error {
		a, err := st.Authorizations.Get(id)
		if err != nil {
			return err
		}
		asked, err := s.tokens.OpenAsking(id, a.Sealed)
		if err != nil {
			return err
		}
		asked.Page = s.page
		if a.Sealed, err = s.tokens.SealAsking(id, asked, s.now); err != nil {
			return err
		}
		a.Version++
		return st.Authorizations.Put(a)
	}))
	s.server.Finish(w, r, id)
}

// phone is one client instance: its key, its partner's word for it and its verifier.
type phone struct {
	key      *key
	id       string
	attest   string
	verifier string
}

func (s *stand) phone() *phone { return s.phoneOf("7", s.toko, newKey(s.t)) }

func (s *stand) phoneOf(id string, by, k *key) *phone {
	return &phone{k, id, s.attestation(by, id, k, nil), rand.Text() + rand.Text()}
}

func (s *stand) attestation(by *key, id string, k *key, alter func(head, claims map[string]any)) string {
	head := map[string]any{"alg": by.alg, "typ": "oauth-client-attestation+jwt"}
	claims := map[string]any{"sub": id, "exp": s.now.Add(72 * time.Hour).Unix(), "cnf": map[string]any{"jwk": k.jwk}}
	if alter != nil {
		alter(head, claims)
	}
	return by.jwt(head, claims)
}

// request is one call before it is sent; a case spoils it.
type request struct {
	method string
	path   string
	form   url.Values
	header http.Header
	key    *key // signs the proof
	head   map[string]any
	claims map[string]any // of the proof; none for no proof
	body   string         // instead of the form
	cert   []byte
}

// proven makes a request with a proof, its nonce the server's.
func (s *stand) proven(k *key, path string, form url.Values) *request {
	return &request{
		method: "POST", path: path, form: form, key: k,
		header: http.Header{"Content-Type": {"application/x-www-form-urlencoded;charset=UTF-8"}},
		head:   map[string]any{"typ": "dpop+jwt", "alg": k.alg, "jwk": maps.Clone(k.jwk)},
		claims: map[string]any{"jti": rand.Text(), "htm": "POST", "htu": issuer + path, "iat": s.now.Unix(), "nonce": s.server.Nonces.Give()},
	}
}

func (s *stand) attested(p *phone, path string, form url.Values) *request {
	r := s.proven(p.key, path, form)
	r.form.Set("client_id", p.id)
	r.header.Set("OAuth-Client-Attestation", p.attest)
	return r
}

func (s *stand) pushing(p *phone) *request {
	sum := sha256.Sum256([]byte(p.verifier))
	return s.attested(p, "/oauth/par", url.Values{
		"response_type": {"code"}, "redirect_uri": {redirect}, "scope": {"colour"}, "state": {"st4te"},
		"code_challenge": {b64(sum[:])}, "code_challenge_method": {"S256"},
	})
}

func (s *stand) redeeming(p *phone, code string) *request {
	return s.attested(p, "/oauth/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect}, "code_verifier": {p.verifier},
	})
}

func (s *stand) refreshing(p *phone, refresh string) *request {
	return s.attested(p, "/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
}

func (s *stand) revoking(p *phone, tok string) *request {
	return s.attested(p, "/oauth/revoke", url.Values{"token": {tok}})
}

// reply is what a call was told.
type reply struct {
	status int
	header http.Header
	body   string
	doc    map[string]any
}

func (r reply) text(name string) string {
	text, _ := r.doc[name].(string)
	return text
}

// http is the request as net/http's server would hand it over.
func (r *request) http() *http.Request {
	body := r.form.Encode()
	if r.body != "" {
		body = r.body
	}
	req := httptest.NewRequest(r.method, issuer+r.path, strings.NewReader(body))
	req.TLS = nil
	req.Header = r.header.Clone()
	if r.claims != nil && req.Header.Get("DPoP") == "" {
		req.Header.Set("DPoP", r.key.jwt(r.head, r.claims))
	}
	withCertificate(req, r.cert)
	return req
}

func (s *stand) send(r *request) reply {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r.http())
	out := reply{status: w.Code, header: w.Header(), body: w.Body.String()}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
		s.must(json.Unmarshal(w.Body.Bytes(), &out.doc))
	}
	return out
}

func (s *stand) ok(r *request) reply {
	s.t.Helper()
	out := s.send(r)
	if out.status != 200 && out.status != 201 {
		s.t.Fatalf("%s: %d %s", r.path, out.status, out.body)
	}
	return out
}

// browse opens the authorization endpoint as a browser would.
func (s *stand) browse(query url.Values) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, httptest.NewRequest("GET", issuer+"/oauth/authorize?"+query.Encode(), nil))
	return w
}

// arrive pushes and browses, and returns the parameters that came back.
func (s *stand) arrive(p *phone) url.Values {
	s.t.Helper()
	w := s.browse(url.Values{"client_id": {p.id}, "request_uri": {s.ok(s.pushing(p)).text("request_uri")}})
	if w.Code != http.StatusSeeOther {
		s.t.Fatalf("authorize: %d %s", w.Code, w.Body)
	}
	u, err := url.Parse(w.Header().Get("Location"))
	s.must(err)
	if got := u.Scheme + "://" + u.Host + u.Path; got != redirect {
		s.t.Fatalf("sent to %s", got)
	}
	return u.Query()
}

func (s *stand) code(p *phone) string { return s.arrive(p).Get("code") }

// links returns the links of a person that live.
func (s *stand) links(who identity.PersonID) (live []identity.Link) {
	s.t.Helper()
	subject, err := tags{}.Index(s.t.Context(), keeper.KindSubject, [][]byte{{0, 0, 0, 0, 0, 0, 0, byte(who)}})
	s.must(err)
	s.must(s.db.View(s.t.Context(), func(st store.Stores) error {
		live = nil
		all, err := st.Links.Of(subject[0])
		for _, l := range all {
			if l.Live() {
				live = append(live, l)
			}
		}
		return err
	}))
	return live
}
