package server

import (
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/once"
)

func proof(n int) (p keeper.Proof) {
	binary.BigEndian.PutUint32(p[:], uint32(n)+1)
	return p
}

func proofs(n ...int) (all keeper.Proofs) {
	for _, one := range n {
		all = all.Name(proof(one))
	}
	return all
}

// TestAProofIsTakenOnce: whichever server brings it. Nothing is opened or counted
// for it a second time, nor for the rest of its party, and each leaves an event.
func TestAProofIsTakenOnce(t *testing.T) {
	k, c := fresh(t, 2)
	one, two := openGate(t, k), openGate(t, k)
	first, second := colour(t, k, 1, 1), colour(t, k, 2, 1)
	run := k.once.Run.ID
	send := func(why string, at accesslog.GateID, event byte, run uint64, p keeper.Proofs, want keeper.GateOutcome, left int) {
		t.Helper()
		r, err := k.Gate(keeper.RoleServe, at, []keeper.GateItem{
			{Event: [16]byte{event}, Colour: first, Asks: true, Instant: c.now(), Run: run, Proofs: p},
			{Event: [16]byte{event, 1}, Colour: second, Asks: true, Instant: c.now(), With: true},
		})
		if err != nil {
			t.Fatalf("%s: %v", why, err)
		}
		if len(r.Leaf.Events) != 2 || r.Run.ID != k.once.Run.ID {
			t.Errorf("%s: %d events, run %d", why, len(r.Leaf.Events), r.Run.ID)
		}
		for i, res := range r.Results {
			if opened := res.Timeline != [64]byte{}; res.Outcome != want || opened != (want == keeper.GateOpened) {
				t.Errorf("%s: item %d: outcome %d, want %d; opened %v", why, i, res.Outcome, want, opened)
			}
		}
		if used := k.counts.Used(1); used != 12-left || k.counts.Used(2) != used {
			t.Errorf("%s: %d and %d colours used, want %d", why, used, k.counts.Used(2), 12-left)
		}
	}
	send("first", one, 1, run, proofs(1, 2), keeper.GateOpened, 11)
	send("at another server", two, 2, run, proofs(1, 2), keeper.GateUsed, 11)
	send("at the same", one, 3, run, proofs(1, 2), keeper.GateUsed, 11)
	send("the relay's alone", two, 4, run, proofs(1, 3), keeper.GateUsed, 11)
	send("the device's alone", two, 5, run, proofs(4, 2), keeper.GateUsed, 11)
	send("used with a refused one", two, 6, run, proofs(3), keeper.GateUsed, 11)
	send("of another run", two, 7, run+2, proofs(5), keeper.GateRun, 11)
	send("of no run", two, 8, 0, proofs(5), keeper.GateRun, 11)
	send("control: another proof", two, 9, run, proofs(5), keeper.GateOpened, 10)
	send("control: no proof", two, 10, 0, nil, keeper.GateOpened, 9)
	send("control: no proof, again", two, 10, 0, nil, keeper.GateOpened, 8)
	// A server whose call broke asks again with the same events.
	send("the same request again", two, 9, run, proofs(5), keeper.GateOpened, 7)

	for why, p := range map[string]keeper.Proofs{"half a proof": make([]byte, 24), "five proofs": proofs(1, 2, 3, 4, 5)} {
		_, err := k.Gate(keeper.RoleServe, one, []keeper.GateItem{{Instant: c.now(), Run: run, Proofs: p}})
		wants(t, why, err, keeper.ErrTooMany)
	}
}

func TestUse(t *testing.T) {
	k, c := fresh(t, 0)
	run := k.once.Run
	use := func(why string, k *Keeper, id uint64, p keeper.Proofs, want error) {
		t.Helper()
		got, err := k.Use(id, p)
		wants(t, why, err, want)
		if got.ID != k.once.Run.ID || len(got.Nonce) != 32 {
			t.Errorf("%s: answered by run %d", why, got.ID)
		}
	}
	use("first", k, run.ID, proofs(1), nil)
	use("again", k, run.ID, proofs(1), keeper.ErrUsed)
	use("another run", k, run.ID+2, proofs(2), keeper.ErrRun)
	use("malformed", k, run.ID, make([]byte, 1), keeper.ErrTooMany)
	c.pass(once.Life - time.Second)
	use("while its nonce may live", k, run.ID, proofs(1), keeper.ErrUsed)
	c.pass(time.Minute)
	use("a little longer", k, run.ID, proofs(1), keeper.ErrUsed)
	c.pass(-time.Hour) // a clock that goes back makes nothing good again
	use("an hour before", k, run.ID, proofs(1), keeper.ErrUsed)
	for range 2 {
		c.pass(2 * time.Hour)
		use("others", k, run.ID, proofs(int(c.now().Unix()%1000)+10), nil)
	}
	if n := k.once.Kept(); n > 2 {
		t.Errorf("%d uses are kept for ever", n)
	}
}

// TestARestartForgetsNoUse: what an earlier run took, a later one refuses by its run.
func TestARestartForgetsNoUse(t *testing.T) {
	c := newClock()
	k := start(t, durabletest.New(1), c)
	run := k.once.Run
	_, err := k.Use(run.ID, proofs(1))
	wants(t, "first", err, nil)
	k = restart(t, k, c)
	defer k.Close()
	_, err = k.Use(run.ID, proofs(1))
	wants(t, "after a restart", err, keeper.ErrRun)
	if k.once.Run.ID == run.ID || string(k.once.Run.Nonce) == string(run.Nonce) {
		t.Error("nonces of the run before would be known")
	}
}

// TestOneOfManyServers offers each of many proofs from eight sides at once.
func TestOneOfManyServers(t *testing.T) {
	k, _ := fresh(t, 0)
	const total, sides = 20_000, 8
	var mu sync.Mutex
	taken := make([]int, total)
	var wg sync.WaitGroup
	for range sides {
		wg.Go(func() {
			for i := range total {
				if _, err := k.Use(k.once.Run.ID, proofs(i)); err == nil {
					mu.Lock()
					taken[i]++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	for i, n := range taken {
		if n != 1 {
			t.Fatalf("proof %d was taken %d times", i, n)
		}
	}
}
