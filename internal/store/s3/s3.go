// Package s3 keeps blobs in a bucket of an S3-compatible service.
//
// What a Put acknowledged is what the service acknowledged: whole or absent, never
// half. A blob with the name abcdef… is the object of that name below the bucket's
// prefix; names and bytes tell no more than they do on a disk (package disk). Several
// servers may share a bucket. A name that is there keeps its content because each
// write says If-None-Match: * (RFC 9110 §13.1.2); a service that does not heed it is
// refused when the store is opened, because two servers could overwrite each other's
// blobs there.
//
// The credential needs the rights to get and put objects and to list the bucket
// (without it many services say "forbidden" where nothing is); to delete objects, where
// Delete is called; and to list and abort multipart uploads, or what a killed server
// left of those is another's to remove.
package s3

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
)

// Errors of opening.
var (
	// ErrURL: the bucket's URL cannot be used.
	ErrURL = fault.New(fault.Invalid, "the document store's URL must be https://host/bucket or https://host/bucket/prefix; http only on this host; prefix of letters, digits, - and _")
	// ErrCredential: no key, no secret or no region.
	ErrCredential = fault.New(fault.Invalid, "the document store needs a region, an access key and its secret")
	// ErrConditional: the service overwrites what it was told to keep.
	ErrConditional = fault.New(fault.Invalid, "the document store overwrites an object in spite of If-None-Match: *; use a service that heeds it")
)

// Bucket says where blobs are and as whom to ask for them.
type Bucket struct {
	// URL is https://host[:port]/bucket or …/bucket/prefix: the path style. Plain http
	// is taken for a loopback host alone.
	URL    string
	Region string // as in its signatures; us-east-1 where a service has none
	Key    string // access key id
	Secret Secret
	// Client makes the requests; nil for one with the system's roots. It must not
	// follow redirects.
	Client *http.Client
	// Now is the clock of signatures; nil for time.Now.
	Now func() time.Time
}

// abandoned is the age from which an unfinished upload is nobody's: its server was
// killed.
const abandoned = 24 * time.Hour

// Store is a bucket of blobs. It is safe for concurrent use.
type Store struct {
	base   url.URL // of the bucket
	prefix string  // of keys; empty or with a slash at its end
	sign   signer
	client *http.Client
	small  sync.Pool // of *[smallPart]byte
	large  sync.Pool // of *[partSize]byte

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

var _ store.Blobs = (*Store)(nil)

// Open opens a bucket, which must be there, and aborts uploads that were begun more
// than a day ago and never ended. ErrURL, ErrCredential or ErrConditional for what
// cannot be used, else store.ErrBlobsUnavailable when the service refuses.
func Open(ctx context.Context, b Bucket) (*Store, error) {
	base, prefix, err := parseURL(b.URL)
	if err != nil {
		return nil, err
	}
	if b.Region == "" || b.Key == "" || b.Secret == "" {
		return nil, ErrCredential
	}
	s := &Store{base: base, prefix: prefix, client: b.Client, sign: signer{region: b.Region, key: b.Key, secret: b.Secret, now: nowOr(b.Now)}}
	if s.client == nil {
		s.client = NewClient(nil)
	}
	if err := s.probe(ctx); err != nil {
		return nil, err
	}
	return s, s.sweep(ctx)
}

func nowOr(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}

// NewClient returns a client over a transport, or nil for the default one, that waits
// no longer than a document store may take and follows nobody elsewhere.
func NewClient(t *http.Transport) *http.Client {
	if t == nil {
		t = http.DefaultTransport.(*http.Transport).Clone()
	}
	t.ResponseHeaderTimeout = time.Minute
	t.MaxIdleConnsPerHost = 32
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func parseURL(s string) (base url.URL, prefix string, err error) {
	u, err := url.Parse(s)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Host == "" {
		return base, "", ErrURL
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return base, "", ErrURL
	}
	bucket, prefix, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	for _, c := range bucket + prefix {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_./", c) {
			return base, "", ErrURL
		}
	}
	if bucket == "" || strings.Contains(prefix, ".") || strings.Contains(u.Path, "//") {
		return base, "", ErrURL
	}
	if prefix != "" {
		prefix += "/"
	}
	return url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/" + bucket}, prefix, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// probe writes one small object twice: the second time the service must refuse it.
func (s *Store) probe(ctx context.Context) error {
	for range 2 {
		a, err := s.call(ctx, request{method: http.MethodPut, key: s.prefix + "probe", header: absent(), body: []byte("amanah")})
		switch {
		case err != nil:
			return err
		case a.status == http.StatusPreconditionFailed:
			return nil
		case a.status == http.StatusNotImplemented:
			return ErrConditional
		case a.status/100 != 2:
			return a.refused("open the bucket")
		}
	}
	return ErrConditional
}

// absent makes a write conditional on there being none.
func absent() http.Header { return http.Header{"If-None-Match": {"*"}} }

// errForbidden: the credential does not hold the right.
var errForbidden = errors.New("forbidden")

// sweep aborts uploads that nobody will end. A service that lists none has them
// expire by its own rule.
func (s *Store) sweep(ctx context.Context) error {
	var page struct {
		Upload []struct {
			Key, UploadId string
			Initiated     time.Time
		}
	}
	for {
		a, err := s.call(ctx, request{method: http.MethodGet, query: url.Values{"uploads": {""}, "prefix": {s.prefix}}})
		if err != nil || a.status == http.StatusNotImplemented || a.status == http.StatusForbidden {
			return err // nil: it is another's to do
		}
		page.Upload = page.Upload[:0]
		if err := a.decode("list uploads", &page); err != nil {
			return err
		}
		gone := 0
		for _, u := range page.Upload {
			if s.sign.now().Sub(u.Initiated) < abandoned {
				continue
			}
			if err := s.abort(ctx, u.Key, u.UploadId); errors.Is(err, errForbidden) {
				return nil
			} else if err != nil {
				return err
			}
			gone++
		}
		if gone == 0 { // the rest is young, or begins beyond a page of young ones: the next time
			return nil
		}
	}
}

// Close waits for running calls. Blobs that are open stay readable.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.running.Wait()
	return nil
}

// enter begins a call that Close waits for.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("blobs: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrBlobsClosed
	}
	s.running.Add(1)
	return nil
}

// enterFor is enter for calls about one blob.
func (s *Store) enterFor(ctx context.Context, name store.BlobName) error {
	if name == (store.BlobName{}) {
		return store.ErrBlobName
	}
	return s.enter(ctx)
}

func (s *Store) keyOf(name store.BlobName) string { return s.prefix + name.String() }

// there reports whether a blob is there.
func (s *Store) there(ctx context.Context, name store.BlobName) (bool, error) {
	a, err := s.call(ctx, request{method: http.MethodHead, key: s.keyOf(name)})
	switch {
	case err != nil:
		return false, err
	case a.status == http.StatusNotFound:
		return false, nil
	case a.status != http.StatusOK:
		return false, a.refused("look for blob")
	}
	return true, nil
}

// Delete implements store.Blobs. S3 does not say whether there was something to
// delete, so it is looked for; of two Deletes at once both may succeed.
func (s *Store) Delete(ctx context.Context, name store.BlobName) error {
	if err := s.enterFor(ctx, name); err != nil {
		return err
	}
	defer s.running.Done()
	there, err := s.there(ctx, name)
	if err != nil {
		return err
	}
	if !there {
		return store.ErrNoBlob
	}
	a, err := s.call(ctx, request{method: http.MethodDelete, key: s.keyOf(name)})
	switch {
	case err != nil:
		return err
	case a.status == http.StatusNotFound:
		return store.ErrNoBlob
	case a.status/100 != 2:
		return a.refused("delete blob")
	}
	return nil
}

// List implements store.Blobs. Objects of other names are passed over.
func (s *Store) List(ctx context.Context, after store.BlobName, n int) ([]store.BlobName, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.running.Done()
	n = min(n, store.MaxBlobPage)
	if n <= 0 {
		return nil, nil
	}
	var out []store.BlobName
	start := s.prefix + after.String()
	for {
		keys, more, err := s.page(ctx, start, n-len(out))
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			start = key
			if name, err := store.ParseBlobName(strings.TrimPrefix(key, s.prefix)); err == nil {
				out = append(out, name)
			}
		}
		if !more || len(keys) == 0 || len(out) >= n {
			return out, nil
		}
	}
}

// page lists up to n keys after one; more says that there are further ones.
func (s *Store) page(ctx context.Context, after string, n int) (keys []string, more bool, err error) {
	query := url.Values{"list-type": {"2"}, "prefix": {s.prefix}, "start-after": {after}, "max-keys": {fmt.Sprint(n)}}
	a, err := s.call(ctx, request{method: http.MethodGet, query: query})
	if err != nil {
		return nil, false, err
	}
	var page struct {
		Contents    []struct{ Key string }
		IsTruncated bool
	}
	if err := a.decode("list blobs", &page); err != nil {
		return nil, false, err
	}
	for _, c := range page.Contents {
		keys = append(keys, c.Key)
	}
	return keys, page.IsTruncated, nil
}

// unavailable says that the service could not be asked.
func unavailable(what string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s: %w: %w", what, store.ErrBlobsUnavailable, err)
}
