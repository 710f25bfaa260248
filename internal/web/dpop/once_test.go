package dpop_test

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/web/dpop"
)

func TestNonceLife(t *testing.T) {
	at := testNow
	n := dpop.NewNonces([]byte("key"), 2*time.Minute, func() time.Time { return at })
	nonce := n.Give()
	for _, c := range []struct {
		age  time.Duration
		want bool
	}{
		{0, true}, {time.Minute, true}, {2 * time.Minute, true}, {2*time.Minute + time.Second, false},
		{-5 * time.Second, true}, {-6 * time.Second, false}, {365 * 24 * time.Hour, false}, {-365 * 24 * time.Hour, false},
	} {
		at = testNow.Add(c.age)
		if got := n.Fresh(nonce); got != c.want {
			t.Errorf("%v old: %v, want %v", c.age, got, c.want)
		}
	}
}

func TestNonceForgery(t *testing.T) {
	clock := func() time.Time { return testNow }
	n := dpop.NewNonces([]byte("key"), time.Minute, clock)
	good := n.Give()
	if !n.Fresh(good) || !dpop.NewNonces([]byte("key"), time.Minute, clock).Fresh(good) {
		t.Fatal("control: a holder of the key does not know its nonce")
	}
	for i := range len(good) {
		b := []byte(good)
		for b[i] = 'A'; string(b) == good; b[i]++ {
		}
		if n.Fresh(string(b)) {
			t.Errorf("known with byte %d altered", i)
		}
	}
	later := make([]byte, 24)
	raw, _ := base64.RawURLEncoding.DecodeString(good)
	copy(later, raw)
	binary.BigEndian.PutUint64(later, uint64(testNow.Unix())-1)
	for name, s := range map[string]string{
		"another key":        dpop.NewNonces([]byte("other"), time.Minute, clock).Give(),
		"another time":       b64(later),
		"a time before 1970": b64(append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, raw[8:]...)),
		"cut":                good[:len(good)-1],
		"longer":             good + "A",
		"empty":              "",
		"line feeds":         strings.Repeat("\n", len(good)),
	} {
		if n.Fresh(s) {
			t.Errorf("%s: known", name)
		}
	}
}

func proofN(i int) dpop.Proof { return dpop.Proof{ID: fmt.Sprint(i)} }

func TestOnce(t *testing.T) {
	o := dpop.NewOnce(time.Minute)
	if err := o.Use(proofN(1), testNow); err != nil {
		t.Fatal(err)
	}
	if err := o.Use(proofN(1), testNow); !errors.Is(err, dpop.ErrReplay) {
		t.Errorf("twice: %v", err)
	}
	other := proofN(1)
	other.Thumbprint[0] = 1
	if err := o.Use(other, testNow); err != nil {
		t.Errorf("another key's proof of the same id: %v", err)
	}
}

// TestOnceTogether sends one proof from many goroutines; one of them gets
// through.
func TestOnceTogether(t *testing.T) {
	o := dpop.NewOnce(time.Minute)
	var through atomic.Int32
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			if o.Use(proofN(1), testNow) == nil {
				through.Add(1)
			}
		})
	}
	wg.Wait()
	if through.Load() != 1 {
		t.Errorf("%d got through", through.Load())
	}
}

// TestOnceOutlivesNonces: whatever comes between, no proof gets through twice
// while the nonce in it is fresh, even if another server's clock, 5 seconds
// ahead, gave the nonce.
func TestOnceOutlivesNonces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const life = 10 * time.Second
		at := testNow
		ahead := time.Duration(rapid.IntRange(0, 5).Draw(t, "ahead")) * time.Second
		n := dpop.NewNonces([]byte("key"), life, func() time.Time { return at })
		theirs := dpop.NewNonces([]byte("key"), life, func() time.Time { return at.Add(ahead) })
		o := dpop.NewOnce(life)
		nonces := map[int]string{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			at = at.Add(time.Duration(rapid.IntRange(0, 6000).Draw(t, "ms")) * time.Millisecond)
			id := rapid.IntRange(0, 9).Draw(t, "proof")
			nonce, used := nonces[id]
			if used && !n.Fresh(nonce) {
				continue // Verify would refuse it
			}
			if !used {
				nonces[id] = theirs.Give()
			}
			if err := o.Use(proofN(id), at); (err != nil) != used {
				t.Fatalf("proof %d at %v: used %v, %v", id, at.Sub(testNow), used, err)
			}
		}
	})
}

// TestKnownAgrees: remembering headers never changes an answer.
func TestKnownAgrees(t *testing.T) {
	people := []*signer{newEd(t), newEC(t), newEd(t)}
	known := dpop.NewKnown()
	rapid.Check(t, func(rt *rapid.T) {
		n := testNonces()
		s := rapid.SampledFrom(people).Draw(rt, "signer")
		p := s.proof(s.draft(n.Give()))
		switch rapid.IntRange(0, 4).Draw(rt, "attack") {
		case 0: // another's header over one's own claims and signature
			from := rapid.SampledFrom(people).Draw(rt, "header")
			head, _, _ := strings.Cut(from.proof(from.draft(n.Give())), ".")
			_, rest, _ := strings.Cut(p, ".")
			p = head + "." + rest
		case 1:
			i := rapid.IntRange(0, len(p)-1).Draw(rt, "at")
			p = p[:i] + rapid.StringN(0, 2, 2).Draw(rt, "text") + p[i+1:]
		case 2:
			d := s.draft("stale")
			p = s.proof(d)
		}
		w := want(n)
		plain, err := dpop.Verify(p, w)
		w.Known = known
		for range 2 {
			got, err2 := dpop.Verify(p, w)
			if got != plain || !errors.Is(err2, err) {
				rt.Fatalf("with Known: %v %v; without: %v %v", got, err2, plain, err)
			}
		}
	})
}

// TestKnownHoldsNoForgery: a header whose signature did not hold is not
// remembered, so that nobody can fill the memory with keys they do not have.
func TestKnownHoldsNoForgery(t *testing.T) {
	s, n := newEd(t), testNonces()
	w := want(n)
	w.Known = dpop.NewKnown()
	p := s.proof(s.draft(n.Give()))
	forged := p[:len(p)-86] + b64(make([]byte, 64))
	if _, err := dpop.Verify(forged, w); !errors.Is(err, dpop.ErrSigned) {
		t.Fatal(err)
	}
	if got := w.Known.Len(); got != 0 {
		t.Errorf("%d headers are remembered", got)
	}
	if _, err := dpop.Verify(p, w); err != nil || w.Known.Len() != 1 {
		t.Errorf("control: %v, %d remembered", err, w.Known.Len())
	}
}

func FuzzVerify(f *testing.F) {
	n := testNonces()
	for _, s := range signers(f) {
		d := s.draft(n.Give())
		f.Add(s.proof(d))
		head, body := d.texts(f)
		f.Add(b64([]byte(head)) + "." + b64([]byte(body)) + "." + b64(make([]byte, 64)))
	}
	f.Add("")
	f.Add("..")
	known := dpop.NewKnown()
	f.Fuzz(func(t *testing.T, proof string) {
		w := want(n)
		p, err := dpop.Verify(proof, w)
		w.Known = known
		again, err2 := dpop.Verify(proof, w)
		if (err == nil) != (err2 == nil) || p != again {
			t.Fatalf("%v and with Known %v", err, err2)
		}
		if err != nil {
			return
		}
		if len(proof) > dpop.MaxProof || strings.Count(proof, ".") != 2 || strings.ContainsAny(proof, "=\r\n ") || p.ID == "" {
			t.Fatalf("accepted: %q", proof)
		}
		w.URL += "/"
		if _, err := dpop.Verify(proof, w); !errors.Is(err, dpop.ErrBound) {
			t.Fatalf("accepted for another resource too: %v", err)
		}
	})
}
