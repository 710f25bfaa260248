package e2e

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/client"
)

// TestTroubleKeeper takes the keeper away and brings it back. Meanwhile nobody is
// told a colour, and the server needs no restart.
func TestTroubleKeeper(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, database ...string) {
		c := newCountry(t, program, database...)
		c.ask(c.phones["1"], "checkin", "--code", c.entry)
		c.keeper.kill()
		if err := healthy(c.ops); err == nil {
			t.Error("the server calls itself healthy without a keeper")
		}
		for _, args := range [][]string{{"checkin", "--code", c.entry}, {"status"}, {"history"}} {
			r := c.try("", append(append([]string{"device"}, args...), "--link", c.phones["1"], "--timeout", "1s")...)
			if r.code != 7 || r.out != "" {
				t.Errorf("%s without a keeper: exit %d, want 7: %s%s", args[0], r.code, r.out, r.err)
			}
		}
		c.startKeeper()
		c.wait("the server's recovery", func() error { return healthy(c.ops) }, c.server)
		if a := c.ask(c.phones["1"], "checkin", "--code", c.entry); a["colour"] != "green" {
			t.Errorf("with the keeper back: %v", a)
		}
		if h := c.ask(c.phones["1"], "history"); len(h["visits"].([]any)) != 2 {
			t.Errorf("history: %v", h)
		}
		if report := decode(t, c.operate("", "log", "check", "--json")); report["faults"] != nil {
			t.Errorf("log: %v", report)
		}
	})
}

// TestTroublePostgres cuts the line between server and PostgreSQL under load: once
// each round for longer than partners' states keep, so that everything is refused,
// and then for a moment. Nothing acknowledged is lost and nothing counted twice.
func TestTroublePostgres(t *testing.T) {
	t.Parallel()
	database := postgres(t)
	raw, err := os.ReadFile(database[3])
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	line := newLine(t, u.Host)
	u.Host = line.Addr().String()
	write(t, database[3], u.String())
	l := newLedger(t, newSite(t, program, database...), 2)
	long := true
	l.run(func() {
		pid := l.server.cmd.Process.Pid
		line.cut(true)
		if long {
			time.Sleep(6 * time.Second)
			if healthy(l.ops) == nil {
				t.Error("the server calls itself healthy without its database")
			}
		}
		long = false
		line.cut(false)
		began := time.Now()
		l.wait("the server's recovery", func() error { return healthy(l.ops) }, l.server)
		t.Logf("server %d is well %s after the database came back", pid, time.Since(began).Round(time.Millisecond))
	})
	l.settle()
}

// line is a TCP proxy that can be cut.
type line struct {
	net.Listener
	mu    sync.Mutex
	gone  bool
	conns map[net.Conn]bool
}

func newLine(t *testing.T, to string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{Listener: listener, conns: map[net.Conn]bool{}}
	t.Cleanup(func() {
		l.Close()
		l.cut(true)
	})
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			go l.carry(from, to)
		}
	}()
	return l
}

func (l *line) carry(from net.Conn, to string) {
	defer from.Close()
	l.mu.Lock()
	gone := l.gone
	l.mu.Unlock()
	if gone { // PostgreSQL must not be asked: each connection is a process there
		return
	}
	onward, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer onward.Close()
	l.mu.Lock()
	if gone = l.gone; !gone {
		l.conns[from], l.conns[onward] = true, true
	}
	l.mu.Unlock()
	if gone {
		return
	}
	go func() {
		_, _ = io.Copy(onward, from) // a cut line is the purpose here
		onward.Close()
	}()
	_, _ = io.Copy(from, onward)
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, from)
	delete(l.conns, onward)
}

// cut breaks what is connected and refuses more, or lets it be again.
func (l *line) cut(gone bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = gone
	if gone {
		for c := range l.conns {
			c.Close()
		}
	}
}

// TestTroubleDiskFull fills the disk that SQLite writes to, under load, and makes
// room again: meanwhile nothing is acknowledged, and afterwards all is well without
// a restart.
func TestTroubleDiskFull(t *testing.T) {
	s := newSite(t, program)
	data := smallDisk(t, s, "data")
	l := newLedger(t, s, 1)
	l.server.stop() // its log has room for a while: a new one begins small
	l.startServer()
	l.patience = time.Second // each try costs a colour: they are opened before the commit fails
	l.run(func() {
		l.full(data, func() {})
		l.wait("the server's recovery", func() error { return healthy(l.ops) }, l.server)
	})
	l.settle()
}

// TestTroubleKeeperDiskFull does the same to the keeper's disk: what its journal cannot
// keep it does not answer, and it answers no more until it starts again.
func TestTroubleKeeperDiskFull(t *testing.T) {
	s := newSite(t, program)
	folder := smallDisk(t, s, "keeper")
	l := newLedger(t, s, 1)
	l.patience = 2 * time.Second // so that some of the load is left when the journal is full
	l.run(func() {
		l.full(folder, func() { // the journal's last page has room for some records yet
			for i := range 500 {
				if _, err := l.guests[i%len(l.guests)].visits(t.Context()); err != nil {
					return
				}
			}
		})
		if healthy(l.ops) == nil {
			t.Error("the server calls itself healthy with a keeper that cannot write")
		}
		l.keeper.kill()
		l.startKeeper()
		l.wait("the server's recovery", func() error { return healthy(l.ops) }, l.server)
	})
	l.settle()
}

// smallDisk mounts a file system of 16 MiB as a folder of an installation. Where that cannot
// be done the test fails, unless it is said that it is left out.
func smallDisk(t *testing.T, s *site, name string) string {
	t.Helper()
	if os.Getenv("SKIP_DISK_FULL") == "1" {
		t.Skip("SKIP_DISK_FULL=1: A FULL DISK IS NOT TESTED")
	}
	dir := s.mkdir(name)
	if err := mountSmall(dir, 16<<20); err != nil {
		t.Fatalf("no small file system can be mounted here: %v: run this as root on Linux, or set SKIP_DISK_FULL=1 to leave a full disk untested", err)
	}
	t.Cleanup(func() { // before the site's folder is removed
		s.server.stop()
		s.keeper.stop()
		if err := unmount(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// full leaves no room in a folder until tries are refused, and then makes room.
func (l *ledger) full(dir string, meanwhile func()) {
	l.t.Helper()
	filler := fill(l.t, filepath.Join(dir, "filler"))
	refused := l.troubles.Load()
	meanwhile()
	for end := time.Now().Add(10 * time.Second); l.troubles.Load() < refused+callers && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	if l.troubles.Load() == refused {
		l.t.Error("nothing was refused with a full disk: this proves nothing")
	}
	if err := os.Remove(filler); err != nil {
		l.t.Error(err)
	}
}

// fill writes a file until there is no room for another byte.
func fill(t testing.TB, name string) string {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 64 << 10; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	return name
}

// TestTroubleClock gives devices a clock that is five minutes off, either way.
func TestTroubleClock(t *testing.T) {
	t.Parallel()
	c := newCountry(t, program)
	for _, skew := range []time.Duration{-5 * time.Minute, 5 * time.Minute} {
		_, d := openPhone(t, c.phones["1"], client.Options{Now: func() time.Time { return time.Now().Add(skew) }})
		v, err := d.CheckIn(t.Context(), client.CheckIn{Code: c.entry, Party: 1})
		if err != nil || v.Colour != "green" || v.Decision != "admit" {
			t.Fatalf("skew %s: %+v, %v", skew, v, err)
		}
		screen, err := v.Present(d.Now())
		if err != nil {
			t.Fatal(err)
		}
		c.run(screen, "ticket", "check", "--platform", "http://"+c.listen, "--pin-of", c.phones["1"])
		h, err := d.History(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(h.Visits, func(p client.Past) bool { return p.Visit == v.Visit })
		if i < 0 || time.Since(h.Visits[i].Entered).Abs() > time.Minute {
			t.Errorf("skew %s: history %+v", skew, h)
		}
		if left, err := d.Leave(t.Context(), v.Visit); err != nil || left.Closed != 1 {
			t.Errorf("skew %s: leave %+v, %v", skew, left, err)
		}
	}
}

// TestTroubleRelay has the relay hang up in the middle of answers: the SDK asks
// again, and the check-in counts once.
func TestTroubleRelay(t *testing.T) {
	t.Parallel()
	c := newCountry(t, program)
	rough := &hangUp{every: 2}
	_, d := openPhone(t, c.phones["1"], client.Options{Transport: rough})
	told := map[string]bool{}
	for range 4 {
		v, err := d.CheckIn(t.Context(), client.CheckIn{Code: c.entry, Party: 1})
		if err != nil {
			t.Fatal(err)
		}
		told[v.Visit] = true
	}
	h, err := d.History(t.Context(), 0)
	if err != nil || len(h.Visits) != 4 || len(told) != 4 || rough.lost == 0 {
		t.Errorf("%d visits of 4, %d answers lost: %v", len(h.Visits), rough.lost, err)
	}
	t.Logf("4 check-ins, %d answers lost on the way, %d visits", rough.lost, len(h.Visits))
}

// hangUp loses every n-th answer to a message after it was given.
type hangUp struct {
	http.Transport
	every, n, lost int
}

// RoundTrip sends one request.
func (h *hangUp) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := h.Transport.RoundTrip(r)
	if h.n++; err != nil || r.Method != http.MethodPost || h.n%h.every != 0 {
		return res, err
	}
	_, _ = io.Copy(io.Discard, res.Body)
	res.Body.Close()
	h.lost++
	return nil, errors.New("the relay hung up")
}
