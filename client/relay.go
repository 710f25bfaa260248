package client

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/amanah-project/amanah/ohttp"
)

// Relay is a partner's relay: POST forwards an encapsulated message to the
// platform and its answer back; GET of ohttp-keys and keys passes the platform's
// signed documents on. It reads, keeps and logs nothing of a message.
type Relay struct {
	credential RelayCredential
	prover     *prover
	http       *http.Client
	slots      chan struct{}
	mu         sync.Mutex
	documents  map[string]document
}

type document struct {
	body    []byte
	media   string
	fetched time.Time
}

// RelayOptions tune a relay; the zero value is usable.
type RelayOptions struct {
	Transport http.RoundTripper // to the platform; default a pool of its own
	InFlight  int               // messages at once; default 1,024
	Timeout   time.Duration     // of one forwarded message; default 20 s
}

// NewRelay makes a relay.
func NewRelay(c RelayCredential, opt RelayOptions) *Relay {
	if opt.Transport == nil {
		opt.Transport = &http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: 90 * time.Second, DisableCompression: true}
	}
	if opt.InFlight == 0 {
		opt.InFlight = 1024
	}
	if opt.Timeout == 0 {
		opt.Timeout = 20 * time.Second
	}
	return &Relay{
		credential: c, prover: newProver(ed25519.NewKeyFromSeed(c.Key)),
		http: &http.Client{
			Transport: opt.Transport, Timeout: opt.Timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		slots: make(chan struct{}, opt.InFlight), documents: map[string]document{},
	}
}

// ServeHTTP forwards.
func (r *Relay) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch {
	case req.Method == http.MethodGet && strings.HasSuffix(req.URL.Path, "/ohttp-keys"):
		r.pass(w, req.Context(), ohttp.WellKnownPath)
	case req.Method == http.MethodGet && strings.HasSuffix(req.URL.Path, "/keys"):
		r.pass(w, req.Context(), "/.well-known/amanah-keys")
	case req.Method == http.MethodPost:
		r.forward(w, req)
	default:
		http.Error(w, "this is a relay: POST an encapsulated message", http.StatusNotFound)
	}
}

func (r *Relay) forward(w http.ResponseWriter, req *http.Request) {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	default:
		http.Error(w, "busy: try again shortly", http.StatusServiceUnavailable)
		return
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, ohttp.RequestSize+1))
	if err != nil || len(body) > ohttp.RequestSize {
		http.Error(w, "not an encapsulated message", http.StatusBadRequest)
		return
	}
	res, answer, err := r.send(req.Context(), body)
	if err != nil {
		http.Error(w, "the platform does not answer", http.StatusBadGateway)
		return
	}
	head := w.Header()
	head["Content-Type"] = []string{res.Header.Get("Content-Type")}
	head["Cache-Control"] = []string{"no-store"}
	w.WriteHeader(res.StatusCode)
	_, _ = w.Write(answer) // a device that hung up asks again
}

// send sends a message once. It is sent a second time only when the platform said
// that it took nothing because the relay's own proof needs a nonce.
func (r *Relay) send(ctx context.Context, body []byte) (*http.Response, []byte, error) {
	for try := 0; ; try++ {
		had := r.prover.last()
		proof, err := r.prover.prove(http.MethodPost, "https://"+r.credential.Host+"/ohttp", r.credential.Token, time.Now())
		if err != nil {
			return nil, nil, err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.credential.Platform+"/ohttp", bytes.NewReader(body))
		if err != nil {
			return nil, nil, err
		}
		req.Header["Content-Type"] = []string{ohttp.MediaTypeRequest}
		req.Header["Authorization"] = []string{"DPoP " + r.credential.Token}
		req.Header["Dpop"] = []string{proof}
		req.Header["User-Agent"] = nil
		res, err := r.http.Do(req)
		if err != nil {
			return nil, nil, err
		}
		answer, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
		res.Body.Close()
		if err != nil {
			return nil, nil, err
		}
		r.prover.keep(res.Header.Get("DPoP-Nonce"))
		if res.StatusCode == http.StatusForbidden && try == 0 && bytes.Contains(answer, []byte("use_dpop_nonce")) && r.prover.last() != had {
			continue
		}
		return res, answer, nil
	}
}

// pass answers with one of the platform's signed documents, kept for five minutes.
func (r *Relay) pass(w http.ResponseWriter, ctx context.Context, path string) {
	d, err := r.document(ctx, path)
	if err != nil {
		http.Error(w, "the platform does not answer", http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", d.media)
	_, _ = w.Write(d.body)
}

func (r *Relay) document(ctx context.Context, path string) (document, error) {
	r.mu.Lock()
	d, ok := r.documents[path]
	r.mu.Unlock()
	if ok && time.Since(d.fetched) < 5*time.Minute {
		return d, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.credential.Platform+path, nil)
	if err != nil {
		return d, err
	}
	res, err := r.http.Do(req)
	if err != nil {
		return d, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil || res.StatusCode != http.StatusOK {
		return d, errors.Join(err, errors.New("client: the platform's document is not there"))
	}
	d = document{body, res.Header.Get("Content-Type"), time.Now()}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.documents[path] = d
	return d, nil
}
