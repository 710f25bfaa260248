package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// soak reports whether the long forms are asked for.
func soak() bool { return os.Getenv("SOAK") == "1" }

// pair is an installation with two servers over one database and one keeper.
type pair struct {
	*site
	second  *process
	servers [2]string
	ops     [2]string
	desk    *desk
	crowd   []speaker
	code    string // of a venue that holds more than ever come
	small   string // of one that holds 20
}

func newPair(t *testing.T, bin string, people int) *pair {
	t.Helper()
	s := newSite(t, bin, postgres(t)...)
	s.startKeeper()
	s.operate("", "venue", "add", "Mal Uji", "--category", "mall", "--level", "1", "--holds", "1000000")
	s.operate("", "venue", "add", "Kios Uji", "--category", "mall", "--level", "1", "--holds", "20")
	p := &pair{site: s, code: s.operate("", "venue", "code", "1"), small: s.operate("", "venue", "code", "2")}
	s.operate("", "partner", "add", "Mitra Uji", "--platform", "http://"+s.listen, "--out", s.path("relay.json"))
	all, pin := s.enlist(1, many("green", people), 1)
	p.crowd = all[0]
	s.startServer()
	p.servers[0], p.ops[0] = "http://"+s.listen, s.ops
	s.listen, s.ops = freeAddr(t), freeAddr(t)
	p.servers[1], p.ops[1] = "http://"+s.listen, s.ops
	p.startSecond()
	web := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16}}
	p.desk = newDesk(t, s.path("relay.json"), p.servers[0], pin, web)
	return p
}

// startSecond starts the second server, whose data folder is its own.
func (p *pair) startSecond() {
	p.t.Helper()
	args := append([]string{"serve"}, p.flags()...)
	args[slices.Index(args, "--data")+1] = p.path("data2")
	p.second = p.start(args...)
	p.t.Cleanup(p.second.stop)
	p.wait("the second server's health", func() error { return healthy(p.ops[1]) }, p.second)
}

var cover = []byte(`{"cover":true}`)

// TestTwoServers: what is told to one server of an installation holds at the other.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	people, replays, rounds := 40, 1500, 2
	if soak() {
		people, replays, rounds = 200, 100_000, 100
	}
	p := newPair(t, program, people)
	t.Run("replays", func(t *testing.T) {
		c := p.replay(t, replays)
		if c.twice > 0 || c.never > 0 {
			t.Errorf("of %d replayed requests %d were served twice, %d never", replays, c.twice, c.never)
		}
		t.Logf("%d requests sent to both servers: %d served once, %d twice, %d never", replays, c.once, c.twice, c.never)
	})
	t.Run("no colour is lost to a replay", p.replayedColours)
	t.Run("one visit for link, venue and nonce", p.idempotent)
	t.Run("capacity", p.capacity)
	t.Run("links end", func(t *testing.T) { p.linksEnd(t, min(people/4, rounds*2)) })
	t.Run("kill switch", func(t *testing.T) { p.killSwitch(t, rounds) })
	t.Run("restarts", p.restarts)
}

// TestTwoServersForgetting is the control: of a keeper that remembers nothing, in a
// build of its own, the same trial finds requests that both servers served.
func TestTwoServersForgetting(t *testing.T) {
	t.Parallel()
	bin := filepath.Join(t.TempDir(), "amanah")
	if out, err := build(bin, "amanah_forgetful"); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	p := newPair(t, bin, 2)
	c := p.replay(t, 60)
	if c.twice < 50 {
		t.Errorf("without the keeper's memory only %d of 60 replayed requests were served twice: the trial would not show it", c.twice)
	}
	t.Logf("without the keeper's memory %d of 60 were served twice", c.twice)
}

// served counts requests by how many of their two copies were served.
type served struct{ never, once, twice int64 }

// replay brings each request to both servers: half of them at the same moment, half
// one after the other. A third goes whole, a third under another proof of its relay,
// and a third is another device's message under the same proof of the relay.
func (p *pair) replay(t *testing.T, n int) (c served) {
	t.Helper()
	var mu sync.Mutex
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && !t.Failed(); i = int(next.Add(1)) - 1 {
				if i%2000 == 1999 {
					p.desk.learn(t, p.servers[i/2000%2])
				}
				times, err := p.twice(t.Context(), i)
				mu.Lock()
				switch {
				case err != nil:
					t.Error(err)
				case times == 0:
					c.never++
				case times == 1:
					c.once++
				default:
					c.twice++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return c
}

// twice sends the i-th request to both servers and returns how many served it.
func (p *pair) twice(ctx context.Context, i int) (int, error) {
	who := &p.crowd[i%len(p.crowd)]
	first, err := p.desk.write(who, "POST", "/v1/visits/leave", cover)
	if err != nil {
		return 0, err
	}
	second, proofs := first, [2]string{p.desk.proof(), ""}
	switch proofs[1] = proofs[0]; i % 3 {
	case 1:
		proofs[1] = p.desk.proof()
	case 2:
		if second, err = p.desk.write(&p.crowd[(i+1)%len(p.crowd)], "POST", "/v1/visits/leave", cover); err != nil {
			return 0, err
		}
	}
	var answers [2]said
	var failed [2]error
	ask := func(copy int, l letter) {
		answers[copy], failed[copy] = p.desk.send(ctx, p.servers[(i/2+copy)%2], l, proofs[copy])
	}
	if i%2 == 0 {
		ask(0, first)
		ask(1, second)
	} else {
		var both sync.WaitGroup
		both.Go(func() { ask(0, first) })
		both.Go(func() { ask(1, second) })
		both.Wait()
	}
	n := 0
	for copy, a := range answers {
		switch {
		case failed[copy] != nil:
			return 0, failed[copy]
		case a.outer == 200 && a.status == 200:
			n++
		case a.outer != 200 || a.status != 403 || !bytes.Contains(a.body, []byte("used before")):
			return 0, fmt.Errorf("copy %d of request %d: %d, %d %s", copy, i, a.outer, a.status, a.body)
		}
	}
	return n, nil
}

// replayedColours: a replay at the other server is refused before a colour is told,
// so it costs none of the day's twelve, raced or not.
func (p *pair) replayedColours(t *testing.T) {
	who := &p.crowd[0]
	told := 0
	for i := range 6 {
		l, err := p.desk.write(who, "POST", "/v1/visits", ticketBody(p.code, 1, time.Now()))
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		for copy := range 4 {
			wg.Go(func() {
				a, err := p.desk.send(t.Context(), p.servers[(i+copy)%2], l, p.desk.proof())
				mu.Lock()
				defer mu.Unlock()
				if err == nil && a.status == 200 {
					told++
				}
			})
		}
		wg.Wait()
	}
	l, err := p.desk.write(who, "GET", "/v1/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := p.desk.send(t.Context(), p.servers[1], l, p.desk.proof())
	var status struct {
		Left int `json:"left_today"`
	}
	if err != nil || json.Unmarshal(a.body, &status) != nil || told != 6 || status.Left != 12-6-1 {
		t.Errorf("6 check-ins, each sent 4 times over two servers: %d told, %d colours left, want 5: %v %s", told, status.Left, err, a.body)
	}
}

// idempotent: a check-in that its device sends again, under new proofs, is one visit
// wherever it goes.
func (p *pair) idempotent(t *testing.T) {
	for i := range 8 {
		who := &p.crowd[1+i]
		body := ticketBody(p.code, 1, time.Now())
		var wg sync.WaitGroup
		var mu sync.Mutex
		seen := map[string]int{}
		for copy := range 4 {
			wg.Go(func() {
				l, err := p.desk.write(who, "POST", "/v1/visits", body)
				if err == nil {
					var a said
					var v answer
					if a, err = p.desk.send(t.Context(), p.servers[copy%2], l, p.desk.proof()); err == nil && a.status == 200 {
						err = json.Unmarshal(a.body, &v)
						mu.Lock()
						seen[v.Visit.Visit]++
						mu.Unlock()
					}
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(seen) != 1 {
			t.Errorf("one check-in, sent to both servers twice: visits %v", seen)
		}
		for id, n := range seen {
			rows := p.rows(fmt.Sprintf(`SELECT count(*) FROM venue_visit WHERE id = '\x%s'`, id))
			if n != 4 || rows[0][0] != "1" {
				t.Errorf("%d of 4 answers, %s rows", n, rows[0][0])
			}
		}
	}
}

// capacity: parties of five enter a place for twenty, through both servers at once.
func (p *pair) capacity(t *testing.T) {
	time.Sleep(2500 * time.Millisecond) // servers read venues every two seconds
	var admitted atomic.Int64
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			l, err := p.desk.write(&p.crowd[10+i], "POST", "/v1/visits", ticketBody(p.small, 5, time.Now()))
			if err != nil {
				t.Error(err)
				return
			}
			a, err := p.desk.send(t.Context(), p.servers[i%2], l, p.desk.proof())
			var v answer
			if err != nil || a.status != 200 || json.Unmarshal(a.body, &v) != nil {
				t.Errorf("%v %d %s", err, a.status, a.body)
				return
			}
			if v.Decision != "refuse" {
				admitted.Add(1)
			}
		})
	}
	wg.Wait()
	inside := p.rows("SELECT inside FROM venue_occupancy WHERE venue_id = 2")
	if admitted.Load() != 4 || inside[0][0] != "20" {
		t.Errorf("%d parties of 5 admitted to a place for 20, %s counted inside", admitted.Load(), inside[0][0])
	}
}
