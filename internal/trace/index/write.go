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
	people, versions, documents, words *section

	id    Identity
	count uint32
	more  bool

	doc     Document
	moreDoc bool
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

// advanceDocument reads the next document with its words.
func (f *files) advanceDocument() error {
	b, err := f.documents.entry()
	if f.moreDoc = b != nil; err != nil || b == nil {
		return err
	}
	var n int
	f.doc, n = readDocument(b)
	for range n {
		w, err := f.words.entry()
		if err != nil {
			return err
		}
		if w == nil {
			return ErrDamaged
		}
		f.doc.Words = append(f.doc.Words, binary.LittleEndian.Uint32(w))
	}
	return nil
}

func (f *files) peek() (Tag, bool) { return f.id.Full, f.more }

func (f *files) next(o *one) error {
	full := f.id.Full
	for f.moreDoc && f.doc.Of <= full {
		if f.doc.Of < full {
			return ErrDamaged
		}
		o.documents = append(o.documents, f.doc)
		if err := f.advanceDocument(); err != nil {
			return err
		}
	}
	for f.more && f.id.Full == full {
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
	parts [sections]*part
	buf   []byte
}

type part struct {
	file  durable.File
	w     *bufio.Writer
	check hash.Hash32
}

func newWriter(f durable.FS, h head) (*writer, error) {
	w := &writer{fs: f, head: h}
	for i, name := range sectionNames {
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
	w.head.entries[section]++
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
		if err := w.put(secPeople); err != nil {
			return err
		}
	}
	for i := range o.versions {
		w.buf = appendVersion(w.buf[:0], &o.versions[i])
		if err := w.put(secVersions); err != nil {
			return err
		}
	}
	for i := range o.documents {
		d := &o.documents[i]
		w.buf = appendDocument(w.buf[:0], d)
		if err := w.put(secDocuments); err != nil {
			return err
		}
		for _, word := range d.Words {
			w.buf = binary.LittleEndian.AppendUint32(w.buf[:0], word)
			if err := w.put(secWords); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writer) decoy(t Tag) error {
	w.buf = binary.LittleEndian.AppendUint64(w.buf[:0], uint64(t))
	return w.put(secDecoys)
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
