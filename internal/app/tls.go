package app

import (
	"crypto/tls"
	"net"
	"os"
	"sync"
	"time"
)

// secure wraps a listener in TLS when a certificate is configured. A relay may show
// a certificate of its own; nobody's issuer is trusted, for the resource that takes
// it knows each certificate by its hash.
func (s *Server) secure(l net.Listener) (net.Listener, error) {
	if s.cfg.TLS.Cert == "" {
		return l, nil
	}
	c := &certificate{cert: s.cfg.TLS.Cert, key: s.cfg.TLS.Key}
	if _, err := c.get(nil); err != nil {
		return nil, err
	}
	return tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: c.get, ClientAuth: tls.RequestClientCert, NextProtos: []string{"http/1.1"}}), nil
}

// certificate reads a certificate's files again when they change, so that a
// renewal needs no restart.
type certificate struct {
	cert, key string
	mu        sync.Mutex
	looked    time.Time
	changed   time.Time
	loaded    *tls.Certificate
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.own() }

func (c *certificate) own() (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loaded != nil && time.Since(c.looked) < 10*time.Second {
		return c.loaded, nil
	}
	c.looked = time.Now()
	info, err := os.Stat(c.cert)
	if err == nil && c.loaded != nil && info.ModTime().Equal(c.changed) {
		return c.loaded, nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		if c.loaded != nil { // half-written renewal: the old one still serves
			return c.loaded, nil
		}
		return nil, err
	}
	c.loaded = &pair
	if info != nil {
		c.changed = info.ModTime()
	}
	return c.loaded, nil
}
