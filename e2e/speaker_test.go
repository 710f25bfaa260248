package e2e

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/ohttp"
)

// speaker proves the possession of one key for one token, as devices and relays do,
// but may say the same twice.
type speaker struct {
	colour string
	link   identity.LinkID
	token  string
	key    ed25519.PrivateKey
	head   string // of every proof, encoded
	ath    string
}

func newSpeaker(token string, seed []byte) speaker {
	b64 := base64.RawURLEncoding.EncodeToString
	key := ed25519.NewKeyFromSeed(seed)
	sum := sha256.Sum256([]byte(token))
	head := `{"typ":"dpop+jwt","alg":"EdDSA","jwk":{"kty":"OKP","crv":"Ed25519","x":"` + b64(key.Public().(ed25519.PublicKey)) + `"}}`
	return speaker{token: token, key: key, head: b64([]byte(head)), ath: b64(sum[:])}
}

func (s *speaker) prove(method, url, nonce string) string {
	body := fmt.Appendf(nil, `{"jti":%q,"htm":%q,"htu":%q,"iat":%d,"ath":%q,"nonce":%q}`, rand.Text(), method, url, time.Now().Unix(), s.ath, nonce)
	signed := s.head + "." + base64.RawURLEncoding.EncodeToString(body)
	return signed + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(s.key, []byte(signed)))
}

// config is the installation's configuration as the operator's own process has it.
func (s *site) config() app.Config {
	c := app.Default()
	c.Data, c.Host, c.Listen, c.Ops = s.path("data"), "localhost", s.listen, s.ops
	c.Keeper.Socket, c.Keeper.Admin, c.Keeper.SameUser = s.path("run", "serve.sock"), s.path("run", "admin.sock"), true
	if len(s.database) > 0 {
		c.Database.Engine, c.Database.URLFile = s.database[1], s.database[3]
	}
	return c
}

// enlist registers one person for each colour and links a device to each, through
// each partner: thousands in seconds, where a command for each would take hours. It
// returns the devices by partner, and the pin.
func (s *site) enlist(first int, colours []string, partners ...int) (all [][]speaker, pin ed25519.PublicKey) {
	s.t.Helper()
	rows, now := []byte("nik,name,birth_date,phone\n"), time.Now()
	var facts strings.Builder
	niks := make([]identity.NIK, len(colours))
	for i, colour := range colours {
		text := fmt.Sprintf("990105150890%04d", first+i)
		rows = fmt.Appendf(rows, "%s,Tamu Nomor %04d Kenari,1990-08-15,+6289911%07d\n", text, first+i, first+i)
		facts.WriteString(factsFor(text, colour, now))
		var err error
		if niks[i], err = identity.ParseNIK(text); err != nil {
			s.t.Fatal(err)
		}
	}
	write(s.t, s.path("enlisted.csv"), string(rows))
	write(s.t, s.path("enlisted.ndjson"), facts.String())
	s.operate("", "person", "import", s.path("enlisted.csv"))
	s.operate("", "evidence", "import", s.path("enlisted.ndjson"))
	err := app.Operate(s.t.Context(), s.config(), io.Discard, func(o *app.Operator) error {
		for _, p := range partners {
			devices := make([]speaker, 0, len(niks))
			for at := 0; at < len(niks); at += 1000 {
				made, err := o.AddLinks(s.t.Context(), partner.ID(p), "http://unused.invalid", niks[at:min(at+1000, len(niks))])
				if err != nil {
					return err
				}
				for i, m := range made {
					d := newSpeaker(m.Credential.Token, m.Credential.Key)
					d.colour, d.link, pin = colours[at+i], m.Link, m.Credential.Pin
					devices = append(devices, d)
				}
			}
			all = append(all, devices)
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return all, pin
}

// letter is one encapsulated request, and what opens its answer.
type letter struct {
	body     []byte
	exchange *ohttp.Exchange
}

// desk is a relay's own view of the platform. It writes letters for devices and
// hands them to whichever server it likes, under proofs that it may use again.
type desk struct {
	relay  speaker
	config ohttp.Config
	web    *http.Client

	mu    sync.Mutex
	nonce string
}

// newDesk takes a relay's credential, and the key configuration that the server at
// that URL publishes.
func newDesk(t testing.TB, credential, server string, pin ed25519.PublicKey, web *http.Client) *desk {
	t.Helper()
	raw, err := os.ReadFile(credential)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.ParseRelay(raw)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{relay: newSpeaker(c.Token, c.Key), web: web}
	res, err := web.Get(server + ohttp.WellKnownPath)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	envelope, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := ohttp.VerifyConfigs(envelope, time.Now(), pin)
	if err != nil {
		t.Fatal(err)
	}
	if d.config, err = ohttp.Choose(signed.Configs); err != nil {
		t.Fatal(err)
	}
	d.learn(t, server)
	return d
}

// learn takes a nonce, which the next letters' proofs carry.
func (d *desk) learn(t testing.TB, server string) {
	t.Helper()
	res, err := d.web.Post(server+"/ohttp", ohttp.MediaTypeRequest, nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.nonce = res.Header.Get("Dpop-Nonce"); d.nonce == "" {
		t.Fatal("the server gave no nonce")
	}
}

func (d *desk) last() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.nonce
}

// proof is a proof of the relay's, for one message.
func (d *desk) proof() string {
	return d.relay.prove(http.MethodPost, "https://localhost/ohttp", d.last())
}

// write writes a device's letter.
func (d *desk) write(by *speaker, method, path string, body []byte) (letter, error) {
	plain, _, _ := strings.Cut(path, "?")
	message, err := ohttp.AppendRequest(nil, &ohttp.Request{
		Method: method, Scheme: "https", Authority: "localhost", Path: path,
		Header: []ohttp.Field{
			{Name: "authorization", Value: "DPoP " + by.token},
			{Name: "dpop", Value: by.prove(method, "https://localhost"+plain, d.last())},
			{Name: "accept-language", Value: "id"},
		},
		Body: body,
	})
	if err != nil {
		return letter{}, err
	}
	var l letter
	l.body, l.exchange, err = d.config.Encapsulate(message)
	return l, err
}

// said is what a server said to a letter: to the relay, and inside to the device.
type said struct {
	outer, status int
	body          []byte
}

var errUnread = errors.New("the answer does not open")

// send hands a letter to a server, under that proof of the relay's.
func (d *desk) send(ctx context.Context, server string, l letter, proof string) (said, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, server+"/ohttp", bytes.NewReader(l.body))
	if err != nil {
		return said{}, err
	}
	req.Header = http.Header{"Content-Type": {ohttp.MediaTypeRequest}, "Authorization": {"DPoP " + d.relay.token}, "Dpop": {proof}, "User-Agent": nil}
	res, err := d.web.Do(req)
	if err != nil {
		return said{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return said{outer: res.StatusCode, body: raw}, err
	}
	plain, err := l.exchange.Open(raw)
	if err != nil {
		return said{}, fmt.Errorf("%w: %w", errUnread, err)
	}
	inner, err := ohttp.ParseResponse(plain)
	return said{res.StatusCode, inner.Status, inner.Body}, err
}
