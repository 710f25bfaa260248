package client

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/ohttp"
	"github.com/amanah-project/amanah/verify"
)

// platform is a small honest platform: it opens messages with real keys, and
// answers as each test tells it to. Between it and the device stands the Relay
// under test.
type platform struct {
	t       *testing.T
	pin     ed25519.PrivateKey
	venue   ed25519.PrivateKey
	ticket  ed25519.PrivateKey
	clock   func() time.Time
	keyID   ohttp.KeyID
	gateway *ohttp.Gateway
	web     *httptest.Server
	cache   *Relay
	relay   *httptest.Server

	mu       sync.Mutex
	config   []byte
	docs     []byte
	answer   func(r *ohttp.Request) (int, string) // to requests whose proof has a nonce
	outer    func(w http.ResponseWriter) bool     // takes the answer to the relay over
	asked    []ohttp.Request
	messages int
	seen     []string // what came to the relay: lengths and headers
}

func newPlatform(t *testing.T) *platform {
	t.Helper()
	p := &platform{t: t, clock: time.Now, answer: func(*ohttp.Request) (int, string) { return 200, `{}` }}
	for _, k := range []*ed25519.PrivateKey{&p.pin, &p.venue, &p.ticket} {
		_, key, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		*k = key
	}
	replays, err := ohttp.NewReplayCache(time.Minute, 1<<16)
	if err != nil {
		t.Fatal(err)
	}
	if p.gateway, err = ohttp.NewGateway(replays); err != nil {
		t.Fatal(err)
	}
	p.rotate()
	p.publish(p.pin)
	p.web = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.web.Close)
	relay := NewRelay(RelayCredential{Host: "sehat.example", Platform: p.web.URL, Partner: 7, Token: "relay-token", Key: make([]byte, 32)}, RelayOptions{})
	p.cache = relay
	p.relay = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			head := r.Header.Clone()
			p.mu.Lock()
			p.seen = append(p.seen, fmt.Sprint(len(body), head))
			p.mu.Unlock()
		}
		relay.ServeHTTP(w, r)
	}))
	t.Cleanup(p.relay.Close)
	return p
}

// forget lets the relay fetch the platform's documents again, as after five
// minutes.
func (p *platform) forget() {
	p.cache.mu.Lock()
	defer p.cache.mu.Unlock()
	clear(p.cache.documents)
}

func (p *platform) rotate() {
	p.t.Helper()
	p.keyID++
	key, err := ohttp.GenerateKey(p.keyID, ohttp.X25519)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.gateway.SetKeys(key); err != nil {
		p.t.Fatal(err)
	}
	raw, err := ohttp.AppendConfigs(nil, key.Config())
	if err != nil {
		p.t.Fatal(err)
	}
	config, err := ohttp.SignConfigs(p.pin, raw, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.config = config
}

func (p *platform) publish(signer ed25519.PrivateKey) {
	p.t.Helper()
	key := func(purpose verify.Purpose, k ed25519.PrivateKey) verify.Keys {
		ks, err := verify.NewKeys(purpose, verify.NewKey(k.Public().(ed25519.PublicKey), time.Now().Add(-time.Hour).Truncate(time.Second), time.Now().Add(24*time.Hour).Truncate(time.Second)))
		if err != nil {
			p.t.Fatal(err)
		}
		return ks
	}
	doc, err := verify.Published{Venues: key(verify.ForVenues, p.venue), Tickets: key(verify.ForTickets, p.ticket)}.Sign(signer, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.docs = doc
}

// nonce carries the platform's clock.
func (p *platform) nonce() string {
	return b64(append(binary.BigEndian.AppendUint64(nil, uint64(p.clock().Unix())), "opaque"...))
}

func (p *platform) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	config, docs, outer := p.config, p.docs, p.outer
	p.mu.Unlock()
	switch r.URL.Path {
	case ohttp.WellKnownPath:
		_, _ = w.Write(config)
		return
	case "/.well-known/amanah-keys":
		_, _ = w.Write(docs)
		return
	}
	w.Header().Set("DPoP-Nonce", p.nonce())
	if !strings.Contains(claims(p.t, r.Header.Get("DPoP")), `"nonce":"A`) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"title":"use_dpop_nonce: repeat","status":403}`)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Error(err)
	}
	p.mu.Lock()
	p.messages++
	p.mu.Unlock()
	plain, seal, err := p.gateway.Open(body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"type":"`+ohttp.ProblemKey+`","title":"fetch the keys again"}`)
		return
	}
	inner, err := ohttp.ParseRequest(plain)
	if err != nil {
		p.t.Error(err)
	}
	status, text := p.reply(&inner)
	message, err := ohttp.AppendResponse(nil, &ohttp.Response{Status: status, Header: []ohttp.Field{{Name: "dpop-nonce", Value: p.nonce()}}, Body: []byte(text)})
	if err != nil {
		p.t.Error(err)
	}
	if outer != nil && outer(w) {
		return
	}
	sealed, err := seal.Seal(nil, message)
	if err != nil {
		p.t.Error(err)
	}
	_, _ = w.Write(sealed)
}

func (p *platform) reply(r *ohttp.Request) (int, string) {
	if !strings.Contains(claims(p.t, ohttp.Get(r.Header, "dpop")), `"nonce":"A`) {
		return 403, `{"title":"use_dpop_nonce: repeat the request"}`
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, *r)
	return p.answer(r)
}

func claims(t *testing.T, proof string) string {
	parts := strings.Split(proof, ".")
	if len(parts) != 3 {
		t.Errorf("not a proof: %q", proof)
		return ""
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Error(err)
	}
	return string(raw)
}

func (p *platform) device(opt Options) *Device {
	p.t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	d, err := Open(Credential{Host: "sehat.example", Relay: p.relay.URL, Pin: p.pin.Public().(ed25519.PublicKey), Partner: 7, Token: "device-token", Key: key.Seed()}, opt)
	if err != nil {
		p.t.Fatal(err)
	}
	return d
}

func (p *platform) code(c verify.VenueCode) string {
	p.t.Helper()
	url, err := verify.SignVenueCode(p.venue, "sehat.example", c)
	if err != nil {
		p.t.Fatal(err)
	}
	return url
}

func nonceOf(t *testing.T, r ohttp.Request) string {
	t.Helper()
	var b struct {
		Nonce string `json:"nonce"`
	}
	if err := json.Unmarshal(r.Body, &b); err != nil || b.Nonce == "" {
		t.Errorf("no nonce in %s: %v", r.Body, err)
	}
	return b.Nonce
}

func TestCheckInAndPresent(t *testing.T) {
	p := newPlatform(t)
	d := p.device(Options{})
	p.answer = func(r *ohttp.Request) (int, string) {
		var b struct{ Holder string }
		if err := json.Unmarshal(r.Body, &b); err != nil {
			t.Error(err)
		}
		raw, err := base64.RawURLEncoding.DecodeString(b.Holder)
		if err != nil {
			t.Error(err)
		}
		holder, err := verify.ParsePublicKey(verify.Ed25519, raw)
		if err != nil {
			t.Error(err)
		}
		issued := time.Now().Truncate(time.Minute)
		ticket, err := verify.SignTicket(p.ticket, verify.Ticket{Venue: 3, Door: 1, Issued: issued, Expires: issued.Add(time.Hour), Serial: [16]byte{9}, Party: 2, Decision: verify.Admit, Holder: holder})
		if err != nil {
			t.Error(err)
		}
		return 200, `{"visit":"v1","decision":"admit","colour":"green","reason":{"code":"boosted","text":"lengkap"},"inside":4,"limit":10,"ticket":"` + b64(ticket) + `"}`
	}
	v, err := d.CheckIn(t.Context(), CheckIn{Code: p.code(verify.VenueCode{Venue: 3, Door: 1, Serial: 1}), Party: 2})
	if err != nil || v.Colour != "green" || v.Inside != 4 || v.Reason.Code != "boosted" {
		t.Fatalf("%+v, %v", v, err)
	}
	screen, err := v.Present(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := d.published(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ticket, err := keys.Tickets.Presentation(screen, time.Now())
	if err != nil || ticket.Party != 2 {
		t.Errorf("%+v, %v", ticket, err)
	}
	if _, err := keys.Tickets.Presentation(screen, time.Now().Add(5*time.Minute)); err == nil {
		t.Error("a screenshot of five minutes ago is good")
	}
	if _, err := (&Visit{}).Present(time.Now()); !errors.Is(err, ErrNoTicket) {
		t.Errorf("no ticket: %v", err)
	}
}

func TestACodeThatIsNotOursSendsNothing(t *testing.T) {
	p := newPlatform(t)
	d := p.device(Options{})
	good := p.code(verify.VenueCode{Venue: 1, Door: 1, Serial: 1})
	_, stranger, _ := ed25519.GenerateKey(nil)
	forged, err := verify.SignVenueCode(stranger, "sehat.example", verify.VenueCode{Venue: 1, Door: 1, Serial: 1})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		code string
		want error
	}{
		"foreign host": {strings.Replace(good, "sehat.example", "sehat.example.evil.test", 1), verify.ErrHost},
		"forged":       {forged, verify.ErrUnknownKey},
		"altered":      {good[:len(good)-8] + "AAAAAAAA", verify.ErrSignature},
		"exit":         {p.code(verify.VenueCode{Venue: 1, Door: 1, Serial: 1, Exit: true}), ErrExit},
		"expired":      {p.code(verify.VenueCode{Venue: 1, Door: 1, Serial: 1, Expires: time.Now().Add(-time.Hour).Truncate(time.Second)}), verify.ErrExpired},
		"nothing":      {"", verify.ErrMalformed},
	} {
		if _, err := d.CheckIn(t.Context(), CheckIn{Code: c.code, Party: 1}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(p.seen) != 0 {
		t.Errorf("%d messages were sent", len(p.seen))
	}
	if _, err := d.CheckIn(t.Context(), CheckIn{Code: good, Party: 1}); err != nil || len(p.seen) == 0 {
		t.Errorf("a good code: %v, %d messages", err, len(p.seen))
	}
}

func TestALostAnswerIsAskedForAgainUnderTheSameNonce(t *testing.T) {
	p := newPlatform(t)
	d := p.device(Options{})
	lost := 2
	p.outer = func(w http.ResponseWriter) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.asked) == 0 || lost == 0 {
			return false
		}
		lost--
		panic(http.ErrAbortHandler) // the connection breaks after the work was done
	}
	if _, err := d.CheckIn(t.Context(), CheckIn{Code: p.code(verify.VenueCode{Venue: 1, Door: 1, Serial: 1}), Party: 1}); err != nil {
		t.Fatal(err)
	}
	if len(p.asked) != 3 {
		t.Fatalf("%d requests arrived", len(p.asked))
	}
	for _, r := range p.asked[1:] {
		if nonceOf(t, r) != nonceOf(t, p.asked[0]) {
			t.Error("a retry names another visit")
		}
	}
	if _, err := d.CheckIn(t.Context(), CheckIn{Code: p.code(verify.VenueCode{Venue: 1, Door: 1, Serial: 1}), Party: 1}); err != nil {
		t.Fatal(err)
	}
	if nonceOf(t, p.asked[3]) == nonceOf(t, p.asked[0]) {
		t.Error("another check-in names the same visit")
	}
}

func TestClockSkewIsAbsorbed(t *testing.T) {
	for _, skew := range []time.Duration{-5 * time.Minute, 5 * time.Minute} {
		p := newPlatform(t)
		d := p.device(Options{Now: func() time.Time { return time.Now().Add(skew) }})
		if _, err := d.CheckIn(t.Context(), CheckIn{Code: p.code(verify.VenueCode{Venue: 1, Door: 1, Serial: 1}), Party: 1}); err != nil {
			t.Fatal(err)
		}
		raw, err := base64.RawURLEncoding.DecodeString(nonceOf(t, p.asked[0]))
		if err != nil {
			t.Fatal(err)
		}
		at := time.UnixMilli(int64(binary.BigEndian.Uint64(append([]byte{0, 0}, raw[:6]...))))
		if off := time.Since(at); off < -2*time.Second || off > 2*time.Second {
			t.Errorf("skew %s: the visit's nonce is off by %s", skew, off)
		}
	}
}

func TestKeysThatThePlatformDidNotSign(t *testing.T) {
	p := newPlatform(t)
	_, evil, _ := ed25519.GenerateKey(nil)
	honest := p.pin
	p.pin = evil
	p.rotate()
	p.pin = honest
	if _, err := p.device(Options{}).Status(t.Context()); !errors.Is(err, ohttp.ErrSignature) {
		t.Errorf("a relay's own key configuration: %v", err)
	}
	if p.messages != 0 {
		t.Error("a message was sent under it")
	}
	p.rotate()
	p.forget()
	p.publish(evil)
	d := p.device(Options{})
	if _, err := d.CheckIn(t.Context(), CheckIn{Code: p.code(verify.VenueCode{Venue: 1, Door: 1, Serial: 1}), Party: 1}); !errors.Is(err, verify.ErrSignature) {
		t.Errorf("a relay's own venue keys: %v", err)
	}
	p.publish(honest)
	p.forget()
	if _, err := p.device(Options{}).Status(t.Context()); err != nil {
		t.Errorf("the platform's own: %v", err)
	}
}

func TestRotatedKeysAreFetchedAgain(t *testing.T) {
	p := newPlatform(t)
	d := p.device(Options{})
	if _, err := d.Status(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.rotate()
	p.forget()
	if _, err := d.Status(t.Context()); err != nil {
		t.Errorf("after a rotation: %v", err)
	}
}

func TestProblemsReachTheApp(t *testing.T) {
	p := newPlatform(t)
	d := p.device(Options{})
	for _, c := range []struct {
		status int
		title  string
	}{{403, "this device is not linked"}, {429, "the colours of the day are used up"}, {404, "no such venue"}} {
		p.mu.Lock()
		p.asked = nil
		p.answer = func(*ohttp.Request) (int, string) { return c.status, `{"title":"` + c.title + `"}` }
		p.mu.Unlock()
		_, err := d.Status(t.Context())
		var got *Problem
		if !errors.As(err, &got) || got.Status != c.status || got.Title != c.title {
			t.Errorf("%v", err)
		}
		if len(p.asked) != 1 {
			t.Errorf("%s was asked %d times", c.title, len(p.asked))
		}
	}
}

func TestUnavailableIsTriedAgainAndThenSaid(t *testing.T) {
	p := newPlatform(t)
	d := p.device(Options{})
	down := 2
	p.answer = func(*ohttp.Request) (int, string) {
		if down--; down >= 0 {
			return 503, `{"title":"the keeper is not available"}`
		}
		return 200, `{"colour":"green"}`
	}
	if s, err := d.Status(t.Context()); err != nil || s.Colour != "green" {
		t.Errorf("%+v, %v", s, err)
	}
	p.web.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if _, err := d.Status(ctx); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a platform that is gone: %v", err)
	}
}

func TestARelaySeesOneLengthAndOneSetOfHeaders(t *testing.T) {
	p := newPlatform(t)
	code := p.code(verify.VenueCode{Venue: 1, Door: 1, Serial: 1})
	for i := range 3 {
		d := p.device(Options{})
		ctx := t.Context()
		_, _ = d.CheckIn(ctx, CheckIn{Code: code, Party: 1 + i})
		_, _ = d.Leave(ctx, "00112233445566778899aabbccddeeff")
		_, _ = d.LeaveByCode(ctx, code)
		_, _ = d.Status(ctx)
		_, _ = d.History(ctx, i)
		_, _ = d.Venue(ctx, 1)
		_ = d.Cover(ctx)
	}
	if len(p.seen) < 21 {
		t.Fatalf("only %d messages", len(p.seen))
	}
	for _, s := range p.seen {
		if s != p.seen[0] || !strings.HasPrefix(s, "2048 ") {
			t.Errorf("a relay sees %q beside %q", s, p.seen[0])
		}
	}
}

func TestRelayRefuses(t *testing.T) {
	p := newPlatform(t)
	ask := func(method, path string, body []byte) int {
		r, err := http.NewRequestWithContext(t.Context(), method, p.relay.URL+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	for _, c := range []struct {
		method, path string
		body         int
		want         int
	}{{"POST", "", 2049, 400}, {"POST", "", 1 << 20, 400}, {"GET", "/nothing", 0, 404}, {"PUT", "", 2048, 404}, {"POST", "", 2048, 400}} {
		if got := ask(c.method, c.path, make([]byte, c.body)); got != c.want {
			t.Errorf("%s %s of %d bytes: %d", c.method, c.path, c.body, got)
		}
	}
	p.web.Close()
	if got := ask("POST", "", make([]byte, 2048)); got != 502 {
		t.Errorf("without a platform: %d", got)
	}
}

func TestRoundTripper(t *testing.T) {
	p := newPlatform(t)
	p.answer = func(r *ohttp.Request) (int, string) { return 200, r.Method + " " + r.Path + " " + string(r.Body) }
	web := http.Client{Transport: p.device(Options{})}
	res, err := web.Post("https://sehat.example/v1/visits/leave?x=1", "application/json", strings.NewReader(`{"cover":true}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err != nil || string(b) != `POST /v1/visits/leave?x=1 {"cover":true}` {
		t.Errorf("%s, %v", b, err)
	}
	if _, err := web.Get("https://other.example/"); err == nil {
		t.Error("a request for another host was sent")
	}
}

func TestCoverRunsUntilTold(t *testing.T) {
	p := newPlatform(t)
	ctx, cancel := context.WithCancel(t.Context())
	p.answer = func(r *ohttp.Request) (int, string) {
		if !bytes.Contains(r.Body, []byte(`"cover":true`)) {
			t.Errorf("not a cover: %s", r.Body)
		}
		if len(p.asked) == 5 {
			cancel()
		}
		return 200, `{"closed":0}`
	}
	p.device(Options{}).StartCover(ctx, time.Millisecond, func(err error) { t.Error(err) })
	if len(p.asked) < 5 {
		t.Errorf("%d covers", len(p.asked))
	}
}
