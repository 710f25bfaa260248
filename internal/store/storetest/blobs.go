package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
)

// RunBlobs runs the contract of blob stores. Open returns a fresh, empty store for
// each test and closes it at the test's end; a test may close it before.
func RunBlobs(t *testing.T, open func(t *testing.T) store.Blobs) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, b store.Blobs)
	}{
		{"round trip", testBlobRoundTrip},
		{"ranges", testBlobRanges},
		{"missing", testBlobMissing},
		{"zero name", testBlobZeroName},
		{"delete", testBlobDelete},
		{"the first one stays", testBlobAgain},
		{"list", testBlobList},
		{"list is bounded", testBlobListBound},
		{"cancelled", testBlobCancelled},
		{"reader fails", testBlobReaderFails},
		{"close", testBlobClose},
		{"same name from many", testBlobSameName},
		{"put, delete and read from many", testBlobMany},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

func blobName(n int) store.BlobName { return id32(n) }

func putBlob(t *testing.T, b store.Blobs, name store.BlobName, raw []byte) {
	t.Helper()
	if err := b.Put(context.Background(), name, bytes.NewReader(raw)); err != nil {
		t.Fatal(err)
	}
}

// readBlob reads a blob whole.
func readBlob(b store.Blobs, name store.BlobName) ([]byte, error) {
	blob, err := b.Open(context.Background(), name)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.NewSectionReader(blob, 0, blob.Size()+1)) // one more: Size must not understate
	if err == nil && int64(len(raw)) != blob.Size() {
		err = fmt.Errorf("%d bytes of a blob of size %d", len(raw), blob.Size())
	}
	return raw, errors.Join(err, blob.Close())
}

func wantBlob(t *testing.T, b store.Blobs, name store.BlobName, want []byte) {
	t.Helper()
	raw, err := readBlob(b, name)
	if err != nil || !bytes.Equal(raw, want) {
		t.Fatalf("blob of %d bytes: got %d, equal %v, error %v", len(want), len(raw), bytes.Equal(raw, want), err)
	}
}

func wantNoBlob(t *testing.T, b store.Blobs, name store.BlobName) {
	t.Helper()
	if raw, err := readBlob(b, name); !errors.Is(err, store.ErrNoBlob) {
		t.Fatalf("got %d bytes and error %v, want ErrNoBlob", len(raw), err)
	}
	if all := listBlobs(t, b, store.MaxBlobPage); slices.Contains(all, name) {
		t.Fatal("a blob that cannot be opened is listed")
	}
}

// listBlobs walks all names in pages of n.
func listBlobs(t *testing.T, b store.Blobs, n int) (all []store.BlobName) {
	t.Helper()
	var after store.BlobName
	for {
		page, err := b.List(context.Background(), after, n)
		if err != nil || len(page) > n {
			t.Fatalf("page of %d names, asked for %d: %v", len(page), n, err)
		}
		if len(page) == 0 {
			return all
		}
		all, after = append(all, page...), page[len(page)-1]
	}
}

func testBlobRoundTrip(t *testing.T, b store.Blobs) {
	for i, size := range []int{0, 1, 4095, 128 << 10, 128<<10 + 1, 5 << 20} {
		raw := sealed(i, size)
		putBlob(t, b, blobName(i), raw)
		wantBlob(t, b, blobName(i), raw)
	}
	raw := sealed(9, 3000)
	slow := iotest.DataErrReader(iotest.OneByteReader(bytes.NewReader(raw))) // its last byte comes with io.EOF
	if err := b.Put(context.Background(), blobName(9), slow); err != nil {
		t.Fatal(err)
	}
	wantBlob(t, b, blobName(9), raw)
}

func testBlobRanges(t *testing.T, b store.Blobs) {
	raw := sealed(1, 300_000)
	putBlob(t, b, blobName(1), raw)
	blob, err := b.Open(context.Background(), blobName(1))
	if err != nil {
		t.Fatal(err)
	}
	together(func(g int) {
		r := rand.New(rand.NewPCG(uint64(g), 2))
		for range 50 {
			from := r.IntN(len(raw))
			p := make([]byte, 1+r.IntN(len(raw)-from))
			if n, err := blob.ReadAt(p, int64(from)); n != len(p) || err != nil && err != io.EOF || !bytes.Equal(p, raw[from:from+n]) {
				t.Errorf("%d bytes from %d: got %d, error %v", len(p), from, n, err)
				return
			}
		}
	})
	p := make([]byte, 10)
	for _, c := range []struct {
		from int64
		want int
	}{{int64(len(raw)) - 4, 4}, {int64(len(raw)), 0}, {1 << 40, 0}} {
		if n, err := blob.ReadAt(p, c.from); n != c.want || err != io.EOF || !bytes.Equal(p[:n], raw[len(raw)-n:]) {
			t.Errorf("from %d: got %d bytes, error %v; want %d and EOF", c.from, n, err, c.want)
		}
	}
	if _, err := blob.ReadAt(p, -1); err == nil {
		t.Error("read from before the beginning")
	}
	err = blob.Close()
	if _, after := blob.ReadAt(p, 0); err != nil || after == nil {
		t.Errorf("close: %v; then a read: %v", err, after)
	}
}

func testBlobMissing(t *testing.T, b store.Blobs) {
	putBlob(t, b, blobName(1), []byte("x"))
	near := blobName(1)
	near[31]++ // shares every folder
	for _, name := range []store.BlobName{blobName(2), near} {
		wantNoBlob(t, b, name)
		if err := b.Delete(context.Background(), name); !errors.Is(err, store.ErrNoBlob) || fault.KindOf(err) != fault.NotFound {
			t.Errorf("delete: %v", err)
		}
	}
}

func testBlobZeroName(t *testing.T, b store.Blobs) {
	ctx, zero := context.Background(), store.BlobName{}
	_, open := b.Open(ctx, zero)
	for what, err := range map[string]error{"put": b.Put(ctx, zero, strings.NewReader("x")), "open": open, "delete": b.Delete(ctx, zero)} {
		if !errors.Is(err, store.ErrBlobName) {
			t.Errorf("%s: %v, want ErrBlobName", what, err)
		}
	}
}

func testBlobDelete(t *testing.T, b store.Blobs) {
	ctx := context.Background()
	putBlob(t, b, blobName(1), []byte("one"))
	putBlob(t, b, blobName(2), []byte("two"))
	blob, err := b.Open(ctx, blobName(1))
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	if err := b.Delete(ctx, blobName(1)); err != nil {
		t.Fatal(err)
	}
	wantNoBlob(t, b, blobName(1))
	wantBlob(t, b, blobName(2), []byte("two"))
	if err := b.Delete(ctx, blobName(1)); !errors.Is(err, store.ErrNoBlob) {
		t.Errorf("second delete: %v", err)
	}
	p := make([]byte, 3)
	if _, err := blob.ReadAt(p, 0); err != nil && err != io.EOF || string(p) != "one" {
		t.Errorf("whoever had it open reads %q, %v", p, err)
	}
	putBlob(t, b, blobName(1), []byte("anew"))
	wantBlob(t, b, blobName(1), []byte("anew"))
}

func testBlobAgain(t *testing.T, b store.Blobs) {
	putBlob(t, b, blobName(1), []byte("first"))
	second := strings.NewReader("second")
	if err := b.Put(context.Background(), blobName(1), second); err != nil {
		t.Fatal(err)
	}
	if second.Len() != 0 {
		t.Errorf("%d bytes of the second one were not read", second.Len())
	}
	broken := errors.New("broken")
	if err := b.Put(context.Background(), blobName(1), iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a broken second one: %v", err)
	}
	wantBlob(t, b, blobName(1), []byte("first"))
	same(t, "names", listBlobs(t, b, 5), []store.BlobName{blobName(1)})
	overtaken := readerFunc(func([]byte) (int, error) { // the first one is who is whole first
		putBlob(t, b, blobName(2), []byte("faster"))
		return 0, io.EOF
	})
	if err := b.Put(context.Background(), blobName(2), overtaken); err != nil {
		t.Fatal(err)
	}
	wantBlob(t, b, blobName(2), []byte("faster"))
}

func testBlobList(t *testing.T, b store.Blobs) {
	same(t, "no names", listBlobs(t, b, 7), nil)
	var want []store.BlobName
	for i := range 60 {
		n := blobName(i)
		switch i % 4 {
		case 1: // many in one folder
			n[0], n[1] = 0xab, 0xcd
		case 2: // many below one
			n[0] = 0xab
		}
		want = append(want, n)
	}
	last := store.BlobName(bytes.Repeat([]byte{0xff}, 32))
	want = append(want, store.BlobName{31: 1}, last)
	for _, n := range want {
		putBlob(t, b, n, n[:])
	}
	slices.SortFunc(want, func(x, y store.BlobName) int { return bytes.Compare(x[:], y[:]) })
	for _, n := range []int{1, 7, len(want) - 1, len(want), store.MaxBlobPage} {
		same(t, fmt.Sprint("pages of ", n), listBlobs(t, b, n), want)
	}
	between := want[30] // just before it
	between[31]--
	for _, c := range []struct {
		after store.BlobName
		n     int
		want  []store.BlobName
	}{{want[29], 2, want[30:32]}, {between, 1, want[30:31]}, {last, 5, nil}, {want[0], 0, nil}, {want[0], -1, nil}} {
		got, err := b.List(context.Background(), c.after, c.n)
		if err != nil {
			t.Fatal(err)
		}
		same(t, fmt.Sprint("after ", c.after), got, c.want)
	}
}

func testBlobListBound(t *testing.T, b store.Blobs) {
	for i := range store.MaxBlobPage + 3 {
		n := blobName(i)
		n[0], n[1] = 1, byte(i%2)
		putBlob(t, b, n, nil)
	}
	page, err := b.List(context.Background(), store.BlobName{}, 1<<40)
	if err != nil || len(page) != store.MaxBlobPage {
		t.Fatalf("%d names, %v; want %d", len(page), err, store.MaxBlobPage)
	}
	rest, err := b.List(context.Background(), page[len(page)-1], 1<<40)
	if err != nil || len(rest) != 3 {
		t.Fatalf("then %d names, %v; want 3", len(rest), err)
	}
}

// refuses checks that every call fails alike.
func refuses(ctx context.Context, t *testing.T, b store.Blobs, want error) {
	t.Helper()
	_, open := b.Open(ctx, blobName(1))
	_, list := b.List(ctx, store.BlobName{}, 1)
	put, del := b.Put(ctx, blobName(3), strings.NewReader("x")), b.Delete(ctx, blobName(1))
	for what, err := range map[string]error{"put": put, "open": open, "list": list, "delete": del} {
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
}

func testBlobCancelled(t *testing.T, b store.Blobs) {
	putBlob(t, b, blobName(1), []byte("x"))
	ctx, cancel := context.WithCancel(context.Background())
	reads := 0
	err := b.Put(ctx, blobName(2), readerFunc(func(p []byte) (int, error) { // would go on for ever
		if reads++; reads == 3 {
			cancel()
		}
		return len(p), nil
	}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("put given up: %v", err)
	}
	refuses(ctx, t, b, context.Canceled)
	wantBlob(t, b, blobName(1), []byte("x"))
	same(t, "names", listBlobs(t, b, 5), []store.BlobName{blobName(1)})
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func testBlobReaderFails(t *testing.T, b store.Blobs) {
	broken := fault.New(fault.Invalid, "the seal is broken")
	for _, size := range []int{0, 10, 400_000} {
		err := b.Put(context.Background(), blobName(1), io.MultiReader(bytes.NewReader(sealed(1, size)), iotest.ErrReader(broken)))
		if !errors.Is(err, broken) || fault.KindOf(err) != fault.Invalid {
			t.Errorf("after %d bytes: %v, want the reader's error", size, err)
		}
		wantNoBlob(t, b, blobName(1))
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a reader's panic was hidden")
			}
		}()
		_ = b.Put(context.Background(), blobName(1), readerFunc(func([]byte) (int, error) { panic("reader") }))
	}()
	wantNoBlob(t, b, blobName(1))
	putBlob(t, b, blobName(1), []byte("whole"))
	wantBlob(t, b, blobName(1), []byte("whole"))
}

func testBlobClose(t *testing.T, b store.Blobs) {
	ctx := context.Background()
	putBlob(t, b, blobName(1), []byte("x"))
	blob, err := b.Open(ctx, blobName(1))
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	if err := errors.Join(b.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	refuses(ctx, t, b, store.ErrBlobsClosed)
	p := make([]byte, 1)
	if _, err := blob.ReadAt(p, 0); err != nil && err != io.EOF || p[0] != 'x' {
		t.Errorf("an open blob after Close: %q %v", p, err)
	}
}

func testBlobSameName(t *testing.T, b store.Blobs) {
	for i := range 5 {
		raw := sealed(i, i*70_000)
		together(func(int) {
			if err := b.Put(context.Background(), blobName(i), bytes.NewReader(raw)); err != nil {
				t.Errorf("put: %v", err)
			} else if got, err := readBlob(b, blobName(i)); err != nil || !bytes.Equal(got, raw) {
				t.Errorf("read back: %d bytes, %v", len(got), err)
			}
		})
	}
	if all := listBlobs(t, b, 2); len(all) != 5 {
		t.Errorf("%d names, want 5", len(all))
	}
}

// testBlobMany: whatever others do, a blob is whole or absent.
func testBlobMany(t *testing.T, b store.Blobs) {
	const names = 5
	ctx := context.Background()
	want := func(i int) []byte { return sealed(i, 1+i*40_000) }
	stays := blobName(names)
	putBlob(t, b, stays, []byte("stays"))
	together(func(g int) {
		r := rand.New(rand.NewPCG(uint64(g), 3))
		for range 40 {
			i := r.IntN(names)
			var err error
			switch r.IntN(4) {
			case 0:
				err = b.Put(ctx, blobName(i), bytes.NewReader(want(i)))
			case 1:
				err = b.Delete(ctx, blobName(i))
			case 2:
				var got []byte
				if got, err = readBlob(b, blobName(i)); err == nil && !bytes.Equal(got, want(i)) {
					t.Errorf("blob %d: %d bytes, want %d", i, len(got), len(want(i)))
				}
			case 3:
				var all []store.BlobName
				if all, err = b.List(ctx, store.BlobName{}, 100); !slices.Contains(all, stays) {
					t.Errorf("a blob nobody deletes is not listed: %v", err)
				}
			}
			if err != nil && !errors.Is(err, store.ErrNoBlob) {
				t.Error(err)
			}
		}
	})
	wantBlob(t, b, stays, []byte("stays"))
}
