package e2e

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/ohttp"
)

var colours = []string{"green", "yellow", "red", "black"}

// TestColourTiming is promise 1 over TLS, as a relay sees it from its own connection:
// for each colour so many check-ins, in an order that chance chooses, one after the
// other. One length, one set of headers, and no colour is told from the rest by the
// time its answer takes: Welch |t| < 4.5. In a build that answers red 50 µs later, and
// in one that adds a byte to it, the same trial tells red.
//
// It measures time, so it runs in the long form alone, on a machine with nothing else
// to do.
func TestColourTiming(t *testing.T) {
	if !soak() {
		t.Skip("measures time: run scripts/soak.sh timing")
	}
	each := number("SOAK_TIMING", 20_000)
	t.Run("as released", func(t *testing.T) {
		s := newTimed(t, program, each)
		s.play()
		s.report()
		if worst := s.welch(""); worst >= 4.5 {
			t.Errorf("a colour is told by its time: |t| = %.2f", worst)
		}
		if len(s.shapes) != 1 {
			t.Errorf("answers differ: %v", s.shapes)
		}
		for range 3 { // what chance alone gives: labels dealt anew
			t.Logf("with labels dealt at random: |t| = %.2f at most", s.shuffled())
		}
	})
	t.Run("control, answers leave when ready", func(t *testing.T) {
		s := newTimed(t, tagged(t, "amanah_nohold"), min(each, 5000))
		s.play()
		s.report()
		if worst := s.welch(""); worst < 4.5 {
			t.Errorf("answers leave when they are ready, and no colour is told: |t| = %.2f", worst)
		}
	})
	t.Run("control, red 50 µs later", func(t *testing.T) {
		s := newTimed(t, tagged(t, "amanah_slowred"), each)
		s.play()
		s.report()
		if red := s.welch("red"); red < 4.5 {
			t.Errorf("red is answered 50 µs later and not told: |t| = %.2f", red)
		}
	})
}

// TestColourLength is the other half's control, and needs no clock: a byte more for
// red is seen at once; as released, each colour's answer has one shape over TLS.
func TestColourLength(t *testing.T) {
	for name, want := range map[string]int{"": 1, "amanah_longred": 2} {
		bin := program
		if name != "" {
			bin = tagged(t, name)
		}
		s := newTimed(t, bin, 60)
		s.play()
		if len(s.shapes) != want {
			t.Errorf("build %q: %d shapes of answers, want %d: %v", name, len(s.shapes), want, s.shapes)
		}
		t.Logf("build %q: %v", name, s.shapes)
	}
}

// tagged builds the program with one protection off.
func tagged(t *testing.T, tag string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "amanah")
	if out, err := build(bin, tag); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

// number reads a size of a long form from the environment.
func number(name string, usual int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return usual
}

// timed is an installation behind TLS with a crowd of each colour.
type timed struct {
	*site
	desk   *desk
	each   int
	code   string
	crowd  []speaker
	wire   *wire
	write  func(by *speaker) (letter, error) // what is asked, in place of check-ins
	took   map[string][]float64              // microseconds beyond what was usual then, by colour
	whole  []float64                         // microseconds
	shapes map[string]int
}

// asksEach is how many of a day's twelve colours each person asks for.
const asksEach = 11

func newTimed(t *testing.T, bin string, each int) *timed {
	t.Helper()
	s := newSite(t, bin)
	s.startKeeper()
	s.operate("", "venue", "add", "Mal Uji", "--category", "mall", "--level", "1", "--holds", "1000000")
	code := s.operate("", "venue", "code", "1")
	s.operate("", "partner", "add", "Mitra Uji", "--platform", "https://"+s.listen, "--out", s.path("relay.json"))
	people := (each + asksEach - 1) / asksEach
	var names []string
	for _, c := range colours {
		names = append(names, many(c, people)...)
	}
	all, pin := s.enlist(1, names, 1)
	cert, roots := selfSigned(t, s.path("cert.pem"), s.path("key.pem"))
	s.database = append(s.database, "--tls-cert", s.path("cert.pem"), "--tls-key", s.path("key.pem"))
	_ = cert
	s.startServer()
	s.database = nil
	trust := &tls.Config{RootCAs: roots, ServerName: "localhost"}
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: trust}}
	return &timed{
		site: s, desk: newDesk(t, s.path("relay.json"), "https://"+s.listen, pin, web), each: each, code: code, crowd: all[0],
		wire: dialTLS(t, s.listen, trust), took: map[string][]float64{}, shapes: map[string]int{},
	}
}

// selfSigned writes a certificate for localhost and its key.
func selfSigned(t *testing.T, certFile, keyFile string) ([]byte, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	roots := x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(parsed)
	return der, roots
}

// wire is one TLS connection of a relay's, without an HTTP client's own time.
type wire struct {
	conn *tls.Conn
	in   *bufio.Reader
}

func dialTLS(t *testing.T, addr string, trust *tls.Config) *wire {
	t.Helper()
	c, err := tls.Dial("tcp", addr, trust)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &wire{c, bufio.NewReaderSize(c, 16<<10)}
}

// ask sends one request and returns how long its whole answer took, the answer's
// status line and headers, and its body.
func (l *wire) ask(raw []byte) (took time.Duration, head []string, body []byte, err error) {
	began := time.Now()
	if _, err := l.conn.Write(raw); err != nil {
		return 0, nil, nil, err
	}
	size := 0
	for {
		h, err := l.in.ReadString('\n')
		if err != nil {
			return 0, nil, nil, err
		}
		if h = strings.TrimSpace(h); h == "" {
			break
		}
		if v, ok := strings.CutPrefix(h, "Content-Length: "); ok {
			if size, err = strconv.Atoi(v); err != nil {
				return 0, nil, nil, err
			}
		}
		head = append(head, h)
	}
	body = make([]byte, size)
	_, err = io.ReadFull(l.in, body)
	return time.Since(began), head, body, err
}

// play asks for every colour so many times, in an order that chance chooses.
func (s *timed) play() {
	s.t.Helper()
	people := len(s.crowd) / len(colours)
	order := make([]int, 0, len(colours)*s.each)
	for c := range colours {
		for n := range s.each {
			order = append(order, c*people+n%people)
		}
	}
	mathrand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	const chunk = 1000
	for at := 0; at < len(order); at += chunk {
		part := order[at:min(at+chunk, len(order))]
		s.desk.learn(s.t, "https://"+s.listen)
		letters, raw := make([]letter, len(part)), make([][]byte, len(part))
		for i, n := range part { // written beforehand: a device's own time is not the platform's
			l, err := s.letter(&s.crowd[n])
			if err != nil {
				s.t.Fatal(err)
			}
			letters[i] = l
			raw[i] = fmt.Appendf(nil, "POST /ohttp HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nAuthorization: DPoP %s\r\nDpop: %s\r\nContent-Length: %d\r\n\r\n",
				ohttp.MediaTypeRequest, s.desk.relay.token, s.desk.proof(), len(l.body))
			raw[i] = append(raw[i], l.body...)
		}
		times := make([]float64, len(part))
		for i, n := range part {
			took, head, body, err := s.wire.ask(raw[i])
			if err != nil {
				s.t.Fatal(err)
			}
			colour := s.crowd[n].colour
			times[i] = float64(took) / 1e3
			s.shapes[shape(head, body)]++
			if i%97 == 0 && s.write == nil {
				s.check(letters[i], body, colour)
			}
		}
		s.keep(part, times)
	}
}

// letter is what is asked: a check-in, unless the trial is of something else.
func (s *timed) letter(by *speaker) (letter, error) {
	if s.write != nil {
		return s.write(by)
	}
	return s.desk.write(by, "POST", "/v1/visits", ticketBody(s.code, 1, time.Now()))
}

// keep takes a stretch of times, each less the median of those around it: a server is
// slower at one time than at another, and an attacker knows by how much.
func (s *timed) keep(part []int, times []float64) {
	const around = 15
	for i := around; i < len(part)-around; i++ {
		near := slices.Clone(times[i-around : i+around+1])
		slices.Sort(near)
		c := s.crowd[part[i]].colour
		s.took[c] = append(s.took[c], times[i]-near[around])
		s.whole = append(s.whole, times[i])
	}
}

// check opens an answer: a trial of refusals would show nothing.
func (s *timed) check(l letter, body []byte, colour string) {
	s.t.Helper()
	plain, err := l.exchange.Open(body[:min(len(body), ohttp.ResponseSize)])
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := ohttp.ParseResponse(plain)
	if err != nil || r.Status != 200 || !bytes.Contains(r.Body, []byte(`"colour":"`+colour+`"`)) {
		s.t.Fatalf("not %s: %v %d %s", colour, err, r.Status, r.Body)
	}
}

// shape is all of an answer but what differs in each by design: ciphertext, the
// nonce and the date count by their lengths.
func shape(head []string, body []byte) string {
	for i, h := range head {
		if name, value, ok := strings.Cut(h, ": "); ok && (name == "Date" || name == "Dpop-Nonce") {
			head[i] = fmt.Sprintf("%s: %d bytes", name, len(value))
		}
	}
	slices.Sort(head)
	return fmt.Sprintf("%s; body of %d", strings.Join(head, "; "), len(body))
}

// welch returns the largest |t| of a colour's times against all others', or that
// colour's alone. Times beyond the 95th of a hundred count as that one: an attacker
// would cut off what the machine did beside, too.
func (s *timed) welch(only string) float64 {
	var all []float64
	for _, v := range s.took {
		all = append(all, v...)
	}
	slices.Sort(all)
	limit := all[len(all)*95/100]
	worst := 0.0
	for _, c := range colours {
		if only != "" && c != only {
			continue
		}
		var rest []float64
		for other, v := range s.took {
			if other != c {
				rest = append(rest, v...)
			}
		}
		worst = max(worst, math.Abs(welch(s.took[c], rest, limit)))
	}
	return worst
}

// welch is Welch's t of two samples, values beyond limit counting as limit.
func welch(a, b []float64, limit float64) float64 {
	ma, va := moments(a, limit)
	mb, vb := moments(b, limit)
	return (ma - mb) / math.Sqrt(va/float64(len(a))+vb/float64(len(b)))
}

func moments(v []float64, limit float64) (mean, variance float64) {
	for _, x := range v {
		mean += min(x, limit)
	}
	mean /= float64(len(v))
	for _, x := range v {
		variance += (min(x, limit) - mean) * (min(x, limit) - mean)
	}
	return mean, variance / float64(len(v)-1)
}

// shuffled is the largest |t| when the labels are dealt anew.
func (s *timed) shuffled() float64 {
	var all []float64
	for _, c := range colours {
		all = append(all, s.took[c]...)
	}
	mathrand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	dealt := &timed{took: map[string][]float64{}}
	for _, c := range colours {
		n := len(s.took[c])
		dealt.took[c], all = all[:n], all[n:]
	}
	return dealt.welch("")
}

func (s *timed) report() {
	whole := slices.Clone(s.whole)
	slices.Sort(whole)
	s.t.Logf("an answer takes %.0f µs in the median, p99 %.0f", whole[len(whole)/2], whole[len(whole)*99/100])
	for _, c := range colours {
		v := slices.Clone(s.took[c])
		slices.Sort(v)
		_, variance := moments(v, v[len(v)*95/100])
		s.t.Logf("%-6s %d: median %+.1f µs of what is usual then, p90 %+.1f, deviation %.1f; |t| %.2f, with all values %.2f", c, len(v), v[len(v)/2], v[len(v)*9/10],
			math.Sqrt(variance), s.welch(c), math.Abs(welch(s.took[c], s.others(c), math.Inf(1))))
	}
}

func (s *timed) others(c string) (rest []float64) {
	for other, v := range s.took {
		if other != c {
			rest = append(rest, v...)
		}
	}
	return rest
}
