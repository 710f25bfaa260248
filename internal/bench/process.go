package bench

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/amanah-project/amanah/internal/fault"
)

// usage is what the kernel charged to a process so far.
type usage struct {
	CPU     time.Duration // user and system
	Written int64         // bytes sent to storage
	Memory  int64         // resident bytes, now
}

func (u usage) since(before usage) usage {
	return usage{u.CPU - before.CPU, u.Written - before.Written, u.Memory}
}

// tick is the kernel's unit of CPU time in /proc: a hundredth of a second on every
// Linux that Go runs on.
const tick = 10 * time.Millisecond

// used reads /proc (proc(5)), so a bench runs on Linux only.
func used(pid int) (usage, error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return usage{}, fault.New(fault.Unavailable, "a bench reads /proc, which Linux has: run it there")
	}
	// The command's name stands in brackets and may hold spaces.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	var u usage
	for _, i := range []int{11, 12} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return u, fmt.Errorf("read /proc: %w", err)
		}
		u.CPU += time.Duration(n) * tick
	}
	u.Written, u.Memory = number(filepath.Join(dir, "io"), "write_bytes:"), number(filepath.Join(dir, "status"), "VmRSS:")<<10
	return u, nil
}

// number reads one number of a file of names and numbers; 0 where there is none.
func number(file, name string) int64 {
	raw, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n
		}
	}
	return 0
}

// charged is what the kernel charged to all processes of one name.
type charged struct {
	usage
	processes int
	hidden    int // of them, whose bytes and memory this user may not read
}

// database sums all processes of PostgreSQL on this host, whosesoever they are.
func database() charged { return processes("postgres") }

// processes sums those whose command has a name. Memory is their proportional share:
// what they have in common, most of it with PostgreSQL, counts once.
func processes(command string) (sum charged) {
	names, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil || strings.TrimSpace(string(raw)) != command {
			continue
		}
		dir := filepath.Dir(name)
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		u, err := used(pid)
		if err != nil {
			continue // it has ended
		}
		sum.processes++
		sum.CPU += u.CPU
		sum.Written += u.Written
		sum.Memory += number(filepath.Join(dir, "smaps_rollup"), "Pss:") << 10
		if _, err := os.ReadFile(filepath.Join(dir, "io")); errors.Is(err, fs.ErrPermission) {
			sum.hidden++
		}
	}
	return sum
}

// own is this process's CPU time.
func own() time.Duration {
	var r unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// kernel is what of own the kernel took for itself: reading, writing and syncing files.
func kernel() time.Duration {
	var r unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Stime.Nano())
}

// machine names the processor, for the table's head.
func machine() string {
	name := runtime.GOARCH
	raw, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(raw)) {
			if rest, ok := strings.CutPrefix(line, "model name"); ok {
				name = strings.TrimSpace(strings.TrimLeft(rest, "\t :"))
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores, %s", name, runtime.NumCPU(), runtime.Version())
}

// metric reads one plain number out of Prometheus's text format.
func metric(text, name string) float64 {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			v, _ := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			return v
		}
	}
	return 0
}
