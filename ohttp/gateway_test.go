package ohttp_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/ohttp"
	"github.com/google/go-cmp/cmp"
)

// encapsulate returns a request of the fixed size, in every build.
func encapsulate(t testing.TB, c ohttp.Config, plaintext []byte) ([]byte, *ohttp.Exchange) {
	t.Helper()
	b, x, err := c.EncapsulateAs(plaintext, true)
	if err != nil {
		t.Fatal(err)
	}
	return b, x
}

func TestExchange(t *testing.T) {
	for name, generate := range both() {
		t.Run(name, func(t *testing.T) {
			key := generate(t, 3)
			g := newGateway(t, key)
			want := message(t, "marker")
			request, x := encapsulate(t, key.Config(), want)
			if len(request) != ohttp.RequestSize {
				t.Errorf("request of %d bytes", len(request))
			}
			if bytes.Contains(request, []byte("marker")) {
				t.Error("request in clear")
			}
			plaintext, r, err := g.Open(request)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "request", trim(plaintext), trim(want))
			answer := must[[]byte](t)(ohttp.AppendResponse(nil, &ohttp.Response{Status: 200, Body: []byte("colour")}))
			sealed := must[[]byte](t)(r.Seal([]byte("before"), answer))
			sealed = bytes.TrimPrefix(sealed, []byte("before"))
			if len(sealed) != ohttp.ResponseSize {
				t.Errorf("response of %d bytes", len(sealed))
			}
			opened := must[[]byte](t)(x.Open(sealed))
			got := must[ohttp.Response](t)(ohttp.ParseResponse(opened))
			if diff := cmp.Diff(ohttp.Response{Status: 200, Body: []byte("colour")}, got); diff != "" {
				t.Error(diff)
			}
			again := must[[]byte](t)(r.Seal(nil, answer))
			if bytes.Equal(sealed, again) {
				t.Error("two responses under one nonce")
			}
		})
	}
}

// TestSealClearsItsBuffer: what was in the buffer before must not be sent.
func TestSealClearsItsBuffer(t *testing.T) {
	key := newKey(t, 1, ohttp.X25519)
	request, x := encapsulate(t, key.Config(), message(t, ""))
	_, r, err := newGateway(t, key).Open(request)
	if err != nil {
		t.Fatal(err)
	}
	dirty := bytes.Repeat([]byte("x"), ohttp.ResponseSize)
	sealed := must[[]byte](t)(r.Seal(dirty[:0], wire(1, 200)))
	must[ohttp.Response](t)(ohttp.ParseResponse(must[[]byte](t)(x.Open(sealed))))
}

// TestSizes: one size each way whatever the key, suite and message; with
// the padding off the same messages have many.
func TestSizes(t *testing.T) {
	for _, padded := range []bool{true, false} {
		requests, responses := map[int]bool{}, map[int]bool{}
		for _, generate := range both() {
			key := generate(t, 1)
			g := newGateway(t, key)
			if !padded {
				g.Unpadded()
			}
			for _, n := range []int{0, 1, 500, 1500, ohttp.MaxRequest} {
				b, _, err := key.Config().EncapsulateAs(make([]byte, n), padded)
				if err != nil {
					t.Fatal(err)
				}
				requests[len(b)] = true
				_, r, err := g.Open(b)
				if err != nil {
					t.Fatal(err)
				}
				responses[len(must[[]byte](t)(r.Seal(nil, make([]byte, min(n, ohttp.MaxResponse)))))] = true
			}
		}
		if one := len(requests) == 1 && len(responses) == 1; one != padded {
			t.Errorf("padded %t: request sizes %v, response sizes %v", padded, requests, responses)
		}
		if padded && (!requests[ohttp.RequestSize] || !responses[ohttp.ResponseSize]) {
			t.Errorf("request sizes %v, response sizes %v", requests, responses)
		}
	}
}

func TestTooLarge(t *testing.T) {
	for name, generate := range both() {
		key := generate(t, 1)
		if _, _, err := key.Config().Encapsulate(make([]byte, ohttp.MaxRequest+1)); !errors.Is(err, ohttp.ErrTooLarge) {
			t.Errorf("%s: request: %v, want ErrTooLarge", name, err)
		}
		request, _ := encapsulate(t, key.Config(), make([]byte, ohttp.MaxRequest))
		_, r, err := newGateway(t, key).Open(request)
		if err != nil {
			t.Fatal(err)
		}
		must[[]byte](t)(r.Seal(nil, make([]byte, ohttp.MaxResponse)))
		if b, err := r.Seal([]byte("x"), make([]byte, ohttp.MaxResponse+1)); !errors.Is(err, ohttp.ErrTooLarge) || string(b) != "x" {
			t.Errorf("%s: response: %q, %v, want ErrTooLarge", name, b, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	key, other := newKey(t, 1, ohttp.X25519, aes128), newKey(t, 2, ohttp.P256, aes128)
	g := newGateway(t, key, other)
	request, _ := encapsulate(t, key.Config(), message(t, "a"))
	second, _ := encapsulate(t, key.Config(), message(t, "b"))
	foreign, _ := encapsulate(t, newKey(t, 1, ohttp.X25519, aes128).Config(), message(t, "a"))
	point, _ := encapsulate(t, other.Config(), message(t, "a"))
	edit := func(b []byte, at int, v ...byte) []byte {
		b = slices.Clone(b)
		copy(b[at:], v)
		return b
	}
	for _, c := range []struct {
		name string
		b    []byte
		want error
	}{
		{"empty", nil, ohttp.ErrSize},
		{"one byte short", request[:ohttp.RequestSize-1], ohttp.ErrSize},
		{"one byte long", append(slices.Clone(request), 0), ohttp.ErrSize},
		{"sent twice in one", slices.Concat(request, request), ohttp.ErrSize},
		{"two concatenated", slices.Concat(request, second), ohttp.ErrSize},
		{"unknown key id", edit(request, 0, 9), ohttp.ErrKeyID},
		{"id of another KEM", edit(request, 0, 2), ohttp.ErrSuite},
		{"KEM of another key", edit(request, 1, 0, 0x10), ohttp.ErrSuite},
		{"unknown KEM", edit(request, 1, 0x64, 0x7a), ohttp.ErrSuite},
		{"unknown KDF", edit(request, 3, 0, 3), ohttp.ErrSuite},
		{"AEAD not offered", edit(request, 5, 0, 2), ohttp.ErrSuite},
		{"unknown AEAD", edit(request, 5, 0, 3), ohttp.ErrSuite},
		{"export-only AEAD", edit(request, 5, 0xff, 0xff), ohttp.ErrSuite},
		{"zero enc", edit(request, 7, make([]byte, 32)...), ohttp.ErrMalformed},
		{"enc of low order", edit(request, 7, append([]byte{1}, make([]byte, 31)...)...), ohttp.ErrMalformed},
		{"enc off the curve", edit(point, 7+64, point[7+64]^1), ohttp.ErrMalformed},
		{"compressed enc", edit(point, 7, 2), ohttp.ErrMalformed},
		{"enc with its unused bit", edit(request, 7+31, request[7+31]^0x80), ohttp.ErrDecrypt},
		{"other gateway's key", foreign, ohttp.ErrDecrypt},
		{"enc of another request", edit(request, 7, second[7:7+32]...), ohttp.ErrDecrypt},
		{"halves swapped", slices.Concat(request[:1024], second[1024:]), ohttp.ErrDecrypt},
		{"blocks reordered", slices.Concat(request[:64], request[80:96], request[64:80], request[96:]), ohttp.ErrDecrypt},
		{"random bytes after the header", slices.Concat(request[:7], noise(ohttp.RequestSize-7)), ohttp.ErrDecrypt},
	} {
		t.Run(c.name, func(t *testing.T) {
			if b, r, err := g.Open(c.b); !errors.Is(err, c.want) || b != nil || r != nil {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
	// The control: nothing above has spent the requests themselves.
	for _, b := range [][]byte{request, second, point} {
		if _, _, err := g.Open(b); err != nil {
			t.Error(err)
		}
	}
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// TestTruncatedRequests cuts a request at every length, with the size check and
// without it.
func TestTruncatedRequests(t *testing.T) {
	for name, generate := range both() {
		key := generate(t, 1)
		g := newGateway(t, key)
		request, _ := encapsulate(t, key.Config(), message(t, "a"))
		for n := range request {
			if _, _, err := g.Open(request[:n]); !errors.Is(err, ohttp.ErrSize) {
				t.Fatalf("%s: %d bytes: %v, want ErrSize", name, n, err)
			}
		}
		g.Unpadded()
		short := 7 + len(key.Config().PublicKey) + 16
		// Beyond the framing every cut fails for one reason; a sample shows it.
		for n := 0; n < len(request); n += 1 + n/200*10 {
			_, _, err := g.Open(request[:n])
			if n < short && !errors.Is(err, ohttp.ErrMalformed) || n >= short && !errors.Is(err, ohttp.ErrDecrypt) {
				t.Fatalf("%s: %d bytes: %v", name, n, err)
			}
		}
	}
}

// TestBitFlips flips one bit of every byte of a request and of a response.
func TestBitFlips(t *testing.T) {
	for name, generate := range both() {
		t.Run(name, func(t *testing.T) {
			key := generate(t, 1)
			g := newGateway(t, key)
			request, x := encapsulate(t, key.Config(), message(t, "a"))
			for i := range request {
				request[i] ^= 1 << (i % 8)
				if _, _, err := g.Open(request); err == nil || errors.Is(err, ohttp.ErrReplay) {
					t.Fatalf("byte %d: %v", i, err)
				}
				request[i] ^= 1 << (i % 8)
			}
			_, r, err := g.Open(request) // the control
			if err != nil {
				t.Fatal(err)
			}
			response := must[[]byte](t)(r.Seal(nil, wire(1, 200)))
			for i := range response {
				response[i] ^= 1 << (i % 8)
				if _, err := x.Open(response); !errors.Is(err, ohttp.ErrDecrypt) {
					t.Fatalf("byte %d: %v, want ErrDecrypt", i, err)
				}
				response[i] ^= 1 << (i % 8)
			}
			must[[]byte](t)(x.Open(response))
		})
	}
}

func TestExchangeRefuses(t *testing.T) {
	key := newKey(t, 1, ohttp.X25519)
	g := newGateway(t, key)
	var xs [2]*ohttp.Exchange
	var responses [2][]byte
	for i := range xs {
		var request []byte
		request, xs[i] = encapsulate(t, key.Config(), message(t, "a"))
		_, r, err := g.Open(request)
		if err != nil {
			t.Fatal(err)
		}
		responses[i] = must[[]byte](t)(r.Seal(nil, wire(1, 200)))
	}
	if _, err := xs[0].Open(responses[1]); !errors.Is(err, ohttp.ErrDecrypt) {
		t.Errorf("answer to another request: %v, want ErrDecrypt", err)
	}
	for _, b := range [][]byte{nil, responses[0][1:], append(slices.Clone(responses[0]), 0), slices.Concat(responses[:]...)} {
		if _, err := xs[0].Open(b); !errors.Is(err, ohttp.ErrSize) {
			t.Errorf("%d bytes: %v, want ErrSize", len(b), err)
		}
	}
	x := ohttp.NewExchange(aes128, make([]byte, 16), make([]byte, 32), false)
	if _, err := x.Open(make([]byte, 31)); !errors.Is(err, ohttp.ErrMalformed) {
		t.Errorf("short response: %v, want ErrMalformed", err)
	}
}

func TestKeyRotation(t *testing.T) {
	previous, current, next := newKey(t, 1, ohttp.X25519), newKey(t, 2, ohttp.X25519), newKey(t, 3, ohttp.P256)
	g := newGateway(t, previous, current)
	open := func(k *ohttp.PrivateKey) error {
		request, _ := encapsulate(t, k.Config(), message(t, "a"))
		_, _, err := g.Open(request)
		return err
	}
	check := func(step string, held ...*ohttp.PrivateKey) {
		t.Helper()
		var ids []ohttp.KeyID
		for _, k := range []*ohttp.PrivateKey{previous, current, next} {
			var want error
			if slices.Contains(held, k) {
				ids = append(ids, k.ID())
			} else {
				want = ohttp.ErrKeyID
			}
			if err := open(k); err != want {
				t.Errorf("%s: key %d: %v, want %v", step, k.ID(), err, want)
			}
		}
		if got := g.KeyIDs(); !slices.Equal(got, ids) {
			t.Errorf("%s: keys %v, want %v", step, got, ids)
		}
	}
	check("start", previous, current)
	if err := g.AddKey(next); err != nil {
		t.Fatal(err)
	}
	check("next added", previous, current, next)
	if err := g.AddKey(newKey(t, 3, ohttp.P256)); !errors.Is(err, ohttp.ErrKey) {
		t.Errorf("id taken: %v, want ErrKey", err)
	}
	g.RemoveKey(1)
	g.RemoveKey(1)
	check("previous removed", current, next)
	if err := g.SetKeys(current, current); !errors.Is(err, ohttp.ErrKey) {
		t.Errorf("id twice: %v, want ErrKey", err)
	}
	check("nothing changed", current, next)
	if err := g.SetKeys(); err != nil {
		t.Fatal(err)
	}
	check("none")
	if _, err := ohttp.NewGateway(newCache(t, time.Hour, 10), current, current); !errors.Is(err, ohttp.ErrKey) {
		t.Errorf("id twice: %v, want ErrKey", err)
	}
	if _, err := ohttp.NewGateway(nil, current); err == nil {
		t.Error("gateway without a replay cache")
	}
}

// TestKeysChangeUnderLoad: a key that is held throughout opens every request
// while others come and go from several goroutines, and no change is lost.
func TestKeysChangeUnderLoad(t *testing.T) {
	steady := newKey(t, 0, ohttp.X25519)
	g := newGateway(t, steady)
	var wg sync.WaitGroup
	for id := ohttp.KeyID(1); id <= 8; id++ {
		k := newKey(t, id, ohttp.X25519)
		wg.Go(func() {
			for range 500 {
				if err := g.AddKey(k); err != nil {
					t.Errorf("key %d: %v", id, err)
				}
				g.RemoveKey(id)
			}
			if err := g.AddKey(k); err != nil {
				t.Errorf("key %d: %v", id, err)
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			for range 50 {
				request, _ := encapsulate(t, steady.Config(), message(t, "a"))
				if _, _, err := g.Open(request); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := g.KeyIDs(); len(got) != 9 {
		t.Errorf("keys %v", got)
	}
}
