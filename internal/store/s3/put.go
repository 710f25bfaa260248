package s3

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
)

const (
	smallPart = 128 << 10 // most documents are shorter
	partSize  = 8 << 20   // what a Put holds in memory at most
	maxParts  = 10_000    // of S3
)

// ErrLong: more than a multipart upload takes.
var ErrLong = fault.New(fault.Invalid, "a document in this store is at most 78 GiB long")

// Put implements store.Blobs. When the service does not say what became of the last
// request, an error may leave the blob whole; it is never half there. Parts of an
// upload that a killed process left are aborted when the store is opened a day later.
func (s *Store) Put(ctx context.Context, name store.BlobName, r io.Reader) error {
	if err := s.enterFor(ctx, name); err != nil {
		return err
	}
	defer s.running.Done()
	src := &source{ctx: ctx, r: r}
	known, err := s.there(ctx, name)
	if err != nil {
		return err
	}
	small, _ := s.small.Get().(*[smallPart]byte)
	if small == nil {
		small = new([smallPart]byte)
	}
	defer s.small.Put(small)
	if known {
		return src.drain(small[:])
	}
	n, whole, err := src.fill(small[:], 0)
	if err != nil {
		return err
	}
	if whole {
		return s.putWhole(ctx, name, small[:n])
	}
	large, _ := s.large.Get().(*[partSize]byte)
	if large == nil {
		large = new([partSize]byte)
	}
	defer s.large.Put(large)
	if n, whole, err = src.fill(large[:], copy(large[:], small[:n])); err != nil {
		return err
	}
	if whole {
		return s.putWhole(ctx, name, large[:n])
	}
	return s.putParts(ctx, name, src, large)
}

// ending is the context of what must be done once the blob was read.
func ending(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 10*time.Minute)
}

// putWhole writes a blob of one part, unless another was faster.
func (s *Store) putWhole(ctx context.Context, name store.BlobName, raw []byte) error {
	ctx, cancel := ending(ctx)
	defer cancel()
	for n := 1; ; n++ {
		a, err := s.call(ctx, request{method: http.MethodPut, key: s.keyOf(name), header: absent(), body: raw})
		switch {
		case err != nil:
			return err
		case a.status/100 == 2, a.status == http.StatusPreconditionFailed:
			return nil
		case a.status == http.StatusConflict && n < attempts: // another write was under way
			time.Sleep(firstPause)
		default:
			return a.refused("put blob")
		}
	}
}

// part is one of an upload, as the service names it.
type part struct {
	PartNumber int
	ETag       string
}

// putParts writes a blob of many parts, whose first is in buf.
func (s *Store) putParts(ctx context.Context, name store.BlobName, src *source, buf *[partSize]byte) (err error) {
	key := s.keyOf(name)
	id, err := s.begin(ctx, key)
	if err != nil {
		return err
	}
	ended := false
	defer func() {
		if !ended { // r may panic, too
			ctx, cancel := ending(ctx)
			defer cancel()
			err = errors.Join(err, s.abort(ctx, key, id))
		}
	}()
	var parts []part
	for n, whole := partSize, false; n > 0; {
		if len(parts) == maxParts {
			return ErrLong
		}
		tag, err := s.upload(ctx, key, id, len(parts)+1, buf[:n])
		if err != nil {
			return err
		}
		parts = append(parts, part{len(parts) + 1, tag})
		if whole {
			break
		}
		if n, whole, err = src.fill(buf[:], 0); err != nil {
			return err
		}
	}
	after, cancel := ending(ctx)
	defer cancel()
	ended, err = s.complete(after, name, id, parts)
	return err
}

func (s *Store) begin(ctx context.Context, key string) (id string, err error) {
	a, err := s.call(ctx, request{method: http.MethodPost, key: key, query: url.Values{"uploads": {""}}})
	if err != nil {
		return "", err
	}
	var begun struct{ UploadId string }
	if err := a.decode("put blob", &begun); err != nil {
		return "", err
	}
	if begun.UploadId == "" {
		return "", fmt.Errorf("put blob: %w: an upload without a name", store.ErrBlobsUnavailable)
	}
	return begun.UploadId, nil
}

func (s *Store) upload(ctx context.Context, key, id string, n int, raw []byte) (tag string, err error) {
	query := url.Values{"partNumber": {fmt.Sprint(n)}, "uploadId": {id}}
	a, err := s.call(ctx, request{method: http.MethodPut, key: key, query: query, body: raw})
	if err != nil {
		return "", err
	}
	if tag = a.header.Get("ETag"); a.status != http.StatusOK || tag == "" {
		return "", a.refused("put blob")
	}
	return tag, nil
}

// complete makes one blob of all parts, unless another was faster. ended says that
// the upload is no more.
func (s *Store) complete(ctx context.Context, name store.BlobName, id string, parts []part) (ended bool, err error) {
	list, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"CompleteMultipartUpload"`
		Part    []part
	}{Part: parts})
	if err != nil {
		return false, err
	}
	a, err := s.call(ctx, request{method: http.MethodPost, key: s.keyOf(name), query: url.Values{"uploadId": {id}}, header: absent(), body: list})
	if err != nil {
		return false, err
	}
	switch {
	case a.status == http.StatusOK && bytes.Contains(a.body, []byte("CompleteMultipartUploadResult")):
		return true, nil // an error, too, may come with this status, once the answer has begun
	case a.status == http.StatusPreconditionFailed:
		return false, nil
	case a.status == http.StatusNotFound, a.status == http.StatusConflict:
		// An earlier attempt whose answer was lost, or another's write.
		there, err := s.there(ctx, name)
		if err != nil || there {
			return false, err
		}
	}
	return false, a.refused("put blob")
}

// abort ends an upload without a blob; one that is no more is no error.
func (s *Store) abort(ctx context.Context, key, id string) error {
	a, err := s.call(ctx, request{method: http.MethodDelete, key: key, query: url.Values{"uploadId": {id}}})
	if err != nil {
		return err
	}
	switch {
	case a.status == http.StatusForbidden:
		return errors.Join(a.refused("abort upload"), errForbidden)
	case a.status/100 != 2 && a.status != http.StatusNotFound:
		return a.refused("abort upload")
	}
	return nil
}

// source reads for a Put until its context ends.
type source struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}

// fill reads behind the n bytes that are in p, until it is full or r ends; whole says
// that r ended.
func (s *source) fill(p []byte, n int) (int, bool, error) {
	got, err := io.ReadFull(s, p[n:])
	switch {
	case err == nil:
		return n + got, false, nil
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return n + got, true, nil
	}
	return 0, false, fmt.Errorf("put blob: %w", err)
}

// drain reads everything and keeps nothing.
func (s *source) drain(buf []byte) error {
	if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, s, buf); err != nil {
		return fmt.Errorf("put blob: %w", err)
	}
	return nil
}
