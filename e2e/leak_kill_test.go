package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// killedTrace has a trace killed by kill -9: before it kept anything, as soon as it has kept how
// far it is, and when it has read all. The same command goes on from there and comes to the same
// bytes as a run that nobody disturbed. A file that is read before anything is kept shows nothing:
// a longer one is taken.
func (o *office) killedTrace(rows string, officers ...*member) {
	o.t.Helper()
	for size := 96 << 20; ; size *= 2 {
		file, folder := o.path("long.csv"), o.path("killed")
		write(o.t, file, strings.Repeat(rows, size/len(rows)))
		id := requestNumber(o.t, o.operate("", "leak", "request", "--purpose", "long", file))
		for _, by := range officers {
			by.approve(id)
		}
		trace := func(folder string) []string { return []string{"leak", "trace", id, file, "--case", folder, "--json"} }
		kills, before := map[string]int{}, ""
		for _, kept := range []string{".", "reading.sealed", "reading.sealed", "observed.sealed"} {
			at, killed := o.killedWhenKept(filepath.Join(folder, kept), before, append(trace(folder), o.flags()...))
			if !killed {
				break
			}
			before = at
			kills[kept]++
		}
		if kills["reading.sealed"] == 0 {
			if size > 1<<30 {
				o.t.Fatal("no trace is long enough to be killed")
			}
			if err := os.RemoveAll(folder); err != nil {
				o.t.Fatal(err)
			}
			continue
		}
		got, want := o.operate("", trace(folder)...), o.operate("", trace(o.path("undisturbed"))...)
		if got != want {
			o.t.Errorf("killed %v, a trace comes to something else:\n%s\n%s", kills, got, want)
		}
		for _, name := range []string{"result.json", "matched.csv"} {
			one, err := os.ReadFile(filepath.Join(folder, name))
			if err != nil {
				o.t.Fatal(err)
			}
			if two, err := os.ReadFile(filepath.Join(o.path("undisturbed"), name)); err != nil || string(one) != string(two) {
				o.t.Errorf("%s differs: %v", name, err)
			}
		}
		o.t.Logf("killed %v in %d MB", kills, size>>20)
		return
	}
}

// killedWhenKept runs a command and kills it when a file is there that was not before; false
// when the command ended by itself.
func (o *office) killedWhenKept(file, before string, args []string) (kept string, killed bool) {
	o.t.Helper()
	p := o.start(args...)
	for {
		select {
		case <-p.done:
			if !p.cmd.ProcessState.Success() {
				o.t.Fatalf("a trace fails: %s", tail(p.log.String()))
			}
			return "", false
		default:
		}
		if info, err := os.Stat(file); err == nil {
			if kept = info.ModTime().Format(time.RFC3339Nano); kept != before {
				p.kill()
				how, _ := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
				return kept, how.Signaled()
			}
		}
		time.Sleep(time.Millisecond)
	}
}
