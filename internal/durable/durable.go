// Package durable is the few file operations that a crash-safe program needs, each
// with what it promises after a power cut.
//
// It promises nothing more than POSIX does: bytes are durable after Sync, names
// after SyncDir. Replace puts the two together. durabletest has a disk in memory
// that forgets whatever was not synced, so that a caller who forgets to sync is
// found out. It does not defend against a disk that lies about its flush.
package durable

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/amanah-project/amanah/internal/fault"
)

// ErrLocked is returned by Lock when another process holds the name.
var ErrLocked = fault.New(fault.Conflict, "the folder is locked by another process")

// TempSuffix ends the names of files that are not whole yet. Whoever opens a folder
// may remove them.
const TempSuffix = ".new"

// Mode says how a file is opened.
type Mode uint8

// Modes.
const (
	Read   Mode = 1 + iota // what must exist
	Append                 // made when absent; every Write goes to the end
	Create                 // made empty, whatever was there
)

// FS is one folder and what is below it. Names are slash-separated and relative; ""
// is the folder itself. A missing name gives an error that is fs.ErrNotExist.
// Methods may be called from many goroutines.
type FS interface {
	// Open opens a file. One that it makes has a durable name after SyncDir.
	Open(name string, mode Mode) (File, error)
	// Rename gives a file another name, replacing what had it, in one step;
	// durable after SyncDir of both folders.
	Rename(from, to string) error
	// Remove removes a file; durable after SyncDir.
	Remove(name string) error
	// MkdirAll makes a folder and those above it, durably.
	MkdirAll(dir string) error
	// List returns the names in a folder, ascending; folders end in a slash.
	List(dir string) ([]string, error)
	// SyncDir makes a folder's names durable.
	SyncDir(dir string) error
	// Lock takes a name for this process until the closer is closed or the process
	// ends; ErrLocked when another one has it.
	Lock(name string) (io.Closer, error)
}

// File is an open file. ReadAt may be called from many goroutines, the rest from
// one at a time.
type File interface {
	io.ReaderAt
	io.Writer
	io.Closer
	// Size returns its length in bytes.
	Size() (int64, error)
	// Truncate cuts it; durable after Sync.
	Truncate(size int64) error
	// Sync makes its bytes durable.
	Sync() error
}

// Replace puts what write gives in the place of a file, so that a crash leaves the
// old content or the new, whole. When it returns nil the new one is durable. When
// it returns an error either may be there.
func Replace(f FS, name string, write func(io.Writer) error) error {
	tmp := name + TempSuffix
	if err := fill(f, tmp, write); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path.Base(name), err), f.Remove(tmp))
	}
	if err := f.Rename(tmp, name); err != nil {
		return err
	}
	return f.SyncDir(dirOf(name))
}

func fill(f FS, name string, write func(io.Writer) error) error {
	file, err := f.Open(name, Create)
	if err != nil {
		return err
	}
	if err := write(file); err != nil {
		return errors.Join(err, file.Close())
	}
	return errors.Join(file.Sync(), file.Close())
}

// WriteFile replaces a small file as Replace does.
func WriteFile(f FS, name string, raw []byte) error {
	return Replace(f, name, func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	})
}

// ReadFile reads a small file whole.
func ReadFile(f FS, name string) ([]byte, error) {
	file, err := f.Open(name, Read)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	size, err := file.Size()
	if err != nil {
		return nil, err
	}
	raw := make([]byte, size)
	if n, err := file.ReadAt(raw, 0); n < len(raw) {
		return nil, err
	}
	return raw, nil
}

// Sweep removes the unfinished files of a folder, which nobody was told of.
func Sweep(f FS, dir string) error {
	names, err := f.List(dir)
	if err != nil {
		return err
	}
	for _, n := range names {
		if strings.HasSuffix(n, TempSuffix) {
			if err := f.Remove(path.Join(dir, n)); err != nil {
				return err
			}
		}
	}
	return nil
}

// dirOf is the folder of a name; "" for one at the top.
func dirOf(name string) string {
	if dir := path.Dir(name); dir != "." {
		return dir
	}
	return ""
}
