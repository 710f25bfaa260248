package vault

import (
	"bytes"
	"compress/zlib"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"pgregory.net/rapid"
)

var documentKey = bytes.Repeat([]byte{7}, 32)

func sealDocument(t testing.TB, plain []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := SealDocument(&out, documentKey)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func openDocument(sealed []byte) ([]byte, error) {
	d, err := OpenDocument(bytes.NewReader(sealed), int64(len(sealed)), documentKey)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(d, 0, d.Size()))
}

// pattern is bytes that differ from chunk to chunk.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i/chunkSize)
	}
	return b
}

// TestDocumentVectors: Wycheproof's messages of C2SP chunked encryption.
func TestDocumentVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/wycheproof/c2sp_chunked_encryption_aes_256_gcm_test.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		NumberOfTests int
		TestGroups    []struct {
			Tests []struct {
				TcID                          int
				Comment, Key, Ctx, Ct, Result string
				AeadKey, BaseNonce, MsgSha512 string
				MsgLength                     int64
			}
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, g := range file.TestGroups {
		for _, v := range g.Tests {
			ran++
			t.Run(fmt.Sprint(v.TcID, " ", v.Comment), func(t *testing.T) {
				sealed := inflate(t, v.Ct)
				plain, nonce, err := openVector(unhex(t, v.Key), unhex(t, v.Ctx), sealed)
				if v.Result != "valid" {
					if !errors.Is(err, ErrOpen) && !errors.Is(err, ErrKey) {
						t.Fatalf("got %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				sum := sha512.Sum512(plain)
				if int64(len(plain)) != v.MsgLength || hex.EncodeToString(sum[:]) != v.MsgSha512 || hex.EncodeToString(nonce) != v.BaseNonce {
					t.Errorf("%d bytes, nonce %x", len(plain), nonce)
				}
			})
		}
	}
	if ran != file.NumberOfTests || ran < 35 {
		t.Errorf("%d tests ran", ran)
	}
}

// openVector is OpenDocument with any context.
func openVector(key, context, sealed []byte) (plain, nonce []byte, err error) {
	if len(sealed) < headSize+tagSize {
		return nil, nil, ErrOpen
	}
	c, commitment, err := deriveChunks(key, sealed[:saltSize], context)
	if err != nil {
		return nil, nil, err
	}
	d, err := openChunks(bytes.NewReader(sealed), int64(len(sealed)), c, commitment, sealed[saltSize:headSize])
	if err != nil {
		return nil, nil, err
	}
	plain, err = io.ReadAll(io.NewSectionReader(d, 0, d.Size()))
	return plain, c.nonce[:], err
}

// inflate undoes the vectors' own compression of long ciphertexts.
func inflate(t *testing.T, s string) []byte {
	t.Helper()
	z, err := zlib.NewReader(bytes.NewReader(unhex(t, s)))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestDocument: written in pieces of any size, read whole and in ranges.
func TestDocument(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.OneOf(rapid.IntRange(0, 300), rapid.SampledFrom([]int{chunkSize - 1, chunkSize, chunkSize + 1, 2 * chunkSize, 5*chunkSize + 3})).Draw(t, "size")
		plain := pattern(size)
		var out bytes.Buffer
		w, err := SealDocument(&out, documentKey)
		if err != nil {
			t.Fatal(err)
		}
		for rest := plain; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			if wrote, err := w.Write(rest[:n]); err != nil || wrote != n {
				t.Fatal(wrote, err)
			}
			rest = rest[n:]
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got := DocumentSize(int64(size)); got != int64(out.Len()) {
			t.Fatalf("%d bytes, foretold %d", out.Len(), got)
		}
		d, err := OpenDocument(bytes.NewReader(out.Bytes()), int64(out.Len()), documentKey)
		if err != nil || d.Size() != int64(size) {
			t.Fatal(d, err)
		}
		for range 4 {
			off := rapid.IntRange(0, size+5).Draw(t, "off")
			buf := make([]byte, rapid.IntRange(0, size+5).Draw(t, "length"))
			n, err := d.ReadAt(buf, int64(off))
			want := plain[min(off, size):min(off+len(buf), size)]
			if !bytes.Equal(buf[:n], want) || (err == io.EOF) != (n < len(buf)) || err != nil && err != io.EOF {
				t.Fatalf("range %d+%d of %d: %d bytes, %v", off, len(buf), size, n, err)
			}
		}
	})
}

// TestDocumentAltered: every cut, every exchange of chunks and a flip in any part
// does not open, and what was read before it was right.
func TestDocumentAltered(t *testing.T) {
	plain := pattern(3*chunkSize + 100)
	sealed := sealDocument(t, plain)
	chunk := func(b []byte, n int) []byte { return b[headSize+n*sealedSize : headSize+(n+1)*sealedSize] }
	for name, alter := range map[string]func([]byte) []byte{
		"empty":             func([]byte) []byte { return nil },
		"head only":         func(b []byte) []byte { return b[:headSize] },
		"cut at a chunk":    func(b []byte) []byte { return b[:headSize+2*sealedSize] },
		"cut in a chunk":    func(b []byte) []byte { return b[:headSize+2*sealedSize+500] },
		"cut in a tag":      func(b []byte) []byte { return b[:headSize+sealedSize+tagSize-1] },
		"last byte gone":    func(b []byte) []byte { return b[:len(b)-1] },
		"extended":          func(b []byte) []byte { return append(b, 0) },
		"extended by chunk": func(b []byte) []byte { return append(b, chunk(b, 0)...) },
		"exchanged": func(b []byte) []byte {
			first := bytes.Clone(chunk(b, 0))
			copy(chunk(b, 0), chunk(b, 1))
			copy(chunk(b, 1), first)
			return b
		},
		"doubled":    func(b []byte) []byte { copy(chunk(b, 1), chunk(b, 0)); return b },
		"salt":       func(b []byte) []byte { b[0] ^= 1; return b },
		"commitment": func(b []byte) []byte { b[saltSize] ^= 1; return b },
		"first":      func(b []byte) []byte { chunk(b, 0)[5] ^= 1; return b },
		"middle":     func(b []byte) []byte { chunk(b, 1)[sealedSize-1] ^= 1; return b },
		"last":       func(b []byte) []byte { b[len(b)-tagSize-1] ^= 1; return b },
	} {
		got, err := openDocument(alter(bytes.Clone(sealed)))
		if !errors.Is(err, ErrOpen) {
			t.Errorf("%s: %v", name, err)
		}
		if !bytes.Equal(got, plain[:len(got)]) {
			t.Errorf("%s: gave something that was not sealed", name)
		}
	}
	if got, err := openDocument(sealed); err != nil || !bytes.Equal(got, plain) {
		t.Error("unaltered:", err)
	}
}

// TestDocumentKey: a document opens under its own key only, and no two have one.
func TestDocumentKey(t *testing.T) {
	sealed := sealDocument(t, []byte("an image"))
	open := func(key []byte) error {
		_, err := OpenDocument(bytes.NewReader(sealed), int64(len(sealed)), key)
		return err
	}
	if err := open(documentKey); err != nil {
		t.Fatal(err)
	}
	if one, two := NewDocumentKey(), NewDocumentKey(); bytes.Equal(one, two) || !errors.Is(open(one), ErrOpen) || !errors.Is(open(two), ErrOpen) {
		t.Error("another key opens it")
	}
	if err := open(documentKey[:31]); !errors.Is(err, ErrKey) {
		t.Error("what cannot be:", err)
	}
}

// TestDocumentUnclosed: one that was not closed does not open, and a writer that
// fails is not forgotten.
func TestDocumentUnclosed(t *testing.T) {
	var out bytes.Buffer
	w, _ := SealDocument(&out, documentKey)
	for range 2 {
		if _, err := w.Write(pattern(chunkSize)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := openDocument(out.Bytes()); !errors.Is(err, ErrOpen) {
		t.Error("unclosed:", err)
	}
	for n := range 5 {
		f := &failing{after: n}
		w, err := SealDocument(f, documentKey)
		if err == nil {
			_, err = w.Write(pattern(3 * chunkSize))
			if again := w.Close(); !errors.Is(again, errFull) {
				t.Errorf("%d: closed with %v", n, again)
			}
		}
		if n < 4 && !errors.Is(err, errFull) {
			t.Errorf("%d: %v", n, err)
		}
	}
}

var errFull = errors.New("full")

// failing refuses every write after so many.
type failing struct{ after int }

func (f *failing) Write(p []byte) (int, error) {
	if f.after--; f.after < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// FuzzOpenDocument: nothing that was not sealed opens.
func FuzzOpenDocument(f *testing.F) {
	whole := sealDocument(f, pattern(40))
	f.Add(whole)
	f.Add(whole[:headSize])
	f.Add(sealDocument(f, nil))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if plain, err := openDocument(sealed); err == nil && !bytes.Equal(plain, pattern(len(plain))) {
			t.Fatalf("opened %x", sealed)
		}
	})
}

// BenchmarkDocument seals and opens 64 MiB beside the raw cipher over the same
// chunks, one core.
func BenchmarkDocument(b *testing.B) {
	plain := pattern(64 << 20)
	b.Run("raw", func(b *testing.B) {
		block, _ := aes.NewCipher(documentKey)
		aead, _ := cipher.NewGCM(block)
		nonce, out := make([]byte, 12), make([]byte, 0, sealedSize)
		rand.Read(nonce)
		b.SetBytes(int64(len(plain)))
		for b.Loop() {
			for off := 0; off < len(plain); off += chunkSize {
				out = aead.Seal(out[:0], nonce, plain[off:off+chunkSize], nil)
			}
		}
	})
	b.Run("seal", func(b *testing.B) {
		b.SetBytes(int64(len(plain)))
		for b.Loop() {
			w, _ := SealDocument(io.Discard, documentKey)
			w.Write(plain)
			w.Close()
		}
	})
	b.Run("open", func(b *testing.B) {
		sealed := sealDocument(b, plain)
		b.SetBytes(int64(len(plain)))
		for b.Loop() {
			d, err := OpenDocument(bytes.NewReader(sealed), int64(len(sealed)), documentKey)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, io.NewSectionReader(d, 0, d.Size()), make([]byte, 4*chunkSize)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
