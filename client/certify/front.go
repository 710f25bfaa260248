package certify

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/ohttp"
	"github.com/amanah-project/amanah/verify"
)

// honest is the colour that the platform tells in every case of a client.
const honest = "yellow"

// front stands in for relay and platform, as a client sees them. Each case has a
// stage of its own, so that nothing late of one is taken for another's.
type front struct {
	opt     Options
	gateway *ohttp.Gateway
	configs [2]ohttp.Config // now, and after a rotation
	server  *http.Server
	url     string
	trap    net.Listener // where nobody may ever call
	called  atomic.Int64 // at the trap
	folder  string       // of the run; removed at its end

	mu       sync.Mutex
	stages   []*stage
	first    *outcome   // of the stage that other cases look at again
	outcomes []*outcome // of every start
}

// message is one encapsulated request of a client.
type message struct {
	nth    int // of its stage, from 1
	at     time.Time
	header http.Header
	body   []byte
	inner  ohttp.Request
	err    error // why it did not open
	seal   *ohttp.Responder
	proof  proof
	wrong  error // with the proof
}

// stage is what one start of the client meets.
type stage struct {
	f         *front
	name      string
	token     string
	key       []byte   // seed of the device
	secrets   []string // planted in answers, to be found nowhere else
	configure func() []byte
	published []byte
	act       func(m *message, w http.ResponseWriter, r *http.Request) bool // takes the relay's part over
	deny      func(m *message) (title, nonce string)                        // has the platform refuse

	mu        sync.Mutex
	messages  []*message
	documents []http.Header
	nonces    map[string]bool
}

func newFront(opt Options) (*front, error) {
	f := &front{opt: opt}
	keys := make([]*ohttp.PrivateKey, len(f.configs))
	for i := range keys {
		var err error
		if keys[i], err = ohttp.GenerateKey(ohttp.KeyID(i+1), ohttp.X25519); err != nil {
			return nil, err
		}
		f.configs[i] = keys[i].Config()
	}
	replays, err := ohttp.NewReplayCache(time.Hour, 1<<16)
	if err != nil {
		return nil, err
	}
	if f.gateway, err = ohttp.NewGateway(replays, keys...); err != nil {
		return nil, err
	}
	if f.folder, err = os.MkdirTemp("", "certify"); err != nil {
		return nil, err
	}
	if f.trap, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	go f.spring()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f.url = "http://" + l.Addr().String()
	f.server = &http.Server{Handler: f, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = f.server.Serve(l) }() // ends with close
	return f, nil
}

// spring counts who calls at the trap.
func (f *front) spring() {
	for {
		c, err := f.trap.Accept()
		if err != nil {
			return
		}
		f.called.Add(1)
		_ = c.Close()
	}
}

func (f *front) close() {
	_ = f.server.Close()
	_ = f.trap.Close()
	_ = os.RemoveAll(f.folder)
}

// start has one honest check-in, which several cases look at.
func (f *front) start(ctx context.Context) error {
	s, err := f.stage("first")
	if err != nil {
		return err
	}
	f.first, err = f.checkIn(ctx, s, s.code())
	return err
}

// stage sets an honest stage; a case then spoils it.
func (f *front) stage(name string) (*stage, error) {
	s := &stage{
		f: f, name: name, token: "certify-device." + rand.Text(), key: seed(), nonces: map[string]bool{},
		secrets: []string{"visit" + rand.Text(), "reason" + rand.Text(), "receipt" + rand.Text()},
	}
	now := time.Now()
	config, err := envelope(f.opt.Setup.pin, now, time.Hour, f.configs[0])
	if err != nil {
		return nil, err
	}
	s.configure = func() []byte { return config }
	if s.published, err = publish(f.opt.Setup, f.opt.Setup.pin, now); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stages = append(f.stages, s)
	return s, nil
}

// code is a good code of an entrance.
func (s *stage) code() string {
	return s.signed(s.f.opt.Setup.venue, verify.VenueCode{Venue: 3, Door: 1, Serial: 1})
}

func (s *stage) signed(by []byte, c verify.VenueCode) string {
	url, err := verify.SignVenueCode(ed25519.NewKeyFromSeed(by), s.f.opt.Setup.Host, c)
	if err != nil {
		return "" // a code that every client refuses
	}
	return url
}

func (s *stage) credential() ([]byte, error) {
	return client.Credential{
		Host: s.f.opt.Setup.Host, Relay: s.f.url + "/" + s.name, Pin: ed25519.NewKeyFromSeed(s.f.opt.Setup.pin).Public().(ed25519.PublicKey),
		Partner: s.f.opt.Setup.Partner, Token: s.token, Key: s.key,
		Created: time.Now().Truncate(time.Second), Expires: time.Now().Add(time.Hour).Truncate(time.Second),
	}.Marshal()
}

// ServeHTTP is the relay.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	f.mu.Lock()
	var s *stage
	for _, of := range f.stages {
		if of.name == name {
			s = of
		}
	}
	f.mu.Unlock()
	if s == nil {
		http.NotFound(w, r)
		return
	}
	if r.Method == http.MethodGet {
		s.document(w, r, rest)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return
	}
	m := s.note(r, body)
	if s.act != nil && s.act(m, w, r) {
		return
	}
	s.honestly(m, w)
}

func (s *stage) document(w http.ResponseWriter, r *http.Request, path string) {
	s.mu.Lock()
	s.documents = append(s.documents, r.Header.Clone())
	s.mu.Unlock()
	w.Header().Set("Set-Cookie", "device="+planted+"; Path=/")
	switch path {
	case "ohttp-keys":
		w.Header().Set("Content-Type", ohttp.MediaTypeSignedKeys)
		_, _ = w.Write(s.configure())
	case "keys":
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(s.published)
	default:
		http.NotFound(w, r)
	}
}

// note opens a message. One of a wrong length is opened all the same if it can be,
// so that the length is the matter of its own case.
func (s *stage) note(r *http.Request, body []byte) *message {
	m := &message{at: time.Now(), header: r.Header.Clone(), body: body}
	var plain []byte
	plain, m.seal, m.err = s.f.gateway.Open(body[:min(len(body), ohttp.RequestSize)])
	if m.err == nil {
		m.inner, m.err = ohttp.ParseRequest(plain)
	}
	if m.err == nil {
		path, _, _ := strings.Cut(m.inner.Path, "?")
		m.proof, m.wrong = checkProof(ohttp.Get(m.inner.Header, "dpop"), ohttp.Get(m.inner.Header, "authorization"), s.token,
			m.inner.Method, "https://"+s.f.opt.Setup.Host+path)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, m)
	m.nth = len(s.messages)
	return m
}

// honestly answers as the platform would.
func (s *stage) honestly(m *message, w http.ResponseWriter) {
	w.Header().Set("Set-Cookie", "device="+planted+"; Path=/")
	if m.err != nil {
		status, kind := http.StatusBadRequest, ""
		switch {
		case isKeyID(m.err):
			kind = ohttp.ProblemKey
		case isReplay(m.err):
			status = http.StatusConflict
		}
		reply(w, status, problemType, problem(status, kind, "the message does not open"))
		return
	}
	reply(w, http.StatusOK, ohttp.MediaTypeResponse, s.answer(m, honest))
}

// answer seals what the platform says, with that colour if it says one.
func (s *stage) answer(m *message, colour string) []byte {
	nonce := newNonce()
	status, body := http.StatusOK, []byte(`{"closed":0}`)
	if m.inner.Method == http.MethodPost && m.inner.Path == "/v1/visits" {
		body = s.visit(m, colour)
	}
	if s.deny != nil {
		if title, n := s.deny(m); title != "" {
			status, body, nonce = http.StatusForbidden, problem(http.StatusForbidden, "", title), n
		}
	}
	s.mu.Lock()
	s.nonces[nonce] = true
	s.mu.Unlock()
	return must(sealJSON(m.seal, status, body, nonce))
}

// asked is what a client asks when it checks in.
type asked struct {
	Nonce  string `json:"nonce"`
	Holder string `json:"holder"`
	Cover  bool   `json:"cover"`
}

func (m *message) asked() asked {
	var a asked
	_ = json.Unmarshal(m.inner.Body, &a) // what is none asks nothing
	return a
}

func (s *stage) visit(m *message, colour string) []byte {
	text := map[string]any{
		"visit": s.secrets[0], "decision": "admit", "colour": colour, "code": "certify", "text": "certify", "inside": 1, "limit": 10,
		"reason": map[string]string{"code": "certify", "text": s.secrets[1]}, "receipt": s.secrets[2], "left_today": 11,
	}
	raw, err := base64.RawURLEncoding.DecodeString(m.asked().Holder)
	holder, err2 := verify.ParsePublicKey(verify.Ed25519, raw)
	if err == nil && err2 == nil {
		issued := time.Now().Truncate(time.Minute)
		sum := sha256.Sum256([]byte(s.secrets[0]))
		ticket, err := verify.SignTicket(ed25519.NewKeyFromSeed(s.f.opt.Setup.ticket), verify.Ticket{
			Venue: 3, Door: 1, Issued: issued, Expires: issued.Add(time.Hour), Serial: [16]byte(sum[:16]), Party: 1, Decision: verify.Admit, Holder: holder,
		})
		if err == nil {
			text["ticket"], text["expires_at"] = b64(ticket), issued.Add(time.Hour).UTC()
		}
	}
	body, err := json.Marshal(text)
	return must(body, err)
}

// asks are the opened messages of the stage for a path.
func (s *stage) asks(path string) []*message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*message
	for _, m := range s.messages {
		if m.err == nil && m.inner.Method == http.MethodPost && m.inner.Path == path {
			out = append(out, m)
		}
	}
	return out
}

// sent counts all that the client sent to be forwarded.
func (s *stage) sent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.messages)
}
