package e2e

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/amanah-project/amanah/client"
)

// Bounds of an ordeal. A person may be told 12 colours a day: eight check-ins each
// leave four for retries whose first answer was lost.
const (
	guestsPerRound = 12
	asksPerGuest   = 8
	callers        = 8 // check-ins in flight
	untilAnswered  = 60 * time.Second
)

// rounds is how often an ordeal strikes: 3 times, or 30 with SOAK=1.
func rounds() int {
	if os.Getenv("SOAK") == "1" {
		return 30
	}
	return 3
}

// TestKillServer kills the server with signal 9 under load, again and again.
func TestKillServer(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, database ...string) {
		l := newLedger(t, newSite(t, program, database...), rounds())
		l.run(func() {
			l.server.kill()
			l.startServer()
		})
		l.settle()
	})
}

// TestKillKeeper does the same to the keeper; the server stays up all along.
func TestKillKeeper(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, database ...string) {
		l := newLedger(t, newSite(t, program, database...), rounds())
		l.run(func() {
			l.keeper.kill()
			time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
			l.startKeeper()
			l.wait("the server's recovery", func() error { return healthy(l.ops) }, l.server)
		})
		l.settle()
	})
}

// TestTerminate ends server and keeper in turn under load, as a service manager does: they
// finish what they began and leave with exit status 0.
func TestTerminate(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, database ...string) {
		l := newLedger(t, newSite(t, program, database...), rounds())
		l.run(func() {
			if l.struck%2 == 0 {
				l.server.end(syscall.SIGTERM)
				l.startServer()
				return
			}
			l.keeper.end(syscall.SIGTERM)
			l.startKeeper()
			l.wait("the server's recovery", func() error { return healthy(l.ops) }, l.server)
		})
		l.settle()
	})
}

// ledger keeps what devices were told while an installation is hit: the platform
// may lose none of it and count none of it twice.
type ledger struct {
	*site
	rounds   int
	guests   []*guest
	code     string
	patience time.Duration // between tries, a quarter between asks; the SDK, which has less, is left out

	mu       sync.Mutex
	told     map[string]acknowledged // by visit
	unknown  map[*guest]int          // check-ins that the SDK gave up on: done or not
	again    int                     // answers to a retry of what was done already
	acked    atomic.Int64
	troubles atomic.Int64 // tries without an answer, or answered "unavailable"
	struck   int
}

// acknowledged is one answered check-in.
type acknowledged struct {
	by      *guest
	party   int
	receipt string
}

// newLedger starts an installation with a crowd of green people.
func newLedger(t *testing.T, s *site, rounds int) *ledger {
	t.Helper()
	l := &ledger{site: s, rounds: rounds, told: map[string]acknowledged{}, unknown: map[*guest]int{}}
	l.startKeeper()
	l.operate("", "venue", "add", "Mal Uji", "--category", "mall", "--level", "1", "--holds", "1000000")
	l.code = l.operate("", "venue", "code", "1")
	l.operate("", "partner", "add", "Mitra Uji", "--platform", "http://"+l.listen, "--out", l.path("relay.json"))
	l.startServer()
	relay := l.startRelay(l.path("relay.json"))
	began := time.Now()
	l.guests = gather(s, relay, client.Options{}, 1, many("green", guestsPerRound*rounds)...)
	t.Logf("%d people linked in %s", len(l.guests), time.Since(began).Round(time.Millisecond))
	return l
}

// run lets everybody check in, and strikes once in each round, at a moment that
// chance chooses among the round's check-ins.
func (l *ledger) run(strike func()) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(l.rounds)*untilAnswered)
	defer cancel()
	total := guestsPerRound * asksPerGuest
	asks := rand.Perm(total * l.rounds)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for ctx.Err() == nil && !l.t.Failed() {
				n := int(next.Add(1)) - 1
				if n >= len(asks) {
					return
				}
				l.checkIn(ctx, l.guests[asks[n]%len(l.guests)], n)
				time.Sleep(l.patience / 4)
			}
		})
	}
	for round := range l.rounds {
		at := int64(round*total + total/8 + rand.IntN(total/2))
		for l.acked.Load() < at && ctx.Err() == nil && !l.t.Failed() {
			time.Sleep(time.Millisecond)
		}
		strike()
		l.struck++
	}
	wg.Wait()
	if l.t.Failed() {
		l.t.FailNow()
	}
}

// checkIn checks in once: every other time through the SDK, which gives up after
// some tries, and otherwise with the test's own nonce until there is an answer.
func (l *ledger) checkIn(ctx context.Context, g *guest, n int) {
	party := 1 + n%3
	if n%2 == 0 && l.patience == 0 {
		v, err := g.CheckIn(ctx, client.CheckIn{Code: l.code, Party: party})
		switch {
		case err == nil:
			l.note(g, party, v)
		case errors.Is(err, client.ErrUnavailable):
			l.mu.Lock()
			l.unknown[g]++
			l.mu.Unlock()
			l.troubles.Add(1)
		default:
			l.t.Errorf("check-in by the SDK: %v", err)
		}
		return
	}
	body := ticketBody(l.code, party, time.Now())
	for end := time.Now().Add(untilAnswered); ; time.Sleep(max(20*time.Millisecond, l.patience)) {
		a, err := g.post(ctx, body)
		switch {
		case err == nil && a.Status == 200:
			l.note(g, party, &a.Visit)
			return
		case err == nil && a.Status != 503:
			l.t.Errorf("check-in: %d %s", a.Status, a.Title)
			return
		case time.Now().After(end):
			l.t.Errorf("no answer in %s: %v %d %s", untilAnswered, err, a.Status, a.Title)
			return
		}
		l.troubles.Add(1)
	}
}

func (l *ledger) note(g *guest, party int, v *client.Visit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, twice := l.told[v.Visit]; twice || v.Visit == "" || v.Decision == "refuse" {
		l.t.Errorf("visit %q, %s, was acknowledged before: %v", v.Visit, v.Decision, twice)
	}
	if v.Code == "again" {
		l.again++
	}
	l.told[v.Visit] = acknowledged{g, party, v.Receipt}
	l.acked.Add(1)
}

// settle compares what devices were told with each person's own history, the
// database and the access log.
func (l *ledger) settle() {
	l.t.Helper()
	lost, extra := l.histories()
	l.server.stop()
	l.counts()
	events := l.receipts()
	maybe := 0
	for _, n := range l.unknown {
		maybe += n
	}
	l.t.Logf("%d strikes, %d check-ins acknowledged (%d of them to a retry), %d given up, %d tries in vain; %d lost, %d double; %d events",
		l.struck, len(l.told), l.again, maybe, l.troubles.Load(), lost, extra, events)
}

// histories asks every person for their own visits: each that was acknowledged is
// there once, and nothing else but what its device does not know the outcome of.
func (l *ledger) histories() (lost, double int) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	seen := map[string]int{}
	of := map[*guest]int{}
	for _, g := range l.guests {
		past, err := g.visits(ctx)
		if err != nil {
			l.t.Fatalf("history: %v", err)
		}
		for _, v := range past {
			if seen[v.Visit]++; seen[v.Visit] > 1 {
				double++
			}
			a, ok := l.told[v.Visit]
			switch {
			case !ok:
				of[g]++
			case a.by != g || a.party != v.Party || v.Colour != "green":
				l.t.Errorf("a visit is not what was acknowledged: %+v", v)
			}
		}
		if extra := of[g] - l.unknown[g]; extra > 0 {
			double += extra
		}
	}
	for id := range l.told {
		if seen[id] == 0 {
			lost++
		}
	}
	if lost > 0 || double > 0 {
		l.t.Errorf("by the histories %d are lost and %d double", lost, double)
	}
	return lost, double
}

// counts asks the database itself: every acknowledged visit is one row, there are
// no others but the unknown ones, and a venue's count is its open visits'.
func (l *ledger) counts() {
	l.t.Helper()
	rows := map[string]int{}
	for _, r := range l.rows("SELECT id FROM venue_visit") {
		rows[r[0]]++
	}
	maybe := 0
	for _, n := range l.unknown {
		maybe += n
	}
	lost := 0
	for id := range l.told {
		if rows[id] != 1 {
			lost++
		}
	}
	if extra := len(rows) - len(l.told); lost > 0 || extra < 0 || extra > maybe {
		l.t.Errorf("%d rows for %d acknowledged check-ins and %d unknown ones; %d are missing", len(rows), len(l.told), maybe, lost)
	}
	inside := l.rows("SELECT inside FROM venue_occupancy WHERE venue_id = 1")[0][0]
	open := l.rows("SELECT sum(party) FROM venue_visit WHERE left_at = 0 AND decision <> 3")[0][0]
	if inside != open {
		l.t.Errorf("the venue counts %s people, its open visits %s", inside, open)
	}
}

// receipts checks that the log is whole, and that it holds the event that each
// acknowledgement came with as well as the one that each visit refers to.
func (l *ledger) receipts() int {
	l.t.Helper()
	report := decode(l.t, l.operate("", "log", "check", "--json"))
	events, _ := report["events"].(float64)
	if int(events) < len(l.told) || report["faults"] != nil {
		l.t.Errorf("log: %v", report)
	}
	leaves := map[string][2]string{} // root and count, by gate and number
	for _, r := range l.rows("SELECT gate, seq, root, count, voided FROM accesslog_leaf") {
		if leaves[r[0]+"/"+r[1]] = [2]string{r[2], r[3]}; r[4] != "0" {
			leaves[r[0]+"/"+r[1]] = [2]string{"voided", "0"}
		}
	}
	for id, a := range l.told {
		r := readReceipt(l.t, a.receipt)
		leaf := leaves[r.leaf]
		if n, _ := strconv.Atoi(leaf[1]); leaf[0] != r.root || n != r.count || r.fold() != leaf[0] {
			l.t.Errorf("the event of %s is not in the log", id)
			break
		}
		if r.event[0] ^= 1; r.fold() == leaf[0] {
			l.t.Errorf("control: the receipt of %s leads another event to the log", id)
			break
		}
	}
	for _, r := range l.rows("SELECT gate, seq, event FROM venue_visit") {
		index, _ := strconv.Atoi(r[2])
		if n, _ := strconv.Atoi(leaves[r[0]+"/"+r[1]][1]); index >= n {
			l.t.Error("a visit's event is not in the log")
			break
		}
	}
	return int(events)
}
