package certify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/amanah-project/amanah/ohttp"
)

const problemType = "application/problem+json"

// problem is a problem document (RFC 9457).
func problem(status int, kind, title string) []byte {
	raw, err := json.Marshal(struct {
		Type   string `json:"type,omitempty"`
		Title  string `json:"title"`
		Status int    `json:"status"`
	}{kind, title, status})
	if err != nil {
		return nil // strings and a number always encode
	}
	return raw
}

func isKeyID(err error) bool  { return errors.Is(err, ohttp.ErrKeyID) }
func isReplay(err error) bool { return errors.Is(err, ohttp.ErrReplay) }

// sealJSON seals an answer as the platform does.
func sealJSON(seal *ohttp.Responder, status int, body []byte, nonce string) ([]byte, error) {
	media := "application/json"
	if status != http.StatusOK {
		media = problemType
	}
	message, err := ohttp.AppendResponse(nil, &ohttp.Response{
		Status: status, Header: []ohttp.Field{{Name: "content-type", Value: media}, {Name: "dpop-nonce", Value: nonce}}, Body: body,
	})
	if err != nil {
		return nil, err
	}
	return seal.Seal(nil, message)
}

// driver stands in for devices: it sends messages into the relay under test.
type driver struct {
	platform *platform
	relay    string
	wait     time.Duration
	bound    time.Duration
	http     *http.Client

	mu    sync.Mutex
	local map[string]bool // the driver's own addresses, as the relay saw them
}

func newDriver(p *platform, opt Options) *driver {
	return &driver{
		platform: p, relay: strings.TrimSuffix(opt.Relay, "/"), wait: opt.Wait, bound: opt.Bound, local: map[string]bool{},
		http: &http.Client{
			Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 32, IdleConnTimeout: 10 * time.Second},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// exchange is one message and what became of it.
type exchange struct {
	body     []byte
	sum      [32]byte
	status   int // 0 when the relay did not answer
	header   http.Header
	answer   []byte
	err      error
	took     time.Duration
	arrivals []arrival // while it was under way, others' too
}

// own are the arrivals of this very message.
func (e *exchange) own() []arrival {
	return slices.DeleteFunc(slices.Clone(e.arrivals), func(a arrival) bool { return a.method != http.MethodPost || a.sum != e.sum })
}

// altered are messages that arrived meanwhile and are nobody's.
func (e *exchange) altered() []arrival {
	return slices.DeleteFunc(slices.Clone(e.arrivals), func(a arrival) bool { return a.method != http.MethodPost || a.known })
}

// message seals a request such as a device's.
func (d *driver) message() ([]byte, error) {
	plain, err := ohttp.AppendRequest(nil, &ohttp.Request{
		Method: http.MethodPost, Scheme: "https", Authority: d.platform.setup.Host, Path: "/v1/visits", Body: []byte(`{"cover":true}`),
	})
	if err != nil {
		return nil, err
	}
	body, _, err := d.platform.config.Encapsulate(plain)
	return body, err
}

// fresh sends a message of its own, answered by act, or as the platform would for nil.
func (d *driver) fresh(ctx context.Context, act script) *exchange {
	body, err := d.message()
	if err != nil {
		return &exchange{err: err}
	}
	return d.send(ctx, body, act, nil)
}

// send posts a body to the relay, as a device does, and waits for its answer.
func (d *driver) send(ctx context.Context, body []byte, act script, head http.Header) *exchange {
	e := &exchange{body: body, sum: sha256.Sum256(body)}
	first, done := d.platform.expect(e.sum, act)
	began := time.Now()
	e.status, e.header, e.answer, e.err = d.request(ctx, http.MethodPost, "", body, head)
	e.took = time.Since(began)
	done()
	e.arrivals = d.platform.since(first)
	return e
}

// request asks the relay anything, within a little more than the bound.
func (d *driver) request(ctx context.Context, method, path string, body []byte, head http.Header) (int, http.Header, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, d.bound+d.bound/4)
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.local[hostOf(i.Conn.LocalAddr().String())] = true
	}})
	req, err := http.NewRequestWithContext(ctx, method, d.relay+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	req.Header["User-Agent"] = nil
	if body != nil {
		req.Header.Set("Content-Type", ohttp.MediaTypeRequest)
	}
	for name, values := range head {
		req.Header[name] = values
	}
	res, err := d.http.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	return res.StatusCode, res.Header, answer, err
}

// arrive waits until a message comes through the relay.
func (d *driver) arrive(ctx context.Context) error {
	end := time.Now().Add(d.wait)
	for {
		e := d.fresh(ctx, nil)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case len(d.platform.messages()) > 0 && e.status != 0:
			return nil
		case time.Now().After(end):
			return ErrRelay
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
