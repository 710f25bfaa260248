// Package client asks the keeper over its socket, or on another host by mutual TLS.
//
// A call that finds no keeper fails at once with keeper.ErrUnavailable; the next
// one dials again, so a keeper that comes back is found. What a call returns
// belongs to the caller.
package client

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/wire"
)

// Client is a pool of connections to one keeper.
type Client struct {
	dial func(context.Context) (net.Conn, error)
	free chan *conn
}

type conn struct {
	net.Conn
	messages *wire.Stream
}

// callTime bounds a call whose context has no deadline.
const callTime = 30 * time.Second

// dialTime bounds the dial and, of another host, the handshake.
const dialTime = 5 * time.Second

// New makes a Client of the keeper at a Unix socket; it dials when it is first asked.
func New(path string) *Client {
	return over(func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	})
}

// NewRemote makes a Client of the keeper at host:port, by package mutual's configuration.
func NewRemote(addr string, config *tls.Config) *Client {
	d := tls.Dialer{Config: config}
	return over(func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "tcp", addr) })
}

func over(dial func(context.Context) (net.Conn, error)) *Client {
	return &Client{dial, make(chan *conn, 16)}
}

// Close closes the connections that are not in use.
func (c *Client) Close() error {
	for {
		select {
		case one := <-c.free:
			one.Close()
		default:
			return nil
		}
	}
}

func (c *Client) call(ctx context.Context, r *wire.Request) (*wire.Answer, error) {
	one, err := c.take(ctx)
	if err != nil {
		return nil, err
	}
	end := time.Now().Add(callTime)
	if d, ok := ctx.Deadline(); ok && d.Before(end) {
		end = d
	}
	var a wire.Answer
	err = one.SetDeadline(end)
	// A caller who gives up does not wait for the deadline.
	stop := context.AfterFunc(ctx, func() { _ = one.SetDeadline(time.Now()) })
	if err == nil {
		err = one.messages.Send(r)
	}
	if err == nil {
		err = one.messages.Receive(&a)
	}
	if err != nil {
		stop()
		one.Close()
		if errors.Is(err, keeper.ErrTooMany) {
			return nil, err // more than a frame holds, which another keeper's would not either
		}
		_ = c.Close() // the other idle connections end at the same keeper
		return nil, fmt.Errorf("%w: %v", keeper.ErrUnavailable, err)
	}
	if !stop() { // its deadline is over, or will be in a moment
		one.Close()
		return &a, a.Fault.Err()
	}
	select {
	case c.free <- one:
	default:
		one.Close()
	}
	return &a, a.Fault.Err()
}

func (c *Client) take(ctx context.Context) (*conn, error) {
	select {
	case one := <-c.free:
		return one, nil
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	raw, err := c.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", keeper.ErrUnavailable, err)
	}
	return &conn{raw, wire.NewStream(bufio.NewReaderSize(raw, 64<<10), raw)}, nil
}

// ServiceKeys returns the keys that the server holds.
func (c *Client) ServiceKeys(ctx context.Context) (keeper.ServiceKeys, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.ServiceKeys})
	if err != nil {
		return keeper.ServiceKeys{}, err
	}
	return a.Keys, nil
}

// Index returns blind-index tags.
func (c *Client) Index(ctx context.Context, kind keeper.Kind, values [][]byte) ([]identity.Tag, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.Index, Kind: kind, Values: values})
	if err != nil {
		return nil, err
	}
	return a.Tags, nil
}

// Register makes n people.
func (c *Client) Register(ctx context.Context, n int) ([]keeper.Registered, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.Register, N: n})
	if err != nil {
		return nil, err
	}
	return a.Registered, nil
}

// Write asks for the keys of next versions.
func (c *Client) Write(ctx context.Context, w []keeper.Write) ([]keeper.Written, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.Write, Writes: w})
	if err != nil {
		return nil, err
	}
	out := make([]keeper.Written, len(a.Versions))
	for i := range out {
		out[i] = keeper.Written{Version: a.Versions[i], Key: a.Secrets[i], Err: a.Faults[i].Err()}
	}
	return out, nil
}

// Settle confirms writes.
func (c *Client) Settle(ctx context.Context, s []keeper.Settled) error {
	_, err := c.call(ctx, &wire.Request{Call: wire.Settle, Settled: s})
	return err
}

// Read asks for the keys of the versions an intent names.
func (c *Client) Read(ctx context.Context, i keeper.Intent, r []keeper.Read) (keeper.Receipt, []keeper.Opened, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.Read, Intent: i, Reads: r})
	if err != nil {
		return keeper.Receipt{}, nil, err
	}
	return a.Receipt, a.AllOpened(), nil
}

// PutColours seals timelines.
func (c *Client) PutColours(ctx context.Context, d []keeper.Decided) ([]status.SealedColour, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.PutColours, Decided: d})
	if err != nil {
		return nil, err
	}
	return a.Colours, nil
}

// ColourVersions returns the version of each person's current colour; zero for
// none.
func (c *Client) ColourVersions(ctx context.Context, people []identity.PersonID) ([]uint32, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.ColourVersions, People: people})
	if err != nil {
		return nil, err
	}
	return a.Current, nil
}

// OpenGate begins a gate session.
func (c *Client) OpenGate(ctx context.Context) (accesslog.GateID, accesslog.Hash, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.OpenGate})
	if err != nil {
		return accesslog.GateID{}, accesslog.Hash{}, err
	}
	return a.Gate, a.Chain, nil
}

// Gate opens colours and seals events.
func (c *Client) Gate(ctx context.Context, gate accesslog.GateID, items []keeper.GateItem) (keeper.GateReply, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.Gate, Gate: gate, Items: items})
	if err != nil {
		return keeper.GateReply{}, err
	}
	return a.Reply, nil
}

// Pseudonyms names a person on each day.
func (c *Client) Pseudonyms(ctx context.Context, who identity.PersonID, days []day.Day) ([]venue.Pseudonym, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.Pseudonyms, Person: who, Days: days})
	if err != nil {
		return nil, err
	}
	return a.Names, nil
}

// OpenEvents opens events of one day.
func (c *Client) OpenEvents(ctx context.Context, i keeper.Intent, d day.Day, e []keeper.SealedEvent) ([]keeper.Event, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.OpenEvents, Intent: i, Days: []day.Day{d}, Events: e})
	if err != nil {
		return nil, err
	}
	return a.Events, nil
}

// SealNotes seals texts to their people.
func (c *Client) SealNotes(ctx context.Context, n []keeper.Note) ([][]byte, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.SealNotes, Notes: n})
	if err != nil {
		return nil, err
	}
	return a.Notes, nil
}

// OpenNotes opens texts.
func (c *Client) OpenNotes(ctx context.Context, i keeper.Intent, n []keeper.Note) ([][]byte, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.OpenNotes, Intent: i, Notes: n})
	if err != nil {
		return nil, err
	}
	return a.Notes, nil
}

// DestroyDay destroys a day's key.
func (c *Client) DestroyDay(ctx context.Context, d day.Day) (keeper.Certificate, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.DestroyDay, Days: []day.Day{d}})
	if err != nil {
		return keeper.Certificate{}, err
	}
	return a.Certificates[0], nil
}

// Certificates lists the days destroyed.
func (c *Client) Certificates(ctx context.Context) ([]keeper.Certificate, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.Certificates})
	if err != nil {
		return nil, err
	}
	return a.Certificates, nil
}

// Use takes proofs that a request came with, nonces and all of that run. It returns
// the run that answers, when one does.
func (c *Client) Use(ctx context.Context, run uint64, proofs keeper.Proofs) (keeper.Run, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.Use, Run: run, Proofs: proofs})
	if a == nil {
		return keeper.Run{}, err
	}
	return a.Run, err
}

// Attest has an agreement's digest signed by the log key.
func (c *Client) Attest(ctx context.Context, digest [32]byte) (partner.Countersignature, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.Attest, Digest: digest})
	if err != nil {
		return partner.Countersignature{}, err
	}
	return a.Attested, nil
}

// Health asks how the keeper is.
func (c *Client) Health(ctx context.Context) (keeper.Health, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.Health})
	if err != nil {
		return keeper.Health{}, err
	}
	return a.Health, nil
}
