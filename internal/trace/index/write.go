package index

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc32"

	"github.com/amanah-project/amanah/internal/durable"
)

// files is the source of a generation's people.
type files struct {
	people, versions *section
	id               Identity
	count            uint32
	more             bool
}

// advance reads the next identity.
func (f *files) advance() error {
	b, err := f.people.entry()
	if err != nil {
		return err
	}
	if f.more = b != nil; f.more {
		f.id, f.count = readIdentity(b)
	}
	return nil
}

func (f *files) peek() (Tag, bool) { return f.id.Full, f.more }

func (f *files) next(o *one) error {
	for full := f.id.Full; f.more && f.id.Full == full; {
		o.people = append(o.people, f.id)
		for range f.count {
			b, err := f.versions.entry()
			if err != nil {
				return err
			}
			if b == nil {
				return ErrDamaged
			}
			o.versions = append(o.versions, readVersion(b))
		}
		if err := f.advance(); err != nil {
			return err
		}
	}
	return nil
}

// writer writes a generation's files.
type writer struct {
	fs    durable.FS
	head  head
	parts [3]*part
	buf   []byte
}

type part struct {
	file  durable.File
	w     *bufio.Writer
	check hash.Hash32
}

func newWriter(f durable.FS, h head) (*writer, error) {
	w := &writer{fs: f, head: h}
	for i, name := range []string{"people", "versions", "decoys"} {
		file, err := f.Open(h.name(name), durable.Create)
		if err != nil {
			return nil, errors.Join(err, w.abandon())
		}
		w.parts[i] = &part{file, bufio.NewWriterSize(file, 1<<20), crc32.New(castagnoli)}
	}
	return w, nil
}

func (w *writer) put(section int) error {
	p := w.parts[section]
	_, _ = p.check.Write(w.buf)
	_, err := p.w.Write(w.buf)
	return err
}

func (w *writer) person(_ Tag, o *one) error {
	for i := range o.people {
		n := uint32(0)
		if i == 0 {
			n = uint32(len(o.versions))
		}
		w.buf = appendIdentity(w.buf[:0], &o.people[i], n)
		if err := w.put(0); err != nil {
			return err
		}
	}
	w.head.people += uint64(len(o.people))
	for i := range o.versions {
		w.buf = appendVersion(w.buf[:0], &o.versions[i])
		if err := w.put(1); err != nil {
			return err
		}
	}
	w.head.versions += uint64(len(o.versions))
	return nil
}

func (w *writer) decoy(t Tag) error {
	w.buf = binary.LittleEndian.AppendUint64(w.buf[:0], uint64(t))
	w.head.decoys++
	return w.put(2)
}

// finish makes the files durable.
func (w *writer) finish() (head, error) {
	for i, p := range w.parts {
		w.head.checks[i] = p.check.Sum32()
		if err := errors.Join(p.w.Flush(), p.file.Sync()); err != nil {
			return w.head, errors.Join(err, w.abandon())
		}
	}
	for _, p := range w.parts {
		if err := p.file.Close(); err != nil {
			return w.head, err
		}
	}
	return w.head, nil
}

func (w *writer) abandon() (err error) {
	for _, p := range w.parts {
		if p != nil {
			err = errors.Join(err, p.file.Close())
		}
	}
	return err
}
