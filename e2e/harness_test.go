// Package e2e drives the built binary as separate processes: keeper, server,
// relay and device, talking over sockets as they do in an installation.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// program is the binary under test, built once for all tests.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "amanah-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "amanah")
	if out, err := build(program); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func build(to string, tags ...string) ([]byte, error) {
	cmd := exec.Command("go", "build", "-tags", strings.Join(tags, ","), "-o", to, "github.com/amanah-project/amanah/cmd/amanah")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	return cmd.CombinedOutput()
}

// process is one running program of an installation.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	log    *buffer
	done   chan struct{}
	killed bool // by the test: its exit status means nothing
}

// buffer keeps what a process prints; the canary hunt reads it.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// site is an installation: its folders, its processes and where they listen.
type site struct {
	t        testing.TB
	bin      string
	dir      string
	database []string // flags
	canaries []string // flags; with them the keeper gives numbers to nobody
	listen   string
	ops      string
	keeper   *process
	server   *process
	relays   []*process
	ran      []*process // all of them, those that ended too
	output   buffer     // of every command that ran
}

// newSite makes an installation that is not running yet.
func newSite(t testing.TB, bin string, database ...string) *site {
	t.Helper()
	s := &site{t: t, bin: bin, dir: t.TempDir(), database: database, listen: freeAddr(t), ops: freeAddr(t)}
	if err := os.Chmod(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, p := range append([]*process{s.server, s.keeper}, s.relays...) {
			p.stop()
		}
		if t.Failed() {
			s.dump()
		}
	})
	return s
}

func (s *site) dump() {
	for name, p := range map[string]*process{"keeper": s.keeper, "server": s.server} {
		if p != nil {
			s.t.Logf("%s:\n%s", name, tail(p.log.String()))
		}
	}
}

func tail(s string) string {
	if len(s) > 4000 {
		return "…" + s[len(s)-4000:]
	}
	return s
}

// given are the ports that tests of this run have: they run beside one another.
var given sync.Map

// freeAddr returns a loopback address that no other test of this run has, and whose port
// no connection is given by chance: one from the kernel's own range may be taken while a
// killed process is away.
func freeAddr(t testing.TB) string {
	t.Helper()
	var err error
	for range 100 {
		var l net.Listener
		port := 10_000 + rand.IntN(10_000)
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			defer l.Close()
			if _, taken := given.LoadOrStore(port, true); !taken {
				return l.Addr().String()
			}
		}
	}
	t.Fatal(err)
	return ""
}

func (s *site) path(parts ...string) string {
	return filepath.Join(append([]string{s.dir}, parts...)...)
}

// flags are what every command of the installation needs.
func (s *site) flags() []string {
	return append([]string{
		"--data", s.path("data"), "--host", "localhost", "--listen", s.listen, "--ops", s.ops, "--keeper-same-user",
		"--keeper-socket", s.path("run", "serve.sock"), "--keeper-admin", s.path("run", "admin.sock"),
	}, append(s.database[:len(s.database):len(s.database)], s.canaries...)...)
}

func (s *site) start(args ...string) *process {
	s.t.Helper()
	p := &process{t: s.t, cmd: exec.Command(s.bin, args...), log: &buffer{}, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.Env = append(os.Environ(), "TMPDIR="+s.mkdir("tmp"))
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.ran = append(s.ran, p)
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	return p
}

func (s *site) mkdir(name string) string {
	s.t.Helper()
	dir := s.path(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		s.t.Fatal(err)
	}
	return dir
}

func (s *site) startKeeper() {
	s.t.Helper()
	s.mkdir("run")
	args := []string{"keeper", "--dir", s.path("keeper"), "--sockets", s.path("run"), "--credential", s.path("root.credential"), "--host", "localhost", "--same-user"}
	if len(s.canaries) > 0 {
		args = append(args, "--vacant", "3")
	}
	s.keeper = s.start(args...)
	s.wait("the keeper's socket", func() error {
		c, err := net.Dial("unix", s.path("run", "admin.sock"))
		if err == nil {
			c.Close()
		}
		return err
	}, s.keeper)
}

func (s *site) startServer() {
	s.t.Helper()
	// All that it can say is what the hunts search.
	s.server = s.start(append([]string{"serve", "--log-level", "debug"}, s.flags()...)...)
	s.wait("the server's health", func() error { return healthy(s.ops) }, s.server)
}

func healthy(addr string) error {
	r, err := http.Get("http://" + addr + "/healthz")
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("health is %s", r.Status)
	}
	return nil
}

// startRelay runs a partner's relay and returns the URL that devices use.
func (s *site) startRelay(credential string) string {
	s.t.Helper()
	addr := freeAddr(s.t)
	p := s.start("partner", "relay", "--credential", credential, "--listen", addr)
	s.relays = append(s.relays, p)
	s.wait("the relay's port", func() error {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err
	}, p)
	return "http://" + addr
}

// wait polls until check holds or the process is gone or half a minute is over.
func (s *site) wait(what string, check func() error, p *process) {
	s.t.Helper()
	var err error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err = check(); err == nil {
			return
		}
		select {
		case <-p.done:
			s.t.Fatalf("waiting for %s: the process ended:\n%s", what, tail(p.log.String()))
		default:
		}
	}
	s.t.Fatalf("waiting for %s: %v\n%s", what, err, tail(p.log.String()))
}

// stop ends a process as an operator would.
func (p *process) stop() {
	if p == nil || p.killed {
		return
	}
	p.t.Helper()
	p.end(os.Interrupt)
}

// end has a process end by a signal that asks for it: soon, and with exit status 0. One that
// ended before by itself is held to the same.
func (p *process) end(by os.Signal) {
	p.t.Helper()
	_ = p.cmd.Process.Signal(by) // it may be over, which its status tells
	select {
	case <-p.done:
	case <-time.After(30 * time.Second):
		p.kill()
		p.t.Errorf("%s does not end by %s:\n%s", p.cmd.Args[1], by, tail(p.log.String()))
		return
	}
	if !p.cmd.ProcessState.Success() {
		p.t.Errorf("%s ended by %s: %s\n%s", p.cmd.Args[1], by, p.cmd.ProcessState, tail(p.log.String()))
	}
}

// kill ends a process as a power cut would.
func (p *process) kill() {
	p.killed = true
	_ = p.cmd.Process.Kill()
	<-p.done
}

// result is what one command did.
type result struct {
	out, err string
	code     int
}

// try runs a command to its end.
func (s *site) try(stdin string, args ...string) result {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.bin, args...)
	var out, errOut bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), io.MultiWriter(&out, &s.output), io.MultiWriter(&errOut, &s.output)
	cmd.Env = append(os.Environ(), "TMPDIR="+s.mkdir("tmp"))
	err := cmd.Run()
	r := result{out: out.String(), err: errOut.String()}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		r.code = exit.ExitCode()
	} else if err != nil {
		s.t.Fatalf("%v: %v", args, err)
	}
	return r
}

// run runs a command that must succeed and returns what it printed.
func (s *site) run(stdin string, args ...string) string {
	s.t.Helper()
	r := s.try(stdin, args...)
	if r.code != 0 {
		s.t.Fatalf("amanah %s: exit %d\n%s%s", strings.Join(args, " "), r.code, r.out, r.err)
	}
	return strings.TrimSpace(r.out)
}

// operate runs an operator's command on this installation.
func (s *site) operate(stdin string, args ...string) string {
	s.t.Helper()
	return s.run(stdin, append(args, s.flags()...)...)
}

// ask runs a device's command and decodes its answer.
func (s *site) ask(link string, args ...string) map[string]any {
	s.t.Helper()
	return decode(s.t, s.run("", append(append([]string{"device"}, args...), "--link", link)...))
}

func decode(t testing.TB, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, text)
	}
	return m
}
