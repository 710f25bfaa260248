package demo

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/internal/fault"
)

// tap keeps the last message that passed between a device and its relay: what a
// partner's servers see.
type tap struct {
	to   http.RoundTripper
	mu   sync.Mutex
	keep bool
	last []byte
	head int // header lines of the answer
}

// RoundTrip passes a message on.
func (t *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := t.to.RoundTrip(r)
	t.mu.Lock()
	keep := t.keep
	t.mu.Unlock()
	if err != nil || !keep || r.Method != http.MethodPost {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	_ = res.Body.Close() // it was read to its end
	res.Body = io.NopCloser(bytes.NewReader(body))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last, t.head = body, len(res.Header)
	return res, nil
}

func (t *tap) watch() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keep = true
}

func (t *tap) seen() ([]byte, int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last, t.head
}

// side is one check-in as partner and person saw it.
type side struct {
	wire   []byte
	head   int
	answer *client.Visit
}

// meet checks people in, one after the other, until two were told different colours.
// It comes before everybody lives: by the end their colours of the day may be used up.
func (c *country) meet(ctx context.Context) error {
	colours := map[string]bool{}
	for _, p := range c.phones {
		s, err := c.look(ctx, p)
		if err != nil {
			return err
		}
		if colours[s.answer.Colour] {
			continue
		}
		colours[s.answer.Colour] = true
		if c.sides = append(c.sides, *s); len(c.sides) == 2 {
			return nil
		}
	}
	return fault.New(fault.Internal, "no two people of different colour were found")
}

// compare shows what a partner saw of two answers of different colour beside what
// the people saw, and fails when a partner could tell them apart by their size.
func (c *country) compare() error {
	c.say("\nwhat the partner's servers saw of two answers        and what the two people saw")
	for _, s := range c.sides {
		a := s.answer
		c.say(fmt.Sprintf("  %d bytes, %d headers: %s…   %s, %s: %s", len(s.wire), s.head, hex.EncodeToString(s.wire[:12]), a.Colour, a.Decision, a.Reason.Text))
		if a.Next != nil {
			c.say(fmt.Sprintf("  %57s becomes %s on %s: %s", "", a.Next.Colour, a.Next.At.Local().Format("2 January 2006 15:04"), a.Next.Reason.Text))
		} else {
			c.say(fmt.Sprintf("  %57s does not change by itself", ""))
		}
	}
	if one, other := c.sides[0], c.sides[1]; len(one.wire) != len(other.wire) || one.head != other.head {
		return fault.New(fault.Internal, "the partner could tell the two answers apart")
	}
	c.say(fmt.Sprintf("one length, %d bytes: the partner learned nothing", len(c.sides[0].wire)))
	return nil
}

// look checks one person in and returns both sides of it.
func (c *country) look(ctx context.Context, p *phone) (*side, error) {
	p.line.watch()
	v, err := p.device.CheckIn(ctx, client.CheckIn{Code: c.codes[0], Party: 1})
	if err != nil {
		return nil, err
	}
	wire, head := p.line.seen()
	return &side{wire, head, v}, nil
}
