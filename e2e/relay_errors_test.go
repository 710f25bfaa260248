package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/client"
)

// catcher is a device's way to its relay that, once shut, keeps messages instead of
// sending them: what somebody on the way could have captured.
type catcher struct {
	http.Transport
	shut bool
	kept []byte
}

var errKept = errors.New("kept, not sent")

// RoundTrip sends one request, or keeps it.
func (c *catcher) RoundTrip(r *http.Request) (*http.Response, error) {
	if !c.shut || r.Method != http.MethodPost {
		return c.Transport.RoundTrip(r)
	}
	var err error
	if c.kept, err = io.ReadAll(r.Body); err == nil {
		err = errKept
	}
	return nil, err
}

// capture makes n messages that carry check-ins of one person and sends none.
func capture(t *testing.T, file, code string, n int) (*guest, [][]byte) {
	t.Helper()
	way := &catcher{Transport: http.Transport{DisableCompression: true}}
	g := &guest{}
	g.credential, g.Device = openPhone(t, file, client.Options{Transport: way})
	// The first question brings keys and nonce; its answer does not matter here.
	var refused *client.Problem
	if err := g.Cover(t.Context()); err != nil && !errors.As(err, &refused) {
		t.Fatal(err)
	}
	way.shut = true
	var out [][]byte
	for range n {
		if _, err := g.post(t.Context(), ticketBody(code, 1, time.Now())); !errors.Is(err, errKept) {
			t.Fatalf("not captured: %v", err)
		}
		out = append(out, way.kept)
	}
	way.shut = false
	return g, out
}

// spoiled are the ways to spoil an encapsulated message (RFC 9458 §4.3: key id,
// KEM, KDF, AEAD, encapsulated key of 32 bytes, ciphertext), with the status that
// each has whatever was inside.
var spoiled = []struct {
	name   string
	spoil  func(b []byte) []byte
	status int
	text   string
}{
	{"nothing", func(b []byte) []byte { return nil }, 400, ""},
	{"one byte", func(b []byte) []byte { return b[:1] }, 400, ""},
	{"half", func(b []byte) []byte { return b[:len(b)/2] }, 400, ""},
	{"one byte short", func(b []byte) []byte { return b[:len(b)-1] }, 400, ""},
	{"without its first byte", func(b []byte) []byte { return b[1:] }, 400, ""},
	{"one byte long", func(b []byte) []byte { return append(b, 0) }, 400, ""},
	{"a megabyte", func(b []byte) []byte { return append(b, make([]byte, 1<<20)...) }, 400, ""},
	{"twice in one", func(b []byte) []byte { return append(b, b...) }, 400, ""},
	{"another key's id", func(b []byte) []byte { b[0] ^= 0x80; return b }, 400, "ohttp-key"},
	{"no such KEM", func(b []byte) []byte { b[2] ^= 0x80; return b }, 400, ""},
	{"no such KDF", func(b []byte) []byte { b[4] ^= 0x80; return b }, 400, ""},
	{"no such AEAD", func(b []byte) []byte { b[6] ^= 0x80; return b }, 400, ""},
	{"a bit of the encapsulated key", func(b []byte) []byte { b[7] ^= 1; return b }, 400, ""},
	{"no encapsulated key", func(b []byte) []byte { clear(b[7:39]); return b }, 400, ""},
	{"a bit of the ciphertext", func(b []byte) []byte { b[39] ^= 1; return b }, 400, ""},
	{"a bit of the tag", func(b []byte) []byte { b[len(b)-1] ^= 1; return b }, 400, ""},
	// The key's id stays where it is: one from the ciphertext would be known or not by chance.
	{"halves exchanged", func(b []byte) []byte { return slices.Concat(b[:1], b[len(b)/2:], b[1:len(b)/2]) }, 400, ""},
	{"blocks exchanged", func(b []byte) []byte {
		return slices.Concat(b[:1000], b[1016:1032], b[1000:1016], b[1032:])
	}, 400, ""},
}

// TestRelayErrors spoils captured messages of four outcomes on their way. What comes
// back depends on how a message is spoiled and not on what is in it, nothing falls
// over, and the whole message is good afterwards, once.
func TestRelayErrors(t *testing.T) {
	t.Parallel()
	c := newCountry(t, program)
	ended := c.path("phone-ended.json")
	link := c.operate("9901011508900001\n", "link", "add", "--partner", "1", "--relay", c.relay, "--out", ended)
	c.operate("", "link", "end", strings.TrimPrefix(link, "link "))
	green, first := capture(t, c.phones["1"], c.entry, 2)
	_, black := capture(t, c.phones["3"], c.entry, 1)
	_, gone := capture(t, ended, c.entry, 1)
	inside, _, err := sealer(t, green.credential).Encapsulate(noise(300))
	if err != nil {
		t.Fatal(err)
	}
	messages := [][]byte{first[0], black[0], gone[0], inside}
	for _, s := range spoiled {
		same(t, c, s.name, messages, func(b []byte) []byte { return s.spoil(b) }, s.status, s.text)
	}
	visits := func(want int, when string) {
		t.Helper()
		if v, err := green.visits(t.Context()); err != nil || len(v) != want {
			t.Errorf("%s: %d visits, want %d: %v", when, len(v), want, err)
		}
	}
	visits(0, "after spoiled messages")
	slices.Reverse(messages) // a relay may deliver in any order
	whole := func(b []byte) []byte { return b }
	same(t, c, "in another order", messages, whole, 200, "")
	visits(1, "delivered")
	same(t, c, "a second time", messages, whole, 409, "")
	visits(1, "replayed")
	atOnce(t, c, first[1])
	visits(2, "eight at once")

	// A new server process has forgotten the message: the visit's number has not.
	c.server.kill()
	c.startServer()
	for range 3 {
		if _, _, _, err := deliver(c.relay, first[0]); err != nil {
			t.Error(err)
		}
	}
	visits(2, "replayed to a new server")
	if n := c.rows("SELECT count(*) FROM venue_visit WHERE decision <> 3")[0][0]; n != "2" {
		t.Errorf("%s rows of visits, want 2", n)
	}
	for name, p := range map[string]*process{"relay": c.relays[0], "server": c.server, "keeper": c.keeper} {
		select {
		case <-p.done:
			t.Errorf("the %s ended:\n%s", name, tail(p.log.String()))
		default:
		}
		if strings.Contains(p.log.String(), "panic") {
			t.Errorf("the %s panicked:\n%s", name, tail(p.log.String()))
		}
	}
}

// same sends each message, changed one way, and wants one answer for all. Answers
// of status 200 are sealed, so that only their length can be the same.
func same(t *testing.T, c *country, how string, messages [][]byte, change func([]byte) []byte, want int, text string) {
	t.Helper()
	answers := map[string]bool{}
	for _, m := range messages {
		status, headers, body, err := deliver(c.relay, change(slices.Clone(m)))
		if err != nil {
			t.Errorf("%s: %v", how, err)
		}
		if status != want || !strings.Contains(body, text) {
			t.Errorf("%s: answered %d %q, want %d %q", how, status, body, want, text)
		}
		if status == 200 {
			body = fmt.Sprint(len(body))
		}
		answers[fmt.Sprint(status, headers, body)] = true
	}
	if len(answers) != 1 {
		t.Errorf("%s: the answer depends on what is inside: %v", how, answers)
	}
}

// atOnce delivers one message eight times at the same moment: one is answered.
func atOnce(t *testing.T, c *country, message []byte) {
	t.Helper()
	var mu sync.Mutex
	got := map[int]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			status, _, _, err := deliver(c.relay, message)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			got[status]++
		})
	}
	wg.Wait()
	if got[200] != 1 || got[409] != 7 {
		t.Errorf("eight at once: %v", got)
	}
}
