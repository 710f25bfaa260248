package e2e

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/internal/web/contract"
)

// guest is one synthetic person with a linked device that the test itself drives.
type guest struct {
	nik, name, phone string
	link             string // 32 hexadecimal digits
	credential       client.Credential
	*client.Device
}

// gather registers one person for each colour and links a device to each. The
// serial numbers of their NIKs begin at first.
func gather(s *site, relay string, opt client.Options, first int, colours ...string) []*guest {
	s.t.Helper()
	guests := make([]*guest, len(colours))
	rows := []byte("nik,name,birth_date,phone\n")
	var facts []byte
	now := time.Now()
	for i, colour := range colours {
		n := first + i
		g := &guest{
			nik:   fmt.Sprintf("990105150890%04d", n),
			name:  fmt.Sprintf("Tamu Nomor %04d Kenari", n),
			phone: fmt.Sprintf("6289911%07d", n),
		}
		guests[i] = g
		rows = fmt.Appendf(rows, "%s,%s,1990-08-15,+%s\n", g.nik, g.name, g.phone)
		facts = append(facts, factsFor(g.nik, colour, now)...)
	}
	people, evidence := s.path(fmt.Sprintf("tamu%d.csv", first)), s.path(fmt.Sprintf("tamu%d.ndjson", first))
	write(s.t, people, string(rows))
	write(s.t, evidence, string(facts))
	s.operate("", "person", "import", people)
	s.operate("", "evidence", "import", evidence)
	linkAll(s, relay, opt, guests)
	return guests
}

// factsFor is the evidence that makes an adult of that colour.
func factsFor(nik, colour string, now time.Time) string {
	doses := map[string][]int{"green": {300, 270, 100}, "yellow": {500, 460}, "black": {500, 460}}[colour]
	var b strings.Builder
	for i, ago := range doses {
		fmt.Fprintf(&b, `{"nik":"%s","kind":"dose","on":"%s","vaccine":"sinovac","ref":"%s-d%d"}`+"\n", nik, now.AddDate(0, 0, -ago).Format("2006-01-02"), nik[12:], i)
	}
	switch colour {
	case "red":
		fmt.Fprintf(&b, `{"nik":"%s","kind":"inquiry","on":"%s","ref":"%s-i"}`+"\n", nik, now.AddDate(0, 0, -1).Format("2006-01-02"), nik[12:])
	case "black":
		fmt.Fprintf(&b, `{"nik":"%s","kind":"test","at":"%s","test":"pcr","result":"positive","ref":"%s-t"}`+"\n", nik, now.AddDate(0, 0, -1).UTC().Format(time.RFC3339), nik[12:])
	}
	return b.String()
}

// linkAll links with four commands at a time, as each is a process of its own.
func linkAll(s *site, relay string, opt client.Options, guests []*guest) {
	s.t.Helper()
	var wg sync.WaitGroup
	slots := make(chan struct{}, 4)
	for _, g := range guests {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			file := s.path("tamu-" + g.nik[12:] + ".json")
			args := append([]string{"link", "add", "--partner", "1", "--relay", relay, "--out", file}, s.flags()...)
			r := s.try(g.nik+"\n", args...)
			if r.code != 0 {
				s.t.Errorf("link: exit %d: %s", r.code, r.err)
				return
			}
			g.link = strings.TrimPrefix(strings.TrimSpace(r.out), "link ")
			g.credential, g.Device = openPhone(s.t, file, opt)
		})
	}
	wg.Wait()
	if s.t.Failed() {
		s.t.FailNow()
	}
}

// openPhone makes a Device of a credential file. It may run beside the test.
func openPhone(t testing.TB, file string, opt client.Options) (client.Credential, *client.Device) {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
		return client.Credential{}, nil
	}
	c, err := client.ParseCredential(raw)
	if err != nil {
		t.Error(err)
		return c, nil
	}
	d, err := client.Open(c, opt)
	if err != nil {
		t.Error(err)
	}
	return c, d
}

// many is a list of n equal colours.
func many(colour string, n int) []string {
	return strings.Fields(strings.Repeat(colour+" ", n))
}

// answer is what the platform said to a check-in, once opened.
type answer struct {
	Status int // HTTP
	Title  string
	client.Visit
}

// ticketBody is a check-in's body, with a nonce and a holder of its own.
func ticketBody(code string, party int, at time.Time) []byte {
	var n [16]byte
	rand.Read(n[:])
	binary.BigEndian.PutUint64(n[:8], uint64(at.UnixMilli())<<16|uint64(n[6])<<8|uint64(n[7]))
	holder, _, err := ed25519.GenerateKey(nil)
	if err != nil { // the system's randomness never fails
		panic(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	return fmt.Appendf(nil, `{"code":%q,"party":%d,"nonce":%q,"holder":%q}`, code, party, b64(n[:]), b64(holder))
}

var readContract = sync.OnceValues(contract.Shipped)

// conforms holds an answer of the binary against the wire contract.
func conforms(a contract.Answer) error {
	c, err := readContract()
	if err != nil {
		return err
	}
	return c.Check(a)
}

// post sends a check-in's body once; an error means that no answer came, or one that
// the wire contract does not have.
func (g *guest) post(ctx context.Context, body []byte) (answer, error) {
	return g.postTo(ctx, "/v1/visits", body)
}

func (g *guest) postTo(ctx context.Context, path string, body []byte) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://localhost"+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	res, err := g.RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	if err := conforms(contract.Answer{
		Method: req.Method, Path: req.URL.Path, Encapsulated: true, Status: res.StatusCode, Header: res.Header, Body: raw,
	}); err != nil {
		return answer{}, err
	}
	a := answer{}
	err = json.Unmarshal(raw, &a)
	a.Status = res.StatusCode
	return a, err
}

// visits is the whole of the person's own history, newest first.
func (g *guest) visits(ctx context.Context) ([]client.Past, error) {
	var all []client.Past
	for page := 0; ; page++ {
		h, err := g.History(ctx, page)
		if err != nil {
			return nil, err
		}
		if all = append(all, h.Visits...); !h.More {
			return all, nil
		}
	}
}
