package ohttp_test

import (
	"testing"
	"time"

	"github.com/amanah-project/amanah/ohttp"
)

// TestBuild uses what a release exports, so it sees the build's own padding:
// with the tag amanah_nopadding, and only then, sizes follow the messages.
func TestBuild(t *testing.T) {
	key := newKey(t, 1, ohttp.X25519)
	g := must[*ohttp.Gateway](t)(ohttp.NewGateway(newCache(t, time.Hour, 10), key))
	requests, responses := map[int]bool{}, map[int]bool{}
	for _, marker := range []string{"", "green", "a longer one"} {
		b, x, err := key.Config().Encapsulate(message(t, marker))
		if err != nil {
			t.Fatal(err)
		}
		requests[len(b)] = true
		plaintext, r, err := g.Open(b)
		if err != nil {
			t.Fatal(err)
		}
		response := must[[]byte](t)(r.Seal(nil, wire(1, 200, 0, marker)))
		responses[len(response)] = true
		must[ohttp.Request](t)(ohttp.ParseRequest(plaintext))
		must[ohttp.Response](t)(ohttp.ParseResponse(must[[]byte](t)(x.Open(response))))
	}
	want := 3
	if ohttp.PaddedBuild {
		want = 1
	}
	if len(requests) != want || len(responses) != want {
		t.Errorf("request sizes %v, response sizes %v, want %d", requests, responses, want)
	}
}
