package durable

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// OS returns the FS of a folder of the operating system. Files it makes are 0600,
// folders 0700; the folder itself is made by MkdirAll("").
func OS(dir string) FS { return osFS(filepath.Clean(dir)) }

type osFS string

func (o osFS) full(name string) (string, error) {
	if name == "" {
		return string(o), nil
	}
	if !fs.ValidPath(name) {
		return "", &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	return filepath.Join(string(o), filepath.FromSlash(name)), nil
}

func (o osFS) Open(name string, mode Mode) (File, error) {
	full, err := o.full(name)
	if err != nil {
		return nil, err
	}
	flags := os.O_RDONLY
	switch mode {
	case Append:
		flags = os.O_RDWR | os.O_CREATE | os.O_APPEND
	case Create:
		flags = os.O_RDWR | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(full, flags, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (o osFS) Rename(from, to string) error {
	a, err := o.full(from)
	if err != nil {
		return err
	}
	b, err := o.full(to)
	if err != nil {
		return err
	}
	return os.Rename(a, b)
}

func (o osFS) Remove(name string) error {
	full, err := o.full(name)
	if err != nil {
		return err
	}
	return os.Remove(full)
}

func (o osFS) MkdirAll(dir string) error {
	full, err := o.full(dir)
	if err != nil {
		return err
	}
	return mkdirAll(full)
}

func mkdirAll(full string) error {
	if info, err := os.Stat(full); err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: full, Err: unix.ENOTDIR}
		}
		return nil
	}
	above := filepath.Dir(full)
	if above != full {
		if err := mkdirAll(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(full, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(above)
}

func (o osFS) List(dir string) ([]string, error) {
	full, err := o.full(dir)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(full)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = e.Name()
		if e.IsDir() {
			out[i] += "/"
		}
	}
	return out, nil
}

func (o osFS) SyncDir(dir string) error {
	full, err := o.full(dir)
	if err != nil {
		return err
	}
	return syncDir(full)
}

func syncDir(full string) error {
	d, err := os.Open(full)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Lock locks with flock(2): the kernel drops it when the process ends, however it
// ends.
func (o osFS) Lock(name string) (io.Closer, error) {
	full, err := o.full(name)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(full, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrLocked
		}
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
