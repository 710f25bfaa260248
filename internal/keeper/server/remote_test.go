package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/client"
	"github.com/amanah-project/amanah/internal/keeper/mutual"
	"github.com/amanah-project/amanah/internal/keeper/root"
)

// end is one end's certificate, good from and until days from now.
type end struct {
	tls.Certificate
	pem []byte
}

func newEnd(t *testing.T, from, until int) end {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().AddDate(0, 0, from), NotAfter: time.Now().AddDate(0, 0, until)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return end{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

func (e end) own() (*tls.Certificate, error) { return &e.Certificate, nil }

func known(t *testing.T, roles map[keeper.Role][]end) mutual.Known {
	t.Helper()
	k := mutual.Known{}
	for role, ends := range roles {
		for _, e := range ends {
			if err := k.Add(role, e.pem); err != nil {
				t.Fatal(err)
			}
		}
	}
	return k
}

// TestAnotherHost: a server and an operator on another host ask what their certificates
// say, and nobody else asks anything.
func TestAnotherHost(t *testing.T) {
	own, server, operator := newEnd(t, -1, 1), newEnd(t, -1, 1), newEnd(t, -1, 1)
	stranger, late, early := newEnd(t, -1, 1), newEnd(t, -3, -1), newEnd(t, 1, 3)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k, err := Open(Options{Disk: durabletest.New(1), Credential: root.Credential{Secret: make([]byte, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() {
		served <- k.Serve(ctx, ListenOptions{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler), Remote: &Remote{
			Listener: l, Own: own.own,
			Known: known(t, map[keeper.Role][]end{keeper.RoleServe: {server, late, early}, keeper.RoleAdmin: {operator}}),
		}})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	silent, err := net.Dial("tcp", l.Addr().String()) // says nothing, and is in nobody's way
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	trusted := known(t, map[keeper.Role][]end{keeper.RoleAdmin: {own}})
	from := func(e end, k mutual.Known) *client.Client {
		c := client.NewRemote(l.Addr().String(), mutual.Config(e.own, k))
		t.Cleanup(func() { c.Close() })
		return c
	}

	if _, err := from(operator, trusted).Register(ctx, 2); err != nil {
		t.Errorf("an operator: %v", err)
	}
	c := from(server, trusted)
	if _, err := c.ServiceKeys(ctx); err != nil {
		t.Errorf("a server: %v", err)
	}
	_, _, err = c.Read(ctx, keeper.Intent{Actor: "a", Purpose: "b", Budget: keeper.BudgetImport}, reads(1))
	wants(t, "a server that asks an operator's", err, keeper.ErrRole)
	for name, e := range map[string]end{"a stranger": stranger, "a certificate that is over": late, "one that is to come": early, "none": {}} {
		_, err = from(e, trusted).Health(ctx)
		wants(t, name, err, keeper.ErrUnavailable)
	}
	_, err = from(server, known(t, map[keeper.Role][]end{keeper.RoleAdmin: {stranger}})).Health(ctx)
	wants(t, "a keeper that is another", err, keeper.ErrUnavailable)
	_, err = client.NewRemote(l.Addr().String(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}).Health(ctx)
	wants(t, "an older TLS", err, keeper.ErrUnavailable)
	if _, err := from(server, trusted).ServiceKeys(ctx); err != nil {
		t.Errorf("a server, after all that: %v", err)
	}
}
