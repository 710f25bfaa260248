package e2e

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/ohttp"
)

// posted is one encapsulated request of TestRefusalLength, with the status that it must
// have inside: a trial of another refusal would show nothing.
type posted struct {
	what string
	want int
	make func() (letter, error)
}

// odd makes requests that a device's SDK would not.
type odd struct {
	*timed
	who  *speaker
	full string // code of a venue that is full
}

func (o *odd) asks(method, path, body string) func() (letter, error) {
	return func() (letter, error) { return o.desk.write(o.who, method, path, []byte(body)) }
}

// raw seals a request of any headers, or bytes that are no request.
func (o *odd) raw(method, path string, header ...ohttp.Field) func() (letter, error) {
	return func() (letter, error) {
		message, err := ohttp.AppendRequest(nil, &ohttp.Request{Method: method, Scheme: "https", Authority: "localhost", Path: path, Header: header})
		if err != nil {
			return letter{}, err
		}
		return o.seal(message)
	}
}

func (o *odd) seal(message []byte) (l letter, err error) {
	l.body, l.exchange, err = o.desk.config.Encapsulate(message)
	return l, err
}

// proved is a request of a device with its token, and a proof by some key for some
// path under some nonce.
func (o *odd) proved(by *speaker, url, nonce string) func() (letter, error) {
	return func() (letter, error) {
		return o.raw("GET", "/v1/status", ohttp.Field{Name: "authorization", Value: "DPoP " + o.who.token},
			ohttp.Field{Name: "dpop", Value: by.prove("GET", url, nonce)})()
	}
}

func newOdd(t *testing.T, bin string) *odd {
	t.Helper()
	o := &odd{timed: newTimed(t, bin, 60)}
	o.who = &o.crowd[0]
	o.operate("", "venue", "add", "Kios Uji", "--category", "market", "--level", "1", "--holds", "1")
	o.full = o.operate("", "venue", "code", "2")
	time.Sleep(2500 * time.Millisecond) // the server reads venues every two seconds
	return o
}

// kinds are all answers that the way through a relay knows, as far as a device can
// bring them about.
func (o *odd) kinds() []posted {
	b64 := base64.RawURLEncoding.EncodeToString
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		o.t.Fatal(err)
	}
	stranger := newSpeaker(o.who.token, key.Seed())
	foreign := newSpeaker(b64(make([]byte, 122)), o.who.key.Seed())
	relay := newSpeaker(o.desk.relay.token, o.who.key.Seed())
	const status = "https://localhost/v1/status"
	checkIn := func(by *speaker, code string, party int) func() (letter, error) {
		return func() (letter, error) {
			return o.desk.write(by, "POST", "/v1/visits", ticketBody(code, party, time.Now()))
		}
	}
	all := []posted{
		{"the venue is entered", 200, checkIn(&o.crowd[1], o.full, 1)},
		{"the venue is full", 200, checkIn(&o.crowd[2], o.full, 1)},
		{"a code that nobody signed", 400, checkIn(o.who, "https://localhost/v/AAAA", 1)},
		{"a code of another host", 400, checkIn(o.who, strings.Replace(o.code, "localhost", "evil.example", 1), 1)},
		{"a party of fifty-one", 400, checkIn(o.who, o.code, 51)},
		{"no JSON", 400, o.asks("POST", "/v1/visits", "{")},
		{"no body", 400, o.asks("POST", "/v1/visits", "")},
		{"no nonce", 400, o.asks("POST", "/v1/visits", fmt.Sprintf(`{"code":%q}`, o.code))},
		{"no such resource", 404, o.asks("GET", "/v2", "")},
		{"another method", 404, o.asks("DELETE", "/v1/visits", "")},
		{"no such venue", 404, o.asks("GET", "/v1/venues/99", "")},
		{"a venue", 200, o.asks("GET", "/v1/venues/1", "")},
		{"visits", 200, o.asks("GET", "/v1/visits", "")},
		{"visits of no page", 404, o.asks("GET", "/v1/visits?page=-1", "")},
		{"asks", 200, o.asks("GET", "/v1/asks", "")},
		{"links", 200, o.asks("GET", "/v1/links", "")},
		{"nobody's link", 404, o.asks("DELETE", "/v1/links/00112233445566778899aabbccddeeff", "")},
		{"a link of no form", 400, o.asks("DELETE", "/v1/links/0011", "")},
		{"disputes", 200, o.asks("GET", "/v1/disputes", "")},
		{"nobody's dispute", 404, o.asks("GET", "/v1/disputes/D-2026-000123-8", "")},
		{"a dispute about nothing", 400, o.asks("POST", "/v1/disputes", `{"about":"x"}`)},
		{"a PIN that is guessed", 400, o.asks("PUT", "/v1/pin", `{"pin":"123456"}`)},
		{"cards", 200, o.asks("DELETE", "/v1/cards", "")},
		{"a cover check-out", 200, o.asks("POST", "/v1/visits/leave", string(cover))},
		{"a visit that nobody made", 404, func() (letter, error) {
			return o.asks("POST", "/v1/visits/leave", fmt.Sprintf(`{"visit":"%012x%s"}`, time.Now().UnixMilli(), strings.Repeat("a", 20)))()
		}},
		{"leaving nothing", 400, o.asks("POST", "/v1/visits/leave", "{}")},
		{"no token", 403, o.raw("GET", "/v1/status")},
		{"a bearer", 403, o.raw("GET", "/v1/status", ohttp.Field{Name: "authorization", Value: "Bearer " + o.who.token})},
		{"a token that nobody sealed", 403, func() (letter, error) { return o.desk.write(&foreign, "GET", "/v1/status", nil) }},
		{"the relay's own token", 403, func() (letter, error) { return o.desk.write(&relay, "GET", "/v1/status", nil) }},
		{"no proof", 403, o.raw("GET", "/v1/status", ohttp.Field{Name: "authorization", Value: "DPoP " + o.who.token})},
		{"another key's proof", 403, o.proved(&stranger, status, o.desk.last())},
		{"a proof for another resource", 403, o.proved(o.who, "https://localhost/v1/visits", o.desk.last())},
		{"a nonce that nobody gave", 403, o.proved(o.who, status, b64(make([]byte, 24)))},
		{"no request at all", 403, func() (letter, error) { // sealed well, so that it opens
			noise := make([]byte, 300)
			rand.Read(noise)
			return o.seal(noise)
		}},
	}
	return append(append(all, o.linkingKinds()...), o.spent()...)
}

// linkingKinds are calls to the authorization server.
func (o *odd) linkingKinds() []posted {
	form := ohttp.Field{Name: "content-type", Value: "application/x-www-form-urlencoded"}
	return []posted{
		{"a push of nobody", 400, o.raw("POST", "/oauth/par", form)},
		{"a token for nothing", 400, o.raw("POST", "/oauth/token", form)},
		{"a revocation by nobody", 401, o.raw("POST", "/oauth/revoke", form)},
		{"a push that is no form", 400, o.raw("POST", "/oauth/par")},
		{"a push with a query", 400, o.raw("POST", "/oauth/par?x=1", form)},
	}
}

// spent are a proof used before, a link that ended and a thirteenth colour.
func (o *odd) spent() []posted {
	used := o.who.prove("GET", "https://localhost/v1/status", o.desk.last())
	again := o.raw("GET", "/v1/status", ohttp.Field{Name: "authorization", Value: "DPoP " + o.who.token}, ohttp.Field{Name: "dpop", Value: used})
	out := []posted{{"a proof", 200, again}, {"the proof again", 403, again}}
	limited := &o.crowd[3]
	for range 12 {
		out = append(out, posted{"a colour", 200, func() (letter, error) { return o.desk.write(limited, "GET", "/v1/status", nil) }})
	}
	out = append(out, posted{"a thirteenth colour", 429, func() (letter, error) { return o.desk.write(limited, "GET", "/v1/status", nil) }})
	gone := &o.crowd[4]
	return append(out,
		posted{"a link is removed", 200, func() (letter, error) {
			return o.desk.write(gone, "DELETE", fmt.Sprintf("/v1/links/%x", gone.link[:]), nil)
		}},
		posted{"a link that was removed", 403, func() (letter, error) { return o.desk.write(gone, "GET", "/v1/status", nil) }},
	)
}

// send sends a letter over the relay's own TLS connection and returns what it looks
// like, and the status inside.
func (o *odd) send(k posted) (string, int) {
	o.t.Helper()
	l, err := k.make()
	if err != nil {
		o.t.Fatalf("%s: %v", k.what, err)
	}
	raw := fmt.Appendf(nil, "POST /ohttp HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nAuthorization: DPoP %s\r\nDpop: %s\r\nContent-Length: %d\r\n\r\n",
		ohttp.MediaTypeRequest, o.desk.relay.token, o.desk.proof(), len(l.body))
	_, head, body, err := o.wire.ask(append(raw, l.body...))
	if err != nil {
		o.t.Fatalf("%s: %v", k.what, err)
	}
	plain, err := l.exchange.Open(body[:min(len(body), ohttp.ResponseSize)])
	if err != nil {
		o.t.Fatalf("%s: %v: %s %q", k.what, err, head, body)
	}
	r, err := ohttp.ParseResponse(plain)
	if err != nil {
		o.t.Fatalf("%s: %v", k.what, err)
	}
	return shape(head, body), r.Status
}

// TestRefusalLength is TestColourLength for whatever else is answered: over TLS every
// refusal looks to the byte as a colour does, a keeper that is away included. A byte
// more for one of the answers is seen (the control).
func TestRefusalLength(t *testing.T) {
	for _, c := range []struct {
		build string
		want  int
	}{{"", 1}, {"amanah_longred", 2}} {
		bin := program
		if c.build != "" {
			bin = tagged(t, c.build)
		}
		o := newOdd(t, bin)
		shapes, statuses := map[string][]string{}, map[int]int{}
		see := func(k posted) {
			looks, status := o.send(k)
			shapes[looks] = append(shapes[looks], k.what)
			statuses[status]++
			if status != k.want {
				t.Errorf("%s: %d inside, want %d", k.what, status, k.want)
			}
		}
		for _, colour := range colours {
			for i := range o.crowd {
				if by := &o.crowd[len(o.crowd)-1-i]; by.colour == colour {
					see(posted{colour, 200, func() (letter, error) {
						return o.desk.write(by, "POST", "/v1/visits", ticketBody(o.code, 1, time.Now()))
					}})
					break
				}
			}
		}
		for _, k := range o.kinds() {
			see(k)
		}
		o.keeper.kill()
		see(posted{"the keeper is away", 503, func() (letter, error) { return o.desk.write(o.who, "GET", "/v1/status", nil) }})
		if len(shapes) != c.want {
			t.Errorf("build %q: %d shapes, want %d: %v", c.build, len(shapes), c.want, shapes)
		}
		n := 0
		for _, v := range shapes {
			n += len(v)
		}
		t.Logf("build %q: %d answers, by status inside %v: %d shapes", c.build, n, statuses, len(shapes))
	}
}
