package durable_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
)

// each runs a test over the real disk and the one in memory: what holds on one
// must hold on the other, or crash tests prove nothing.
func each(t *testing.T, test func(*testing.T, durable.FS)) {
	t.Run("os", func(t *testing.T) { test(t, durable.OS(t.TempDir())) })
	t.Run("memory", func(t *testing.T) { test(t, durabletest.New(1)) })
}

func TestFiles(t *testing.T) {
	each(t, func(t *testing.T, d durable.FS) {
		if _, err := d.Open("x", durable.Read); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a missing file: %v", err)
		}
		f, err := d.Open("x", durable.Append)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{"one ", "two"} {
			if _, err := f.Write([]byte(s)); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(f.Truncate(4), f.Sync()); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte("three")); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 10)
		if n, err := f.ReadAt(b, 2); n != 7 || err != io.EOF || string(b[:n]) != "e three" {
			t.Errorf("ReadAt gave %d %v %q", n, err, b)
		}
		if size, err := f.Size(); size != 9 || err != nil {
			t.Errorf("size %d %v", size, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		r, err := d.Open("x", durable.Read)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := r.Write([]byte("x")); err == nil {
			t.Error("a file opened for reading was written")
		}
	})
}

func TestNames(t *testing.T) {
	each(t, func(t *testing.T, d durable.FS) {
		if _, err := d.Open("a/b/x", durable.Create); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a file in a missing folder: %v", err)
		}
		if err := d.MkdirAll("a/b"); err != nil {
			t.Fatal(err)
		}
		for _, n := range []string{"a/y", "a/x", "a/z.new"} {
			if err := durable.WriteFile(d, n, []byte(n)); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(durable.Sweep(d, "a"), d.Rename("a/x", "a/y"), d.SyncDir("a")); err != nil {
			t.Fatal(err)
		}
		names, err := d.List("a")
		if diff := cmp.Diff([]string{"b/", "y"}, names); diff != "" || err != nil {
			t.Error(diff, err)
		}
		raw, err := durable.ReadFile(d, "a/y")
		if string(raw) != "a/x" || err != nil {
			t.Errorf("%q %v", raw, err)
		}
		if err := d.Remove("a/x"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("removing what is not there: %v", err)
		}
		for _, bad := range []string{"../x", "/x", "a/../../x"} {
			if _, err := d.Open(bad, durable.Create); err == nil {
				t.Errorf("%s leads out of the folder", bad)
			}
		}
	})
}

func TestReplaceKeepsTheOldOnAnError(t *testing.T) {
	each(t, func(t *testing.T, d durable.FS) {
		if err := durable.WriteFile(d, "x", []byte("old")); err != nil {
			t.Fatal(err)
		}
		boom := errors.New("boom")
		err := durable.Replace(d, "x", func(w io.Writer) error {
			_, err := io.WriteString(w, "half")
			return errors.Join(err, boom)
		})
		raw, _ := durable.ReadFile(d, "x")
		names, _ := d.List("")
		if !errors.Is(err, boom) || string(raw) != "old" || len(names) != 1 {
			t.Errorf("%v %q %v", err, raw, names)
		}
	})
}

func TestOneHolderOfALock(t *testing.T) {
	each(t, func(t *testing.T, d durable.FS) {
		l, err := d.Lock("lock")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Lock("lock"); !errors.Is(err, durable.ErrLocked) {
			t.Errorf("second holder: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if l, err = d.Lock("lock"); err != nil {
			t.Fatalf("after release: %v", err)
		}
		_ = l.Close()
	})
}

func TestOSFilesAreTheOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	d := durable.OS(dir)
	if err := d.MkdirAll(""); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(d, "x", nil); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"": 0o700, "x": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: %v %v", name, info.Mode(), err)
		}
	}
	if err := durable.OS(filepath.Join(dir, "x")).MkdirAll(""); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("a folder where a file is: %v", err)
	}
}
