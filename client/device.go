package client

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/amanah-project/amanah/ohttp"
	"github.com/amanah-project/amanah/verify"
)

// ErrUnavailable is returned when relay or platform did not answer in time. What
// was asked may have been done; asking again does it once.
var ErrUnavailable = errors.New("client: the relay or the platform does not answer")

// Problem is the platform's refusal of a request (RFC 9457), or the relay's.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`

	// Of a person whose colours of the day are used up (ProblemLimit).
	Text   string    `json:"text,omitempty"` // what to tell them, in the device's language
	Told   int       `json:"told,omitempty"` // colours told today
	Resets time.Time `json:"resets,omitzero"`
}

// ProblemLimit is the type of the refusal of a colour over the day's limit: Asks
// says who was told the others.
const ProblemLimit = "urn:amanah:problem:limit"

// Error says what is wrong, in words fit for the user.
func (p *Problem) Error() string {
	if p.Text != "" {
		return p.Text
	}
	return p.Title
}

// Options tune a Device; the zero value is usable.
type Options struct {
	Transport http.RoundTripper // to the relay
	Now       func() time.Time  // the device's own clock, which may be wrong
	Language  string            // of texts: "id", the default, or "en"
}

// Device asks for one person, through one partner's relay. It may be used by
// several goroutines. It implements http.RoundTripper.
type Device struct {
	credential Credential
	opt        Options
	prover     *prover
	http       *http.Client

	mu     sync.Mutex
	offset time.Duration // of the platform's clock to ours
	config ohttp.Config
	until  time.Time // when the configuration is fetched again, in the platform's time
	keys   verify.Published
	fresh  time.Time // when the keys are fetched again
}

// Bounds of asking.
const (
	askTime   = 20 * time.Second // one message through the relay
	tries     = 6                // of one request
	firstWait = 100 * time.Millisecond
	configAge = time.Hour
	keysAge   = 12 * time.Hour
)

// Open makes a Device from its credential; it does not ask anything yet.
func Open(c Credential, opt Options) (*Device, error) {
	if len(c.Key) != ed25519.SeedSize || len(c.Pin) != ed25519.PublicKeySize || c.Host == "" || c.Relay == "" {
		return nil, ErrCredential
	}
	if opt.Transport == nil {
		opt.Transport = &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, DisableCompression: true}
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Language == "" {
		opt.Language = "id"
	}
	c.Relay = strings.TrimSuffix(c.Relay, "/")
	return &Device{
		credential: c, opt: opt, prover: newProver(c.signer()),
		http: &http.Client{Transport: opt.Transport, Timeout: askTime, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
	}, nil
}

// Now is the platform's time, as far as its nonces have told it: the time that
// Visit.Present needs on a phone whose clock is wrong.
func (d *Device) Now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.opt.Now().Add(d.offset)
}

func (d *Device) learn(nonce string) {
	d.prover.keep(nonce)
	if at, ok := platformTime(nonce); ok {
		d.mu.Lock()
		d.offset = at.Sub(d.opt.Now())
		d.mu.Unlock()
	}
}

// answer is an opened answer.
type answer struct {
	status int
	header []ohttp.Field
	body   []byte
}

// ask sends one request and decodes its JSON answer into v. The body is made anew
// when the platform took nothing of the last try; otherwise every try sends the
// same, so that it is done once.
func (d *Device) ask(ctx context.Context, method, path string, body func(now time.Time) ([]byte, error), v any) error {
	content, err := body(d.Now())
	if err != nil {
		return err
	}
	var last error
	lost := false // an answer, and with it whether the request was done
	for try := range tries {
		if try > 0 {
			if err := wait(ctx, try); err != nil {
				return errors.Join(ErrUnavailable, last)
			}
		}
		a, err := d.once(ctx, method, path, content)
		var p *Problem
		switch {
		case errors.As(err, &p) && p.Status != http.StatusServiceUnavailable && p.Status != http.StatusBadGateway:
			if again := p.Type == ohttp.ProblemKey; !again {
				return err
			}
			d.forgetConfig()
			last = err
			continue
		case err != nil:
			if ctx.Err() != nil {
				return errors.Join(ErrUnavailable, err)
			}
			last, lost = err, true
			continue
		case a.status == http.StatusOK:
			return json.Unmarshal(a.body, v)
		}
		refused := problemOf(a.status, a.body)
		switch {
		case isNonce(refused) && lost:
		case isNonce(refused):
			if content, err = body(d.Now()); err != nil {
				return err
			}
		case refused.Status != http.StatusServiceUnavailable:
			return refused
		}
		last = refused
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, last)
}

// wait waits before another try, longer each time and never quite as long as
// others do. The second try comes at once: most often a nonce was missing.
func wait(ctx context.Context, try int) error {
	if try == 1 {
		return ctx.Err()
	}
	pause := firstWait << (try - 2)
	timer := time.NewTimer(pause/2 + rand.N(pause))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func problemOf(status int, body []byte) *Problem {
	p := &Problem{}
	if json.Unmarshal(body, p) != nil || p.Title == "" {
		p = &Problem{Title: http.StatusText(status)}
	}
	p.Status = status
	return p
}

func isNonce(p *Problem) bool { return strings.HasPrefix(p.Title, "use_dpop_nonce") }

// once sends one encapsulated request and opens its answer.
func (d *Device) once(ctx context.Context, method, path string, content []byte) (*answer, error) {
	token := d.token()
	return d.send(ctx, method, path, token, []ohttp.Field{
		{Name: "authorization", Value: "DPoP " + token}, {Name: "accept-language", Value: d.opt.Language},
	}, content)
}

// send proves and seals a request and opens its answer.
func (d *Device) send(ctx context.Context, method, path, token string, header []ohttp.Field, content []byte) (*answer, error) {
	config, err := d.configuration(ctx)
	if err != nil {
		return nil, err
	}
	plain, _, _ := strings.Cut(path, "?")
	proof, err := d.prover.prove(method, "https://"+d.credential.Host+plain, token, d.Now())
	if err != nil {
		return nil, err
	}
	message, err := ohttp.AppendRequest(nil, &ohttp.Request{
		Method: method, Scheme: "https", Authority: d.credential.Host, Path: path,
		Header: append(header, ohttp.Field{Name: "dpop", Value: proof}), Body: content,
	})
	if err != nil {
		return nil, err
	}
	sealed, exchange, err := config.Encapsulate(message)
	if err != nil {
		return nil, fmt.Errorf("client: the request is too long: %w", err)
	}
	raw, err := d.post(ctx, sealed)
	if err != nil {
		return nil, err
	}
	opened, err := exchange.Open(raw)
	if err != nil {
		return nil, fmt.Errorf("client: the answer is not the platform's: %w", err)
	}
	res, err := ohttp.ParseResponse(opened)
	if err != nil {
		return nil, fmt.Errorf("client: the answer is damaged: %w", err)
	}
	d.learn(ohttp.Get(res.Header, "dpop-nonce"))
	return &answer{res.Status, res.Header, res.Body}, nil
}

// token is the access token in use.
func (d *Device) token() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.credential.Token
}

// post hands a sealed message to the relay.
func (d *Device) post(ctx context.Context, sealed []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.credential.Relay, bytes.NewReader(sealed))
	if err != nil {
		return nil, err
	}
	req.Header["Content-Type"] = []string{ohttp.MediaTypeRequest}
	req.Header["User-Agent"] = nil // one set of headers for every device
	res, err := d.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, problemOf(res.StatusCode, body)
	}
	return body, nil
}

// configuration returns what the platform's key signed, fetched through the relay
// when there is none or it is old.
func (d *Device) configuration(ctx context.Context) (ohttp.Config, error) {
	now := d.Now()
	d.mu.Lock()
	config, until := d.config, d.until
	d.mu.Unlock()
	if now.Before(until) {
		return config, nil
	}
	envelope, err := d.fetch(ctx, "/ohttp-keys", ohttp.MaxEnvelopeSize)
	if err != nil {
		return config, err
	}
	signed, err := ohttp.VerifyConfigs(envelope, now, ed25519.PublicKey(d.credential.Pin))
	if err != nil {
		return config, fmt.Errorf("client: the relay gave keys that the platform did not sign: %w", err)
	}
	if config, err = ohttp.Choose(signed.Configs); err != nil {
		return config, err
	}
	until = now.Add(configAge)
	if signed.NotAfter.Before(until) {
		until = signed.NotAfter
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.config, d.until = config, until
	return config, nil
}

func (d *Device) forgetConfig() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.until = time.Time{}
}

// published returns the platform's public keys of codes and tickets.
func (d *Device) published(ctx context.Context) (verify.Published, error) {
	now := d.Now()
	d.mu.Lock()
	keys, fresh := d.keys, d.fresh
	d.mu.Unlock()
	if now.Before(fresh) {
		return keys, nil
	}
	doc, err := d.fetch(ctx, "/keys", 256<<10)
	if err != nil {
		return keys, err
	}
	if keys, err = verify.OpenPublished(doc, now, ed25519.PublicKey(d.credential.Pin)); err != nil {
		return keys, fmt.Errorf("client: the relay gave keys that the platform did not sign: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.keys, d.fresh = keys, now.Add(keysAge)
	return keys, nil
}

// fetch gets one of the platform's documents through the relay.
func (d *Device) fetch(ctx context.Context, path string, limit int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.credential.Relay+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header["User-Agent"] = nil
	res, err := d.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, limit))
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, problemOf(res.StatusCode, body)
	}
	return body, nil
}

// RoundTrip sends any request to the platform encapsulated, with the device's
// token and proof. The request's host must be the platform's; of its headers none
// is sent on, so that all devices' requests look alike to the platform as well.
func (d *Device) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		defer req.Body.Close()
		var err error
		if body, err = io.ReadAll(io.LimitReader(req.Body, ohttp.MaxRequest+1)); err != nil {
			return nil, err
		}
	}
	if req.URL.Hostname() != d.credential.Host {
		return nil, errors.New("client: the request is for another host")
	}
	a, err := d.once(req.Context(), req.Method, req.URL.RequestURI(), body)
	if err == nil && a.status == http.StatusForbidden && isNonce(problemOf(a.status, a.body)) {
		a, err = d.once(req.Context(), req.Method, req.URL.RequestURI(), body)
	}
	if err != nil {
		return nil, err
	}
	res := &http.Response{
		Status: http.StatusText(a.status), StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: req,
	}
	for _, f := range a.header {
		res.Header.Add(f.Name, f.Value)
	}
	return res, nil
}
