package relay_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/web/api"
	"github.com/amanah-project/amanah/internal/web/contract"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/relay"
	"github.com/amanah-project/amanah/internal/web/token"
	"github.com/amanah-project/amanah/ohttp"
)

const address = "https://amanah.example/ohttp"

// stand is a handler with a relay's key and a device's key configuration.
type stand struct {
	t       testing.TB
	handler *relay.Handler
	watched http.Handler // the same, each answer held against the wire contract
	config  ohttp.Config
	key     ed25519.PrivateKey
	token   string
	now     time.Time
	admit   error
	quota   error    // of Spend
	spent   int      // messages counted
	sum     [32]byte // of the relay's certificate
	answer  api.Response
	asked   []api.Request
	seen    []string
}

// grant is what partner 7 may do.
func (s *stand) grant() partner.Grant {
	return partner.Grant{Agreed: &partner.Agreed{Terms: partner.Terms{Partner: 7}}}
}

func (s *stand) Admit(id partner.ID, key [32]byte) (partner.Grant, error) {
	if id != 7 || key != thumbprint(s.key) {
		return partner.Grant{}, partner.ErrUnknown
	}
	return s.grant(), s.admit
}

func (s *stand) AdmitCertificate(sum [32]byte) (partner.Grant, error) {
	if s.sum != sum {
		return partner.Grant{}, partner.ErrUnknown
	}
	return s.grant(), s.admit
}

func (s *stand) Spend(partner.Grant) error {
	s.spent++
	return s.quota
}

func (s *stand) Serve(_ context.Context, r *api.Request) api.Response {
	s.asked = append(s.asked, *r)
	return s.answer
}

func (s *stand) Relayed(who, outcome string) { s.seen = append(s.seen, who+" "+outcome) }

var readContract = sync.OnceValues(contract.Shipped)

func newStand(t testing.TB) *stand {
	t.Helper()
	s := &stand{
		t: t, key: newKey(t), now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC),
		answer: api.Response{Status: 200, Type: "application/json", Nonce: "n", Body: []byte(`{"colour":"green"}`)},
	}
	clock := func() time.Time { return s.now }
	cache, err := ohttp.NewReplayCache(5*time.Minute, 1000)
	if err != nil {
		t.Fatal(err)
	}
	private, err := ohttp.GenerateKey(1, ohttp.X25519)
	if err != nil {
		t.Fatal(err)
	}
	gateway, err := ohttp.NewGateway(cache, private)
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := token.New([]keeper.TokenKey{{ID: 1, Key: make([]byte, 32), NotBefore: s.now.Add(-time.Hour), NotAfter: s.now.Add(time.Hour)}})
	if err != nil {
		t.Fatal(err)
	}
	s.config = private.Config()
	s.handler = &relay.Handler{
		URL: address, Tokens: func() *token.Sealer { return tokens }, Nonces: dpop.NewNonces(make([]byte, 32), 5*time.Minute, clock),
		Once: dpop.NewOnce(5 * time.Minute), Partners: s, Gateway: gateway, Device: s, Seen: s, Now: clock, Known: dpop.NewKnown(),
	}
	held, err := readContract()
	if err != nil {
		t.Fatal(err)
	}
	s.watched = held.Watch("public", s.handler, func(err error) { t.Error(err) })
	s.token = s.seal(token.Claims{Scope: token.ScopeRelay, Partner: 7, Key: thumbprint(s.key), Expires: s.now.Add(30 * time.Minute)})
	return s
}

func (s *stand) seal(c token.Claims) string {
	s.t.Helper()
	text, err := s.handler.Tokens().Seal(c, s.now)
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func thumbprint(key ed25519.PrivateKey) [32]byte {
	return sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + b64(key.Public().(ed25519.PublicKey)) + `"}`))
}

// sent is one POST as it goes out, to be altered before.
type sent struct {
	method, url, nonce, jti string // of the proof
	key                     ed25519.PrivateKey
	token, scheme, media    string
	body                    io.Reader
}

// fit is a POST that is answered.
func (s *stand) fit(body []byte) *sent {
	return &sent{"POST", address, s.handler.Nonces.Give(), rand.Text(), s.key, s.token, "DPoP ", ohttp.MediaTypeRequest, bytes.NewReader(body)}
}

func (p *sent) proof() string {
	hash := sha256.Sum256([]byte(p.token))
	head, _ := json.Marshal(map[string]any{"typ": "dpop+jwt", "alg": "EdDSA", "jwk": map[string]any{
		"kty": "OKP", "crv": "Ed25519", "x": b64(p.key.Public().(ed25519.PublicKey)),
	}})
	body, _ := json.Marshal(map[string]any{"jti": p.jti, "htm": p.method, "htu": p.url, "iat": 1_700_000_000, "ath": b64(hash[:]), "nonce": p.nonce})
	message := b64(head) + "." + b64(body)
	return message + "." + b64(ed25519.Sign(p.key, []byte(message)))
}

func (s *stand) send(p *sent) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodPost, address, p.body)
	r.Header.Set("Content-Type", p.media)
	r.Header.Set("Authorization", p.scheme+p.token)
	r.Header.Set("DPoP", p.proof())
	w := httptest.NewRecorder()
	s.watched.ServeHTTP(w, r)
	if _, fresh := s.handler.Nonces.Fresh(w.Header().Get("DPoP-Nonce")); !fresh {
		s.t.Error("an answer without a fresh nonce")
	}
	return w
}

// message encapsulates a request as a device does.
func (s *stand) message(r ohttp.Request) ([]byte, *ohttp.Exchange) {
	s.t.Helper()
	plain, err := ohttp.AppendRequest(nil, &r)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.wrap(plain)
}

func (s *stand) wrap(plain []byte) ([]byte, *ohttp.Exchange) {
	s.t.Helper()
	body, x, err := s.config.Encapsulate(plain)
	if err != nil {
		s.t.Fatal(err)
	}
	return body, x
}

func (s *stand) ask() []byte {
	body, _ := s.message(inner())
	return body
}

func inner() ohttp.Request {
	return ohttp.Request{
		Method: "POST", Scheme: "https", Authority: "amanah.example", Path: "/v1/visits", Body: []byte(`{"n":1}`),
		Header: []ohttp.Field{{Name: "authorization", Value: "DPoP t"}, {Name: "dpop", Value: "p"}, {Name: "accept-language", Value: "en"}},
	}
}
