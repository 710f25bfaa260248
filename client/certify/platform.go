package certify

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amanah-project/amanah/ohttp"
	"github.com/amanah-project/amanah/verify"
)

const (
	pathMessage = "/ohttp"
	pathKeys    = "/.well-known/amanah-keys"
	pathTrap    = "/elsewhere"
	maxBody     = 4 << 20 // of what the harness takes, far more than any message
	proofAge    = 5 * time.Minute
)

// arrival is a request that reached the stand-in platform.
type arrival struct {
	method, uri string
	header      http.Header
	body        []byte
	sum         [32]byte
	open        bool   // its message was under way: sent, and not answered yet
	known       bool   // a message of the driver's
	idle        bool   // no message was under way at all
	cert        string // base64url SHA-256 of the client certificate
	proof       proof
	wrong       error // with the proof
	at          time.Time
}

// script takes the answer to a message over; nth counts its arrivals from 1.
type script func(w http.ResponseWriter, r *http.Request, nth int)

// platform stands in for the platform, as a relay sees it.
type platform struct {
	setup     *Setup
	gateway   *ohttp.Gateway
	config    ohttp.Config
	envelope  []byte // signed key configuration
	published []byte // signed venue and ticket keys
	server    *http.Server
	listener  *watched
	certs     *certificates
	shown     atomic.Pointer[tls.Certificate]

	mu       sync.Mutex
	arrivals []arrival
	scripts  map[[32]byte]script
	count    map[[32]byte]int
	under    map[[32]byte]int    // messages under way
	answers  map[[32]byte][]byte // first honest answer to each message
	nonces   map[string]bool     // given out
}

func newPlatform(s *Setup, l net.Listener) (*platform, error) {
	p := &platform{
		setup: s, scripts: map[[32]byte]script{}, count: map[[32]byte]int{}, under: map[[32]byte]int{},
		answers: map[[32]byte][]byte{}, nonces: map[string]bool{},
	}
	var err error
	if p.certs, err = s.certificates(); err != nil {
		return nil, err
	}
	key, err := ohttp.GenerateKey(1, ohttp.X25519)
	if err != nil {
		return nil, err
	}
	replays, err := ohttp.NewReplayCache(time.Hour, 1<<16)
	if err != nil {
		return nil, err
	}
	if p.gateway, err = ohttp.NewGateway(replays, key); err != nil {
		return nil, err
	}
	p.config = key.Config()
	now := time.Now()
	if p.envelope, err = envelope(s.pin, now, time.Hour, p.config); err != nil {
		return nil, err
	}
	if p.published, err = publish(s, s.pin, now); err != nil {
		return nil, err
	}
	p.shown.Store(&p.certs.right)
	p.listener = &watched{Listener: l, conns: map[net.Conn]bool{}}
	p.server = &http.Server{
		Handler: p, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute,
		MaxHeaderBytes: 64 << 10,
	}
	// As the platform itself: TLS 1.3, HTTP/1.1.
	secure := tls.NewListener(p.listener, &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}, ClientAuth: tls.RequestClientCert,
		SessionTicketsDisabled: true, // a resumed session would show no certificate
		GetCertificate:         func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.shown.Load(), nil },
	})
	go func() { _ = p.server.Serve(secure) }() // ends with close
	return p, nil
}

func (p *platform) close() {
	_ = p.server.Close()
	p.listener.cut()
}

// envelope signs a key configuration for a window that ends after life.
func envelope(pin []byte, now time.Time, life time.Duration, c ohttp.Config) ([]byte, error) {
	raw, err := ohttp.AppendConfigs(nil, c)
	if err != nil {
		return nil, err
	}
	return ohttp.SignConfigs(ed25519.NewKeyFromSeed(pin), raw, now.Add(life-48*time.Hour), now.Add(life))
}

// publish signs the setup's venue and ticket keys.
func publish(s *Setup, pin []byte, now time.Time) ([]byte, error) {
	from, until := now.Add(-time.Hour).Truncate(time.Second), now.Add(24*time.Hour).Truncate(time.Second)
	set := func(purpose verify.Purpose, seed []byte) (verify.Keys, error) {
		return verify.NewKeys(purpose, verify.NewKey(ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey), from, until))
	}
	venues, err := set(verify.ForVenues, s.venue)
	if err != nil {
		return nil, err
	}
	tickets, err := set(verify.ForTickets, s.ticket)
	if err != nil {
		return nil, err
	}
	return verify.Published{Venues: venues, Tickets: tickets}.Sign(ed25519.NewKeyFromSeed(pin), from, until)
}

// newNonce is a nonce as the platform gives it: its clock, then chance.
func newNonce() string {
	b := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Unix()))
	return b64(append(b, rand.Text()...))
}

// give hands out a nonce.
func (p *platform) give() string {
	n := newNonce()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.nonces[n] = true
	return n
}

// ServeHTTP notes the request and answers it: by its script, or as the platform
// would. It is more patient than the platform: what is wrong with a proof is noted,
// not refused, so that each case judges its own matter.
func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil && len(body) == 0 {
		return
	}
	a := p.note(r, body)
	if r.Method == http.MethodGet {
		p.document(w, r)
		return
	}
	p.mu.Lock()
	p.count[a.sum]++
	nth, act := p.count[a.sum], p.scripts[a.sum]
	p.mu.Unlock()
	if act != nil {
		act(w, r, nth)
		return
	}
	w.Header().Set("Dpop-Nonce", p.give())
	answer, status, media := p.answer(body)
	p.mu.Lock()
	if p.answers[a.sum] == nil {
		p.answers[a.sum] = answer
	}
	p.mu.Unlock()
	reply(w, status, media, answer)
}

func reply(w http.ResponseWriter, status int, media string, body []byte) {
	w.Header().Set("Content-Type", media)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a relay that hung up is judged by what it answers
}

func (p *platform) note(r *http.Request, body []byte) arrival {
	a := arrival{method: r.Method, uri: r.RequestURI, header: r.Header.Clone(), body: body, sum: sha256.Sum256(body), at: time.Now()}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		sum := sha256.Sum256(r.TLS.PeerCertificates[0].Raw)
		a.cert = b64(sum[:])
	}
	a.proof, a.wrong = checkProof(r.Header.Get("DPoP"), r.Header.Get("Authorization"), p.setup.Token, http.MethodPost, "https://"+p.setup.Host+pathMessage)
	p.mu.Lock()
	defer p.mu.Unlock()
	under, known := p.under[a.sum]
	a.open, a.known, a.idle = under > 0, known, true
	for _, n := range p.under {
		a.idle = a.idle && n == 0
	}
	p.arrivals = append(p.arrivals, a)
	return a
}

func (p *platform) document(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case ohttp.WellKnownPath:
		w.Header().Set("Content-Type", ohttp.MediaTypeSignedKeys)
		_, _ = w.Write(p.envelope)
	case pathKeys:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(p.published)
	default:
		reply(w, http.StatusNotFound, problemType, problem(http.StatusNotFound, "", "not found"))
	}
}

// answer opens a message and seals what it is answered.
func (p *platform) answer(body []byte) (answer []byte, status int, media string) {
	refuse := func(status int, kind, title string) ([]byte, int, string) {
		return problem(status, kind, title), status, problemType
	}
	_, seal, err := p.gateway.Open(body)
	switch {
	case err == nil:
	case isKeyID(err):
		return refuse(http.StatusBadRequest, ohttp.ProblemKey, "the key configuration is not known: fetch it again")
	case isReplay(err):
		return refuse(http.StatusConflict, "", "the message was sent before")
	default:
		return refuse(http.StatusBadRequest, "", "the message does not open")
	}
	sealed, err := sealJSON(seal, http.StatusOK, []byte(`{"colour":"yellow"}`), newNonce())
	if err != nil {
		return refuse(http.StatusInternalServerError, "", "internal error")
	}
	return sealed, http.StatusOK, ohttp.MediaTypeResponse
}

// expect notes that a message is under way until done is called. The first of its
// arrivals is the nth or a later one.
func (p *platform) expect(sum [32]byte, act script) (n int, done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.under[sum]++
	if act != nil {
		p.scripts[sum] = act
	}
	return len(p.arrivals), func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.under[sum]--
	}
}

// since returns the arrivals from the nth on.
func (p *platform) since(n int) []arrival {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.arrivals[n:])
}

// messages are all arrivals that were meant as messages; where a redirection led is
// the matter of its own case.
func (p *platform) messages() []arrival {
	return slices.DeleteFunc(p.since(0), func(a arrival) bool { return a.method != http.MethodPost || a.uri == pathTrap })
}

// credential says by what the relay proved itself: its last message's.
func (p *platform) credential() (Credential, string) {
	for _, a := range slices.Backward(p.messages()) {
		switch {
		case a.header.Get("DPoP") != "":
			return ByProof, b64(a.proof.key[:])
		case a.cert != "":
			return ByCertificate, a.cert
		}
	}
	return "", ""
}

// watched is a listener that counts who speaks without TLS, and can cut every
// connection, so that the next one is made anew.
type watched struct {
	net.Listener
	mu    sync.Mutex
	conns map[net.Conn]bool
	plain int
}

func (l *watched) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &sniffed{Conn: c, of: l}
	l.conns[s] = true
	return s, nil
}

func (l *watched) cut() {
	l.mu.Lock()
	all := l.conns
	l.conns = map[net.Conn]bool{}
	l.mu.Unlock()
	for c := range all {
		_ = c.Close()
	}
}

func (l *watched) plaintext() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.plain
}

type sniffed struct {
	net.Conn
	of   *watched
	seen bool // read by one goroutine at a time, as TLS does
}

func (s *sniffed) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if n > 0 && !s.seen {
		s.seen = true
		if b[0] != 0x16 { // a TLS record of the handshake
			s.of.mu.Lock()
			s.of.plain++
			s.of.mu.Unlock()
		}
	}
	return n, err
}

func (s *sniffed) Close() error {
	s.of.mu.Lock()
	delete(s.of.conns, s)
	s.of.mu.Unlock()
	return s.Conn.Close()
}
