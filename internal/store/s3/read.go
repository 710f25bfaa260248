package s3

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
)

const (
	firstRange = 64 << 10 // fetched with the opening: most documents are not longer
	mostAhead  = 4 << 20  // of a blob that is read from one end to the other
)

// errBefore: a place before the blob's beginning.
var errBefore = fault.New(fault.Invalid, "a blob has no bytes before its first")

// Open implements store.Blobs. Of a blob that is deleted while it is open, what was
// not fetched is gone: ReadAt gives store.ErrNoBlob for it, and never another blob's
// bytes.
func (s *Store) Open(ctx context.Context, name store.BlobName) (store.Blob, error) {
	if err := s.enterFor(ctx, name); err != nil {
		return nil, err
	}
	defer s.running.Done()
	a, err := s.call(ctx, request{method: http.MethodGet, key: s.keyOf(name), header: byteRange(0, firstRange)})
	if err != nil {
		return nil, err
	}
	b := &blob{store: s, key: s.keyOf(name), tag: a.header.Get("ETag"), ahead: firstRange}
	switch a.status {
	case http.StatusRequestedRangeNotSatisfiable: // RFC 9110 §14.1.2: not even a first byte
		return b, nil
	case http.StatusNotFound:
		return nil, store.ErrNoBlob
	case http.StatusOK:
		b.size = int64(len(a.body))
		if length := a.header.Get("Content-Length"); length != "" && length != strconv.Itoa(len(a.body)) || len(a.body) > firstRange {
			return nil, fmt.Errorf("open blob: %w: the service does not heed ranges", store.ErrBlobsUnavailable)
		}
	case http.StatusPartialContent:
		_, total, _ := strings.Cut(a.header.Get("Content-Range"), "/")
		if b.size, err = strconv.ParseInt(total, 10, 64); err != nil || b.size < int64(len(a.body)) || b.tag == "" {
			return nil, fmt.Errorf("open blob: %w: no length or tag", store.ErrBlobsUnavailable)
		}
	default:
		return nil, a.refused("open blob")
	}
	b.window = a.body
	return b, nil
}

func byteRange(from, n int64) http.Header {
	return http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", from, from+n-1)}}
}

// blob is an object whose length and tag are known. It holds the bytes that were
// fetched last, and fetches further ahead the longer it is read on and on.
type blob struct {
	store *Store
	key   string
	tag   string
	size  int64

	mu     sync.Mutex
	closed bool
	window []byte // never changed once it is here
	at     int64  // of its first byte
	ahead  int64
}

// ReadAt implements io.ReaderAt.
func (b *blob) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errBefore
	}
	for n < len(p) {
		got, err := b.some(p[n:], off+int64(n))
		if n += got; err != nil {
			return n, err
		}
	}
	return n, nil
}

// some reads at least one byte, or fails.
func (b *blob) some(p []byte, off int64) (int, error) {
	b.mu.Lock()
	closed, window, at := b.closed, b.window, b.at
	if off == at+int64(len(window)) {
		b.ahead = min(b.ahead*2, mostAhead)
	} else if off < at || off > at+int64(len(window)) {
		b.ahead = firstRange
	}
	length := min(max(b.ahead, int64(len(p))), b.size-off)
	b.mu.Unlock()
	switch {
	case closed:
		return 0, fs.ErrClosed
	case off >= b.size:
		return 0, io.EOF
	case off >= at && off < at+int64(len(window)):
		return copy(p, window[off-at:]), nil
	case int64(len(p)) >= length:
		return b.fetch(p[:length], off)
	}
	fresh := make([]byte, length)
	if _, err := b.fetch(fresh, off); err != nil {
		return 0, err
	}
	b.mu.Lock()
	b.window, b.at = fresh, off
	b.mu.Unlock()
	return copy(p, fresh), nil
}

// fetch fills p from the service.
func (b *blob) fetch(p []byte, off int64) (int, error) {
	header := byteRange(off, int64(len(p)))
	header.Set("If-Match", b.tag)
	a, err := b.store.call(context.Background(), request{method: http.MethodGet, key: b.key, header: header, into: p})
	switch {
	case err != nil:
		return 0, err
	case a.status == http.StatusNotFound, a.status == http.StatusPreconditionFailed:
		return 0, store.ErrNoBlob
	case a.status != http.StatusPartialContent && (a.status != http.StatusOK || off > 0 || int64(len(p)) != b.size):
		return 0, a.refused("read blob")
	case len(a.body) != len(p):
		return 0, fmt.Errorf("read blob: %w: fewer bytes than asked for", store.ErrBlobsUnavailable)
	}
	return len(p), nil
}

// Close implements io.Closer.
func (b *blob) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return fs.ErrClosed
	}
	b.closed, b.window = true, nil
	return nil
}

// Size implements store.Blob.
func (b *blob) Size() int64 { return b.size }
