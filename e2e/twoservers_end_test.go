package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"testing"
	"time"
)

// refused asks for one device until the server refuses it, and returns how long that
// took and with what it refused.
func (p *pair) refused(ctx context.Context, server int, who *speaker, since time.Time) (time.Duration, said, error) {
	for {
		l, err := p.desk.write(who, "POST", "/v1/visits/leave", cover)
		if err != nil {
			return 0, said{}, err
		}
		a, err := p.desk.send(ctx, p.servers[server], l, p.desk.proof())
		if took := time.Since(since); err != nil || a.outer != 200 || a.status != 200 || took > time.Minute {
			return took, a, err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// linksEnd: a person removes their link at one server; the other refuses it at once.
func (p *pair) linksEnd(t *testing.T, n int) {
	var worst time.Duration
	for i := range n {
		who := &p.crowd[len(p.crowd)-1-i]
		l, err := p.desk.write(who, "DELETE", fmt.Sprintf("/v1/links/%x", who.link[:]), nil)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		a, err := p.desk.send(t.Context(), p.servers[i%2], l, p.desk.proof())
		if err != nil || a.status != 200 {
			t.Fatalf("unlink: %v %d %s", err, a.status, a.body)
		}
		took, a, err := p.refused(t.Context(), (i+1)%2, who, began)
		if err != nil || a.status != 403 {
			t.Fatalf("the other server: %v %d %s", err, a.status, a.body)
		}
		worst = max(worst, took)
	}
	if worst > time.Minute {
		t.Errorf("the slowest of %d ended links was refused at the other server after %s", n, worst)
	}
	t.Logf("%d links ended at one server: refused at the other after %s at most", n, worst.Round(time.Millisecond))
}

// killSwitch suspends the partner and waits until neither server serves it.
func (p *pair) killSwitch(t *testing.T, rounds int) {
	var all []time.Duration
	for range rounds {
		p.desk.learn(t, p.servers[0]) // a nonce lives for minutes, a hundred rounds longer
		p.operate("", "partner", "suspend", "1")
		began := time.Now()
		for server := range p.servers {
			took, a, err := p.refused(t.Context(), server, &p.crowd[2], began)
			if err != nil || a.outer != 403 {
				t.Fatalf("server %d: %v %d %s", server, err, a.outer, a.body)
			}
			all = append(all, took)
		}
		p.operate("", "partner", "resume", "1")
		for server := range p.servers {
			p.wait("the partner to be served again", func() error {
				l, err := p.desk.write(&p.crowd[2], "POST", "/v1/visits/leave", cover)
				if err == nil {
					var a said
					if a, err = p.desk.send(t.Context(), p.servers[server], l, p.desk.proof()); err == nil && a.outer != 200 {
						err = fmt.Errorf("%d %s", a.outer, a.body)
					}
				}
				return err
			}, p.second)
		}
		time.Sleep(time.Duration(mathrand.IntN(1000)) * time.Millisecond) // another moment of the servers' rounds
	}
	slices.Sort(all)
	worst := all[(len(all)*99+99)/100-1]
	if worst > 5*time.Second {
		t.Errorf("a suspended partner was served for %s (p99 of %d)", worst, len(all))
	}
	t.Logf("%d suspensions at 2 servers: median %s, p99 %s", rounds, all[len(all)/2].Round(time.Millisecond), worst.Round(time.Millisecond))
}

// restarts: neither a server nor a keeper that starts again takes what was used.
func (p *pair) restarts(t *testing.T) {
	who := &p.crowd[3]
	use := func() (letter, string) {
		t.Helper()
		l, err := p.desk.write(who, "POST", "/v1/visits/leave", cover)
		if err != nil {
			t.Fatal(err)
		}
		proof := p.desk.proof()
		if a, err := p.desk.send(t.Context(), p.servers[0], l, proof); err != nil || a.status != 200 {
			t.Fatalf("%v %d %d %s", err, a.outer, a.status, a.body)
		}
		return l, proof
	}
	p.desk.learn(t, p.servers[0])
	l, proof := use()
	p.second.kill()
	p.startSecond()
	if a, err := p.desk.send(t.Context(), p.servers[1], l, proof); err != nil || a.status != 403 || !bytes.Contains(a.body, []byte("used before")) {
		t.Errorf("at a server that started again: %v %d %d %s", err, a.outer, a.status, a.body)
	}
	l, proof = use()
	p.keeper.kill()
	p.startKeeper()
	p.wait("the second server's recovery", func() error { return healthy(p.ops[1]) }, p.second)
	a, err := p.desk.send(t.Context(), p.servers[1], l, proof)
	if err != nil || a.status == 200 || a.outer == 200 && !bytes.Contains(a.body, []byte("use_dpop_nonce")) {
		t.Errorf("after the keeper started again: %v %d %d %s", err, a.outer, a.status, a.body)
	}
	// The control: the nonce that one server gives is soon good at the other, too.
	p.wait("the servers to know each other's nonces again", func() error {
		p.desk.learn(t, p.servers[1])
		l, err := p.desk.write(who, "POST", "/v1/visits/leave", cover)
		if err == nil {
			if a, err = p.desk.send(t.Context(), p.servers[0], l, p.desk.proof()); a.status != 200 {
				err = errors.Join(err, fmt.Errorf("%d %d %s", a.outer, a.status, a.body))
			}
		}
		return err
	}, p.server)
}
