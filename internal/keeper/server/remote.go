package server

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/amanah-project/amanah/internal/keeper/mutual"
)

// Remote says where and for whom a keeper answers other hosts.
type Remote struct {
	Listener net.Listener
	Own      func() (*tls.Certificate, error)
	Known    mutual.Known // who may ask, and what
}

// Bounds of connections from other hosts, which anybody on the network may begin.
const (
	maxRemote     = 256
	handshakeTime = 5 * time.Second
)

// acceptRemote answers those who are known until ctx ends.
func (k *Keeper) acceptRemote(ctx context.Context, opt ListenOptions, start func(func())) error {
	r := opt.Remote
	config := mutual.Config(r.Own, r.Known)
	room := make(chan struct{}, maxRemote)
	for {
		raw, err := r.Listener.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		select {
		case room <- struct{}{}:
		default:
			opt.Log.Warn("a peer was turned away", "error", "too many connections")
			raw.Close()
			continue
		}
		start(func() {
			defer func() { <-room }()
			c := tls.Server(raw, config)
			stop := context.AfterFunc(ctx, func() { raw.Close() })
			defer stop()
			defer c.Close()
			early, cancel := context.WithTimeout(ctx, handshakeTime)
			err := c.HandshakeContext(early)
			cancel()
			if err != nil {
				opt.Log.Warn("a peer was turned away", "error", err)
				return
			}
			role, err := r.Known.Role(c.ConnectionState())
			if err != nil {
				return
			}
			k.converse(c, role)
		})
	}
}
