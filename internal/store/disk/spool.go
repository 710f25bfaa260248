package disk

import (
	"errors"
	"io"
	"os"
)

// inMemory is how much of what is spooled is held in memory: most documents are shorter.
const inMemory = 1 << 20

// Spooled is written once and read then: in memory first, and beyond 1 MiB in a file
// that has no name any more, so that nothing is left of it however the process ends.
// What is written to it must be under seal. It is not safe for concurrent writing.
type Spooled struct {
	dir  string
	held []byte
	file *os.File // of what is beyond held; nil for none
	size int64
}

// Spool makes room in a folder, which must be there, for one document.
func Spool(dir string) *Spooled { return &Spooled{dir: dir} }

// Write implements io.Writer.
func (s *Spooled) Write(p []byte) (n int, err error) {
	if s.file == nil && len(s.held)+len(p) <= inMemory {
		s.held = append(s.held, p...)
		s.size += int64(len(p))
		return len(p), nil
	}
	if s.file == nil {
		if s.file, err = os.CreateTemp(s.dir, "*.new"); err != nil {
			return 0, refused("spool", unnamed(err))
		}
		if err := os.Remove(s.file.Name()); err != nil {
			return 0, refused("spool", unnamed(err))
		}
	}
	n, err = s.file.Write(p)
	if s.size += int64(n); err != nil {
		return n, refused("spool", unnamed(err))
	}
	return n, nil
}

// unnamed leaves out the file's name.
func unnamed(err error) error {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return p.Err
	}
	return err
}

// ReadAt implements io.ReaderAt.
func (s *Spooled) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, os.ErrInvalid
	}
	if off < int64(len(s.held)) {
		n = copy(p, s.held[off:])
	}
	if n == len(p) {
		return n, nil
	}
	if s.file == nil {
		return n, io.EOF
	}
	m, err := s.file.ReadAt(p[n:], off+int64(n)-int64(len(s.held)))
	if err != nil && err != io.EOF {
		err = refused("spool", unnamed(err))
	}
	return n + m, err
}

// Close forgets what was written.
func (s *Spooled) Close() error {
	s.held = nil
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
