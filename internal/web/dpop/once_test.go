package dpop_test

import (
	"errors"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/web/dpop"
)

// TestRuns: two servers know each other's nonces, and of an earlier run neither
// knows one.
func TestRuns(t *testing.T) {
	a, b := testNonces(), testNonces()
	one, two := []byte("key of one run"), []byte("key of the next")
	a.Begin(5, one)
	b.Begin(5, one)
	s := newEd(t)
	proof := s.proof(s.draft(a.Give()))
	if p, err := dpop.Verify(proof, want(b)); err != nil || p.Run != 5 {
		t.Fatalf("at the other server: run %d, %v", p.Run, err)
	}
	b.Begin(5, two) // the same run: its key is what it was
	if _, err := dpop.Verify(proof, want(b)); err != nil {
		t.Errorf("told of the same run again: %v", err)
	}
	b.Begin(6, two)
	if _, err := dpop.Verify(proof, want(b)); !errors.Is(err, dpop.ErrNonce) {
		t.Errorf("a nonce of the run before: %v", err)
	}
	if p, err := dpop.Verify(s.proof(s.draft(b.Give())), want(b)); err != nil || p.Run != 6 {
		t.Errorf("control: a nonce of the new run: run %d, %v", p.Run, err)
	}
}

// TestOnceEverywhere: what is known here is refused without asking, and all else is
// for the memory of all servers to say.
func TestOnceEverywhere(t *testing.T) {
	asked := 0
	says := error(nil)
	o := dpop.NewOnceEverywhere(time.Minute, func(run uint64, proof [16]byte) error {
		if asked++; run != 5 || proof == [16]byte{} {
			t.Errorf("asked for run %d, proof %x", run, proof)
		}
		return says
	})
	use := func(why, id string, want error, calls int) {
		t.Helper()
		if err := o.Use(dpop.Proof{ID: id, Run: 5}, testNow); !errors.Is(err, want) || asked != calls {
			t.Errorf("%s: %v, asked %d times", why, err, asked)
		}
	}
	use("first", "a", nil, 1)
	use("again", "a", dpop.ErrReplay, 1)
	says = dpop.ErrReplay
	use("used at another server", "b", dpop.ErrReplay, 2)
	says = dpop.ErrNonce
	use("of a run that is over", "c", dpop.ErrNonce, 3)
}

func TestNames(t *testing.T) {
	names := map[[16]byte]bool{}
	for _, p := range []dpop.Proof{{ID: "a"}, {ID: "b"}, {ID: "a", Thumbprint: [32]byte{1}}} {
		names[p.Name()] = true
	}
	if len(names) != 3 {
		t.Errorf("%d names for 3 proofs", len(names))
	}
}
