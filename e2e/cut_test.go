package e2e

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// cable is the network between one server and its database, which can be cut.
type cable struct {
	listener net.Listener
	to       string
	silent   atomic.Bool // what is sent is swallowed, and nobody is told
	mu       sync.Mutex
	down     bool // connections end, and none is taken
	conns    []net.Conn
}

// newCable puts a cable before the database of a URL file and writes a file that goes
// through it.
func newCable(t *testing.T, urlFile, through string) *cable {
	t.Helper()
	at, err := url.Parse(string(bytes.TrimSpace([]byte(read(t, urlFile)))))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &cable{listener: l, to: at.Host}
	t.Cleanup(func() {
		l.Close()
		n.set(false, true)
	})
	go n.serve()
	at.Host = l.Addr().String()
	write(t, through, at.String()+"\n")
	return n
}

func (n *cable) serve() {
	for {
		near, err := n.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", n.to)
		if err != nil {
			near.Close()
			continue
		}
		n.mu.Lock()
		n.conns = append(n.conns, near, far)
		if n.down {
			near.Close()
			far.Close()
		}
		n.mu.Unlock()
		go n.carry(far, near)
		go n.carry(near, far)
	}
}

func (n *cable) carry(to, from net.Conn) {
	defer to.Close()
	b := make([]byte, 32<<10)
	for {
		got, err := from.Read(b)
		if err != nil {
			return
		}
		if n.silent.Load() {
			continue
		}
		if _, err := io.Copy(to, bytes.NewReader(b[:got])); err != nil {
			return
		}
	}
}

// set makes the line silent, or takes it down; with neither it is whole again, and
// what was connected before is not.
func (n *cable) set(silent, down bool) {
	n.silent.Store(silent)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = down
	if silent {
		return
	}
	for _, c := range n.conns {
		c.Close()
	}
	n.conns = nil
}

// cutPair is a pair whose second server has a line to its database that can be cut.
type cutPair struct {
	*pair
	cable *cable
}

func newCutPair(t *testing.T, bin string) *cutPair {
	t.Helper()
	p := newPair(t, bin, 4)
	p.second.stop()
	i := slices.Index(p.database, "--database-url-file")
	c := &cutPair{p, newCable(t, p.database[i+1], p.path("cut.url"))}
	whole := p.database
	p.database = slices.Clone(whole)
	p.database[i+1] = p.path("cut.url")
	p.startSecond()
	p.database = whole
	return c
}

// ask sends a check-out of nothing to the second server: what the relay is told, or
// an error when nothing is answered in a second.
func (c *cutPair) ask(ctx context.Context) (said, error) {
	l, err := c.desk.write(&c.crowd[0], "POST", "/v1/visits/leave", cover)
	if err != nil {
		return said{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return c.desk.send(ctx, c.servers[1], l, c.desk.proof())
}

// admitted is how long after a moment the second server last let the relay in.
// Requests go out beside one another, for one that was let in may hang.
func (c *cutPair) admitted(since time.Time, long time.Duration) (last time.Duration, after said) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for time.Since(since) < long {
		sent := time.Since(since)
		wg.Go(func() {
			a, err := c.ask(c.t.Context())
			mu.Lock()
			defer mu.Unlock()
			in := err == nil && a.outer == 200 || errors.Is(err, context.DeadlineExceeded)
			switch {
			case in:
				last = max(last, sent)
			case err == nil && sent > long-time.Second:
				after = a
			}
		})
		time.Sleep(50 * time.Millisecond)
	}
	wg.Wait()
	return last, after
}

// TestCutOffServerFailsClosed: a server that cannot read partners' states serves
// nobody five seconds later, so that a suspension of which it cannot hear bites there
// as well, whether its database is gone or only silent. In a build without that the
// same trial sees the partner let in.
func TestCutOffServerFailsClosed(t *testing.T) {
	t.Parallel()
	const watch = 8 * time.Second
	for name, silent := range map[string]bool{"gone": false, "silent": true} {
		t.Run(name, func(t *testing.T) {
			c := newCutPair(t, program)
			if a, err := c.ask(t.Context()); err != nil || a.status != 200 {
				t.Fatalf("whole: %v %d %d", err, a.outer, a.status)
			}
			c.cable.set(silent, !silent)
			began := time.Now()
			c.operate("", "partner", "suspend", "1", "--reason", "diambil alih")
			last, after := c.admitted(began, watch)
			if last > 5*time.Second || after.outer != 503 || !bytes.Contains(after.body, []byte("states are not known")) {
				t.Errorf("last let in after %s, then %d %s", last, after.outer, after.body)
			}
			t.Logf("database %s: the relay was let in for %s, then told %d", name, last.Round(time.Millisecond), after.outer)
			c.cable.set(false, false)
			c.wait("the server to hear of the suspension", func() error {
				a, err := c.ask(t.Context())
				if err == nil && a.outer == 200 {
					t.Error("a suspended partner is let in when the line is whole again")
				}
				if err == nil && a.outer != 403 {
					err = errors.New("not yet")
				}
				return err
			}, c.second)
			c.operate("", "partner", "resume", "1")
			c.wait("the partner to be served again", func() error {
				a, err := c.ask(t.Context())
				if err == nil && a.status != 200 {
					err = errors.New("not yet")
				}
				return err
			}, c.second)
		})
	}
	t.Run("control, states that never grow old", func(t *testing.T) {
		c := newCutPair(t, tagged(t, "amanah_stale"))
		c.cable.set(false, true)
		began := time.Now()
		c.operate("", "partner", "suspend", "1")
		last, _ := c.admitted(began, watch)
		if last < 6*time.Second {
			t.Errorf("the partner was let in for %s only: the trial would not show it", last)
		}
		t.Logf("without the protection the relay was let in for %s, as long as was watched", last.Round(time.Millisecond))
	})
}
