package dump

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"compress/bzip2"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"path"
	"slices"
	"strings"
)

// mostDirectory is how long the directory of a zip archive may be, in bytes: it is held.
const mostDirectory = 128 << 20

var errBomb = errors.New("dump: unpacks too far")

// bounded bounds what a file unpacks to, over all archives within it.
type bounded struct {
	from io.Reader
	left *int64
	err  error
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if *b.left <= 0 {
		b.err = errBomb
		return 0, b.err
	}
	n, err := b.from.Read(p[:min(int64(len(p)), *b.left)])
	*b.left -= int64(n)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// why says what an error of unpacking means.
func why(err error) Reason {
	if errors.Is(err, errBomb) {
		return Bomb
	}
	return Damaged
}

func (w *walker) archive(s *opened, kind Kind) error {
	switch kind {
	case Gzip:
		z, err := gzip.NewReader(s.in)
		if err != nil {
			return w.skip(s, Damaged)
		}
		return w.packed(s, z, ".gz")
	case Bzip2:
		return w.packed(s, bzip2.NewReader(s.in), ".bz2")
	case Tar:
		return w.tar(s)
	}
	return w.zip(s)
}

// packed reads the one file in s.
func (w *walker) packed(s *opened, r io.Reader, ending string) error {
	in := &bounded{from: r, left: s.left}
	name := strings.TrimSuffix(s.name, ending)
	if strings.HasSuffix(s.name, ".tgz") {
		name = strings.TrimSuffix(s.name, "gz") + "ar"
	}
	if err := w.source(entry{parent: s.number, name: path.Base(name), r: in, depth: s.depth + 1, left: s.left, through: true}); err != nil {
		return err
	}
	if in.err != nil {
		return w.rest(s, s.read(), why(in.err))
	}
	return w.rest(s, s.read(), Rest)
}

func (w *walker) tar(s *opened) error {
	t := tar.NewReader(s.in)
	for {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return w.rest(s, s.read(), Damaged)
		}
		if h.Typeflag != tar.TypeReg {
			continue // folders and links
		}
		if len(w.report.Sources) >= w.o.Entries {
			return w.rest(s, s.read(), TooMany)
		}
		in := &bounded{from: t, left: s.left}
		if err := w.source(entry{parent: s.number, name: h.Name, r: in, depth: s.depth + 1, left: s.left}); err != nil {
			return err
		}
		if in.err != nil {
			return w.rest(s, s.read(), why(in.err))
		}
	}
	// The end of an archive is filled with zeros.
	at := s.read()
	for {
		c, err := s.in.ReadByte()
		if err != nil || c != 0 {
			break
		}
		at++
	}
	return w.rest(s, at, Rest)
}

// held reads a whole source into memory, if it is not too large for that.
func (w *walker) held(s *opened) ([]byte, bool) {
	b, err := io.ReadAll(io.LimitReader(s.in, w.o.Memory+1))
	return b, err == nil && int64(len(b)) <= w.o.Memory
}

// span is where an entry's packed bytes lie, and why they are not read.
type span struct {
	from, to int64
	why      Reason
}

func (w *walker) zip(s *opened) error {
	at, size := s.at, s.size
	if at == nil {
		b, ok := w.held(s)
		if !ok {
			return w.skip(s, TooLarge)
		}
		at, size = bytes.NewReader(b), int64(len(b))
	}
	if directory(at, size) > mostDirectory {
		return w.skip(s, TooMany)
	}
	z, err := zip.NewReader(at, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return w.skip(s, Broken)
	}
	spans := spansOf(z, size)
	if sheets := workbook(z); sheets {
		err = w.sheets(s, z, spans)
	} else {
		err = w.entries(s, z, spans)
	}
	if err != nil {
		return err
	}
	if err := w.rest(s, 0, ""); err != nil { // of which the next takes what is not skipped
		return err
	}
	n := s.n
	return w.p.noted(func() {
		a := &w.report.Accounts[s.number]
		a.Skipped = nil
		slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
		end := int64(0)
		for _, p := range spans {
			if p.why != "" {
				a.skip(max(p.from, end), min(p.to, n), p.why)
			}
			end = max(end, p.to)
		}
		a.Parsed = n - a.Lost()
	})
}

// directory returns how long a zip archive's directory may be, by what its end says.
func directory(at io.ReaderAt, size int64) int64 {
	tail := make([]byte, min(size, 65557))
	if _, err := at.ReadAt(tail, size-int64(len(tail))); err != nil && err != io.EOF {
		return 0
	}
	i := bytes.LastIndex(tail, []byte("PK\x05\x06"))
	if i < 0 || i+22 > len(tail) {
		return 0
	}
	end := size - int64(len(tail)) + int64(i)
	length, offset := int64(binary.LittleEndian.Uint32(tail[i+12:])), int64(binary.LittleEndian.Uint32(tail[i+16:]))
	if length == math.MaxUint32 || offset == math.MaxUint32 { // zip64: its size is not trusted, the place of the last entry is near
		return 0
	}
	return max(length, end-offset)
}

// spansOf returns where the entries lie. Entries that share bytes are a bomb's.
func spansOf(z *zip.Reader, size int64) []span {
	spans := make([]span, len(z.File))
	order := make([]int, len(z.File))
	for i, f := range z.File {
		order[i] = i
		from, err := f.DataOffset()
		if err != nil || f.CompressedSize64 > uint64(size) || from < 0 || from+int64(f.CompressedSize64) > size {
			spans[i] = span{why: Damaged}
			continue
		}
		spans[i] = span{from: from, to: from + int64(f.CompressedSize64)}
		switch {
		case f.Flags&1 != 0:
			spans[i].why = Locked
		case f.Method != zip.Store && f.Method != zip.Deflate:
			spans[i].why = OtherPacker
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(spans[a].from, spans[b].from) })
	end := int64(0)
	for _, i := range order {
		s := &spans[i]
		if s.from < end && s.to > s.from {
			s.why = Bomb
		}
		end = max(end, s.to)
	}
	return spans
}

// entries reads each file of a zip archive.
func (w *walker) entries(s *opened, z *zip.Reader, spans []span) error {
	for i, f := range z.File {
		if strings.HasSuffix(f.Name, "/") || spans[i].why != "" || spans[i].to == 0 {
			continue
		}
		if len(w.report.Sources) >= w.o.Entries {
			spans[i].why = TooMany
			continue
		}
		r, err := f.Open()
		if err != nil {
			spans[i].why = Damaged
			continue
		}
		in := &bounded{from: r, left: s.left}
		err = w.source(entry{parent: s.number, name: f.Name, r: in, depth: s.depth + 1, left: s.left})
		_ = r.Close()
		if err != nil {
			return err
		}
		if in.err != nil {
			spans[i].why = why(in.err)
		}
	}
	return nil
}
