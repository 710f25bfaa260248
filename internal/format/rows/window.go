package rows

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
)

// window is the part of the text that is in memory. Unless the text ends, it holds
// at least MaxRow+2 bytes when a record is read, so that a record is either whole
// in it or too long.
type window struct {
	source *source
	buf    []byte
	pos    int   // of the next byte to take
	end    int   // of what is read
	base   int64 // offset of buf[0] in the text
	hashed int   // bytes of buf, up to pos, that are in sum
	sum    hash.Hash
	err    error // of source, io.EOF included
}

const (
	windowSize = 256 << 10
	reach      = MaxRow + 2 // with a line break of two bytes
)

func newWindow(s *source) window {
	return window{source: s, buf: make([]byte, windowSize), sum: sha256.New()}
}

// more fills the window, and reports whether there is anything to take. An error
// comes when what is left holds no whole line any more.
func (w *window) more() (bool, error) {
	w.fill()
	if w.pos < w.end && (w.err == nil || w.err == io.EOF || bytes.IndexByte(w.buf[w.pos:w.end], '\n') >= 0) {
		return true, nil
	}
	if w.err != nil && w.err != io.EOF {
		return false, w.err
	}
	return false, nil
}

func (w *window) fill() {
	if w.end-w.pos >= reach || w.err != nil {
		return
	}
	w.digest()
	copy(w.buf, w.buf[w.pos:w.end])
	w.base += int64(w.pos)
	w.end -= w.pos
	w.pos, w.hashed = 0, 0
	for idle := 0; w.end < len(w.buf) && w.err == nil; {
		n, err := w.source.Read(w.buf[w.end:])
		w.end += n
		w.err = err
		if n > 0 {
			idle = 0
		} else if idle++; idle == 100 && err == nil {
			w.err = io.ErrNoProgress
		}
	}
}

func (w *window) offset() int64 { return w.base + int64(w.pos) }

func (w *window) take(n int) { w.pos += n }

// digest adds what was taken since the last call to the running hash.
func (w *window) digest() {
	w.sum.Write(w.buf[w.hashed:w.pos])
	w.hashed = w.pos
}

// line returns the line at hand without its end and its size with it; a size of -1
// means that the line is too long. The last line needs no end, and a carriage
// return there belongs to the end.
func (w *window) line() (line []byte, size int) {
	rest := w.buf[w.pos:w.end]
	i := bytes.IndexByte(rest, '\n')
	size = i + 1
	if i < 0 {
		i, size = len(rest), len(rest)
	}
	if i > 0 && rest[i-1] == '\r' {
		i--
	}
	if i > MaxRow {
		return nil, -1
	}
	return rest[:i], size
}

// passLine takes everything up to the end of the line or of the text.
func (w *window) passLine() {
	for w.pos < w.end {
		if i := bytes.IndexByte(w.buf[w.pos:w.end], '\n'); i >= 0 {
			w.pos += i + 1
			return
		}
		w.pos = w.end
		w.fill()
	}
}

// Position is how far a table has been read. It is the same for a table and for
// its gzip.
type Position struct {
	Offset int64    // bytes of decompressed text taken
	Line   int64    // lines taken, the header's included
	Rows   int64    // rows taken, refused ones included
	Digest [32]byte // SHA-256 of the bytes taken
}

// Position returns how far t has come: behind the row that Next gave last.
func (t *Reader) Position() Position {
	t.digest()
	p := Position{Offset: t.offset(), Line: t.lines, Rows: t.rows}
	t.sum.Sum(p.Digest[:0])
	return p
}

// Skip goes to a Position of an earlier Reader of the same table, reading what lies
// before without looking for rows. ErrChanged when the input does not begin with
// the bytes that were read then; t is of no use after an error. The zero Position
// is where t stands after Open.
func (t *Reader) Skip(p Position) error {
	if p == (Position{}) {
		return nil
	}
	if t.fatal != nil {
		return t.fatal
	}
	t.fatal = t.skip(p)
	return t.fatal
}

func (t *Reader) skip(p Position) error {
	for t.offset() < p.Offset {
		t.fill()
		n := min(int64(t.end-t.pos), p.Offset-t.offset())
		if n == 0 {
			if t.err != nil && t.err != io.EOF && !errors.Is(t.err, damageCut) {
				return t.locate(t.err)
			}
			return ErrChanged
		}
		t.take(int(n))
	}
	if t.offset() != p.Offset || t.Position().Digest != p.Digest {
		return ErrChanged
	}
	t.lines, t.rows = p.Line, p.Rows
	return nil
}
