package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/web/contract"
)

// sight is what somebody on the way sees of one message and its answer.
type sight struct {
	request, answer int    // lengths of the bodies
	asked, told     string // headers with their values
	status          int
}

// tape is a proxy that passes everything on as it came and records it.
type tape struct {
	t   testing.TB
	url string
	to  string
	web http.Transport
	odd bool // a control build answers: not as the wire contract says, and that is its point

	mu    sync.Mutex
	on    bool
	seen  []sight      // of POST
	bytes bytes.Buffer // all of every request and answer, of GET as well
	last  []byte       // the latest message's body
}

func newTape(t testing.TB, to string) *tape {
	t.Helper()
	p := &tape{t: t, to: to, web: http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16}}
	s := httptest.NewServer(p)
	p.url = s.URL
	t.Cleanup(func() {
		s.Close()
		p.web.CloseIdleConnections()
	})
	return p
}

// ServeHTTP passes one request on.
func (p *tape) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	out, err := http.NewRequestWithContext(r.Context(), r.Method, p.to+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	out.Header = r.Header.Clone()
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header["User-Agent"] = nil // or Go adds one
	}
	res, err := p.web.RoundTrip(out)
	if err != nil {
		panic(http.ErrAbortHandler) // as if the next one had hung up
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	p.keep(r, body, res, answer)
	if !p.odd && (strings.HasPrefix(r.URL.Path, "/.well-known/") || r.URL.Path == "/ohttp") { // of the platform, not of a relay
		if err := conforms(contract.Answer{Method: r.Method, Path: r.URL.Path, Status: res.StatusCode, Header: res.Header, Body: answer}); err != nil {
			p.t.Error(err)
		}
	}
	for name, values := range res.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(res.StatusCode)
	_, _ = w.Write(answer)
}

func (p *tape) keep(r *http.Request, body []byte, res *http.Response, answer []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.on {
		return
	}
	fmt.Fprintf(&p.bytes, "%s %s\n", r.Method, r.URL)
	for _, h := range []http.Header{r.Header, res.Header} {
		_ = h.Write(&p.bytes) // a buffer takes everything
	}
	p.bytes.Write(body)
	p.bytes.Write(answer)
	if r.Method == http.MethodPost {
		p.last = body
		asked := fmt.Sprintf("%s %s length %d %v; %s", r.Proto, r.URL, r.ContentLength, r.TransferEncoding, outline(r.Header))
		told := fmt.Sprintf("%s length %d %v; %s", res.Proto, res.ContentLength, res.TransferEncoding, outline(res.Header))
		p.seen = append(p.seen, sight{len(body), len(answer), asked, told, res.StatusCode})
	}
}

// outline writes headers one way. Of those that differ in every message by design,
// the date, a proof and a nonce, only the length counts.
func outline(h http.Header) string {
	var lines []string
	for name, values := range h {
		line := name + ": " + strings.Join(values, ", ")
		switch name {
		case "Date", "Dpop", "Dpop-Nonce":
			line = fmt.Sprintf("%s: %d bytes", name, len(strings.Join(values, ", ")))
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return strings.Join(lines, "; ")
}

// record begins to record.
func (p *tape) record() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.on = true
}

// kinds returns the distinct values of what of says of each message, with counts.
func (p *tape) kinds(of func(sight) string) map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[string]int{}
	for _, s := range p.seen {
		out[of(s)]++
	}
	return out
}

// views are the things by which a message could be told from another.
var views = map[string]func(sight) string{
	"length of request": func(s sight) string { return fmt.Sprint(s.request) },
	"length of answer":  func(s sight) string { return fmt.Sprint(s.answer) },
	"status":            func(s sight) string { return fmt.Sprint(s.status) },
	"request's headers": func(s sight) string { return s.asked },
	"answer's headers":  func(s sight) string { return s.told },
}

// taped is an installation whose partner's relay is watched on both sides.
type taped struct {
	*country
	front *tape // between devices and the relay
	back  *tape // between the relay and the platform
}

// newTaped adds a second relay process to a country, under the same credential, and
// puts the tapes around it.
func newTaped(t testing.TB, bin string) *taped {
	t.Helper()
	c := newCountry(t, bin)
	back := newTape(t, "http://"+c.listen)
	raw, err := os.ReadFile(c.path("relay.json"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, c.path("relay-taped.json"), strings.Replace(string(raw), "http://"+c.listen, back.url, 1))
	front := newTape(t, c.startRelay(c.path("relay-taped.json")))
	back.odd, front.odd = bin != program, bin != program
	return &taped{country: c, back: back, front: front}
}

// phone gives a linked person's device that asks through the tapes.
func (c *taped) phone(name string) string {
	c.t.Helper()
	raw, err := os.ReadFile(c.phones[name])
	if err != nil {
		c.t.Fatal(err)
	}
	file := c.path("taped-" + name + "-" + fmt.Sprint(time.Now().UnixNano()) + ".json")
	write(c.t, file, strings.Replace(string(raw), c.relay, c.front.url, 1))
	return file
}
