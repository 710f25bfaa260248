package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/store"
)

// chunk is how many bytes a Put holds in memory, whatever the blob's length.
const chunk = 128 << 10

// Put implements store.Blobs.
func (s *Store) Put(ctx context.Context, name store.BlobName, r io.Reader) (err error) {
	if err := s.enterFor(ctx, name); err != nil {
		return err
	}
	defer s.running.Done()
	at, sh := placeOf(name), &s.shelves[name[0]]
	src := &source{ctx: ctx, r: r, chunks: &s.chunks}
	known, err := s.holds(sh, at)
	if err != nil {
		return err
	}
	if known {
		return src.drain()
	}
	tmp := fmt.Sprintf("%016x%s", s.temps.Add(1), durable.TempSuffix)
	whole := false
	defer func() {
		if !whole { // r may panic, too
			err = errors.Join(err, s.discard(tmp))
		}
	}()
	if err := s.fill(tmp, src); err != nil {
		return err
	}
	whole = true
	return s.publish(sh, at, tmp)
}

// holds reports whether a blob is there and durable. Its name may be there without
// being durable: a process that was killed between the two left it so.
func (s *Store) holds(sh *shelf, at place) (bool, error) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	there, err := s.there(at)
	if err != nil || !there {
		return false, err
	}
	return true, s.settle(sh, at)
}

func (s *Store) there(at place) (bool, error) {
	f, err := s.disk.Open(at.file, durable.Read)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, refused("look for blob", err)
	}
	if err := f.Close(); err != nil {
		return false, refused("look for blob", err)
	}
	return true, nil
}

// fill writes an unfinished file and makes its bytes durable.
func (s *Store) fill(tmp string, src *source) error {
	f, err := s.disk.Open(tmp, durable.Create)
	if err != nil {
		return refused("put blob", err)
	}
	err = src.copyTo(f)
	if err == nil {
		if err = f.Sync(); err != nil {
			err = refused("put blob", err)
		}
	}
	if e := f.Close(); e != nil {
		err = errors.Join(err, refused("put blob", e))
	}
	return err
}

// publish gives a file whose bytes are durable the blob's name, unless another Put
// was faster. After an error neither name is left, if the disk lets us remove them.
func (s *Store) publish(sh *shelf, at place, tmp string) error {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	there, err := s.there(at)
	if err != nil {
		return errors.Join(err, s.discard(tmp))
	}
	if there { // whoever put it was told so, or will be: it must stay
		return errors.Join(s.discard(tmp), s.settle(sh, at))
	}
	if err := s.folder(sh, at); err != nil {
		return errors.Join(err, s.discard(tmp))
	}
	// A rename that failed may have happened, and a name that could not be synced
	// may be lost by a later sync that succeeds: the next Put must begin anew.
	if err := s.disk.Rename(tmp, at.file); err != nil {
		return errors.Join(refused("name blob", err), s.discard(tmp), s.discard(at.file))
	}
	if err := s.disk.SyncDir(at.leaf); err != nil {
		return errors.Join(refused("name blob", err), s.discard(at.file))
	}
	return nil
}

// settle makes the name of a blob that is there durable, with the folders above it.
func (s *Store) settle(sh *shelf, at place) error {
	if err := s.folder(sh, at); err != nil {
		return err
	}
	if err := s.disk.SyncDir(at.leaf); err != nil {
		return refused("name blob", err)
	}
	return nil
}

// folder makes a blob's folder durably. That a folder is there does not make it
// durable: MkdirAll may have failed, or the process have been killed, between the
// folder and its sync. So each is synced once in a process before it is relied on.
func (s *Store) folder(sh *shelf, at place) error {
	if !sh.ready {
		if err := s.disk.MkdirAll(at.top); err != nil {
			return refused("make folder", err)
		}
		if err := s.disk.SyncDir(""); err != nil {
			return refused("make folder", err)
		}
		if err := s.adopt(sh, at.top); err != nil {
			return err
		}
		sh.ready = true
	}
	leaf := &sh.leaf[byteOf(at.leaf[3:])]
	if *leaf {
		return nil
	}
	if err := s.disk.MkdirAll(at.leaf); err != nil {
		return refused("make folder", err)
	}
	if err := s.disk.SyncDir(at.top); err != nil {
		return refused("make folder", err)
	}
	*leaf = true
	return nil
}

// adopt syncs the folders that an earlier process left, all at once.
func (s *Store) adopt(sh *shelf, top string) error {
	names, err := s.folders(top)
	if err != nil {
		return err
	}
	if err := s.disk.SyncDir(top); err != nil {
		return refused("make folder", err)
	}
	for _, n := range names {
		sh.leaf[byteOf(n)] = true
	}
	return nil
}

// discard removes a file that nobody was told of.
func (s *Store) discard(file string) error {
	if err := s.disk.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return refused("clean up", err)
	}
	return nil
}

// source reads for a Put until its context ends, and remembers whose an error was:
// what r says is the caller's, what the file says is ours.
type source struct {
	ctx    context.Context
	r      io.Reader
	chunks *sync.Pool
	err    error
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		s.err = err
		return 0, err
	}
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// copyTo writes everything to a file, a chunk at a time.
func (s *source) copyTo(w io.Writer) error {
	buf, _ := s.chunks.Get().(*[chunk]byte)
	if buf == nil {
		buf = new([chunk]byte)
	}
	defer s.chunks.Put(buf)
	// Hiding what else w can do keeps io.Copy to our chunk.
	_, err := io.CopyBuffer(struct{ io.Writer }{w}, s, buf[:])
	switch {
	case s.err != nil:
		return fmt.Errorf("put blob: %w", s.err)
	case err != nil:
		return refused("put blob", err)
	}
	return nil
}

// drain reads everything and keeps nothing.
func (s *source) drain() error { return s.copyTo(io.Discard) }
