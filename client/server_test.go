package client

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// court answers a partner's server as a platform that is content with everything. Its
// nonce is new with each answer, and wanted in each proof.
type court struct {
	*httptest.Server
	t     *testing.T
	n     int
	kind  string // token_type that it gives
	asked []string
	form  url.Values // of the last call to the authorization server
}

func newCourt(t *testing.T, kind string) *court {
	c := &court{t: t, kind: kind}
	c.Server = httptest.NewUnstartedServer(http.HandlerFunc(c.answer))
	c.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	c.StartTLS()
	t.Cleanup(c.Close)
	return c
}

func (c *court) answer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("DPoP-Nonce", fmt.Sprint("n", c.n+1))
	proof, shown := r.Header.Get("DPoP"), len(r.TLS.PeerCertificates) > 0
	if (proof == "") != shown {
		c.t.Errorf("%s: proof %q, certificate %v", r.URL.Path, proof, shown)
	}
	fresh := shown || strings.Contains(claims(c.t, proof), fmt.Sprintf(`"nonce":"n%d"`, c.n)) && c.n > 0
	c.n++
	if r.URL.Path == "/v1/decisions" {
		if !fresh {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"type":"urn:amanah:problem:denied","title":"use_dpop_nonce: again","status":403}`)
			return
		}
		var b struct{ Journey, Date, Category string }
		if err := json.NewDecoder(r.Body).Decode(&b); err != nil {
			c.t.Error(err)
		}
		c.asked = append(c.asked, r.Header.Get("Authorization")+" "+b.Journey+" "+b.Date+" "+b.Category)
		if b.Journey == "refused" {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"type":"urn:amanah:problem:denied","title":"this device is not linked","status":403}`)
			return
		}
		fmt.Fprint(w, `{"decision":"admit"}`)
		return
	}
	if !fresh {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"use_dpop_nonce","error_description":"again"}`)
		return
	}
	if err := r.ParseForm(); err != nil {
		c.t.Error(err)
	}
	c.form = r.PostForm
	switch r.URL.Path {
	case "/oauth/par":
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"request_uri":"urn:x","expires_in":90}`)
	case "/oauth/token":
		fmt.Fprintf(w, `{"access_token":"t-%s","token_type":%q,"expires_in":60,"refresh_token":"r2","scope":"decision:server"}`, c.form.Get("grant_type"), c.kind)
	default:
		fmt.Fprint(w, `{}`)
	}
}

// request is a server's, known by that client key.
func (c *court) request(keys ServerKeys) (ServerRequest, Options) {
	return ServerRequest{Host: "sehat.example", Platform: c.URL + "/", Partner: 7, Redirect: back, Keys: keys}, Options{Transport: c.Client().Transport}
}

func ownCertificate(t *testing.T) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestServerDecides goes the whole way of a partner's server, by a key made for the
// link and by its certificate.
func TestServerDecides(t *testing.T) {
	_, client, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for kind, keys := range map[string]ServerKeys{"DPoP": {Client: client}, "Bearer": {Client: client, Certificate: ownCertificate(t)}} {
		c := newCourt(t, kind)
		request, opt := c.request(keys)
		l, err := BeginServer(t.Context(), request, opt)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		if c.form.Get("scope") != "decision:server" || c.form.Get("client_id") != "7" || !strings.HasPrefix(l.URL(), "https://sehat.example/oauth/authorize?client_id=7&") {
			t.Errorf("%s: %v %s", kind, c.form, l.URL())
		}
		if text := fmt.Sprintf("%v %+v", l, l); strings.Contains(text, l.verifier) {
			t.Errorf("%s: it prints its secret", kind)
		}
		if _, err := l.Finish(t.Context(), back+"?code=c&iss=https%3A%2F%2Fsehat.example&state=another"); !errors.Is(err, ErrReturn) {
			t.Errorf("%s: another's answer: %v", kind, err)
		}
		credential, err := l.Finish(t.Context(), back+"?"+url.Values{"code": {"c"}, "state": {l.state}, "iss": {"https://sehat.example"}}.Encode())
		if err != nil || credential.Token != "t-authorization_code" || (len(credential.Key) == 0) != (kind == "Bearer") {
			t.Fatalf("%s: %v", kind, err)
		}
		raw, err := credential.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		kept, err := ParseServer(raw)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		s, err := OpenServer(kept, keys, opt)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		// Half past midnight in Jakarta is the day before in London.
		got, err := s.Decide(t.Context(), Journey{Name: "a", On: time.Date(2026, 12, 1, 17, 30, 0, 0, time.UTC)})
		if want := kind + " t-authorization_code a 2026-12-02 "; err != nil || got != "admit" || c.asked[len(c.asked)-1] != want {
			t.Errorf("%s: %s, %v: %q", kind, got, err, c.asked)
		}
		var refused *Problem
		if _, err := s.Decide(t.Context(), Journey{Name: "refused", On: time.Now()}); !errors.As(err, &refused) || refused.Status != 403 {
			t.Errorf("%s: %v", kind, err)
		}
		if next, err := s.Refresh(t.Context()); err != nil || next.Token != "t-refresh_token" || c.form.Get("refresh_token") != "r2" {
			t.Errorf("%s: %v", kind, err)
		}
		if err := s.Revoke(t.Context()); err != nil || c.form.Get("token") != "t-refresh_token" {
			t.Errorf("%s: %v %v", kind, err, c.form)
		}
	}
}

// TestServerRefusesOtherTokens: a token bound otherwise than was asked, or to nothing,
// is not taken.
func TestServerRefusesOtherTokens(t *testing.T) {
	_, client, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	own := ownCertificate(t)
	for kind, keys := range map[string]ServerKeys{"Bearer": {Client: client}, "DPoP": {Client: client, Certificate: own}} {
		c := newCourt(t, kind)
		request, opt := c.request(keys)
		l, err := BeginServer(t.Context(), request, opt)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Finish(t.Context(), back+"?"+url.Values{"code": {"c"}, "state": {l.state}, "iss": {"https://sehat.example"}}.Encode()); err == nil {
			t.Errorf("a token of type %s is taken", kind)
		}
	}
	c := newCourt(t, "DPoP")
	request, opt := c.request(ServerKeys{})
	if _, err := BeginServer(t.Context(), request, opt); err == nil {
		t.Error("without a client key")
	}
	for name, bad := range map[string]ServerCredential{
		"neither key nor certificate": {Host: "sehat.example", Platform: c.URL, Token: "t"},
		"no host":                     {Platform: c.URL, Token: "t", Key: make([]byte, 32)},
	} {
		if _, err := OpenServer(bad, ServerKeys{Client: client}, opt); !errors.Is(err, ErrCredential) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := OpenServer(ServerCredential{Host: "x", Platform: c.URL, Key: make([]byte, 32)}, ServerKeys{Certificate: own}, opt); !errors.Is(err, ErrCredential) {
		t.Errorf("a key beside a certificate: %v", err)
	}
	for _, bad := range []string{"", "{}", `{"kind":"amanah-server/1","host":"x","platform":"y","token":"t","alg":"EdDSA","key":"AA"}`,
		`{"kind":"amanah-server/1","host":"x","platform":"y","token":"t","alg":"mtls","key":"AA"}`, `{"kind":"amanah-device/1","host":"x","platform":"y","token":"t","alg":"mtls"}`} {
		if _, err := ParseServer([]byte(bad)); !errors.Is(err, ErrCredential) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if text := fmt.Sprintf("%v %+v %s", ServerCredential{Token: "tok"}, ServerCredential{Token: "tok"}, ServerCredential{Token: "tok"}); strings.Contains(text, "tok") {
		t.Error("a credential prints its token")
	}
	if raw, err := json.Marshal(ServerCredential{Token: "tok"}); err != nil || strings.Contains(string(raw), "tok") {
		t.Errorf("a credential encodes its token: %v", err)
	}
}
