package e2e

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	mathbits "math/bits"
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
	// A file is searched in windows of so many bytes, each of which begins again with the end
	// of the one before: what is planted, compressed or not, is shorter than that.
	window, overlap int
}

func (h *hunter) maybeAt(first uint64) uint64 { return first * 0x9e3779b97f4a7c15 >> h.shift }

func newHunter(values []string) *hunter {
	h := &hunter{forms: make(map[string]string, 9*len(values)), lengths: map[uint64][]int{}, window: 64 << 20, overlap: 4 << 20}
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
	found := map[string]bool{}
	h.plain(b, found)
	h.inflated(b, []byte{0x1f, 0x8b, 0x08}, found, func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) })
	for _, level := range []byte{0x01, 0x5e, 0x9c, 0xda} {
		h.inflated(b, []byte{0x78, level}, found, h.zlib)
	}
	return found
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
func (h *hunter) inflated(b, magic []byte, found map[string]bool, open func(io.Reader) (io.Reader, error)) {
	for rest := b; ; rest = rest[len(magic):] {
		i := bytes.Index(rest, magic)
		if i < 0 {
			return
		}
		rest = rest[i:]
		if z, err := open(bytes.NewReader(rest)); err == nil {
			text, _ := io.ReadAll(io.LimitReader(z, 64<<20)) // what came before an error counts
			h.plain(text, found)
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
		for v := range h.search(b) {
			found(v)
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
	for at := 0; at < 3<<10; at += 7 {
		write(t, path, strings.Repeat("x", at)+secret)
		found := false
		n, err := h.file(path, func(string) { found = true })
		if err != nil || !found || n != int64(at+len(secret)) {
			t.Fatalf("at %d of a file in windows: %v, %d bytes, %v", at, found, n, err)
		}
	}
}
