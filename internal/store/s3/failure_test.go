package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/s3"
)

// service is a bucket that misbehaves as a test says: a hand in front of a few
// objects, for what the real server never does.
type service struct {
	mu      sync.Mutex
	objects map[string][]byte
	uploads int
	before  func(w http.ResponseWriter, r *http.Request) (answered bool) // nil: as it should be
	asked   []string
}

func newService(t *testing.T) (*service, s3.Bucket) {
	t.Helper()
	s := &service{objects: map[string][]byte{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, s3.Bucket{URL: server.URL + "/bucket", Region: "here", Key: "k", Secret: "s"}
}

// ServeHTTP implements http.Handler.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	s.asked = append(s.asked, r.Method+" "+r.URL.RawQuery)
	if s.before != nil && s.before(w, r) {
		return
	}
	key := strings.TrimPrefix(r.URL.Path, "/bucket/")
	raw, there := s.objects[key]
	switch q := r.URL.Query(); {
	case r.Method == "GET" && q.Has("uploads"):
		fmt.Fprint(w, "<ListMultipartUploadsResult></ListMultipartUploadsResult>")
	case r.Method == "POST" && q.Has("uploads"):
		s.uploads++
		fmt.Fprint(w, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
	case r.Method == "DELETE" && q.Has("uploadId"):
		s.uploads--
		w.WriteHeader(http.StatusNoContent)
	case r.Method == "PUT" && q.Has("uploadId"):
		w.Header().Set("ETag", `"part"`)
	case r.Method == "POST":
		s.uploads--
		s.objects[key] = body
		fmt.Fprint(w, "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>")
	case r.Method == "PUT" && there:
		w.WriteHeader(http.StatusPreconditionFailed)
	case r.Method == "PUT":
		s.objects[key] = body
	case !there:
		w.WriteHeader(http.StatusNotFound)
	default:
		w.Header().Set("ETag", `"tag"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(raw))
	}
}

// TestAServiceThatFailsInPassing: two failures of each call are gone over.
func TestAServiceThatFailsInPassing(t *testing.T) {
	for _, status := range []int{500, 502, 503, 429} {
		s, b := newService(t)
		n := 0
		s.before = func(w http.ResponseWriter, _ *http.Request) bool {
			if n++; n%3 != 0 {
				w.WriteHeader(status)
				return true
			}
			return false
		}
		st, err := s3.Open(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Put(t.Context(), nameOf(1), noise(1, 1000)); err != nil {
			t.Fatal(err)
		}
		wantNoise(t, st, nameOf(1), 1, 1000)
	}
}

// TestAServiceThatRefuses: errors are the port's, and hold nothing of ours.
func TestAServiceThatRefuses(t *testing.T) {
	s, b := newService(t)
	st, err := s3.Open(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	name := nameOf(1)
	for _, c := range []struct {
		status int
		body   string
		want   error
	}{
		{403, "<Error><Code>AccessDenied</Code><Key>" + name.String() + "</Key></Error>", store.ErrBlobsUnavailable},
		{400, "garbage", store.ErrBlobsUnavailable},
		{307, "", store.ErrBlobsUnavailable},
		{507, "", store.ErrBlobsFull},
		{403, "<Error><Code>QuotaExceeded</Code></Error>", store.ErrBlobsFull},
	} {
		s.before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodHead {
				return false
			}
			w.Header().Set("Location", "http://192.0.2.1/")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
			return true
		}
		for what, err := range map[string]error{
			"put": st.Put(t.Context(), name, noise(1, 10)), "long put": st.Put(t.Context(), name, noise(1, 9<<20)),
		} {
			if !errors.Is(err, c.want) || fault.KindOf(err) != fault.Unavailable || strings.Contains(err.Error(), name.String()) {
				t.Errorf("%s, %d: %v", what, c.status, err)
			}
		}
		if _, err := st.Open(t.Context(), name); err == nil || strings.Contains(err.Error(), name.String()) {
			t.Errorf("open, %d: %v", c.status, err)
		}
		if _, err := st.List(t.Context(), store.BlobName{}, 10); err == nil {
			t.Errorf("list, %d: no error", c.status)
		}
	}
}

// TestACompletionThatFails: S3 may say 200 and then, in the body, that it failed.
func TestACompletionThatFails(t *testing.T) {
	s, b := newService(t)
	st, err := s3.Open(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost && r.URL.Query().Has("uploadId") {
			fmt.Fprint(w, "<Error><Code>InternalError</Code></Error>")
			return true
		}
		return false
	}
	if err := st.Put(t.Context(), nameOf(1), noise(1, 9<<20)); !errors.Is(err, store.ErrBlobsUnavailable) {
		t.Errorf("%v, want ErrBlobsUnavailable", err)
	}
	if s.uploads != 0 {
		t.Error("the upload was not aborted")
	}
}

// TestRefusals: what cannot keep the port's promises is not opened.
func TestRefusals(t *testing.T) {
	_, b := newService(t)
	for _, u := range []string{
		"", "x", "http://192.0.2.1/bucket", "http://example.org/bucket", "https://example.org", "https://example.org/", "ftp://127.0.0.1/b",
		"https://u:p@example.org/b", "https://example.org/b?x=1", "https://example.org/b/../c", "https://example.org/b/a%20b", "https://example.org/b#f", "https://example.org/b//c",
	} {
		c := b
		c.URL = u
		if _, err := s3.Open(t.Context(), c); !errors.Is(err, s3.ErrURL) {
			t.Errorf("%q: %v, want ErrURL", u, err)
		}
	}
	for _, change := range []func(*s3.Bucket){
		func(b *s3.Bucket) { b.Key = "" }, func(b *s3.Bucket) { b.Secret = "" }, func(b *s3.Bucket) { b.Region = "" },
	} {
		c := b
		change(&c)
		if _, err := s3.Open(t.Context(), c); !errors.Is(err, s3.ErrCredential) {
			t.Errorf("%v, want ErrCredential", err)
		}
	}
	for _, status := range []int{http.StatusOK, http.StatusNotImplemented} {
		careless, c := newService(t)
		careless.before = func(w http.ResponseWriter, r *http.Request) bool {
			w.WriteHeader(status)
			return r.Method == http.MethodPut
		}
		if _, err := s3.Open(t.Context(), c); !errors.Is(err, s3.ErrConditional) {
			t.Errorf("%d: %v, want ErrConditional", status, err)
		}
	}
}

// TestNobodyThere: a service that cannot be reached is unavailable.
func TestNobodyThere(t *testing.T) {
	_, b := newService(t)
	st, err := s3.Open(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	b.URL = "http://127.0.0.1:1/bucket"
	if _, err := s3.Open(t.Context(), b); !errors.Is(err, store.ErrBlobsUnavailable) || strings.Contains(err.Error(), "bucket") {
		t.Errorf("%v, want ErrBlobsUnavailable", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := st.Open(ctx, nameOf(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want Canceled", err)
	}
}

// TestACredentialThatMayNotDelete: a store is opened and written all the same; what a
// killed server left is another's to remove.
func TestACredentialThatMayNotDelete(t *testing.T) {
	s, b := newService(t)
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && r.URL.Query().Has("uploads") {
			fmt.Fprint(w, "<ListMultipartUploadsResult><Upload><Key>k</Key><UploadId>u</UploadId><Initiated>2020-01-01T00:00:00Z</Initiated></Upload></ListMultipartUploadsResult>")
			return true
		}
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		return false
	}
	st, err := s3.Open(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Put(t.Context(), nameOf(1), noise(1, 9<<20)); err != nil {
		t.Fatal(err)
	}
	if err := st.Delete(t.Context(), nameOf(1)); !errors.Is(err, store.ErrBlobsUnavailable) {
		t.Errorf("%v, want ErrBlobsUnavailable", err)
	}
}
