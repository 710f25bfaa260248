package gate_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/keeper"
)

// TestAProofIsTakenByOneServer: the gates of two servers ask one keeper. What comes
// with a proof that was used at the other is not served, whatever it asks, costs no
// colour and leaves an event.
func TestAProofIsTakenByOneServer(t *testing.T) {
	var met atomic.Uint64
	w := newWorld(t, nil, gate.Options{Met: func(r keeper.Run) { met.Store(r.ID) }})
	other := gate.New(w.db, w.keeper, w.book, gate.Options{Now: w.clock.now})
	t.Cleanup(other.Close)
	for n, act := range []venue.Act{venue.ActCheckIn, venue.ActLook, venue.ActLeave, venue.ActCover, venue.ActVoid} {
		a := w.checkIn(greenPerson, 1, 1)
		if a.Act = act; act == venue.ActVoid {
			a.Fault = errors.New("what was wrong")
		}
		a.Run, a.Proofs = nowRun, keeper.Proofs{}.Name(keeper.Proof{byte(n)})
		if got := w.do(a); got.Err != a.Fault {
			t.Fatalf("act %d: %v", act, got.Err)
		}
		counted, events := w.keeper.counted[greenPerson], len(w.keeper.leaves)
		if got := other.Do(t.Context(), a); got.Err != keeper.ErrUsed {
			t.Errorf("act %d, replayed to another server: %v", act, got.Err)
		}
		if w.keeper.counted[greenPerson] != counted || len(w.keeper.leaves) != events+1 {
			t.Errorf("act %d: the replay cost a colour, or left no event", act)
		}
	}
	if met.Load() != nowRun {
		t.Errorf("the server was told of run %d", met.Load())
	}
	// The control: what comes with another proof is served again.
	a := w.checkIn(greenPerson, 1, 1)
	a.Run, a.Proofs = nowRun, keeper.Proofs{}.Name(keeper.Proof{99})
	if got := other.Do(t.Context(), a); got.Err != nil {
		t.Errorf("another proof: %v", got.Err)
	}
	a.Run = nowRun + 1
	if got := w.do(a); got.Err != keeper.ErrRun {
		t.Errorf("a nonce of another run: %v", got.Err)
	}
}
