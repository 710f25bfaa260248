package postgres_test

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// proxy stands between a client and the cluster, and takes it away.
type proxy struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	gone  bool // connections are refused
	conns map[net.Conn]bool
	cut   int // what to do with the next commit: one of the following
}

const (
	pass       = iota
	cutBefore  // lose the connection before the server has it
	cutAfter   // lose the connection when the server has answered it
	cutBlindly // lose the connection as soon as the server has it
	swallow    // pass on nothing, commit or not, and keep the connection
)

// newProxy returns a proxy to the database at u, and the URL through it.
func newProxy(t *testing.T, u string) (*proxy, string) {
	t.Helper()
	at, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, to: at.Host, conns: map[net.Conn]bool{}}
	t.Cleanup(func() {
		l.Close()
		p.close(true)
	})
	go p.serve()
	at.Host = l.Addr().String()
	return p, at.String()
}

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.to)
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		if p.gone {
			client.Close()
			server.Close()
		}
		p.conns[client], p.conns[server] = true, true
		p.mu.Unlock()
		answered := make(chan struct{}, 1)
		go p.up(client, server, answered)
		go p.down(client, server, answered)
	}
}

// down carries what the server says; a connection about to be cut stops here.
func (p *proxy) down(client, server net.Conn, answered chan struct{}) {
	defer client.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := server.Read(b)
		if err != nil {
			return
		}
		p.mu.Lock()
		cut := p.cut == cutAfter && bytes.Contains(b[:n], []byte("COMMIT\x00"))
		p.mu.Unlock()
		if cut {
			answered <- struct{}{}
			return
		}
		if _, err := client.Write(b[:n]); err != nil {
			return
		}
	}
}

func (p *proxy) up(client, server net.Conn, answered chan struct{}) {
	defer server.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := client.Read(b)
		if err != nil {
			return
		}
		p.mu.Lock()
		cut := p.cut
		p.mu.Unlock()
		commit := bytes.Contains(b[:n], []byte("commit\x00"))
		if cut == swallow {
			continue
		}
		if commit && cut == cutBefore {
			client.Close()
			return
		}
		if commit && cut == cutBlindly {
			client.Close() // first, or the server's answer may still get through
		}
		if _, err := io.Copy(server, bytes.NewReader(b[:n])); err != nil {
			return
		}
		switch {
		case commit && cut == cutBlindly:
			return
		case commit && cut == cutAfter:
			<-answered
			return
		}
	}
}

// set says what becomes of the next commits.
func (p *proxy) set(cut int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
}

// close takes the database away, or back; what is connected is cut off.
func (p *proxy) close(gone bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = gone
	for c := range p.conns {
		c.Close()
	}
	clear(p.conns)
}
