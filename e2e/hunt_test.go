package e2e

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	mathbits "math/bits"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// hunter looks for planted values in files, in every form in which something may
// have written them. A form is found by its first eight bytes, which many have in common,
// and then as a whole, so that millions of forms cost little more than one.
type hunter struct {
	forms   map[string]string // to the value that they spell
	lengths map[uint64][]int  // of the forms that begin with these eight bytes
	maybe   []uint64          // a bit for each hash of a first eight bytes
	shift   int               // from such a hash to its bit
	z       io.ReadCloser     // of zlib, used again
	// A file, and what a stream in it inflates to, is searched in windows of so many bytes, each
	// of which begins again with the end of the one before: what is planted is shorter than that.
	// A stream is read to its end wherever the window has its own, and is no longer than so much.
	window, overlap int
	longest         int64
	text            []byte // of a stream, used again
}

// errLong: a stream was not searched to its end.
var errLong = errors.New("a compressed stream inflates to more than is searched")

func (h *hunter) maybeAt(first uint64) uint64 { return first * 0x9e3779b97f4a7c15 >> h.shift }

func newHunter(values []string) *hunter {
	h := &hunter{forms: make(map[string]string, 9*len(values)), lengths: map[uint64][]int{}, window: 64 << 20, overlap: 4 << 20, longest: 4 << 30}
	for _, v := range values {
		h.add(v, v)
		h.add(strings.ToUpper(v), v)
		h.add(hex.EncodeToString([]byte(v)), v)
		h.add(strings.ToUpper(hex.EncodeToString([]byte(v))), v)
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			var b []byte
			for _, u := range utf16.Encode([]rune(v)) {
				b = order.AppendUint16(b, u)
			}
			h.add(string(b), v)
		}
		// Base64 of a text that begins anywhere: three alignments, without the
		// characters that neighbours change.
		for skip := range 3 {
			enc := base64.StdEncoding.EncodeToString(append(make([]byte, skip), v...))
			h.add(enc[(skip*8+5)/6:(skip+len(v))*8/6], v)
		}
	}
	bits := max(20, mathbits.Len(uint(len(h.lengths)))+6) // about one in 50 is set
	h.maybe, h.shift = make([]uint64, 1<<bits/64), 64-bits
	for first := range h.lengths {
		i := h.maybeAt(first)
		h.maybe[i/64] |= 1 << (i % 64)
	}
	return h
}

func (h *hunter) add(bytes, value string) {
	h.forms[bytes] = value
	first := binary.LittleEndian.Uint64([]byte(bytes)) // shorter forms would be found by chance
	if all := h.lengths[first]; !slices.Contains(all, len(bytes)) {
		h.lengths[first] = append(all, len(bytes))
	}
}

// search returns the values found in b, plain or inside gzip and zlib streams, such as
// those of PNG and PDF files.
func (h *hunter) search(b []byte) map[string]bool {
	found, err := h.within(b, bytes.NewReader(nil), 0)
	if err != nil {
		panic(err) // of what is in memory no stream is that long
	}
	return found
}

// within searches a window of a file, which goes on after it at an offset.
func (h *hunter) within(b []byte, file io.ReaderAt, after int64) (map[string]bool, error) {
	found := map[string]bool{}
	h.plain(b, found)
	on := &onward{file: file}
	inflated := func(magic []byte, open func(io.Reader) (io.Reader, error)) error {
		return h.inflated(b, magic, found, func(rest []byte) (io.Reader, error) {
			on.b, on.at = rest, after
			return open(on)
		})
	}
	err := inflated([]byte{0x1f, 0x8b, 0x08}, func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) })
	for _, level := range []byte{0x01, 0x5e, 0x9c, 0xda} {
		err = errors.Join(err, inflated([]byte{0x78, level}, h.zlib))
	}
	return found, err
}

// onward reads from within a window on into the file.
type onward struct {
	b    []byte
	file io.ReaderAt
	at   int64
	buf  []byte
}

func (o *onward) fill() error {
	if len(o.b) > 0 {
		return nil
	}
	if o.buf == nil {
		o.buf = make([]byte, 64<<10)
	}
	n, err := o.file.ReadAt(o.buf, o.at)
	o.b, o.at = o.buf[:n], o.at+int64(n)
	if n > 0 {
		return nil
	}
	return err
}

func (o *onward) Read(to []byte) (int, error) {
	if err := o.fill(); err != nil {
		return 0, err
	}
	n := copy(to, o.b)
	o.b = o.b[n:]
	return n, nil
}

// ReadByte spares each of many streams in noise a buffer of its own.
func (o *onward) ReadByte() (byte, error) {
	if err := o.fill(); err != nil {
		return 0, err
	}
	one := o.b[0]
	o.b = o.b[1:]
	return one, nil
}

// plain searches b as it is.
func (h *hunter) plain(b []byte, found map[string]bool) {
	for i := 0; i+8 <= len(b); i++ {
		first := binary.LittleEndian.Uint64(b[i:])
		if m := h.maybeAt(first); h.maybe[m/64]&(1<<(m%64)) == 0 {
			continue
		}
		for _, n := range h.lengths[first] {
			if i+n <= len(b) {
				if value, is := h.forms[string(b[i:i+n])]; is {
					found[value] = true
				}
			}
		}
	}
}

// inflated searches what begins with a compressed stream's magic in b. In noise such a
// stream ends soon.
func (h *hunter) inflated(b, magic []byte, found map[string]bool, open func(rest []byte) (io.Reader, error)) error {
	for rest := b; ; rest = rest[len(magic):] {
		i := bytes.Index(rest, magic)
		if i < 0 {
			return nil
		}
		rest = rest[i:]
		if z, err := open(rest); err == nil {
			if err := h.stream(z, found); err != nil {
				return err
			}
		}
	}
}

// stream searches what a stream inflates to.
func (h *hunter) stream(z io.Reader, found map[string]bool) error {
	b := h.text[:0]
	for total := int64(0); ; {
		if len(b) == cap(b) {
			b = slices.Grow(b, max(4<<10, len(b)))
		}
		n, err := z.Read(b[len(b):min(cap(b), h.window)])
		b, total = b[:len(b)+n], total+int64(n)
		if h.text = b; total > h.longest {
			return errLong
		}
		switch {
		case err != nil: // what came before an error counts
			h.plain(b, found)
			return nil
		case len(b) >= h.window:
			h.plain(b, found)
			b = b[:copy(b, b[len(b)-h.overlap:])]
		}
	}
}

func (h *hunter) zlib(r io.Reader) (io.Reader, error) {
	if h.z == nil {
		z, err := zlib.NewReader(r)
		h.z = z
		return z, err
	}
	return h.z, h.z.(zlib.Resetter).Reset(r, nil)
}

// tree searches every file below a folder and counts the bytes it read.
func (h *hunter) tree(t *testing.T, root string, skip ...string) (found map[string]string, read int64) {
	t.Helper()
	found = map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		// The cluster is shared: other tests drop their databases meanwhile. What this
		// test wrote stays where it is.
		if errors.Is(err, fs.ErrNotExist) && path != root {
			return nil
		}
		if err != nil {
			return err
		}
		for _, s := range skip {
			if path == s {
				return nil
			}
		}
		if !d.Type().IsRegular() {
			return nil
		}
		n, err := h.file(path, func(value string) { found[value] = path })
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		read += n
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found, read
}

// file searches one file and returns how long it is.
func (h *hunter) file(path string, found func(value string)) (size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	b := make([]byte, 0, min(info.Size()+1, int64(h.window)))
	for {
		n, err := io.ReadFull(f, b[len(b):cap(b)])
		b, size = b[:len(b)+n], size+int64(n)
		values, long := h.within(b, f, size)
		for v := range values {
			found(v)
		}
		if long != nil {
			return size, fmt.Errorf("%s: %w", path, long)
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return size, nil
		}
		if err != nil {
			return size, err
		}
		if cap(b) < h.window {
			b = append(make([]byte, 0, h.window), b...) // it has grown meanwhile
			continue
		}
		b = b[:copy(b, b[len(b)-h.overlap:])]
	}
}

// TestHunterFinds is the hunt's own positive control: every form it knows is
// found when it is there.
func TestHunterFinds(t *testing.T) {
	const secret = "9901011508900001"
	h := newHunter([]string{secret})
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write([]byte("x" + secret))
	z.Close()
	var deflated bytes.Buffer
	d := zlib.NewWriter(&deflated)
	d.Write([]byte("x" + secret))
	d.Close()
	var wide []byte
	for _, u := range utf16.Encode([]rune(secret)) {
		wide = binary.LittleEndian.AppendUint16(wide, u)
	}
	for name, b := range map[string][]byte{
		"raw":           []byte("aa" + secret + "bb"),
		"hex":           []byte(hex.EncodeToString([]byte("a" + secret + "b"))),
		"base64":        []byte(base64.StdEncoding.EncodeToString([]byte("a" + secret + "b"))),
		"base64 of two": []byte(base64.StdEncoding.EncodeToString([]byte("ab" + secret + "b"))),
		"base64url":     []byte(base64.RawURLEncoding.EncodeToString([]byte(secret))),
		"utf-16":        wide,
		"gzip":          append([]byte("junk\x1f\x8b\x08junk"), zipped.Bytes()...),
		"zlib":          append([]byte("junk\x78\x9cjunk"), deflated.Bytes()...),
	} {
		if len(h.search(b)) != 1 {
			t.Errorf("%s is not found", name)
		}
	}
	if len(h.search([]byte("9901011508900002"))) != 0 {
		t.Error("another number is found")
	}
	h.window, h.overlap = 1<<10, 1<<8
	path := filepath.Join(t.TempDir(), "long")
	in := func(what, text string) {
		t.Helper()
		write(t, path, text)
		found := false
		n, err := h.file(path, func(string) { found = true })
		if err != nil || !found || n != int64(len(text)) {
			t.Fatalf("%s of a file in windows: %v, %d bytes, %v", what, found, n, err)
		}
	}
	for at := 0; at < 3<<10; at += 7 {
		in(fmt.Sprint("at ", at), strings.Repeat("x", at)+secret)
	}
	// Streams as long as five windows, which begin in one and are in the next ones, too.
	noise := func(n int) []byte {
		b := make([]byte, n)
		mathrand.NewChaCha8([32]byte{1}).Read(b)
		return b
	}
	for at := 0; at < 3<<10; at += 97 {
		for name, open := range map[string]func(w io.Writer) io.WriteCloser{
			"gzip": func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
			"zlib": func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
		} {
			var b bytes.Buffer
			b.WriteString(strings.Repeat("x", at))
			z := open(&b)
			z.Write(append(append(noise(2<<10+at), secret...), noise(3<<10-at)...))
			z.Close()
			in(fmt.Sprintf("%s at %d", name, at), b.String())
		}
	}
	var b bytes.Buffer
	z = gzip.NewWriter(&b)
	z.Write(make([]byte, 9<<10))
	z.Close()
	h.longest = 8 << 10
	write(t, path, b.String())
	if _, err := h.file(path, func(string) {}); !errors.Is(err, errLong) {
		t.Errorf("a stream that is not searched to its end: %v", err)
	}
}
