package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/s3"
	"github.com/amanah-project/amanah/internal/store/storetest"
)

// nameOf is the name of the n-th blob.
func nameOf(n byte) store.BlobName { return store.BlobName{n, 31: 1} }

// noise is the same bytes for the same seed, made as they are read.
func noise(seed uint64, size int64) io.Reader {
	return io.LimitReader(rand.NewChaCha8([32]byte{byte(seed)}), size)
}

// buckets numbers those of this process.
var buckets atomic.Int64

// newBucket makes a bucket on the server that scripts/s3.sh started.
func newBucket(t *testing.T) s3.Bucket {
	t.Helper()
	u := os.Getenv("TEST_S3")
	switch {
	case u != "":
	case os.Getenv("SKIP_S3") == "1":
		t.Skip("SKIP_S3=1: NOT TESTED ON AN S3 SERVER")
	default:
		t.Fatal("TEST_S3 is not set: run scripts/s3.sh go test ./... or set SKIP_S3=1 to leave S3 untested")
	}
	b := s3.Bucket{
		URL:    fmt.Sprintf("%s/test-%d-%d", u, os.Getpid(), buckets.Add(1)),
		Region: "us-east-1", Key: os.Getenv("TEST_S3_KEY"), Secret: s3.Secret(os.Getenv("TEST_S3_SECRET")),
	}
	if status, body, err := s3.Ask(t.Context(), b, http.MethodPut, nil, nil); status != http.StatusOK || err != nil {
		t.Fatalf("making a bucket: %d %s %v", status, body, err)
	}
	return b
}

// uploads counts the bucket's unfinished uploads.
func uploads(t *testing.T, b s3.Bucket) int {
	t.Helper()
	status, body, err := s3.Ask(t.Context(), b, http.MethodGet, url.Values{"uploads": {""}}, nil)
	if status != http.StatusOK || err != nil {
		t.Fatalf("listing uploads: %d %v", status, err)
	}
	return bytes.Count(body, []byte("<Upload>"))
}

func TestBlobs(t *testing.T) {
	storetest.RunBlobs(t, func(t *testing.T) store.Blobs { return open(t, newBucket(t)) })
}

// open opens a bucket of the test server for a test.
func open(t *testing.T, b s3.Bucket) *s3.Store {
	t.Helper()
	s, err := s3.Open(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestParts: blobs that go up in parts come back the same, whoever is first stays, and
// a reader that fails leaves neither blob nor parts.
func TestParts(t *testing.T) {
	b := newBucket(t)
	s := open(t, b)
	ctx := t.Context()
	for i, size := range []int64{8 << 20, 8<<20 + 1, 19 << 20} {
		name := nameOf(byte(1 + i))
		if err := s.Put(ctx, name, noise(1, size)); err != nil {
			t.Fatal(err)
		}
		wantNoise(t, s, name, 1, size)
	}
	overtaken := io.MultiReader(noise(2, 9<<20), readerFunc(func([]byte) (int, error) {
		if err := s.Put(ctx, nameOf(9), bytes.NewReader([]byte("faster"))); err != nil {
			t.Error(err)
		}
		return 0, io.EOF
	}))
	if err := s.Put(ctx, nameOf(9), overtaken); err != nil {
		t.Fatal(err)
	}
	blob, err := s.Open(ctx, nameOf(9))
	if err != nil || blob.Size() != 6 {
		t.Fatalf("the second one won: %v", err)
	}
	broken := errors.New("broken")
	if err := s.Put(ctx, nameOf(10), io.MultiReader(noise(3, 17<<20), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("%v, want the reader's error", err)
	}
	if _, err := s.Open(ctx, nameOf(10)); !errors.Is(err, store.ErrNoBlob) {
		t.Errorf("after a broken reader: %v", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = s.Put(ctx, nameOf(10), io.MultiReader(noise(3, 17<<20), readerFunc(func([]byte) (int, error) { panic("reader") })))
	}()
	if n := uploads(t, b); n != 0 {
		t.Errorf("%d uploads are left unfinished", n)
	}
}

// wantNoise reads a blob from one end to the other in pieces as a sealed document is.
func wantNoise(t *testing.T, s *s3.Store, name store.BlobName, seed uint64, size int64) {
	t.Helper()
	blob, err := s.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	if blob.Size() != size {
		t.Fatalf("%d bytes, want %d", blob.Size(), size)
	}
	want, got := noise(seed, size), io.NewSectionReader(blob, 0, size)
	p, q := make([]byte, 16400), make([]byte, 16400)
	for off := int64(0); off < size; off += int64(len(p)) {
		n, err := io.ReadFull(want, p)
		if m, e := io.ReadFull(got, q); n != m || !errors.Is(e, err) || !bytes.Equal(p[:n], q[:n]) {
			t.Fatalf("at %d: %d and %d bytes, %v and %v", off, n, m, err, e)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestDeletedWhileOpen: of a long blob that is deleted and put anew while it is open,
// no byte of the new one is taken for the old one's.
func TestDeletedWhileOpen(t *testing.T) {
	s := open(t, newBucket(t))
	ctx := context.Background()
	put := func(seed uint64) {
		if err := s.Put(ctx, nameOf(1), noise(seed, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	put(1)
	blob, err := s.Open(ctx, nameOf(1))
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	for _, again := range []bool{false, true} {
		if err := s.Delete(ctx, nameOf(1)); err != nil {
			t.Fatal(err)
		}
		if put(2); again {
			break
		}
		if n, err := blob.ReadAt(make([]byte, 100), 500_000); n != 0 || !errors.Is(err, store.ErrNoBlob) {
			t.Fatalf("%d bytes, %v; want ErrNoBlob", n, err)
		}
	}
}

// TestMemory: a blob of 200 MB goes up and comes down in the memory of two parts.
func TestMemory(t *testing.T) {
	s := open(t, newBucket(t))
	const size = 200 << 20
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := s.Put(t.Context(), nameOf(1), noise(1, size)); err != nil {
		t.Fatal(err)
	}
	wantNoise(t, s, nameOf(1), 1, size)
	runtime.ReadMemStats(&after)
	grown := int64(after.HeapSys) - int64(before.HeapSys)
	t.Logf("the heap grew by %d MB", grown>>20)
	if grown > 64<<20 {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
}

// TestServersShare: a second server sees what the first one put, and takes its name
// for the content it has.
func TestServersShare(t *testing.T) {
	b := newBucket(t)
	one, two := open(t, b), open(t, b)
	if err := one.Put(t.Context(), nameOf(1), noise(1, 300_000)); err != nil {
		t.Fatal(err)
	}
	if err := two.Put(t.Context(), nameOf(1), noise(2, 300_000)); err != nil {
		t.Fatal(err)
	}
	wantNoise(t, two, nameOf(1), 1, 300_000)
}

// TestPrefix: stores of two prefixes in one bucket see nothing of each other.
func TestPrefix(t *testing.T) {
	b := newBucket(t)
	whole := open(t, b)
	b.URL += "/part-1"
	part := open(t, b)
	if err := part.Put(t.Context(), nameOf(1), noise(1, 10)); err != nil {
		t.Fatal(err)
	}
	if names, err := whole.List(t.Context(), store.BlobName{}, 10); err != nil || len(names) != 0 {
		t.Errorf("%d names, %v", len(names), err)
	}
	if names, err := part.List(t.Context(), store.BlobName{}, 10); err != nil || len(names) != 1 {
		t.Errorf("%d names, %v", len(names), err)
	}
}

// TestWrongCredential: the service's refusal holds neither key nor secret.
func TestWrongCredential(t *testing.T) {
	b := newBucket(t)
	b.Secret = "not-the-secret"
	if _, err := s3.Open(t.Context(), b); !errors.Is(err, store.ErrBlobsUnavailable) {
		t.Errorf("%v, want ErrBlobsUnavailable", err)
	}
	b = newBucket(t)
	u, err := url.Parse(b.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/no-such-bucket"
	b.URL, b.Client = u.String(), s3.NewClient(&http.Transport{})
	if _, err := s3.Open(t.Context(), b); !errors.Is(err, store.ErrBlobsUnavailable) {
		t.Errorf("%v, want ErrBlobsUnavailable", err)
	}
}
