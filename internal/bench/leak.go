package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/trace"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// LeakOptions of a run.
type LeakOptions struct {
	People int // in the index
	Rows   int // of the dump
	Data   string
	Log    io.Writer
}

// Leak is the table of tracing. Speeds are of CPU time, user and system, as the kernel
// charged it: the best of three.
type Leak struct {
	Machine string    `json:"machine"`
	At      time.Time `json:"at"`
	People  int       `json:"people"`
	Rows    int       `json:"rows"`
	Bytes   int64     `json:"bytes"`

	Identity  float64       `json:"identity_bytes_per_person"`
	Version   float64       `json:"bytes_per_record_version"`
	Load      time.Duration `json:"load_and_rekey"` // wall time of a job's table from the files
	Table     int64         `json:"table_bytes"`    // of memory
	Extract   float64       `json:"extract_gbps"`
	LookUp    float64       `json:"lookup_gbps"`
	Found     int64         `json:"niks_found"`
	Lines     Other         `json:"wc_l"`
	Grep      Other         `json:"rg_c"`
	Patterns  Other         `json:"rg_f_patterns"`
	RowsTrace Traced        `json:"traced"`
}

// Other is a tool of somebody else's on the same file.
type Other struct {
	GBps float64 `json:"gbps"` // of CPU time; 0 when it did not run
	Note string  `json:"note,omitempty"`
}

// RunLeak measures. It needs Linux.
func RunLeak(ctx context.Context, opt LeakOptions) (out Leak, err error) {
	if opt.People < 1000 || opt.Rows < 1000 {
		return out, fault.New(fault.Invalid, "a bench of tracing has at least 1,000 people and 1,000 rows")
	}
	if _, err := used(os.Getpid()); err != nil {
		return out, err
	}
	if opt.Data == "" {
		if opt.Data, err = os.MkdirTemp("", "amanah-bench-"); err != nil {
			return out, err
		}
		defer os.RemoveAll(opt.Data)
	}
	out = Leak{Machine: machine(), At: time.Now().UTC().Truncate(time.Second), People: opt.People, Rows: opt.Rows}
	say := func(format string, args ...any) { fmt.Fprintf(opt.Log, format+"\n", args...) }
	say("an index of %d people", opt.People)
	store, err := index.OpenStore(durable.OS(filepath.Join(opt.Data, "index")))
	if err != nil {
		return out, err
	}
	defer store.Close()
	if err := out.index(store, opt.People); err != nil {
		return out, err
	}
	table, err := out.table(store)
	if err != nil {
		return out, err
	}
	file := filepath.Join(opt.Data, "dump.csv")
	say("a dump of %d rows", opt.Rows)
	if out.Bytes, err = writeDump(file, opt); err != nil {
		return out, err
	}
	say("extraction and look-up")
	if err := out.scan(ctx, file, table); err != nil {
		return out, err
	}
	say("rows")
	if out.RowsTrace, err = traced(ctx, file, table); err != nil {
		return out, err
	}
	say("wc and rg")
	return out, out.others(ctx, file, opt)
}

var benchIndexKey, benchJobKey = index.Key{1}, index.Key{2} // of synthetic people

// index feeds and merges an index.
func (l *Leak) index(store *index.Store, people int) error {
	const step = 50_000
	maker := newLeakMaker()
	for from := 0; from < people; from += step {
		b, err := maker.batch(from, min(from+step, people))
		if err != nil {
			return err
		}
		if err := store.Append(b); err != nil {
			return err
		}
	}
	if err := store.Merge(); err != nil {
		return err
	}
	identity, versions := store.Bytes()
	_, n, _ := store.Entries()
	l.Identity, l.Version = float64(identity)/float64(people), float64(versions)/float64(n)
	return nil
}

// table loads the index, keyed again for a job.
func (l *Leak) table(store *index.Store) (*index.Table, error) {
	debug.FreeOSMemory()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	set, err := store.Load()
	if err != nil {
		return nil, err
	}
	table := index.NewTable(benchIndexKey, benchJobKey, set)
	l.Load = time.Since(began)
	set = nil
	debug.FreeOSMemory()
	runtime.ReadMemStats(&after)
	l.Table = int64(after.HeapAlloc) - int64(before.HeapAlloc)
	return table, nil
}

// best is the least CPU time of three runs.
func best(do func() error) (time.Duration, error) {
	least := time.Duration(1 << 62)
	for range 3 {
		before := own()
		if err := do(); err != nil {
			return 0, err
		}
		least = min(least, own()-before)
	}
	return least, nil
}

func (l *Leak) scan(ctx context.Context, file string, table *index.Table) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	asker := index.NewAsker(benchIndexKey, benchJobKey)
	var triage trace.Triage
	pass := func(t *index.Table) func() error {
		return func() error {
			if _, err := f.Seek(0, io.SeekStart); err != nil {
				return err
			}
			triage, err = trace.Scan(ctx, f, t, asker)
			return err
		}
	}
	extract, err := best(pass(nil))
	if err != nil {
		return err
	}
	lookUp, err := best(pass(table))
	if err != nil {
		return err
	}
	l.Extract, l.LookUp, l.Found = l.rate(extract), l.rate(lookUp), triage.People
	if triage.People == 0 {
		return errors.New("the bench's dump has nobody of its index")
	}
	return nil
}

func (l *Leak) rate(d time.Duration) float64 { return float64(l.Bytes) / max(d.Seconds(), 1e-9) / 1e9 }

// patterns is how many fixed strings an analyst would search for, and patternBytes in how
// much of the file: it takes minutes for each gigabyte.
const (
	patterns     = 100_000
	patternBytes = 100_000_000
)

// others runs wc and, where it is installed, ripgrep.
func (l *Leak) others(ctx context.Context, file string, opt LeakOptions) error {
	l.Lines = other(ctx, l.Bytes, "wc", "-l", file)
	l.Grep = other(ctx, l.Bytes, "rg", "-c", "[0-9]{16}", file)
	head, size, err := headOf(file, patternBytes)
	if err != nil {
		return err
	}
	list := filepath.Join(opt.Data, "patterns")
	if err := writePatterns(list, min(patterns, opt.People), opt.People); err != nil {
		return err
	}
	l.Patterns = other(ctx, size, "rg", "-c", "-F", "-f", list, head)
	if l.Patterns.GBps > 0 && size < l.Bytes {
		l.Patterns.Note = fmt.Sprintf("on the first %d MB", size/1e6)
	}
	return nil
}

// other measures one tool over so many bytes.
func other(ctx context.Context, size int64, name string, args ...string) Other {
	if _, err := exec.LookPath(name); err != nil {
		return Other{Note: name + " is not installed"}
	}
	c := exec.CommandContext(ctx, name, args...)
	if err := c.Run(); err != nil {
		return Other{Note: name + ": " + err.Error()}
	}
	cpu := c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	return Other{GBps: float64(size) / max(cpu.Seconds(), 1e-9) / 1e9}
}

// headOf copies a file's beginning to one beside it.
func headOf(file string, most int64) (string, int64, error) {
	in, err := os.Open(file)
	if err != nil {
		return "", 0, err
	}
	defer in.Close()
	name := file + ".head"
	out, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return "", 0, err
	}
	n, err := io.CopyN(out, in, most)
	if err == io.EOF {
		err = nil
	}
	return name, n, errors.Join(err, out.Close())
}
