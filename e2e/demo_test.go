package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestDemo runs the demo as README says, until everybody was told all their colours
// of the day, and until it is interrupted: it fails in none of them.
func TestDemo(t *testing.T) {
	t.Parallel()
	t.Run("its time is over", func(t *testing.T) {
		d := startDemo(t, "--for", "3s", "--people", "300", "--rate", "50")
		d.ends(t)
	})
	t.Run("interrupted", func(t *testing.T) {
		d := startDemo(t, "--for", "0s", "--people", "100", "--rate", "20")
		d.until(t, "the first check-ins", func(done []int) bool { return len(done) > 0 })
		d.interrupt(t)
		d.ends(t)
	})
	t.Run("nobody is told more", func(t *testing.T) {
		d := startDemo(t, "--for", "0s", "--people", "100", "--rate", "400")
		d.until(t, "the last colour of the day", func(done []int) bool {
			n := len(done)
			return n > 2 && done[n-1] > 1000 && done[n-1] == done[n-2] // of 1,200 less those that it began with
		})
		d.interrupt(t)
		d.ends(t)
	})
}

// demonstration is a running demo.
type demonstration struct {
	*process
	dir string // of what it leaves behind
}

func startDemo(t *testing.T, args ...string) *demonstration {
	t.Helper()
	d := &demonstration{&process{t: t, cmd: exec.Command(program, append([]string{"demo"}, args...)...), log: &buffer{}, done: make(chan struct{})}, t.TempDir()}
	d.cmd.Stdout, d.cmd.Stderr = d.log, d.log
	d.cmd.Env = append(os.Environ(), "TMPDIR="+d.dir)
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = d.cmd.Wait()
		close(d.done)
	}()
	t.Cleanup(d.kill) // its children end with it
	return d
}

// lives is a line of what people do meanwhile.
var lives = regexp.MustCompile(`(?m)^ *\d+s +(\d+) check-ins .* failed (\d+) `)

// until waits until enough says so of how many check-ins there were so far, line by line.
func (d *demonstration) until(t *testing.T, what string, enough func(done []int) bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var done []int
		for _, m := range lives.FindAllStringSubmatch(d.log.String(), -1) {
			n, _ := strconv.Atoi(m[1])
			done = append(done, n)
		}
		if enough(done) {
			return
		}
		select {
		case <-d.done:
			t.Fatalf("it ended before %s:\n%s", what, d.log.String())
		default:
		}
	}
	t.Fatalf("no sign of %s:\n%s", what, d.log.String())
}

func (d *demonstration) interrupt(t *testing.T) {
	t.Helper()
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
}

// ends waits for a demo's end, which is a good one: exit status 0, no check-in counted as
// failed, both sides of two answers shown, nothing left behind.
func (d *demonstration) ends(t *testing.T) {
	t.Helper()
	select {
	case <-d.done:
	case <-time.After(2 * time.Minute):
		t.Fatalf("it does not end:\n%s", d.log.String())
	}
	said := d.log.String()
	if code := d.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit %d", code)
	}
	lines := lives.FindAllStringSubmatch(said, -1)
	if len(lines) == 0 || lines[len(lines)-1][1] == "0" {
		t.Error("nobody checked in: this proves nothing")
	}
	for _, m := range lines {
		if m[2] != "0" {
			t.Errorf("%s check-ins failed", m[2])
		}
	}
	if _, end, _ := strings.Cut(said, "what the two people saw"); !strings.Contains(end, "green, ") || !strings.Contains(end, "the partner learned nothing") {
		t.Error("no two answers are shown")
	}
	if left, err := os.ReadDir(d.dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if t.Failed() {
		t.Logf("it said:\n%s", said)
	}
}
