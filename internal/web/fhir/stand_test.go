package fhir

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
	format "github.com/amanah-project/amanah/internal/format/fhir"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/pace"
	"github.com/amanah-project/amanah/internal/web/route"
	"github.com/amanah-project/amanah/internal/web/token"
)

const (
	testHost = "amanah.example"
	testNIK  = "9901015703840001"
)

// stand is a server over a ward, and one hospital's system.
type stand struct {
	t      *testing.T
	server *Server
	ward   *ward
	mux    *route.Mux
	key    ed25519.PrivateKey
	bound  string // token
	bearer string
	at     time.Time
}

// System implements Systems.
func (s *stand) System(_ context.Context, id staff.ActorID) (staff.Actor, error) {
	if id != "client-rs-99-001" {
		return staff.Actor{}, fault.New(fault.Denied, "no such system")
	}
	return staff.Actor{ID: id, Facility: "rs-99-001", Role: staff.RoleClient, Rights: staff.Enter | staff.Correct | staff.View}, nil
}

func newStand(t *testing.T) *stand {
	t.Helper()
	s := &stand{t: t, at: time.Date(2022, 8, 1, 5, 0, 0, 0, time.UTC)}
	now := func() time.Time { return s.at }
	seal, err := token.New([]keeper.TokenKey{{ID: 1, Key: make([]byte, 32), NotBefore: s.at.Add(-time.Hour), NotAfter: s.at.Add(24 * time.Hour)}})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := format.NewReader()
	if err != nil {
		t.Fatal(err)
	}
	_, s.key, _ = ed25519.GenerateKey(nil)
	s.ward = newWard(now)
	s.ward.niks[testNIK] = 1
	s.server = &Server{
		Host: testHost, Version: "test", Tokens: func() *token.Sealer { return seal },
		Nonces: dpop.NewNonces(bytes.Repeat([]byte("k"), 32), 5*time.Minute, now), Once: dpop.NewOnce(5 * time.Minute),
		Systems: s, Care: s.ward, Reader: reader, Pace: pace.New(1e6, 1e6), Now: now,
	}
	s.mux = &route.Mux{}
	s.server.Routes(s.mux)
	said := token.System{Actor: "client-rs-99-001", Facility: "rs-99-001", Expires: s.at.Add(time.Hour)}
	if s.bearer, err = seal.SealSystem(said, s.at); err != nil {
		t.Fatal(err)
	}
	said.Key = sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + b64(s.key.Public().(ed25519.PublicKey)) + `"}`))
	if s.bound, err = seal.SealSystem(said, s.at); err != nil {
		t.Fatal(err)
	}
	return s
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (s *stand) proof(method, path string) string {
	sum := sha256.Sum256([]byte(s.bound))
	head := b64([]byte(`{"typ":"dpop+jwt","alg":"EdDSA","jwk":{"kty":"OKP","crv":"Ed25519","x":"` + b64(s.key.Public().(ed25519.PublicKey)) + `"}}`))
	body := b64(fmt.Appendf(nil, `{"jti":"%s","htm":"%s","htu":"https://%s%s","iat":%d,"ath":"%s","nonce":"%s"}`, rand.Text(), method, testHost, path, s.at.Unix(), b64(sum[:]), s.server.Nonces.Give()))
	return head + "." + body + "." + b64(ed25519.Sign(s.key, []byte(head+"."+body)))
}

// request is signed by the hospital's key.
func (s *stand) request(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, "https://"+testHost+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", formFHIR)
	}
	r.Header.Set("Authorization", "DPoP "+s.bound)
	r.Header.Set("DPoP", s.proof(method, r.URL.EscapedPath()))
	return r
}

// send returns the answer; every error is an OperationOutcome and repeats no NIK.
func (s *stand) send(r *http.Request) *httptest.ResponseRecorder {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r)
	if w.Code >= 400 {
		got, err := s.server.Reader.Read(w.Body.Bytes())
		if err != nil || got.Type != "OperationOutcome" || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/") {
			s.t.Errorf("%s %s: %d %q %v", r.Method, r.URL.Path, w.Code, w.Body, err)
		}
		if strings.Contains(w.Body.String(), testNIK) || strings.Contains(w.Body.String(), "Ani") {
			s.t.Errorf("%s %s: %d repeats who it is of: %s", r.Method, r.URL.Path, w.Code, w.Body)
		}
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		s.t.Errorf("%s %s: may be stored by caches", r.Method, r.URL.Path)
	}
	return w
}

// ask sends a signed request and wants a status.
func (s *stand) ask(method, path, body string, want int, header ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := s.request(method, path, body)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := s.send(r)
	if w.Code != want {
		s.t.Fatalf("%s %s: %d %s, want %d", method, path, w.Code, w.Body, want)
	}
	return w
}

// made is a resource that was answered.
type made struct {
	ResourceType, ID, Type string
	Meta                   struct{ VersionID, LastUpdated string }
	Total                  *int
	Link                   []bundleLink
	Entry                  []struct {
		FullURL  string
		Resource json.RawMessage
		Response struct {
			Status, Location, ETag string
			Outcome                outcomeResource
		}
		Search struct{ Mode string }
	}
	Issue []issue
}

func read(t *testing.T, w *httptest.ResponseRecorder) made {
	t.Helper()
	var m made
	if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	return m
}
