package durabletest_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
)

// careless writes as Replace does, leaving out the syncs it is told to.
func careless(f durable.FS, name string, raw []byte, fsync, syncDir bool) error {
	file, err := f.Open(name+".new", durable.Create)
	if err != nil {
		return err
	}
	if _, err := file.Write(raw); err != nil {
		return err
	}
	if fsync {
		if err := file.Sync(); err != nil {
			return err
		}
	}
	if err := f.Rename(name+".new", name); err != nil {
		return err
	}
	if syncDir {
		return f.SyncDir("")
	}
	return nil
}

// after returns what the disk holds after writing old durably, then new by write,
// then a crash.
func after(t *testing.T, seed uint64, write func(durable.FS, string, []byte) error) string {
	t.Helper()
	d := durabletest.New(seed)
	if err := durable.WriteFile(d, "x", []byte("old")); err != nil {
		t.Fatal(err)
	}
	if err := write(d, "x", []byte("fresh")); err != nil {
		t.Fatal(err)
	}
	d.Crash()
	raw, err := durable.ReadFile(d, "x")
	if err != nil {
		return "none"
	}
	return string(raw)
}

func TestACarelessWriterIsFoundOut(t *testing.T) {
	for _, tc := range []struct {
		fsync, dir bool
		lost       bool // new content lost
		torn       bool // neither old nor new
	}{
		{true, true, false, false},
		{true, false, true, false},
		{false, true, true, true},
		{false, false, true, true},
	} {
		t.Run(fmt.Sprint("fsync ", tc.fsync, " dir ", tc.dir), func(t *testing.T) {
			lost, torn := 0, 0
			for seed := range uint64(500) {
				switch got := after(t, seed, func(f durable.FS, name string, raw []byte) error {
					return careless(f, name, raw, tc.fsync, tc.dir)
				}); got {
				case "fresh":
				case "old":
					lost++
				default:
					lost, torn = lost+1, torn+1
				}
			}
			if (lost > 0) != tc.lost || (torn > 0) != tc.torn {
				t.Errorf("of 500 crashes %d lost the write, %d tore it; want lost %v, torn %v", lost, torn, tc.lost, tc.torn)
			}
		})
	}
}

func TestReplaceIsWholeWhateverFails(t *testing.T) {
	probe := durabletest.New(0)
	_ = durable.WriteFile(probe, "x", []byte("old"))
	probe.Fail(durabletest.Failure{})
	_ = durable.WriteFile(probe, "x", []byte("fresh"))
	calls := probe.Calls()
	if calls < 4 {
		t.Fatalf("Replace made %d calls: create, write, sync, rename and sync of the folder are 5", calls)
	}
	for n := 1; n <= calls; n++ {
		for mode := range 4 {
			for seed := range uint64(20) {
				d := durabletest.New(seed)
				_ = durable.WriteFile(d, "x", []byte("old"))
				d.Fail(durabletest.Failure{N: n, Effect: mode&1 == 1, Stop: mode&2 == 2})
				if err := durable.WriteFile(d, "x", []byte("fresh")); !errors.Is(err, durabletest.ErrInjected) {
					t.Fatalf("call %d: error %v", n, err)
				}
				d.Crash()
				raw, err := durable.ReadFile(d, "x")
				if err != nil || string(raw) != "old" && string(raw) != "fresh" {
					t.Fatalf("call %d mode %d: %q %v", n, mode, raw, err)
				}
			}
		}
	}
}

// TestUnsyncedAppends shows each fate that unsynced bytes may have.
func TestUnsyncedAppends(t *testing.T) {
	fates := map[string]int{}
	for seed := range uint64(2000) {
		d := durabletest.New(seed)
		f, err := d.Open("x", durable.Append)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = f.Write([]byte("kept|"))
		_ = f.Sync()
		_ = d.SyncDir("")
		_, _ = f.Write([]byte("abcd"))
		d.Crash()
		if _, err := f.Write([]byte("x")); err == nil {
			t.Fatal("a file outlived the crash")
		}
		raw, err := durable.ReadFile(d, "x")
		rest, ok := bytes.CutPrefix(raw, []byte("kept|"))
		if err != nil || !ok {
			t.Fatalf("synced bytes are lost: %q %v", raw, err)
		}
		switch {
		case len(rest) == 0:
			fates["none"]++
		case string(rest) == "abcd":
			fates["all"]++
		case bytes.HasSuffix(rest, []byte{0}):
			fates["zeros"]++
		case bytes.HasPrefix([]byte("abcd"), rest):
			fates["part"]++
		default:
			t.Fatalf("%q was never written", rest)
		}
	}
	for _, want := range []string{"none", "all", "part", "zeros"} {
		if fates[want] < 20 {
			t.Errorf("of 2000 crashes only %d gave %s: %v", fates[want], want, fates)
		}
	}
}

func TestTruncateAndRemoveNeedSync(t *testing.T) {
	kept, gone := 0, 0
	for seed := range uint64(200) {
		d := durabletest.New(seed)
		_ = durable.WriteFile(d, "a", []byte("long content"))
		_ = durable.WriteFile(d, "b", []byte("x"))
		f, _ := d.Open("a", durable.Append)
		_ = f.Truncate(4)
		_ = d.Remove("b")
		d.Crash()
		raw, _ := durable.ReadFile(d, "a")
		if s := string(raw); s != "long" && s != "long content" {
			t.Fatalf("%q", s)
		}
		if _, err := durable.ReadFile(d, "b"); errors.Is(err, fs.ErrNotExist) {
			gone++
		} else {
			kept++
		}
	}
	if kept == 0 || gone == 0 {
		t.Errorf("unsynced removals: %d kept, %d gone; want some of both", kept, gone)
	}
}

func TestFailureCountsFromFail(t *testing.T) {
	for _, effect := range []bool{false, true} {
		d := durabletest.New(1)
		f, _ := d.Open("x", durable.Append)
		d.Fail(durabletest.Failure{N: 2, Effect: effect})
		_, first := f.Write([]byte("1"))
		_, second := f.Write([]byte("2"))
		_, third := f.Write([]byte("3"))
		want := "13"
		if effect {
			want = "123"
		}
		raw, _ := durable.ReadFile(d, "x")
		if first != nil || !errors.Is(second, durabletest.ErrInjected) || third != nil || string(raw) != want {
			t.Errorf("effect %v: %v %v %v %q", effect, first, second, third, raw)
		}
	}
}

func TestLocks(t *testing.T) {
	d := durabletest.New(1)
	l, err := d.Lock("lock")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Lock("lock"); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("second lock: %v", err)
	}
	d.Crash()
	if _, err := d.Lock("lock"); err != nil {
		t.Errorf("after a crash: %v", err)
	}
	_ = l.Close() // of the life before: must not free the new holder's
	if _, err := d.Lock("lock"); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("a dead holder freed the lock: %v", err)
	}
}
