package certify_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/client/certify"
)

// stand listens for a harness and makes its setup.
func stand(t *testing.T) (net.Listener, *certify.Setup) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	s, err := certify.NewSetup(7, "https://"+l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return l, s
}

// examine runs the list on the relay that build makes.
func examine(t *testing.T, build func(*certify.Setup) http.Handler, certificate string) *certify.Report {
	t.Helper()
	l, s := stand(t)
	relay := httptest.NewServer(build(s))
	t.Cleanup(relay.Close)
	report, err := certify.Run(t.Context(), certify.Options{
		Setup: s, Listener: l, Relay: relay.URL, Certificate: certificate, Bound: bound, Quiet: quiet, Wait: 30 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// failedCases are the relay's or the client's that did not pass.
func failedCases(r *certify.Report, kind certify.Subject) (ids []string) {
	for i, c := range certify.List() {
		if got := r.Cases[i]; c.Subject == kind && got.Verdict == certify.Failed {
			ids = append(ids, got.ID)
		}
	}
	return ids
}

func evidence(r *certify.Report, id string) string {
	for _, c := range r.Cases {
		if c.ID == id {
			return c.Evidence
		}
	}
	return ""
}

// goRelay is the relay of package client.
func goRelay(s *certify.Setup) http.Handler {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.Authority())
	return client.NewRelay(s.Credential(), client.RelayOptions{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableCompression: true}, Timeout: relayTimeout,
	})
}

// TestGoRelayPasses: the relay that we give partners passes every case of a relay.
func TestGoRelayPasses(t *testing.T) {
	r := examine(t, goRelay, "")
	for i, c := range certify.List() {
		want := map[certify.Subject]certify.Verdict{certify.OfRelay: certify.Passed, certify.OfClient: certify.NotRun}[c.Subject]
		if r.Cases[i].Verdict != want {
			t.Errorf("%s: %s: %s", c.ID, r.Cases[i].Verdict, r.Cases[i].Evidence)
		}
	}
	if r.Passed {
		t.Error("passed without a client")
	}
	if r.Credential != certify.ByProof || r.Partner != 7 || r.Relay == "" {
		t.Errorf("%s %d %s", r.Credential, r.Partner, r.Relay)
	}
}

// together runs subtests several at a time: they mostly wait.
func together(t *testing.T, names []string, run func(t *testing.T, name string)) {
	slots := make(chan struct{}, 8)
	var all sync.WaitGroup
	for _, name := range names {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			t.Run(name, func(t *testing.T) { run(t, name) })
		})
	}
	all.Wait()
}

// TestFaultyRelays: a relay with one fault fails the one case that is of it, and
// the same relay without fails none.
func TestFaultyRelays(t *testing.T) {
	faults := faultyRelays()
	together(t, append(slices.Sorted(maps.Keys(faults)), "no fault"), func(t *testing.T, fault string) {
		r := examine(t, func(s *certify.Setup) http.Handler { return newRawRelay(t, s, fault) }, "")
		var want []string
		if id, ok := faults[fault]; ok {
			want = []string{id}
		}
		if got := failedCases(r, certify.OfRelay); !slices.Equal(got, want) {
			t.Errorf("failed %q, want %q", got, want)
			for _, id := range got {
				t.Logf("%s: %s", id, evidence(r, id))
			}
		}
	})
}

// TestRelayByCertificate: a relay may show a certificate instead of proofs, the one
// of its agreement.
func TestRelayByCertificate(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	for want, failing := range map[string][]string{b64(sum[:]): nil, b64(make([]byte, 32)): {"relay/credential"}, "": {"relay/credential"}} {
		r := examine(t, func(s *certify.Setup) http.Handler {
			return newRawRelay(t, s, "", tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key})
		}, want)
		if got := failedCases(r, certify.OfRelay); !slices.Equal(got, failing) {
			t.Errorf("certificate %q: failed %q: %s", want, got, evidence(r, "relay/credential"))
		}
		if r.Credential != certify.ByCertificate || r.Relay != b64(sum[:]) {
			t.Errorf("%s %s", r.Credential, r.Relay)
		}
	}
}

// TestNothingToExamine: a run that cannot judge says so and reports nothing.
func TestNothingToExamine(t *testing.T) {
	l, s := stand(t)
	if _, err := certify.Run(t.Context(), certify.Options{Setup: s}); !errors.Is(err, certify.ErrOptions) {
		t.Errorf("neither relay nor client: %v", err)
	}
	if _, err := certify.Run(t.Context(), certify.Options{Setup: s, Client: []string{"/nonexistent/client"}}); !errors.Is(err, certify.ErrClient) {
		t.Errorf("no client: %v", err)
	}
	nobody := httptest.NewServer(http.NotFoundHandler())
	defer nobody.Close()
	o := certify.Options{Setup: s, Listener: l, Relay: nobody.URL, Wait: time.Millisecond}
	if _, err := certify.Run(t.Context(), o); !errors.Is(err, certify.ErrRelay) {
		t.Errorf("no relay: %v", err)
	}
}

// TestInterrupted: a run ends when it is told to, in the middle of a case.
func TestInterrupted(t *testing.T) {
	l, s := stand(t)
	relay := httptest.NewServer(goRelay(s))
	defer relay.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := 0
	_, err := certify.Run(ctx, certify.Options{Setup: s, Listener: l, Relay: relay.URL, Quiet: time.Hour, Bound: bound, Progress: func(certify.Case, certify.Result) {
		if done++; done == 3 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || done != 3 {
		t.Errorf("%v after %d cases", err, done)
	}
}
