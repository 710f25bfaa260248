package server

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
)

// byHand opens a keeper that writes counts when a test has it do so.
func byHand(t testing.TB, d durable.FS, c *clock) *Keeper {
	t.Helper()
	opt := options(d, c)
	opt.countEvery = time.Hour
	k, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestTwelveColoursADay(t *testing.T) {
	k, c := fresh(t, 2)
	gate, row, other := openGate(t, k), colour(t, k, 1, 1), colour(t, k, 2, 2)
	twelve := func() {
		t.Helper()
		for i := range 12 {
			if got := ask(t, k, gate, row); got.Outcome != keeper.GateOpened || got.Left != 11-i {
				t.Fatalf("colour %d: outcome %d, %d left", i+1, got.Outcome, got.Left)
			}
		}
		if got := ask(t, k, gate, row); got.Outcome != keeper.GateLimited || got.Left != 0 || got.Timeline != [64]byte{} {
			t.Fatalf("the thirteenth: %+v", got)
		}
	}
	twelve()
	if got := ask(t, k, gate, other); got.Outcome != keeper.GateOpened || got.Left != 11 {
		t.Errorf("another person: %+v", got)
	}
	if k.Opened() != 13 {
		t.Errorf("%d colours opened", k.Opened())
	}
	c.at.Store(c.today().Add(1).Start().UnixNano())
	twelve()
	c.pass(-time.Hour) // the clock is set back over midnight: nobody gets twelve more
	if got := ask(t, k, gate, row); got.Outcome != keeper.GateLimited {
		t.Errorf("after the clock went back: outcome %d", got.Outcome)
	}
}

func TestCountsSurviveARestart(t *testing.T) {
	c, d := newClock(), durabletest.New(1)
	k := start(t, d, c)
	register(t, k, 300)
	row := colour(t, k, 299, 1)
	for i := range 5 {
		if got := ask(t, k, openGate(t, k), row); got.Left != 11-i {
			t.Fatalf("%d left", got.Left)
		}
		k = restart(t, k, c)
	}
	c.pass(24 * time.Hour)
	k = restart(t, k, c)
	defer k.Close()
	if got := ask(t, k, openGate(t, k), row); got.Left != 11 {
		t.Errorf("the next day: %d left", got.Left)
	}
	names, err := d.List("")
	if err != nil {
		t.Fatal(err)
	}
	if old := askPrefix + c.today().Add(-1).String(); bytes.Contains(fmt.Append(nil, names), []byte(old)) {
		t.Errorf("yesterday's counts are still there: %v", names)
	}
}

// TestCountsSurviveACrash: all that was asked before the last writing is counted;
// nothing is counted that was not asked.
func TestCountsSurviveACrash(t *testing.T) {
	for seed := range uint64(60) {
		c, d := newClock(), durabletest.New(seed)
		k := byHand(t, d, c)
		register(t, k, 2)
		gate, row := openGate(t, k), colour(t, k, 2, 1)
		sure := 0
		for range 2 { // a second life appends to what the first left torn
			for range 3 {
				ask(t, k, gate, row)
				sure++
			}
			k.counts.Write()
			written := sure
			ask(t, k, gate, row) // within the last half second
			cut(d, k)
			k = byHand(t, d, c)
			gate = openGate(t, k)
			used := k.counts.Used(2)
			if used < written || used > written+1 {
				t.Fatalf("seed %d: %d colours counted, %d were written and one more asked", seed, used, written)
			}
			sure = used
		}
		k.Close()
	}
}

// TestAKeeperThatCannotCountStops: with counts that are not written, killing the
// keeper would give everybody twelve more.
func TestAKeeperThatCannotCountStops(t *testing.T) {
	c, d := newClock(), durabletest.New(1)
	k := byHand(t, d, c)
	register(t, k, 1)
	gate, row := openGate(t, k), colour(t, k, 1, 1)
	ask(t, k, gate, row)
	d.Fail(durabletest.Failure{N: 1})
	k.counts.Write()
	_, err := k.Gate(keeper.RoleServe, gate, []keeper.GateItem{{Colour: row, Asks: true, Instant: c.now()}})
	wants(t, "the gate", err, keeper.ErrUnavailable)
	_, err = k.Health()
	wants(t, "health", err, keeper.ErrUnavailable)
	wants(t, "closing", k.Close(), keeper.ErrUnavailable)
}

// TestAKeeperThatCannotJournalStops: what memory holds is then ahead of what a
// restart would find.
func TestAKeeperThatCannotJournalStops(t *testing.T) {
	c, d := newClock(), durabletest.New(1)
	k := start(t, d, c)
	register(t, k, 1)
	gate, row := openGate(t, k), colour(t, k, 1, 1)
	ask(t, k, gate, row)
	d.Fail(durabletest.Failure{N: 1})
	_, err := k.PutColours([]keeper.Decided{{Person: 1, Timeline: timeline(2)}})
	wants(t, "the failed call", err, keeper.ErrUnavailable)
	for name, call := range map[string]func() error{
		"health":   func() error { _, err := k.Health(); return err },
		"register": func() error { _, err := k.people.Register(1); return err },
		"write":    func() error { _, err := write(k, 1, 2, person1()); return err },
		"settle":   func() error { return k.people.Settle(nil) },
		"read":     func() error { _, err := read(k, 1, person1()); return err },
		"colours":  func() error { _, err := k.PutColours([]keeper.Decided{{Person: 1}}); return err },
		"versions": func() error { _, err := k.people.ColourVersions(personIDs(1)); return err },
		"sessions": func() error { _, _, err := k.OpenGate(); return err },
		"service":  func() error { _, err := k.ServiceKeys(); return err },
		"gate": func() error {
			_, err := k.Gate(keeper.RoleServe, gate, []keeper.GateItem{{Colour: row, Instant: c.now()}})
			return err
		},
		"events": func() error { _, err := k.OpenEvents(importerOf(keeper.BudgetSelf), c.today(), nil); return err },
	} {
		wants(t, name, call(), keeper.ErrUnavailable)
	}
	k.Close()
	k = start(t, d, c)
	defer k.Close()
	if got := ask(t, k, openGate(t, k), row); got.Outcome != keeper.GateOpened {
		t.Errorf("after a restart: %+v", got)
	}
}
