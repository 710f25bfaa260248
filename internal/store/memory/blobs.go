package memory

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/amanah-project/amanah/internal/store"
)

// Blobs keeps blobs in memory: nothing survives the process, and a Put takes as
// much memory as its blob is long. It is safe for concurrent use.
type Blobs struct {
	mu     sync.RWMutex
	whole  map[store.BlobName][]byte // never changed once they are in
	closed bool
}

var _ store.Blobs = (*Blobs)(nil)

// NewBlobs returns an empty store.
func NewBlobs() *Blobs { return &Blobs{whole: map[store.BlobName][]byte{}} }

// usable says why a call cannot begin.
func (b *Blobs) usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("blobs: %w", err)
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.closed {
		return store.ErrBlobsClosed
	}
	return nil
}

// Put reads r without a lock, so that a slow reader holds up nobody.
func (b *Blobs) Put(ctx context.Context, name store.BlobName, r io.Reader) error {
	if name == (store.BlobName{}) {
		return store.ErrBlobName
	}
	if err := b.usable(ctx); err != nil {
		return err
	}
	raw, err := io.ReadAll(source{ctx, r})
	if err != nil {
		return fmt.Errorf("put blob: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return store.ErrBlobsClosed
	}
	if _, ok := b.whole[name]; !ok {
		b.whole[name] = raw
	}
	return nil
}

// Open implements store.Blobs.
func (b *Blobs) Open(ctx context.Context, name store.BlobName) (store.Blob, error) {
	if name == (store.BlobName{}) {
		return nil, store.ErrBlobName
	}
	if err := b.usable(ctx); err != nil {
		return nil, err
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	raw, ok := b.whole[name]
	if !ok {
		return nil, store.ErrNoBlob
	}
	size := int64(len(raw))
	return &blob{SectionReader: io.NewSectionReader(bytes.NewReader(raw), 0, size)}, nil
}

// Delete implements store.Blobs.
func (b *Blobs) Delete(ctx context.Context, name store.BlobName) error {
	if name == (store.BlobName{}) {
		return store.ErrBlobName
	}
	if err := b.usable(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.whole[name]; !ok {
		return store.ErrNoBlob
	}
	delete(b.whole, name)
	return nil
}

// List sorts all names for every page: good enough for what fits into memory.
func (b *Blobs) List(ctx context.Context, after store.BlobName, n int) ([]store.BlobName, error) {
	if err := b.usable(ctx); err != nil {
		return nil, err
	}
	b.mu.RLock()
	names := slices.Collect(maps.Keys(b.whole))
	b.mu.RUnlock()
	names = slices.DeleteFunc(names, func(m store.BlobName) bool { return bytes.Compare(m[:], after[:]) <= 0 })
	slices.SortFunc(names, func(x, y store.BlobName) int { return bytes.Compare(x[:], y[:]) })
	return names[:min(len(names), max(n, 0), store.MaxBlobPage)], nil
}

// Close makes every later call fail, and a Put that is still reading.
func (b *Blobs) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

// source is a reader that ends with its context.
type source struct {
	ctx context.Context
	r   io.Reader
}

func (s source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}

// blob refuses what a file would refuse once it is closed.
type blob struct {
	*io.SectionReader
	closed atomic.Bool
}

func (b *blob) ReadAt(p []byte, off int64) (int, error) {
	if b.closed.Load() {
		return 0, fs.ErrClosed
	}
	return b.SectionReader.ReadAt(p, off)
}

func (b *blob) Close() error {
	if b.closed.Swap(true) {
		return fs.ErrClosed
	}
	return nil
}
