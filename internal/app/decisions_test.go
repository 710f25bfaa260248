package app

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/web/token"
)

// certificateFor is one that its holder made and signed alone.
func certificateFor(t *testing.T, from, to time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: to}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// overTLS serves the town's resources over TLS as a server does, which asks for
// certificates and trusts no issuer.
func (m *town) overTLS() *httptest.Server {
	web := httptest.NewUnstartedServer(m.public)
	web.TLS = &tls.Config{MinVersion: tls.VersionTLS13, ClientAuth: tls.RequestClientCert}
	web.StartTLS()
	m.t.Cleanup(web.Close)
	return web
}

// TestCertificateBoundDecisions: a token bound to a certificate is good over a
// connection of that certificate and nowhere else; a token bound to a key is good by
// its proof alone.
func TestCertificateBoundDecisions(t *testing.T) {
	m := newTown(t)
	web, now := m.overTLS(), time.Now()
	good := certificateFor(t, now.Add(-time.Hour), now.Add(time.Hour))
	other := certificateFor(t, now.Add(-time.Hour), now.Add(time.Hour))
	over := certificateFor(t, now.Add(-2*time.Hour), now.Add(-time.Hour))
	own, err := m.server.ring.tokens().Open(m.holders[decider].token, token.ScopeDecision, now)
	if err != nil {
		t.Fatal(err)
	}
	bind := func(c tls.Certificate) string { // a link and its token
		t.Helper()
		m.made++
		claims := token.Claims{Scope: token.ScopeDecision, Partner: 1, Link: identity.LinkID{7, m.made}, Person: own.Person,
			Key: sha256.Sum256(c.Certificate[0]), Expires: now.Add(time.Hour)}
		m.update(func(s store.Stores) error {
			return s.Links.Put(identity.Link{ID: claims.Link, Partner: 1, Subject: subjectOf(device), Device: claims.Key,
				Created: now.Truncate(time.Second), Scope: identity.LinkDecision, Synthetic: true})
		})
		sealed, err := m.server.ring.tokens().Seal(claims, now)
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	bound, expired := bind(good), bind(over)
	ask := func(c *tls.Certificate, authorization string, more http.Header) int {
		t.Helper()
		m.made++
		body := fmt.Appendf(nil, `{"journey":"%d","date":%q}`, m.made, day.Of(now))
		req, err := http.NewRequestWithContext(t.Context(), "POST", web.URL+"/v1/decisions", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = more.Clone()
		if req.Header == nil {
			req.Header = http.Header{}
		}
		req.Header.Set("Content-Type", mediaJSON)
		req.Header.Set("Authorization", authorization)
		transport := web.Client().Transport.(*http.Transport).Clone()
		if c != nil {
			transport.TLSClientConfig.Certificates = []tls.Certificate{*c}
		}
		defer transport.CloseIdleConnections()
		res, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	prove := func(tok string) http.Header {
		return http.Header{"Dpop": {proof(m.holders[decider].key, "POST", "https://localhost/v1/decisions", tok, m.server.nonces.Give())}}
	}
	header := http.Header{}
	for _, name := range []string{"Client-Cert", "X-Client-Cert", "X-SSL-Client-Cert", "X-Forwarded-Client-Cert"} {
		header.Set(name, ":"+base64.RawURLEncoding.EncodeToString(good.Certificate[0])+":")
	}
	byKey := m.holders[decider].token
	if got := ask(&good, "Bearer "+bound, nil); got != 200 {
		t.Fatalf("by its certificate: %d", got)
	}
	if got := ask(nil, "DPoP "+byKey, prove(byKey)); got != 200 {
		t.Fatalf("by its proof: %d", got)
	}
	for name, got := range map[string]int{
		"another certificate":                    ask(&other, "Bearer "+bound, nil),
		"no certificate":                         ask(nil, "Bearer "+bound, nil),
		"the certificate named in headers":       ask(nil, "Bearer "+bound, header),
		"a certificate that is over":             ask(&over, "Bearer "+expired, nil),
		"a proof beside another certificate":     ask(&other, "Bearer "+bound, prove(bound)),
		"a proof in the certificate's place":     ask(&good, "DPoP "+bound, prove(bound)),
		"a token bound to a key, as a bearer's":  ask(&good, "Bearer "+byKey, nil),
		"the same with its proof":                ask(&good, "Bearer "+byKey, prove(byKey)),
		"a token of the relay":                   ask(&good, "Bearer "+m.holders[relayOf].token, nil),
		"the certificate alone":                  ask(&good, "", nil),
		"a scheme spelt otherwise":               ask(&good, "bearer "+bound, nil),
		"a token bound to the certificate, cut":  ask(&good, "Bearer "+bound[:len(bound)-1], nil),
		"a token with another's last characters": ask(&good, "Bearer "+bound[:len(bound)-8]+byKey[len(byKey)-8:], nil),
	} {
		if got != 403 {
			t.Errorf("%s: %d", name, got)
		}
	}
}
