package relay_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/web/api"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/relay"
	"github.com/amanah-project/amanah/internal/web/token"
	"github.com/amanah-project/amanah/ohttp"
)

// TestAnswers: the device is asked what was sealed, and the answer opens for it.
func TestAnswers(t *testing.T) {
	s := newStand(t)
	body, x := s.message(inner())
	w := s.send(s.fit(body))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != ohttp.MediaTypeResponse || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	plain, err := x.Open(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	got, err := ohttp.ParseResponse(plain)
	if err != nil || got.Status != 200 || string(got.Body) != `{"colour":"green"}` || ohttp.Get(got.Header, "dpop-nonce") != "n" {
		t.Errorf("%v %+v", err, got)
	}
	if len(s.asked) != 1 {
		t.Fatalf("asked %d times", len(s.asked))
	}
	a := s.asked[0]
	if a.Partner != 7 || a.Method != "POST" || a.Path != "/v1/visits" || a.Auth != "DPoP t" || a.Proof != "p" || a.Lang != "en" || string(a.Body) != `{"n":1}` {
		t.Errorf("asked %+v", a)
	}
	if a.Relay.Thumbprint != thumbprint(s.key) || a.Relay.ID == "" {
		t.Errorf("the relay's own proof is not handed on: %+v", a.Relay)
	}
	if !slices.Equal(s.seen, []string{"7 answered"}) {
		t.Errorf("%q", s.seen)
	}
}

// TestOneShape: whatever is answered, a relay sees one status, one length and one
// set of headers.
func TestOneShape(t *testing.T) {
	s := newStand(t)
	shapes := map[string]bool{}
	shape := func(body []byte) {
		w := s.send(s.fit(body))
		h := w.Header().Clone()
		h.Del("Dpop-Nonce")
		text, err := json.Marshal([]any{w.Code, w.Body.Len(), h, len(w.Header().Get("Dpop-Nonce"))})
		if err != nil {
			t.Fatal(err)
		}
		shapes[string(text)] = true
	}
	for _, a := range []api.Response{
		{Status: 200, Type: "application/json", Nonce: "n", Body: []byte("{}")},
		{Status: 200, Type: "application/json", Nonce: strings.Repeat("n", 43), Body: bytes.Repeat([]byte("x"), 1024)},
		{Status: 403, Type: "application/problem+json", Body: []byte(`{"title":"denied"}`)},
		{Status: 503, Type: "application/problem+json"},
		{Status: 200, Type: "application/json", Body: bytes.Repeat([]byte("x"), 10_000)},
	} {
		s.answer = a
		shape(s.ask())
	}
	for _, plain := range [][]byte{nil, {0}, []byte("no binary HTTP"), bytes.Repeat([]byte{0xff}, 512)} {
		body, _ := s.wrap(plain)
		shape(body)
		if a := s.asked[len(s.asked)-1]; a.Method != "" || a.Path != "" || a.Body != nil || a.Partner != 7 {
			t.Errorf("a message that is no request was asked as %+v", a)
		}
	}
	if len(shapes) != 1 {
		t.Errorf("%d shapes: %v", len(shapes), shapes)
	}
}

// refused checks a refusal and that no device was asked.
func (s *stand) refused(name string, w *httptest.ResponseRecorder, status int, text string) {
	s.t.Helper()
	var d struct{ Type, Title string }
	if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil {
		s.t.Errorf("%s: %d, no problem document: %q", name, w.Code, w.Body)
		return
	}
	if w.Code != status || !strings.Contains(d.Title, text) || w.Header().Get("Content-Type") != "application/problem+json" {
		s.t.Errorf("%s: %d %q, want %d %q", name, w.Code, d.Title, status, text)
	}
	if len(s.asked) > 0 {
		s.t.Errorf("%s: the device was asked", name)
		s.asked = nil
	}
}

// TestAdmission: who is no live partner's relay is refused before the body is read.
func TestAdmission(t *testing.T) {
	s := newStand(t)
	stranger := newKey(t)
	claims := func(alter func(*token.Claims)) string {
		c := token.Claims{Scope: token.ScopeRelay, Partner: 7, Key: thumbprint(s.key), Expires: s.now.Add(time.Minute)}
		alter(&c)
		return s.seal(c)
	}
	for name, c := range map[string]struct {
		alter func(*sent)
		text  string
	}{
		"no token":              {func(p *sent) { p.token = "" }, token.ErrToken.Error()},
		"a bearer token":        {func(p *sent) { p.scheme = "Bearer " }, token.ErrToken.Error()},
		"a token altered":       {func(p *sent) { p.token = "B" + p.token[1:] }, token.ErrToken.Error()},
		"a device's token":      {func(p *sent) { p.token = claims(func(c *token.Claims) { c.Scope = token.ScopeColour }) }, token.ErrToken.Error()},
		"a token expired":       {func(p *sent) { p.token = claims(func(c *token.Claims) { c.Expires = s.now.Add(-time.Second) }) }, token.ErrExpired.Error()},
		"a partner of no name":  {func(p *sent) { p.token = claims(func(c *token.Claims) { c.Partner = 8 }) }, partner.ErrUnknown.Error()},
		"a key of before":       {func(p *sent) { p.token = claims(func(c *token.Claims) { c.Key[0] ^= 1 }) }, partner.ErrUnknown.Error()},
		"a proof by another":    {func(p *sent) { p.key = stranger }, dpop.ErrBound.Error()},
		"a proof of a GET":      {func(p *sent) { p.method = "GET" }, dpop.ErrBound.Error()},
		"a proof for elsewhere": {func(p *sent) { p.url = "https://amanah.example/" }, dpop.ErrBound.Error()},
		"a nonce of nobody":     {func(p *sent) { p.nonce = "AAAA" }, dpop.ErrNonce.Error()},
	} {
		body := &counted{}
		p := s.fit(nil)
		p.body = body
		c.alter(p)
		s.refused(name, s.send(p), http.StatusForbidden, c.text)
		if body.n > 0 {
			t.Errorf("%s: %d bytes were read", name, body.n)
		}
	}
	s.admit = partner.ErrSuspended
	s.refused("suspended", s.send(s.fit(s.ask())), http.StatusForbidden, partner.ErrSuspended.Error())
	if got := s.seen[len(s.seen)-1]; got != "7 denied" {
		t.Errorf("metrics say %q", got)
	}
}

// counted is a body without end that counts what is read of it.
type counted struct{ n int }

func (c *counted) Read(p []byte) (int, error) {
	c.n += len(p)
	return len(p), nil
}

// TestQuota: a message past the partner's quota is refused before it is opened, and
// what is refused for another reason costs nothing of the quota.
func TestQuota(t *testing.T) {
	s := newStand(t)
	spoilt := s.fit(s.ask())
	spoilt.nonce = "x"
	if w := s.send(spoilt); w.Code == 200 || s.spent != 0 {
		t.Errorf("%d, %d spent by a relay that proved nothing", w.Code, s.spent)
	}
	if w := s.send(s.fit(s.ask())); w.Code != 200 || s.spent != 1 {
		t.Errorf("%d, %d spent", w.Code, s.spent)
	}
	s.asked, s.quota = nil, partner.ErrQuota
	s.refused("past its quota", s.send(s.fit(s.ask())), 429, partner.ErrQuota.Error())
}

// TestSizes: only messages of exactly one size, and never more is read than one
// byte beyond it.
func TestSizes(t *testing.T) {
	s := newStand(t)
	whole := s.ask()
	if len(whole) != ohttp.RequestSize {
		t.Fatalf("%d bytes", len(whole))
	}
	for _, n := range []int{0, 1, 6, 7, 40, ohttp.RequestSize - 1} {
		s.refused("short", s.send(s.fit(whole[:n])), http.StatusBadRequest, relay.ErrSize.Error())
	}
	s.refused("long", s.send(s.fit(append(slices.Clone(whole), 0))), http.StatusBadRequest, relay.ErrSize.Error())
	endless := &counted{}
	p := s.fit(nil)
	p.body = endless
	s.refused("endless", s.send(p), http.StatusBadRequest, relay.ErrSize.Error())
	if endless.n > ohttp.RequestSize+1 {
		t.Errorf("%d bytes of an endless body were read", endless.n)
	}
	for _, media := range []string{"", "application/json", ohttp.MediaTypeResponse, ohttp.MediaTypeRequest + "; q=1"} {
		p := s.fit(whole)
		p.media = media
		s.refused("media "+media, s.send(p), http.StatusBadRequest, relay.ErrMedia.Error())
	}
	if w := s.send(s.fit(whole)); w.Code != http.StatusOK {
		t.Errorf("a refused size had used the message up: %d", w.Code)
	}
}

// TestFraming: what does not open is refused by reason; an unknown key tells the
// device to fetch the configuration.
func TestFraming(t *testing.T) {
	s := newStand(t)
	other := s.ask()
	other[0] ^= 1
	w := s.send(s.fit(other))
	s.refused("key", w, http.StatusBadRequest, relay.ErrKeyID.Error())
	if !strings.Contains(w.Body.String(), ohttp.ProblemKey) {
		t.Errorf("the problem has no registered type: %s", w.Body)
	}
	for _, i := range []int{8, 60, ohttp.RequestSize - 1} {
		other := s.ask()
		other[i] ^= 1
		s.refused("altered", s.send(s.fit(other)), http.StatusBadRequest, relay.ErrOpen.Error())
	}
}

// TestReplays: neither a message nor a proof is taken twice.
func TestReplays(t *testing.T) {
	s := newStand(t)
	body := s.ask()
	p := s.fit(body)
	if w := s.send(p); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	s.asked = nil
	s.refused("message", s.send(s.fit(body)), http.StatusConflict, relay.ErrReplay.Error())
	p.body = bytes.NewReader(s.ask())
	s.refused("proof", s.send(p), http.StatusForbidden, dpop.ErrReplay.Error())
	late := s.fit(s.ask())
	s.now = s.now.Add(6 * time.Minute)
	s.refused("late", s.send(late), http.StatusForbidden, dpop.ErrNonce.Error())
}

// TestFull: when the memory of messages is full, relays are told to wait.
func TestFull(t *testing.T) {
	s := newStand(t)
	cache, err := ohttp.NewReplayCache(time.Hour, 2)
	if err != nil {
		t.Fatal(err)
	}
	private, err := ohttp.GenerateKey(1, ohttp.X25519)
	if err != nil {
		t.Fatal(err)
	}
	if s.handler.Gateway, err = ohttp.NewGateway(cache, private); err != nil {
		t.Fatal(err)
	}
	s.config = private.Config()
	codes := []int{}
	for range 64 {
		codes = append(codes, s.send(s.fit(s.ask())).Code)
	}
	if codes[0] != http.StatusOK || codes[len(codes)-1] != http.StatusTooManyRequests {
		t.Errorf("%v", codes)
	}
}

// TestTooLarge: an answer that fits no message is our error, told to the device
// alone: the relay sees a message like any other.
func TestTooLarge(t *testing.T) {
	s := newStand(t)
	s.answer.Body = bytes.Repeat([]byte("secret"), 10_000)
	body, x := s.message(inner())
	w := s.send(s.fit(body))
	if w.Code != http.StatusOK || w.Body.Len() != ohttp.ResponseSize || w.Header().Get("Content-Type") != ohttp.MediaTypeResponse {
		t.Fatalf("the relay sees %d, %d bytes, %v", w.Code, w.Body.Len(), w.Header())
	}
	plain, err := x.Open(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	got, err := ohttp.ParseResponse(plain)
	if err != nil || got.Status != http.StatusInternalServerError || bytes.Contains(got.Body, []byte("secret")) {
		t.Errorf("%v %d %q", err, got.Status, got.Body)
	}
	if got := s.seen[len(s.seen)-1]; got != "7 internal" {
		t.Errorf("metrics say %q", got)
	}
}
