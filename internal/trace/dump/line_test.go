package dump_test

import (
	"bytes"
	"context"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/trace/dump"
)

// members is a gzip file of so many members of one MiB each: a line of as many MiB, which lies
// nowhere whole.
func members(n int) []byte {
	one := gz(bytes.Repeat([]byte("12345678901234,x"), 1<<16))
	return bytes.Repeat(one, n)
}

// highest is the most bytes that the heap had in use until stop was called.
func highest() (stop func() uint64) {
	quit, most := make(chan struct{}), uint64(0)
	var done sync.WaitGroup
	done.Go(func() {
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
			select {
			case <-quit:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	return func() uint64 {
		close(quit)
		done.Wait()
		return most
	}
}

// TestGigabyteLine: a line of 1 GiB is read to its end in pieces, all of it accounted for, in
// memory that does not grow with it.
func TestGigabyteLine(t *testing.T) {
	debug.FreeOSMemory()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	path := write(t, "line.csv.gz", append(gz([]byte("nik,nama\n")), members(1024)...))
	stop := highest()
	began := time.Now()
	r, err := dump.Walk(context.Background(), []string{path}, &keeping{}, dump.Options{Workers: 2, Ratio: 4096})
	most := stop()
	if err != nil {
		t.Fatal(err)
	}
	report := account(t, r)
	if len(r.Sources) != 2 || r.Sources[1].Size != 1<<30+9 || r.Accounts[1].Parsed != 1<<30+9 || r.Rows < 2 {
		t.Errorf("%d rows\n%s", r.Rows, report)
	}
	t.Logf("%d MiB of heap at most, %d before, %s\n%s", most>>20, before.HeapInuse>>20, time.Since(began).Round(time.Millisecond), report)
	if most > before.HeapInuse+384<<20 {
		t.Errorf("the heap grew to %d MiB", most>>20)
	}
}
