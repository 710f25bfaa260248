package bench

import (
	"crypto/rand"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/store/postgres"
)

// TestCharge: SQLite's fsyncs are derived and say so, PostgreSQL's are those it counted,
// and what its processes wrote and hold is beside them.
func TestCharge(t *testing.T) {
	before := moment{commits: 100, syncs: 1, batches: 10, asks: 10, database: charged{usage: usage{time.Second, 1000, 5}}}
	after := moment{
		server: usage{2 * time.Second, 50, 7}, keeper: usage{time.Second, 150, 8},
		commits: 130, syncs: 6, batches: 60, asks: 1010, database: charged{usage{3 * time.Second, 401_000, 9}, 12, 0},
	}
	f := &flight{Answered: 1000, Took: time.Second, Waits: []time.Duration{1}}
	var o Result
	o.charge(f, before, after)
	if o.Fsyncs != 0.05 || o.FsyncsFrom != fromCommits || o.Written != 0.2 || o.Database != 2*time.Millisecond || o.Batch != 20 || o.Cluster != nil {
		t.Errorf("%+v", o)
	}
	from, to := postgres.Stats{LogBytes: 1, LogWrites: 2, LogSyncs: 3}, postgres.Stats{LogBytes: 2_000_001, LogWrites: 72, LogSyncs: 63}
	o.chargeCluster(1000, before.database, after.database, from, to)
	want := &Cluster{Written: 400, LogBytes: 2000, LogWrites: 0.07, Memory: 9, Processes: 12}
	if diff := cmp.Diff(want, o.Cluster); diff != "" || o.Fsyncs != 0.06 || o.FsyncsFrom != fromCluster {
		t.Errorf("%v fsyncs, %s\n%s", o.Fsyncs, o.FsyncsFrom, diff)
	}
	to.LogSyncs = from.LogSyncs
	if o.chargeCluster(1000, before.database, after.database, from, to); o.FsyncsFrom != fromNothing {
		t.Errorf("no fsync counted: %s", o.FsyncsFrom)
	}
}

// TestProcesses: processes of one name are summed with their memory, and others are not.
func TestProcesses(t *testing.T) {
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Skip("no cat here")
	}
	if _, err := used(os.Getpid()); err != nil {
		t.Skip("no /proc here")
	}
	name := strings.ToLower(rand.Text()[:12]) // the kernel keeps 15 bytes
	file := filepath.Join(t.TempDir(), name)
	if err := os.Symlink(cat, file); err != nil {
		t.Fatal(err)
	}
	if got := processes(name); got != (charged{}) {
		t.Fatalf("before any runs: %+v", got)
	}
	for range 2 {
		c := exec.Command(file)
		in, err1 := c.StdinPipe()
		out, err2 := c.StdoutPipe()
		if err := errors.Join(err1, err2, c.Start()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { in.Close(); c.Wait() })
		if _, err := in.Write([]byte{'x'}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, make([]byte, 1)); err != nil { // it runs, under its name
			t.Fatal(err)
		}
	}
	if got := processes(name); got.processes != 2 || got.hidden != 0 || got.Memory <= 0 {
		t.Errorf("two run: %+v", got)
	}
}
