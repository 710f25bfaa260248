package durabletest

import (
	"errors"
	"io"
	"io/fs"
	"slices"
)

// file is an open file of one life of the disk.
type file struct {
	disk   *Disk
	life   int
	node   *node
	write  bool
	closed bool
}

var errGone = errors.New("durabletest: the file was open when the power went")

func (f *file) usable() error {
	switch {
	case f.life != f.disk.life:
		return errGone
	case f.closed:
		return fs.ErrClosed
	case f.disk.broken:
		return ErrInjected
	}
	return nil
}

func (f *file) ReadAt(b []byte, off int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.usable(); err != nil {
		return 0, err
	}
	if off >= int64(len(f.node.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.node.data[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) change(effect func() error) error {
	if err := f.usable(); err != nil {
		return err
	}
	if !f.write {
		return fs.ErrPermission
	}
	return f.disk.change(effect)
}

func (f *file) Write(b []byte) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.change(func() error { f.node.data = append(f.node.data, b...); return nil }); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (f *file) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.change(func() error {
		if size < 0 || size > int64(len(f.node.data)) {
			return fs.ErrInvalid
		}
		f.node.data = slices.Clip(f.node.data[:size])
		f.node.base = min(f.node.base, int(size))
		return nil
	})
}

func (f *file) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.change(func() error {
		// Bytes below a file's length are never written over: a write appends, and what
		// was truncated is clipped. So what is kept shares them.
		f.node.kept, f.node.base = slices.Clip(f.node.data), len(f.node.data)
		return nil
	})
}

func (f *file) Size() (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.usable(); err != nil {
		return 0, err
	}
	return int64(len(f.node.data)), nil
}

func (f *file) Close() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.closed {
		return fs.ErrClosed
	}
	f.closed = true
	return nil
}
