package s3

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/store"
)

const (
	attempts   = 4
	firstPause = 100 * time.Millisecond
	oneAttempt = 2 * time.Minute
	maxAnswer  = 4 << 20 // bytes of an answer that is no blob
)

// request is one call to the service.
type request struct {
	method string
	key    string // of the object; empty for the bucket
	query  url.Values
	header http.Header
	body   []byte
	into   []byte // takes the answer's body when it is no error; else it is held in memory
}

// answer is what the service said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// call asks, again when the service or the network failed in passing. An answer of any
// other status is no error.
func (s *Store) call(ctx context.Context, r request) (answer, error) {
	for n := 1; ; n++ {
		a, err := s.once(ctx, r)
		passing := err != nil || a.status >= 500 && a.status != http.StatusNotImplemented && a.status != http.StatusInsufficientStorage || a.status == http.StatusTooManyRequests
		if !passing || n == attempts || ctx.Err() != nil {
			if err != nil {
				return a, unavailable("document store", withoutURL(err))
			}
			return a, nil
		}
		pause := firstPause<<n + rand.N(firstPause)
		select {
		case <-ctx.Done():
			return a, unavailable("document store", ctx.Err())
		case <-time.After(pause):
		}
	}
}

// withoutURL leaves out the object's name, which net/http writes into its errors.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

func (s *Store) once(ctx context.Context, r request) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, oneAttempt)
	defer cancel()
	u := s.base
	if r.key != "" {
		u.Path += "/" + r.key
	}
	u.RawQuery = r.query.Encode()
	body := &sending{from: bytes.NewReader(r.body), done: make(chan struct{})}
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), nil)
	if err != nil {
		return answer{}, err
	}
	if r.header != nil {
		req.Header = r.header.Clone()
	}
	s.sign.sign(req, hash(r.body))
	if len(r.body) > 0 {
		req.Body, req.ContentLength = body, int64(len(r.body))
		defer func() { <-body.done }() // the caller uses its bytes again
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, header: resp.Header}
	if r.into == nil || resp.StatusCode/100 != 2 {
		a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		return a, err
	}
	n, err := io.ReadFull(resp.Body, r.into)
	if a.body = r.into[:n]; errors.Is(err, io.ErrUnexpectedEOF) && int64(n) == resp.ContentLength {
		err = nil // shorter than what was asked for, and whole
	}
	return a, err
}

// sending is a request's body that says when nobody reads it any more: net/http may
// go on with one after its request was answered.
type sending struct {
	mu   sync.Mutex
	from *bytes.Reader
	shut bool
	done chan struct{}
}

// Read implements io.Reader.
func (s *sending) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		return 0, io.ErrClosedPipe
	}
	return s.from.Read(p)
}

// Close implements io.Closer.
func (s *sending) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.shut {
		s.shut = true
		close(s.done)
	}
	return nil
}

// code is the service's word for what is wrong, which holds nothing of ours.
func (a answer) code() string {
	var e struct{ Code string }
	if err := xml.Unmarshal(a.body, &e); err != nil || len(e.Code) > 64 {
		return ""
	}
	return e.Code
}

// refused says what the service would not do, in the port's words.
func (a answer) refused(what string) error {
	kind := store.ErrBlobsUnavailable
	switch code := a.code(); {
	case a.status == http.StatusInsufficientStorage, code == "QuotaExceeded", code == "XMinioStorageFull":
		kind = store.ErrBlobsFull
	case code != "":
		return fmt.Errorf("%s: %w: status %d, %s", what, kind, a.status, code)
	}
	return fmt.Errorf("%s: %w: status %d", what, kind, a.status)
}

// decode reads an answer's document.
func (a answer) decode(what string, to any) error {
	if a.status != http.StatusOK {
		return a.refused(what)
	}
	if err := xml.Unmarshal(a.body, to); err != nil {
		return fmt.Errorf("%s: %w: %w", what, store.ErrBlobsUnavailable, err)
	}
	return nil
}
