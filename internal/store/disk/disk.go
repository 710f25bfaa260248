// Package disk keeps blobs as files in a folder.
//
// What a Put acknowledged is there, whole, after a power cut; what it did not is
// whole or absent, never half, and nothing unfinished outlives the next Open. A
// Delete that was acknowledged stays deleted. The names on the disk are hex digits
// of the blobs' opaque names and nothing else; that the names tell nothing is up
// to the caller's keyed hash, that the bytes tell nothing to the caller's sealing:
// this package reads neither. It does not hide how many blobs there are, how long
// each is or when it came, and does not notice a file that somebody changed: the
// seal does.
//
// A blob with the name abcdef… is the file ab/cd/ef…: 65,536 folders keep each
// one short. An unfinished blob is a numbered file at the top, where one listing
// finds all of them; it gets its name when its bytes are durable. Empty folders
// stay.
package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/store"
)

// lockName is held by the process that has the folder open; hex, as all names are.
const lockName = "0"

// Store is a folder of blobs. It is safe for concurrent use.
type Store struct {
	disk    durable.FS
	lock    io.Closer
	temps   atomic.Uint64 // numbers unfinished files; unique, for we hold the lock
	shelves [256]shelf    // by a name's first byte
	chunks  sync.Pool     // of *[chunk]byte: most documents are shorter than one

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// shelf is one folder at the top. Its lock makes "is there none, then name it" one
// step, and keeps a Put from trusting a folder that another one is still making.
type shelf struct {
	mu    sync.Mutex
	ready bool      // its own name is durable
	leaf  [256]bool // the folders in it whose names are durable
}

var _ store.Blobs = (*Store)(nil)

// Open opens a folder, making it when there is none, and removes what a crash left
// unfinished. durable.ErrLocked when another process has it; else, when the disk
// refuses, store.ErrBlobsUnavailable or store.ErrBlobsFull.
func Open(f durable.FS) (*Store, error) {
	if err := f.MkdirAll(""); err != nil {
		return nil, refused("open", err)
	}
	lock, err := f.Lock(lockName)
	if errors.Is(err, durable.ErrLocked) {
		return nil, err
	}
	if err != nil {
		return nil, refused("lock", err)
	}
	// A removal that a crash undoes brings back a name at most, and the next Open
	// removes it again: no need to sync.
	if err := durable.Sweep(f, ""); err != nil {
		return nil, errors.Join(refused("sweep", err), lock.Close())
	}
	return &Store{disk: f, lock: lock}, nil
}

// Close waits for running calls and lets another process have the folder. Blobs
// that are open stay readable.
func (s *Store) Close() error {
	s.mu.Lock()
	before := s.closed
	s.closed = true
	s.mu.Unlock()
	s.running.Wait()
	if before {
		return nil
	}
	return s.lock.Close()
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

// place is where a blob lies.
type place struct{ top, leaf, file string }

func placeOf(name store.BlobName) place {
	h := name.String()
	leaf := h[:2] + "/" + h[2:4]
	return place{top: h[:2], leaf: leaf, file: leaf + "/" + h[4:]}
}

// Open implements store.Blobs.
func (s *Store) Open(ctx context.Context, name store.BlobName) (store.Blob, error) {
	if err := s.enterFor(ctx, name); err != nil {
		return nil, err
	}
	defer s.running.Done()
	f, err := s.disk.Open(placeOf(name).file, durable.Read)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, store.ErrNoBlob
	}
	if err != nil {
		return nil, refused("open blob", err)
	}
	size, err := f.Size()
	if err != nil {
		return nil, errors.Join(refused("open blob", err), f.Close())
	}
	return &blob{file: f, section: io.NewSectionReader(f, 0, size)}, nil
}

// Delete implements store.Blobs.
func (s *Store) Delete(ctx context.Context, name store.BlobName) error {
	if err := s.enterFor(ctx, name); err != nil {
		return err
	}
	defer s.running.Done()
	at, sh := placeOf(name), &s.shelves[name[0]]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	gone := s.disk.Remove(at.file)
	if gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		return refused("delete blob", gone)
	}
	// A blob that is not there may be one whose removal is not durable yet, by a
	// Delete that failed here: whoever asks again must be able to rely on the answer.
	switch err := s.disk.SyncDir(at.leaf); {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return refused("delete blob", err)
	case gone != nil:
		return store.ErrNoBlob
	}
	return nil
}

// blob is an open file whose length is known.
type blob struct {
	file    durable.File
	section *io.SectionReader
}

func (b *blob) ReadAt(p []byte, off int64) (int, error) {
	n, err := b.section.ReadAt(p, off)
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, fs.ErrClosed) {
		return n, err
	}
	return n, refused("read blob", err)
}

func (b *blob) Close() error { return b.file.Close() }

func (b *blob) Size() int64 { return b.section.Size() }

// refused says what the disk would not do, in the port's words.
func refused(what string, err error) error {
	kind := store.ErrBlobsUnavailable
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		kind = store.ErrBlobsFull
	}
	return fmt.Errorf("%s: %w: %w", what, kind, err)
}
