package e2e

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/ohttp"
)

// What TestRelaySees asks: 6 outcomes that cost a colour, 9 that cost none, and
// some with the keeper gone: 2,000 check-ins.
const (
	perColour = 100
	perVoid   = 150
	perOutage = 50
	perGuest  = 12 // colours a day
	crowdSize = (perColour + perGuest - 1) / perGuest
)

// TestRelaySees lets devices check in with every outcome there is and looks at what
// their partner's relay, and anybody beside it, could tell from the messages: one
// length, one set of headers and one status, and of nobody's identifiers a byte.
func TestRelaySees(t *testing.T) {
	c := newTaped(t, program)
	s := newScene(c)
	if err := s.odd.Cover(t.Context()); err != nil { // the relay's first proof has no nonce yet
		t.Fatal(err)
	}
	c.front.record()
	c.back.record()
	s.play()
	c.keeper.kill()
	for n := range perOutage {
		s.do(deed{"without a keeper", func(n int) error {
			a, err := s.crowds["green"][n%crowdSize].post(t.Context(), ticketBody(c.entry, 1, time.Now()))
			return wanted(a, err, 503, a.Status == 503)
		}}, n)
	}
	total := 0
	for _, name := range slices.Sorted(maps.Keys(s.done)) {
		total += s.done[name]
		t.Logf("%4d × %s", s.done[name], name)
	}
	if t.Failed() || total != 2000 {
		t.Fatalf("%d check-ins had the outcome they should have", total)
	}
	for name, tape := range map[string]*tape{"device to relay": c.front, "relay to platform": c.back} {
		for view, of := range views {
			kinds := tape.kinds(of)
			if len(kinds) != 1 {
				t.Errorf("%s: the %s tells messages apart: %v", name, view, kinds)
			}
			t.Logf("%s: %s: %v", name, view, kinds)
		}
		if len(tape.seen) < total {
			t.Errorf("%s: only %d messages were seen", name, len(tape.seen))
		}
	}
	s.hunt()
}

// scene is who takes part in TestRelaySees.
type scene struct {
	*taped
	crowds  map[string][]*guest
	limited *guest // was told all colours of the day
	ended   *guest // is linked no more
	foreign *guest // has a token that the platform did not seal
	odd     *guest // sends what makes no sense
	all     []*guest
	full    string            // code of a venue that is full
	again   map[*guest][]byte // what some send time and again
	seal    func([]byte) ([]byte, *ohttp.Exchange, error)

	mu     sync.Mutex
	done   map[string]int // by outcome
	visits map[string]bool
}

func newScene(c *taped) *scene {
	c.t.Helper()
	s := &scene{taped: c, crowds: map[string][]*guest{}, done: map[string]int{}, visits: map[string]bool{}, again: map[*guest][]byte{}}
	names := []string{"green", "yellow", "red", "black", "full", "again"}
	var colours []string
	for _, name := range names {
		if name == "full" || name == "again" {
			name = "green"
		}
		colours = append(colours, many(name, crowdSize)...)
	}
	colours = append(colours, many("green", 3)...)
	s.all = gather(c.site, c.front.url, client.Options{}, 5001, colours...)
	for i, name := range names {
		s.crowds[name] = s.all[i*crowdSize : (i+1)*crowdSize]
	}
	last := s.all[len(names)*crowdSize:]
	s.limited, s.ended, s.odd = last[0], last[1], last[2]
	c.operate("", "link", "end", s.ended.link)
	c.operate("", "venue", "add", "Kios Sempit Kenari", "--category", "market", "--level", "1", "--holds", "1")
	s.full = c.operate("", "venue", "code", "2")
	time.Sleep(2500 * time.Millisecond) // the server reads venues every two seconds
	for range perGuest {
		if a, err := s.limited.post(c.t.Context(), ticketBody(s.full, 1, time.Now())); err != nil || a.Status != 200 {
			c.t.Fatalf("using up the day's colours, and the venue's only place: %v %+v", err, a)
		}
	}
	altered := s.odd.credential
	altered.Token = altered.Token[:20] + strings.Repeat("A", len(altered.Token)-20)
	device, err := client.Open(altered, client.Options{})
	if err != nil {
		c.t.Fatal(err)
	}
	s.foreign = &guest{Device: device}
	s.seal = sealer(c.t, s.odd.credential).Encapsulate
	for _, g := range s.crowds["again"] {
		s.again[g] = ticketBody(c.entry, 1, time.Now())
	}
	return s
}

// deed is one kind of check-in; do returns nil when it had the outcome it should.
type deed struct {
	name string
	do   func(n int) error
}

// play does every deed, in an order that chance chooses, four at a time.
func (s *scene) play() {
	type step struct {
		deed
		n int
	}
	var steps []step
	add := func(deeds []deed, times int) {
		for _, d := range deeds {
			for n := range times {
				steps = append(steps, step{d, n})
			}
		}
	}
	add(s.coloured(), perColour)
	add(s.void(), perVoid)
	mathrand.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(steps) && !s.t.Failed(); i = int(next.Add(1)) - 1 {
				s.do(steps[i].deed, steps[i].n)
			}
		})
	}
	wg.Wait()
}

func (s *scene) do(d deed, n int) {
	err := d.do(n)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.t.Errorf("%s: %v", d.name, err)
		return
	}
	s.done[d.name]++
}

// wanted says whether an answer is the one that a deed is about.
func wanted(a answer, err error, status int, ok bool) error {
	if err != nil || a.Status != status || !ok {
		return fmt.Errorf("not the outcome under test: %d %q %s %s %s, %w", a.Status, a.Title, a.Colour, a.Decision, a.Code, err)
	}
	return nil
}

// coloured are the outcomes that tell a colour.
func (s *scene) coloured() []deed {
	ask := func(crowd, code string, ok func(answer) bool) func(int) error {
		return func(n int) error {
			g := s.crowds[crowd][n%crowdSize]
			body := ticketBody(code, 1, time.Now())
			if same, ok := s.again[g]; ok {
				body = same
			}
			a, err := g.post(s.t.Context(), body)
			s.mu.Lock()
			s.visits[a.Visit.Visit] = true
			s.mu.Unlock()
			return wanted(a, err, 200, ok(a))
		}
	}
	var deeds []deed
	for _, colour := range []string{"green", "yellow", "red", "black"} {
		deeds = append(deeds, deed{colour, ask(colour, s.entry, func(a answer) bool { return a.Colour == colour })})
	}
	return append(deeds,
		deed{"a full venue", ask("full", s.full, func(a answer) bool { return a.Code == "full" && a.Decision == "refuse" })},
		deed{"a retry", ask("again", s.entry, func(a answer) bool { return a.Colour == "green" })},
	)
}

// void are the outcomes that tell no colour.
func (s *scene) void() []deed {
	ask := func(g *guest, status int, title string, body func() []byte) func(int) error {
		return func(int) error {
			a, err := g.post(s.t.Context(), body())
			return wanted(a, err, status, strings.Contains(a.Title, title))
		}
	}
	plain := func() []byte { return ticketBody(s.entry, 1, time.Now()) }
	return []deed{
		{"a forged code", ask(s.odd, 400, "signature", func() []byte {
			return ticketBody(s.entry[:len(s.entry)-6]+"AAAAAA", 1, time.Now())
		})},
		{"the code of an exit", ask(s.odd, 400, "exit", func() []byte { return ticketBody(s.exit, 1, time.Now()) })},
		{"the day's colours used up", ask(s.limited, 429, "used up", plain)},
		{"a link that ended", ask(s.ended, 403, "not linked", plain)},
		{"a body that is no JSON", ask(s.odd, 400, "JSON", func() []byte { return noise(1 + mathrand.IntN(900)) })},
		{"a party of a thousand", ask(s.odd, 400, "party", func() []byte { return ticketBody(s.entry, 1000, time.Now()) })},
		{"a nonce of last week", ask(s.odd, 400, "", func() []byte { return ticketBody(s.entry, 1, time.Now().AddDate(0, 0, -7)) })},
		{"a foreign token", ask(s.foreign, 403, "token", plain)},
		{"noise instead of a request", func(int) error {
			status, err := s.askNoise()
			return wanted(answer{Status: status}, err, 403, true)
		}},
	}
}

// askNoise sends noise, well encapsulated, under the headers of a device.
func (s *scene) askNoise() (int, error) {
	sealed, exchange, err := s.seal(noise(1 + mathrand.IntN(ohttp.MaxRequest)))
	if err != nil {
		return 0, err
	}
	status, _, body, err := deliver(s.front.url, sealed)
	if err != nil || status != 200 {
		return status, err
	}
	plain, err := exchange.Open([]byte(body))
	if err != nil {
		return 0, err
	}
	res, err := ohttp.ParseResponse(plain)
	return res.Status, err
}

func noise(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// sealer is the platform's key configuration, as the relay passes it on.
func sealer(t testing.TB, c client.Credential) ohttp.Config {
	t.Helper()
	res, err := http.Get(c.Relay + "/ohttp-keys")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	envelope, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := ohttp.VerifyConfigs(envelope, time.Now(), ed25519.PublicKey(c.Pin))
	if err != nil {
		t.Fatal(err)
	}
	config, err := ohttp.Choose(signed.Configs)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// bare sends what it is given and adds no header of its own.
var bare = http.Client{Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 8}, Timeout: 30 * time.Second}

// deliver posts bytes to a relay as a device does, and returns what it answers.
func deliver(relay string, body []byte) (status int, headers, answer string, err error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, relay, bytes.NewReader(body))
	if err != nil {
		return 0, "", "", err
	}
	req.Header = http.Header{"Content-Type": {ohttp.MediaTypeRequest}, "User-Agent": nil}
	res, err := bare.Do(req)
	if err != nil {
		return 0, "", "", err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return res.StatusCode, outline(res.Header), string(raw), err
}

// hunt searches all that was seen for who was there and where, and, as its control,
// for the relay's own token, which only the platform's side must show.
func (s *scene) hunt() {
	var planted []string
	for _, g := range s.all {
		raw, err := hex.DecodeString(g.link)
		if err != nil {
			s.t.Fatal(err)
		}
		planted = append(planted, g.nik, g.name, g.phone, g.link, string(raw), g.credential.Token)
	}
	delete(s.visits, "")
	for id := range s.visits {
		raw, err := hex.DecodeString(id)
		if err != nil {
			s.t.Fatal(err)
		}
		// A visit's number begins with its time: only the rest is a secret.
		planted = append(planted, id, string(raw[6:]))
	}
	planted = append(planted, "Mal Uji", "Kios Sempit Kenari", s.entry, s.exit, s.full)
	planted = slices.DeleteFunc(planted, func(v string) bool { return len(v) < 8 })
	h := newHunter(planted)
	relay, err := os.ReadFile(s.path("relay.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	credential, err := client.ParseRelay(relay)
	if err != nil {
		s.t.Fatal(err)
	}
	control := newHunter([]string{credential.Token})
	for tape, want := range map[*tape]int{s.front: 0, s.back: 1} {
		seen := tape.bytes.Bytes()
		for v := range h.search(seen) {
			s.t.Errorf("%q was on the wire", v)
		}
		if n := len(control.search(seen)); n != want {
			s.t.Errorf("control: the relay's token was found %d times, want %d", n, want)
		}
		s.t.Logf("searched %d bytes for %d identifiers", len(seen), len(planted))
	}
}

// TestRelayWithoutPadding is the control: in a build without padding the same tapes
// tell check-ins apart by their lengths.
func TestRelayWithoutPadding(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "amanah")
	if out, err := build(bin, "amanah_nopadding"); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	c := newTaped(t, bin)
	c.front.record()
	c.back.record()
	for i, name := range []string{"1", "2", "3", "1"} {
		c.ask(c.phone(name), "checkin", "--code", c.entry, "--party", []string{"1", "1", "1", "10"}[i])
	}
	for name, tape := range map[string]*tape{"device to relay": c.front, "relay to platform": c.back} {
		for _, view := range []string{"length of request", "length of answer"} {
			kinds := tape.kinds(views[view])
			if len(kinds) < 2 {
				t.Errorf("%s: the %s is the same without padding: the tape would not show it: %v", name, view, kinds)
			}
			t.Logf("without padding, %s: %s: %v", name, view, kinds)
		}
	}
}
