package relay_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/web/token"
	"github.com/amanah-project/amanah/ohttp"
)

// certificate is one that its holder made and signed alone.
func certificate(t testing.TB, from, to time.Time) tls.Certificate {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: to}
	der, err := x509.CreateCertificate(nil, template, template, key.Public().(ed25519.PublicKey), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestCertificate: over TLS a relay needs nothing but the certificate that its
// agreement binds, and nothing else stands in for it.
func TestCertificate(t *testing.T) {
	s := newStand(t)
	s.now = time.Now().Truncate(time.Second) // that TLS stacks check times by
	web := httptest.NewUnstartedServer(s.handler)
	web.TLS = &tls.Config{MinVersion: tls.VersionTLS13, ClientAuth: tls.RequestClientCert}
	web.StartTLS()
	defer web.Close()
	post := func(c *tls.Certificate, alter func(*http.Request)) *httptest.ResponseRecorder {
		t.Helper()
		transport := web.Client().Transport.(*http.Transport).Clone()
		if c != nil {
			transport.TLSClientConfig.Certificates = []tls.Certificate{*c}
		}
		defer transport.CloseIdleConnections()
		r, err := http.NewRequestWithContext(t.Context(), "POST", web.URL+"/ohttp", bytes.NewReader(s.ask()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", ohttp.MediaTypeRequest)
		alter(r)
		res, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		w := httptest.NewRecorder()
		w.Code = res.StatusCode
		for name, v := range res.Header {
			w.Header()[name] = v
		}
		if _, err := w.Body.ReadFrom(res.Body); err != nil {
			t.Fatal(err)
		}
		return w
	}
	as := func(*http.Request) {}
	good := certificate(t, s.now.Add(-time.Hour), s.now.Add(time.Hour))
	s.sum = sha256.Sum256(good.Certificate[0])
	if w := post(&good, as); w.Code != 200 || w.Body.Len() != ohttp.ResponseSize || len(s.asked) != 1 || s.asked[0].Partner != 7 {
		t.Fatalf("%d %v %+v", w.Code, w.Header(), s.asked)
	}
	s.asked = nil
	other := certificate(t, s.now.Add(-time.Hour), s.now.Add(time.Hour))
	s.refused("no certificate", post(nil, as), 403, token.ErrToken.Error())
	s.refused("another certificate", post(&other, as), 403, partner.ErrUnknown.Error())
	s.refused("a certificate named in headers", post(nil, func(r *http.Request) {
		for _, name := range []string{"Client-Cert", "X-Client-Cert", "X-SSL-Client-Cert", "X-Forwarded-Client-Cert"} {
			r.Header.Set(name, ":"+b64(good.Certificate[0])+":")
		}
	}), 403, token.ErrToken.Error())
	s.refused("the certificate beside a token of nobody", post(&good, func(r *http.Request) { r.Header.Set("Authorization", "DPoP x") }), 403, token.ErrToken.Error())
	s.refused("a bearer", post(&good, func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }), 403, token.ErrToken.Error())
	for name, c := range map[string]tls.Certificate{
		"a certificate that is over":  certificate(t, s.now.Add(-2*time.Hour), s.now.Add(-time.Hour)),
		"a certificate not yet begun": certificate(t, s.now.Add(time.Hour), s.now.Add(2*time.Hour)),
	} {
		s.sum = sha256.Sum256(c.Certificate[0])
		s.refused(name, post(&c, as), 403, token.ErrCertificate.Error())
	}
	s.sum, s.admit = sha256.Sum256(good.Certificate[0]), partner.ErrSuspended
	s.refused("suspended", post(&good, as), 403, partner.ErrSuspended.Error())
	s.admit = nil
	if w := post(&good, as); w.Code != 200 {
		t.Errorf("the same relay, live again: %d", w.Code)
	}
}
