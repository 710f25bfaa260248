package ohttp_test

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amanah-project/amanah/ohttp"
	"pgregory.net/rapid"
)

func encOf(n int) []byte {
	b := make([]byte, 32)
	binary.BigEndian.PutUint64(b[24:], uint64(n))
	return b
}

func TestReplayedRequest(t *testing.T) {
	for name, generate := range both() {
		key := generate(t, 1)
		g := newGateway(t, key)
		request, _ := encapsulate(t, key.Config(), message(t, "a"))
		if _, _, err := g.Open(request); err != nil {
			t.Fatal(err)
		}
		if b, r, err := g.Open(request); !errors.Is(err, ohttp.ErrReplay) || b != nil || r != nil {
			t.Errorf("%s: %v, want ErrReplay", name, err)
		}
		// The control: a cache that forgets lets the same bytes through twice.
		g = must[*ohttp.Gateway](t)(ohttp.NewGateway(forgetful(t), key))
		for range 2 {
			if _, _, err := g.Open(request); err != nil {
				t.Errorf("%s: control: %v", name, err)
			}
		}
	}
}

// TestFailedRequestsAreNotRemembered: a relay that sends a broken copy first
// does not have the request itself refused.
func TestFailedRequestsAreNotRemembered(t *testing.T) {
	key := newKey(t, 1, ohttp.X25519)
	cache := newCache(t, time.Hour, 10)
	g := must[*ohttp.Gateway](t)(ohttp.NewGateway(cache, key))
	request, _, err := key.Config().Encapsulate(message(t, "a"))
	if err != nil {
		t.Fatal(err)
	}
	request[len(request)-1] ^= 1
	if _, _, err := g.Open(request); !errors.Is(err, ohttp.ErrDecrypt) || cache.Len() != 0 {
		t.Errorf("%v, %d held", err, cache.Len())
	}
	request[len(request)-1] ^= 1
	if _, _, err := g.Open(request); err != nil {
		t.Error(err)
	}
}

func TestConcurrentReplays(t *testing.T) {
	key := newKey(t, 1, ohttp.X25519)
	g := newGateway(t, key)
	for range 20 {
		request, _ := encapsulate(t, key.Config(), message(t, "a"))
		var accepted atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				switch _, _, err := g.Open(request); {
				case err == nil:
					accepted.Add(1)
				case !errors.Is(err, ohttp.ErrReplay):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := accepted.Load(); n != 1 {
			t.Fatalf("accepted %d times", n)
		}
	}
}

// TestNoDoubleAccept offers each of 100,000 keys from four goroutines, in
// another order each, while the generations turn: the storm lasts one window and
// begins in the middle of one.
func TestNoDoubleAccept(t *testing.T) {
	const keys, goroutines = 100_000, 4
	for _, remembers := range []bool{true, false} {
		cache := newCache(t, time.Second, 1<<19)
		var clock atomic.Int64
		step := int64(time.Second/(goroutines*keys)) - 1
		if !remembers {
			step = int64(time.Minute)
		}
		cache.SetClock(func() time.Time { return time.Unix(0, clock.Add(step)) })
		for i := range 1000 { // begins every shard's first generation
			_ = cache.Remember(encOf(-1 - i))
		}
		clock.Add(int64(time.Second / 2))
		accepted := make([]atomic.Int32, keys)
		var wg sync.WaitGroup
		for g := range goroutines {
			wg.Go(func() {
				for _, i := range rand.New(rand.NewPCG(1, uint64(g))).Perm(keys) {
					switch err := cache.Remember(encOf(i)); {
					case err == nil:
						accepted[i].Add(1)
					case !errors.Is(err, ohttp.ErrReplay):
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		twice, never := 0, 0
		for i := range accepted {
			switch n := accepted[i].Load(); {
			case n == 0:
				never++
			case n > 1:
				twice++
			}
		}
		if never != 0 || (twice == 0) != remembers {
			t.Errorf("remembers %t: %d never accepted, %d accepted more than once", remembers, never, twice)
		}
	}
}

func TestReplayWindow(t *testing.T) {
	now := time.Unix(1e9, 0)
	c := newCache(t, time.Minute, 100)
	c.SetClock(func() time.Time { return now })
	try := func(step string, want error) {
		t.Helper()
		if err := c.Remember(encOf(1)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", step, err, want)
		}
	}
	try("first", nil)
	now = now.Add(time.Minute - 1)
	try("within the window", ohttp.ErrReplay)
	now = now.Add(1)
	try("at its end", ohttp.ErrReplay)
	now = now.Add(-time.Hour)
	try("clock gone back", ohttp.ErrReplay)
	now = now.Add(time.Hour + time.Minute)
	try("two windows later", nil)
	if c.Len() != 1 {
		t.Errorf("%d held", c.Len())
	}
}

// TestReplayProperty compares the cache with a list of everything accepted: a
// key is refused for a window at least and two at most, and the bound holds.
func TestReplayProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const window = 100 * time.Second
		capacity := rapid.IntRange(1, 30).Draw(t, "capacity")
		cache, err := ohttp.NewReplayCache(window, capacity)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Unix(1e9, 0)
		cache.SetClock(func() time.Time { return now })
		seen := map[int]time.Time{}
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			wait := rapid.OneOf(rapid.IntRange(0, 60), rapid.IntRange(0, 320)).Draw(t, "wait")
			now = now.Add(time.Duration(wait) * time.Second)
			i := rapid.IntRange(0, 40).Draw(t, "key")
			at, known := seen[i]
			age := now.Sub(at)
			young := 0
			for _, at := range seen {
				if now.Sub(at) < 2*window {
					young++
				}
			}
			switch err := cache.Remember(encOf(i)); {
			case err == nil:
				if known && age < window {
					t.Fatalf("accepted again after %v", age)
				}
				seen[i] = now
			case errors.Is(err, ohttp.ErrReplay):
				if !known || age >= 2*window {
					t.Fatalf("refused after %v, known %t", age, known)
				}
			case errors.Is(err, ohttp.ErrReplayCacheFull):
				if young < capacity {
					t.Fatalf("full with %d keys younger than two windows, of %d", young, capacity)
				}
			default:
				t.Fatal(err)
			}
			if cache.Len() > capacity {
				t.Fatalf("%d held, capacity %d", cache.Len(), capacity)
			}
		}
	})
}

func TestReplayCacheFull(t *testing.T) {
	key := newKey(t, 1, ohttp.X25519)
	now := time.Unix(1e9, 0)
	cache := newCache(t, time.Minute, 2)
	cache.SetClock(func() time.Time { return now })
	g := must[*ohttp.Gateway](t)(ohttp.NewGateway(cache, key))
	g.Padded()
	var requests [3][]byte
	for i := range requests {
		requests[i], _ = encapsulate(t, key.Config(), message(t, "a"))
	}
	for i, want := range []error{nil, nil, ohttp.ErrReplayCacheFull} {
		if b, r, err := g.Open(requests[i]); !errors.Is(err, want) || want != nil && (b != nil || r != nil) {
			t.Errorf("request %d: %v, want %v", i, err, want)
		}
	}
	now = now.Add(time.Minute) // the generation is not older than the window
	if _, _, err := g.Open(requests[2]); !errors.Is(err, ohttp.ErrReplayCacheFull) {
		t.Errorf("%v, want ErrReplayCacheFull", err)
	}
	if _, _, err := g.Open(requests[0]); !errors.Is(err, ohttp.ErrReplay) {
		t.Errorf("%v, want ErrReplay", err)
	}
	now = now.Add(time.Minute)
	if _, _, err := g.Open(requests[2]); err != nil {
		t.Errorf("refused once, later: %v", err)
	}
}

// TestReplayCapacity: a large cache is split, but holds about what it promises.
func TestReplayCapacity(t *testing.T) {
	const capacity = 1 << 16
	c := newCache(t, time.Hour, capacity)
	n := 0
	for c.Remember(encOf(n)) == nil {
		n++
	}
	if n < capacity*9/10 || n > capacity || c.Len() != n {
		t.Errorf("full at %d of %d, %d held", n, capacity, c.Len())
	}
	for _, bad := range []struct {
		window   time.Duration
		capacity int
	}{{0, 1}, {-1, 1}, {1, 0}, {1, -1}} {
		if _, err := ohttp.NewReplayCache(bad.window, bad.capacity); err == nil {
			t.Errorf("accepted %v, %d", bad.window, bad.capacity)
		}
	}
}
