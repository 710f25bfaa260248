//go:build unix

package sqlite

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/amanah-project/amanah/internal/store"
)

// limitFiles makes every write beyond size bytes of any file fail with EFBIG until
// the function returned is called.
func limitFiles(t *testing.T, size uint64) (lift func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	set := func(l syscall.Rlimit) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			t.Error(err)
		}
	}
	set(syscall.Rlimit{Cur: size, Max: old.Max})
	return func() {
		set(old)
		signal.Reset(syscall.SIGXFSZ)
	}
}

// TestWritesFail: the file system refuses the log's growth, at COMMIT as SQLite
// writes it then. The whole batch fails, and there is life after it.
func TestWritesFail(t *testing.T) {
	r := newRig(t, Options{})
	for n := 1; n <= 20; n++ {
		r.want([]error{r.db.Update(t.Context(), put(n))}, nil)
	}
	had := r.seen()
	log, err := os.Stat(r.path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	lift := limitFiles(t, uint64(log.Size())+5000) // room for one page, not for two
	got := r.results(r.batch(put(101), put(102), put(103)))
	lift()
	for i, err := range got {
		if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, store.ErrUnknown) {
			t.Errorf("member %d: got %v, want ErrUnavailable and ErrUnknown", i+1, err)
		}
	}
	r.wantSeen("none of the batch", had...)
	r.want([]error{r.db.Update(t.Context(), put(99))}, nil)
	want := append(had, 99)
	r.wantSeen("room again", want...)
	r.reopen()
	r.wantSeen("opened again", want...)
}
