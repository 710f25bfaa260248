package certify_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/client/certify"
	"github.com/amanah-project/amanah/ohttp"
)

// rawRelay is a relay written apart from client.Relay, with one fault or none: the
// positive control of each case.
type rawRelay struct {
	fault string
	setup *certify.Setup
	prove *prover
	token string
	http  *http.Client
	swap  []byte // a key configuration of its own

	mu     sync.Mutex
	cached map[string]answered
	flight chan struct{} // closed when the message under way is answered
	shared answered
}

type answered struct {
	status int
	header http.Header
	body   []byte
	err    error
}

// timeouts of the relays under test, and of what the harness allows them.
const (
	relayTimeout = 1500 * time.Millisecond
	bound        = 5 * time.Second
	quiet        = 150 * time.Millisecond
)

func newRawRelay(t *testing.T, s *certify.Setup, fault string, certificate ...tls.Certificate) *rawRelay {
	t.Helper()
	c := s.Credential()
	r := &rawRelay{fault: fault, setup: s, token: c.Token, prove: &prover{key: ed25519.NewKeyFromSeed(c.Key)}, cached: map[string]answered{}}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.Authority())
	config := &tls.Config{RootCAs: roots, Certificates: certificate}
	switch fault {
	case "trusts anybody":
		config.InsecureSkipVerify = true
	case "trusts any name":
		config.InsecureSkipVerify = true
		config.VerifyConnection = func(c tls.ConnectionState) error {
			_, err := c.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots})
			return err
		}
	case "trusts what expired":
		config.Time = func() time.Time { return time.Now().Add(-10 * time.Minute) }
	case "signs with another key":
		r.prove.key = newKey(t)
	case "uses one proof id":
		r.prove.id = "one"
	case "makes old proofs":
		r.prove.age = time.Hour
	case "has another token":
		r.token += "x"
	case "swaps the keys":
		key, err := ohttp.GenerateKey(1, ohttp.X25519)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := ohttp.AppendConfigs(nil, key.Config())
		if err != nil {
			t.Fatal(err)
		}
		if r.swap, err = ohttp.SignConfigs(newKey(t), raw, time.Now(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	r.http = &http.Client{Timeout: relayTimeout, Transport: &http.Transport{TLSClientConfig: config, DisableCompression: true}}
	t.Cleanup(r.http.CloseIdleConnections)
	if fault == "waits for ever" {
		r.http.Timeout = 0
	}
	if fault != "follows redirections" {
		r.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return r
}

func (r *rawRelay) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch {
	case req.Method == http.MethodGet && req.URL.Path == "/ohttp-keys":
		r.write(w, req, r.documents(req, ohttp.WellKnownPath))
		return
	case req.Method == http.MethodGet && req.URL.Path == "/keys":
		r.write(w, req, r.documents(req, "/.well-known/amanah-keys"))
		return
	case req.Method != http.MethodPost && r.fault != "forwards anything":
		http.NotFound(w, req)
		return
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, ohttp.RequestSize+1))
	switch {
	case err != nil:
		return
	case r.fault == "cuts what is too long":
		body = body[:min(len(body), ohttp.RequestSize)]
	case r.fault == "takes any length":
		rest, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		body = append(body, rest...)
	case len(body) > ohttp.RequestSize:
		http.Error(w, "too long", http.StatusRequestEntityTooLarge)
		return
	}
	zero := bytes.Equal(body, make([]byte, ohttp.RequestSize))
	switch {
	case r.fault == "mends messages" && len(body) > 0 && body[0] == 0 && !zero:
		body[0] = 1
	case r.fault == "drops what is no message" && zero:
		http.Error(w, "no message", http.StatusBadRequest)
		return
	case r.fault == "takes messages for text":
		body = clean(body)
	}
	r.write(w, req, r.forward(req, body))
	if r.fault == "replays later" {
		go func() {
			time.Sleep(quiet / 3)
			r.send(context.Background(), req, body)
		}()
	}
}

func clean(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\r\n\r\n"), []byte("\n\n")) }

func (r *rawRelay) documents(req *http.Request, path string) answered {
	if r.swap != nil && path == ohttp.WellKnownPath {
		return answered{status: 200, header: http.Header{}, body: r.swap}
	}
	out, err := http.NewRequestWithContext(req.Context(), http.MethodGet, r.setup.Platform+path, nil)
	if err != nil {
		return answered{err: err}
	}
	return r.do(out)
}

// forward sends a message, more than once if the fault is one of that.
func (r *rawRelay) forward(req *http.Request, body []byte) answered {
	switch r.fault {
	case "answers from a cache":
		r.mu.Lock()
		a, ok := r.cached[string(body)]
		r.mu.Unlock()
		if ok {
			return a
		}
	case "joins messages":
		r.mu.Lock()
		if other := r.flight; other != nil {
			r.mu.Unlock()
			<-other
			return r.shared
		}
		r.flight = make(chan struct{})
		r.mu.Unlock()
		defer func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			close(r.flight)
			r.flight = nil
		}()
	}
	a := r.tries(req, body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cached[string(body)] = a
	r.shared = a
	return a
}

func (r *rawRelay) tries(req *http.Request, body []byte) answered {
	for try := 0; ; try++ {
		a := r.send(req.Context(), req, body)
		var timeout net.Error
		late := errors.As(a.err, &timeout) && timeout.Timeout()
		challenged := a.status == http.StatusForbidden && bytes.Contains(a.body, []byte("use_dpop_nonce"))
		again := challenged && r.fault != "ignores nonces" && (try == 0 || r.fault == "repeats without end")
		if try == 0 {
			again = again || a.err != nil && !late && r.fault == "repeats after a break" ||
				late && r.fault == "repeats after a time-out" || a.status >= 500 && r.fault == "repeats after an error"
		}
		if !again {
			return a
		}
	}
}

func (r *rawRelay) send(ctx context.Context, req *http.Request, body []byte) answered {
	method, path := http.MethodPost, "/ohttp"
	switch r.fault {
	case "forwards anything":
		if req.Method != http.MethodPost {
			method, path = req.Method, req.URL.Path
		}
	case "forwards queries":
		if req.URL.RawQuery != "" {
			path += "?" + req.URL.RawQuery
		}
	}
	out, err := http.NewRequestWithContext(ctx, method, r.setup.Platform+path, bytes.NewReader(body))
	if err != nil {
		return answered{err: err}
	}
	out.Header["User-Agent"] = nil
	out.Header.Set("Content-Type", ohttp.MediaTypeRequest)
	if len(r.http.Transport.(*http.Transport).TLSClientConfig.Certificates) == 0 {
		url := "https://" + r.setup.Host + "/ohttp"
		if r.fault == "proves another URL" {
			url = r.setup.Platform + "/ohttp"
		}
		out.Header.Set("Authorization", "DPoP "+r.token)
		out.Header.Set("DPoP", r.prove.prove(http.MethodPost, url, r.token))
	}
	r.adorn(out, req)
	a := r.do(out)
	r.prove.keep(a.header.Get("DPoP-Nonce"))
	if a.err != nil && r.fault == "falls back to plain HTTP" {
		plain, err := http.NewRequestWithContext(ctx, method, strings.Replace(r.setup.Platform, "https:", "http:", 1)+path, bytes.NewReader(body))
		if err == nil {
			r.do(plain)
		}
	}
	return a
}

// adorn adds the headers of faults.
func (r *rawRelay) adorn(out, in *http.Request) {
	host, _, _ := net.SplitHostPort(in.RemoteAddr)
	switch r.fault {
	case "adds X-Forwarded-For":
		out.Header.Set("X-Forwarded-For", host)
	case "adds Forwarded":
		out.Header.Set("Forwarded", "for=hidden")
	case "adds an address of its own naming":
		out.Header.Set("X-Who", "["+host+"]")
	case "adds Via with an address":
		out.Header.Set("Via", "1.1 192.0.2.7:8080")
	case "passes cookies":
		out.Header["Cookie"] = in.Header["Cookie"]
	case "passes User-Agent":
		out.Header["User-Agent"] = in.Header["User-Agent"]
	case "passes trace ids":
		out.Header["Traceparent"] = in.Header["Traceparent"]
	case "adds a trace id":
		out.Header.Set("Traceparent", "00-"+strconv.FormatInt(time.Now().UnixNano(), 16))
	case "changes its User-Agent":
		out.Header.Set("User-Agent", "relay/"+strconv.FormatInt(time.Now().UnixNano(), 10))
	case "says another type":
		out.Header.Set("Content-Type", "application/octet-stream")
	}
}

func (r *rawRelay) do(out *http.Request) answered {
	res, err := r.http.Do(out)
	if err != nil {
		return answered{err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answered{res.StatusCode, res.Header, body, err}
}

func (r *rawRelay) write(w http.ResponseWriter, req *http.Request, a answered) {
	var late net.Error
	if a.err != nil {
		if errors.As(a.err, &late) && late.Timeout() && r.fault == "says 200 for silence" {
			return
		}
		http.Error(w, "the platform does not answer", http.StatusBadGateway)
		return
	}
	for _, name := range []string{"Content-Type", "Cache-Control"} {
		w.Header()[name] = a.header[name]
	}
	body, status := a.body, a.status
	switch r.fault {
	case "takes answers for text":
		body = clean(body)
	case "pads answers":
		if len(body) == 2 {
			body = append(slices.Clone(body), make([]byte, ohttp.ResponseSize-2)...)
		}
	case "compresses answers":
		if strings.Contains(req.Header.Get("Accept-Encoding"), "gzip") {
			w.Header().Set("Content-Encoding", "gzip")
			body = zip(body)
		}
	case "says 503 for 429":
		if status == http.StatusTooManyRequests {
			status = http.StatusServiceUnavailable
		}
	case "says HTML":
		if status != http.StatusOK {
			w.Header().Set("Content-Type", "text/html")
		}
	case "sets a cookie":
		w.Header().Set("Set-Cookie", "device=1")
	case "lets answers be stored":
		w.Header().Set("Cache-Control", "private")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func zip(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

// faultyRelays are the faults, and the one case that each fails.
func faultyRelays() map[string]string {
	return map[string]string{
		"takes messages for text": "relay/request-body", "says another type": "relay/request-body",
		"takes answers for text": "relay/answer-body", "pads answers": "relay/answer-body", "compresses answers": "relay/answer-body",
		"says 503 for 429": "relay/answer-status", "says HTML": "relay/answer-status",
		"forwards anything": "relay/one-resource", "forwards queries": "relay/one-resource",
		"mends messages": "relay/tampered", "drops what is no message": "relay/tampered",
		"cuts what is too long": "relay/oversized", "takes any length": "relay/oversized",
		"joins messages":       "relay/no-mix",
		"adds X-Forwarded-For": "relay/no-address", "adds Forwarded": "relay/no-address", "adds an address of its own naming": "relay/no-address",
		"adds Via with an address": "relay/no-address",
		"passes cookies":           "relay/no-passing", "passes User-Agent": "relay/no-passing", "passes trace ids": "relay/no-passing",
		"adds a trace id": "relay/no-tracing", "changes its User-Agent": "relay/no-tracing",
		"sets a cookie": "relay/no-marks", "lets answers be stored": "relay/no-store",
		"repeats after a break": "relay/no-retry-reset", "repeats after a time-out": "relay/no-retry-time-out",
		"repeats after an error": "relay/no-retry-error", "waits for ever": "relay/time-out", "says 200 for silence": "relay/time-out",
		"answers from a cache": "relay/no-cache", "follows redirections": "relay/no-redirect", "replays later": "relay/no-replay",
		"signs with another key": "relay/credential", "proves another URL": "relay/credential", "has another token": "relay/credential",
		"uses one proof id": "relay/fresh-proof", "makes old proofs": "relay/fresh-proof",
		"ignores nonces": "relay/nonce", "repeats without end": "relay/nonce-once",
		"trusts anybody": "relay/platform-certificate", "trusts any name": "relay/platform-certificate", "trusts what expired": "relay/platform-certificate",
		"falls back to plain HTTP": "relay/tls-only", "swaps the keys": "relay/key-documents",
	}
}

// TestFaultsCoverTheList: each case of a relay has a relay that fails it.
func TestFaultsCoverTheList(t *testing.T) {
	covered := map[string]bool{}
	for _, table := range []map[string]string{faultyRelays(), faultyClients()} {
		for id := range maps.Values(table) {
			covered[id] = true
		}
	}
	for _, c := range certify.List() {
		if !covered[c.ID] {
			t.Errorf("no fault fails %s", c.ID)
		}
		delete(covered, c.ID)
	}
	for id := range covered {
		t.Errorf("%s is no case", id)
	}
}
