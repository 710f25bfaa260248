package disk_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/disk"
	"github.com/amanah-project/amanah/internal/store/storetest"
)

func open(t *testing.T, f durable.FS) *disk.Store {
	t.Helper()
	s, err := disk.Open(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestBlobsOnAFileSystem(t *testing.T) {
	storetest.RunBlobs(t, func(t *testing.T) store.Blobs { return open(t, durable.OS(filepath.Join(t.TempDir(), "blobs"))) })
}

func TestBlobsOnADiskThatForgets(t *testing.T) {
	storetest.RunBlobs(t, func(t *testing.T) store.Blobs { return open(t, durabletest.New(1)) })
}

// names returns every file and folder below dir, by its own name.
func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if path != dir {
			out = append(out, d.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestNamesAreHexOnly(t *testing.T) {
	dir := t.TempDir()
	s := open(t, durable.OS(dir))
	ctx := context.Background()
	for i := range 40 {
		if err := s.Put(ctx, nameOf(i), strings.NewReader("Siti Rahma, NIK 3174")); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Delete(ctx, nameOf(3)); err != nil {
		t.Fatal(err)
	}
	// While a blob is unfinished its name is a number, and says nothing either.
	unfinished := regexp.MustCompile(`^[0-9a-f]{16}\.new$`)
	asked := false
	err := s.Put(ctx, nameOf(41), readerFunc(func([]byte) (int, error) {
		asked = true
		if !slices.ContainsFunc(names(t, dir), unfinished.MatchString) {
			t.Errorf("no unfinished file among %v", names(t, dir))
		}
		return 0, io.EOF
	}))
	if err != nil || !asked {
		t.Fatal(err, asked)
	}
	hex := regexp.MustCompile(`^[0-9a-f]+$`)
	all := names(t, dir)
	for _, n := range all {
		if !hex.MatchString(n) {
			t.Errorf("the disk shows the name %q", n)
		}
	}
	if len(all) < 41 {
		t.Errorf("only %d names looked at", len(all))
	}
	// Where a blob lies is a format: a backup of today must open tomorrow.
	h := nameOf(41).String()
	if _, err := os.Stat(filepath.Join(dir, h[:2], h[2:4], h[4:])); err != nil {
		t.Error(err)
	}
}

func TestStrangersArePassedOver(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"lost+found", "AB/cd", "ab/zz", "ab/cd", "abc"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"README", "zz", "ab/cd/readme", "ab/cd/" + strings.Repeat("0", 59) + "A", "AB/cd/" + strings.Repeat("0", 60)} {
		if err := os.WriteFile(filepath.Join(dir, f), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := names(t, dir)
	s := open(t, durable.OS(dir))
	if got, err := s.List(context.Background(), store.BlobName{}, 10); err != nil || len(got) != 0 {
		t.Errorf("listed %v, %v", got, err)
	}
	s.Close()
	after := slices.DeleteFunc(names(t, dir), func(n string) bool { return n == "0" })
	if d := cmp.Diff(before, after); d != "" {
		t.Errorf("strangers changed:\n%s", d)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	f := durable.OS(t.TempDir())
	s := open(t, f)
	if _, err := disk.Open(f); !errors.Is(err, durable.ErrLocked) {
		t.Fatalf("a second one opened it: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, f)
}

func TestCloseWaitsForAPut(t *testing.T) {
	s := open(t, durable.OS(t.TempDir()))
	reading, goOn, put, closed := make(chan bool), make(chan bool), make(chan error, 1), make(chan error, 1)
	go func() {
		put <- s.Put(context.Background(), nameOf(1), readerFunc(func([]byte) (int, error) {
			close(reading)
			<-goOn
			return 0, io.EOF
		}))
	}()
	<-reading
	go func() { closed <- s.Close() }()
	select {
	case <-closed:
		t.Error("Close did not wait")
	case <-time.After(20 * time.Millisecond):
	}
	close(goOn)
	if err := errors.Join(<-put, <-closed); err != nil {
		t.Error(err)
	}
}

// tooFull is a disk with room for so many bytes more.
type tooFull struct {
	durable.FS
	room *int
}

func (f tooFull) Open(name string, mode durable.Mode) (durable.File, error) {
	file, err := f.FS.Open(name, mode)
	if err != nil {
		return nil, err
	}
	return fullFile{file, f.room}, nil
}

type fullFile struct {
	durable.File
	room *int
}

func (f fullFile) Write(p []byte) (int, error) {
	fits := min(len(p), *f.room)
	n, err := f.File.Write(p[:fits])
	*f.room -= n
	if err == nil && n < len(p) {
		err = &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	}
	return n, err
}

func TestAFullDiskKeepsNothing(t *testing.T) {
	for _, room := range []int{0, 1, 128 << 10, 299_999} {
		d := durabletest.New(1)
		left := room
		s := open(t, tooFull{d, &left})
		err := s.Put(context.Background(), nameOf(1), bytes.NewReader(make([]byte, 300_000)))
		if !errors.Is(err, store.ErrBlobsFull) || fault.KindOf(err) != fault.Unavailable {
			t.Errorf("room for %d: %v, want ErrBlobsFull", room, err)
		}
		if _, err := s.Open(context.Background(), nameOf(1)); !errors.Is(err, store.ErrNoBlob) {
			t.Errorf("room for %d: %v, want ErrNoBlob", room, err)
		}
		if top, _ := d.List(""); len(top) != 0 {
			t.Errorf("room for %d: %v is left", room, top)
		}
	}
}

// calls writes down what is asked of a disk.
type calls struct {
	durable.FS
	log *[]string
}

func (c calls) MkdirAll(dir string) error {
	*c.log = append(*c.log, "mkdir "+dir)
	return c.FS.MkdirAll(dir)
}

func (c calls) SyncDir(dir string) error {
	*c.log = append(*c.log, "sync "+dir)
	return c.FS.SyncDir(dir)
}

// TestFoldersAreSyncedBeforeTheyAreReliedOn: a folder that is there may be one whose
// making failed, or was killed, before its sync. durabletest keeps all folders, so
// the calls are looked at instead.
func TestFoldersAreSyncedBeforeTheyAreReliedOn(t *testing.T) {
	d := durabletest.New(1)
	if err := d.MkdirAll("ab/cd"); err != nil {
		t.Fatal(err)
	}
	var log []string
	s := open(t, calls{d, &log})
	put := func(name store.BlobName, want ...string) {
		t.Helper()
		log = nil
		if err := s.Put(context.Background(), name, strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, log); d != "" {
			t.Errorf("put %x (-want +got):\n%s", name[:3], d)
		}
	}
	put(store.BlobName{0xab, 0xcd, 1}, "mkdir ab", "sync ", "sync ab", "sync ab/cd")
	put(store.BlobName{0xab, 0xcd, 2}, "sync ab/cd")
	put(store.BlobName{0xab, 0xcd, 2}, "sync ab/cd") // again: its name may not be durable
	put(store.BlobName{0xab, 0xef}, "mkdir ab/ef", "sync ab", "sync ab/ef")
	// A making that happened and failed must be synced by the next one.
	for range 2 {
		d.Fail(durabletest.Failure{N: 4, Effect: true}) // create, write, sync, mkdir
		if err := s.Put(context.Background(), store.BlobName{0xab, 0x11}, strings.NewReader("x")); err == nil {
			t.Fatal("the folder was not the fourth call")
		}
	}
	d.Fail(durabletest.Failure{})
	put(store.BlobName{0xab, 0x11}, "mkdir ab/11", "sync ab", "sync ab/11")
}

// TestMemoryIsConstant: a blob's length is no matter of memory.
func TestMemoryIsConstant(t *testing.T) {
	s := open(t, durable.OS(t.TempDir()))
	const size, most = 64 << 20, 2 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	left := size
	err := s.Put(context.Background(), nameOf(1), readerFunc(func(p []byte) (int, error) {
		if left == 0 {
			return 0, io.EOF
		}
		n := min(len(p), left)
		left -= n
		return n, nil
	}))
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; err != nil || used > most {
		t.Errorf("a blob of %d bytes took %d bytes of memory, want at most %d: %v", size, used, most, err)
	}
}

func TestBlobNamesHaveOneSpelling(t *testing.T) {
	want := nameOf(1)
	if got, err := store.ParseBlobName(want.String()); err != nil || got != want {
		t.Errorf("%v parsed as %v, %v", want, got, err)
	}
	good := strings.Repeat("0a", 32)
	for _, s := range []string{"", good[:63], good[:62], good + "0", good + "00", strings.ToUpper(good), "/" + good[1:], "g" + good[1:], strings.Repeat("0", 64)} {
		if got, err := store.ParseBlobName(s); !errors.Is(err, store.ErrBlobName) || got != (store.BlobName{}) {
			t.Errorf("%q parsed as %v, %v", s, got, err)
		}
	}
}
