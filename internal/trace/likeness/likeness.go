// Package likeness computes what a document is known again by when it turns up elsewhere:
// what its image shows, the runs of words of its text, the numbers of a DICOM file.
//
// It promises that a file that was packed or tagged anew has the same, that a blank page has
// none, and that memory is bounded: longer files are known by their bytes alone, which is
// the caller's to hash. It runs nothing of what it reads.
package likeness

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"strings"
	"sync"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/format/dicom"
	"github.com/amanah-project/amanah/internal/format/pdf"
)

// MaxHeld is how long a file is that is held whole, in bytes, and MaxPixels how many pixels an
// image has that is decoded: at 8 bytes a pixel of a PNG file, 128 MiB. A JPEG file may be a
// progressive one, which with its coefficients takes 15 bytes a pixel of three components, and
// may have MaxJPEG, whoever decodes it: a page of A4 at 300 dots an inch, and no more memory than
// a PNG file, 127.5 MiB.
const (
	MaxHeld   = 16 << 20
	MaxPixels = 16 << 20
	MaxJPEG   = 17 << 19
)

// Lane lets one document at a time be held whole, among all that share it: an image of a few
// kilobytes fills 128 MiB. The nil Lane holds nobody up.
type Lane struct {
	made sync.Once
	in   chan struct{} // room for one: unlike a mutex, a test sees who waits for it
}

func (l *Lane) enter() (leave func()) {
	if l == nil {
		return func() {}
	}
	l.made.Do(func() { l.in = make(chan struct{}, 1) })
	l.in <- struct{}{}
	return func() { <-l.in }
}

// Streams reports whether a document that begins so is read in constant memory, however long:
// a DICOM file.
func Streams(head []byte) bool { return len(head) >= 132 && string(head[128:132]) == "DICM" }

// Head is how much of a document's beginning decides what it is.
const Head = 512

// Of reads a document of size bytes; the hash of the file is the caller's to fill in. What
// cannot be read is known by that alone. It fails as r does.
func Of(r io.Reader, size int64) (leak.Likeness, error) { return (*Lane)(nil).Of(r, size) }

// Of is the function of that name, once it is this document's turn.
func (l *Lane) Of(r io.Reader, size int64) (out leak.Likeness, err error) {
	src := &source{from: r}
	in := bufio.NewReaderSize(src, 64<<10)
	head, _ := in.Peek(Head)
	if Streams(head) {
		p := NewPixels()
		if f, err := dicom.Read(in, dicom.Options{Pixels: p}); err == nil {
			out.UIDs = [3]string{f.Instance, f.Study, f.Series}
			if f.Pixels {
				out.Pixels = p.Sum(f.Columns, f.Rows, f.Frames)
			}
		}
		return out, src.err
	}
	if size > MaxHeld {
		return out, nil
	}
	defer l.enter()()
	raw, err := io.ReadAll(in)
	if err != nil {
		return out, err
	}
	switch {
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")), bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
		if m, _, err := Decode(raw, MaxPixels); err == nil {
			out.Pixels = Picture(m)
		}
	case bytes.HasPrefix(head, []byte("%PDF-")):
		s := NewSketch()
		for _, line := range pdf.Read(raw, pdf.Limits{Inflated: 2 * MaxHeld, Texts: 1 << 20}).Lines {
			s.Add([]byte(strings.Join(line, " ")))
		}
		out.Words = s.Words()
	case !bytes.ContainsRune(head, 0) && !bytes.HasPrefix(head, []byte("GIF8")):
		s := NewSketch()
		s.Add(raw)
		out.Words = s.Words()
	}
	return out, nil
}

// source remembers a reader's own error, apart from those of what is made of its bytes.
type source struct {
	from io.Reader
	err  error
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// ErrLarge: an image of more pixels than are decoded, or of none.
var ErrLarge = errors.New("likeness: an image of more pixels than are decoded, or of none")

// Decode reads a PNG or JPEG file of at most so many pixels, and a JPEG file of at most MaxJPEG,
// with its size as far as it says one; ErrLarge, or what is wrong with the file.
func Decode(b []byte, most int) (m image.Image, size image.Point, err error) {
	decode, config := png.Decode, png.DecodeConfig
	if bytes.HasPrefix(b, []byte("\xff\xd8")) {
		decode, config, most = jpeg.Decode, jpeg.DecodeConfig, min(most, MaxJPEG)
	}
	c, err := config(bytes.NewReader(b))
	if err != nil {
		return nil, size, err
	}
	size = image.Pt(c.Width, c.Height)
	if c.Width <= 0 || c.Height <= 0 || c.Width > most/c.Height {
		return nil, size, ErrLarge
	}
	m, err = decode(bytes.NewReader(b))
	return m, size, err
}

// Picture hashes what is seen: size, and red, green, blue and alpha of each pixel, so that
// the same picture in another file has the same hash. Zero of one that is all of one colour.
func Picture(m image.Image) (out [32]byte) {
	h := sha256.New()
	r := m.Bounds()
	_ = binary.Write(h, binary.BigEndian, [2]uint32{uint32(r.Dx()), uint32(r.Dy())})
	row := make([]byte, 0, 4*r.Dx())
	var first [4]byte
	varied := false
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row = row[:0]
		for x := r.Min.X; x < r.Max.X; x++ {
			c := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
			row = append(row, c.R, c.G, c.B, c.A)
			if x == r.Min.X && y == r.Min.Y {
				first = [4]byte(row)
			}
			varied = varied || [4]byte(row[len(row)-4:]) != first
		}
		h.Write(row)
	}
	if varied {
		h.Sum(out[:0])
	}
	return out
}

// Pixels hashes pixel data as it lies in a DICOM file: retagging and new UIDs do not change
// that.
type Pixels struct {
	h      hash.Hash
	first  byte
	any    bool
	varied bool
}

// NewPixels returns one for one file.
func NewPixels() *Pixels { return &Pixels{h: sha256.New()} }

// Write implements io.Writer.
func (p *Pixels) Write(b []byte) (int, error) {
	if len(b) > 0 && !p.any {
		p.first, p.any = b[0], true
	}
	for i := 0; i < len(b) && !p.varied; i++ {
		p.varied = b[i] != p.first
	}
	return p.h.Write(b)
}

// Sum returns the hash of the pixels with their size; zero of those that are all the same.
func (p *Pixels) Sum(columns, rows, frames int) (out [32]byte) {
	if p.varied {
		_ = binary.Write(p.h, binary.BigEndian, [3]uint32{uint32(columns), uint32(rows), uint32(frames)})
		p.h.Sum(out[:0])
	}
	return out
}
