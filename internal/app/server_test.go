package app

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/vault"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/flow/rollout"
	"github.com/amanah-project/amanah/internal/keeper"
	keeperclient "github.com/amanah-project/amanah/internal/keeper/client"
	"github.com/amanah-project/amanah/internal/keeper/root"
	keeperserver "github.com/amanah-project/amanah/internal/keeper/server"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/sqlite"
	"github.com/amanah-project/amanah/internal/web/contract"
	"github.com/amanah-project/amanah/internal/web/token"
	"github.com/amanah-project/amanah/ohttp"
	"github.com/amanah-project/amanah/verify"
)

// rig is a whole server in this process, with a real keeper behind its socket and
// a real database, and a device written here by hand from the documents alone.
type rig struct {
	t      *testing.T
	server *Server
	admin  *keeperclient.Client
	url    string
	relay  ed25519.PrivateKey
	relayT string
	device ed25519.PrivateKey
	client ed25519.PrivateKey // partner 1's, for attestations
	token  string
	nonceO string // outer
	nonceI string // inner
	config ohttp.Config
	seen   []string // lengths and headers of the answers a relay saw

	contract *contract.Contract // against which every answer is held
}

func newRig(t *testing.T) *rig {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	dir := t.TempDir()
	k, err := keeperserver.Open(keeperserver.Options{Disk: durable.OS(filepath.Join(dir, "keeper")), Credential: root.Credential{Secret: make([]byte, 32)}, Origin: "https://localhost"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	log := slog.New(slog.DiscardHandler)
	go k.Serve(ctx, keeperserver.ListenOptions{Dir: dir, SameUser: true, Log: log})
	admin := keeperclient.New(filepath.Join(dir, "admin.sock"))
	for {
		if _, err := admin.Health(ctx); err == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	db, err := sqlite.Open(filepath.Join(dir, "x.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	r := &rig{t: t, admin: admin}
	_, r.relay, _ = ed25519.GenerateKey(nil)
	_, r.device, _ = ed25519.GenerateKey(nil)
	r.seed(ctx, admin, db)
	cfg := Default()
	cfg.Data = t.TempDir()
	r.server, err = NewServer(ctx, cfg, db, keeperclient.New(filepath.Join(dir, "serve.sock")), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.server.vault.Blobs.Close() })
	t.Cleanup(r.server.gate.Close)
	r.contract = shipped(t)
	web := httptest.NewServer(r.contract.Watch("public", r.server.routes(), func(err error) { t.Error(err) }))
	t.Cleanup(web.Close)
	r.url = web.URL
	pin := r.server.ring.set.Load().pin
	signed := r.get(ohttp.WellKnownPath)
	configs, err := ohttp.VerifyConfigs(signed, time.Now(), pin)
	if err != nil {
		t.Fatal(err)
	}
	if r.config, err = ohttp.Choose(configs.Configs); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) seed(ctx context.Context, k *keeperclient.Client, db store.DB) {
	r.t.Helper()
	must := func(err error) {
		r.t.Helper()
		if err != nil {
			r.t.Fatal(err)
		}
	}
	people, err := k.Register(ctx, 1)
	must(err)
	rules, err := status.Builtin()
	must(err)
	now := time.Now()
	born, _ := day.Parse("1990-01-01")
	e := status.Evidence{Birth: born}
	for i, ago := range []int{300, 270, 60} {
		e.Doses = append(e.Doses, status.Dose{On: day.Of(now).Add(-ago), Vaccine: "sinovac", Ref: fmt.Sprint(i)})
	}
	timeline, err := status.MakeTimeline(e, rules, now)
	must(err)
	colours, err := k.PutColours(ctx, []keeper.Decided{{Person: people[0].ID, Timeline: timeline.Marshal()}})
	must(err)
	keys, err := k.ServiceKeys(ctx)
	must(err)
	tokens, err := token.New(keys.Token)
	must(err)
	link := identity.LinkID{1}
	expires := now.Add(time.Hour)
	r.token, err = tokens.Seal(token.Claims{Scope: token.ScopeColour, Partner: 1, Link: link, Person: people[0].ID, Key: thumbprintOf(r.device), Expires: expires}, now)
	must(err)
	r.relayT, err = tokens.Seal(token.Claims{Scope: token.ScopeRelay, Partner: 1, Key: thumbprintOf(r.relay), Expires: expires}, now)
	must(err)
	r.client = agree(r.t, db, k, 1, r.relay)
	must(db.Update(ctx, func(s store.Stores) error {
		if err := s.People.Put([]identity.Stored{storedPerson(r.t, people[0], "9901010101900001")}); err != nil {
			return err
		}
		if err := s.Status.PutColours(colours); err != nil {
			return err
		}
		if err := s.Links.Put(identity.Link{ID: link, Partner: 1, Device: thumbprintOf(r.device), Created: now.Truncate(time.Second), Synthetic: true}); err != nil {
			return err
		}
		return s.Venues.Put(venue.Venue{ID: 1, Name: "Mal Uji", Category: venue.Mall, Level: 1, Declared: 10, Doors: 1})
	}))
}

// storedPerson seals a registered person's record, under a tag that is not the index's.
func storedPerson(t testing.TB, k keeper.Registered, digits string) identity.Stored {
	t.Helper()
	nik, err := identity.ParseNIK(digits)
	if err != nil {
		t.Fatal(err)
	}
	name, err := identity.ParseName("Orang Uji")
	if err != nil {
		t.Fatal(err)
	}
	born, _ := day.Parse("1990-01-01")
	plain, err := identity.Person{NIK: nik, Name: name, Birth: born}.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := vault.Binding{Table: vault.People, Person: k.ID, Record: uint64(keeper.RecordPerson), Version: k.Version}
	sealed, err := vault.SealRecord(k.Key, b, plain)
	if err != nil {
		t.Fatal(err)
	}
	return identity.Stored{ID: k.ID, Version: k.Version, Sealed: sealed, NIK: identity.Tag([]byte(digits)), Synthetic: nik.Synthetic()}
}

// agree makes a partner with a relay's key and leads it into the sandbox.
func agree(t *testing.T, db store.DB, k *keeperclient.Client, id partner.ID, relay ed25519.PrivateKey) (client ed25519.PrivateKey) {
	t.Helper()
	ctx := t.Context()
	service, err := k.ServiceKeys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := NewPartnerKeys()
	if err != nil {
		t.Fatal(err)
	}
	keys.Relay = relay
	terms := DraftTerms(id, "Mitra "+id.String(), keys, time.Now())
	terms.Scopes, terms.Limits.DecisionsPerDay = append(terms.Scopes, partner.ScopeDecision), 10_000
	raw, err := terms.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	o := &Operator{DB: db, Keeper: k, ring: &ring{}, now: time.Now, log: slog.New(slog.DiscardHandler)}
	o.ring.set.Store(&keySet{log: service.Log[:]})
	flow, ask := o.Rollout(), rollout.Ask{Who: "uji"}
	_, err = flow.Apply(ctx, ask, raw, partner.Detached(keys.Sign, raw))
	if err == nil {
		_, err = flow.Countersign(ctx, ask, id, 1, thumbprintOf(keys.Sign))
	}
	if err == nil {
		_, err = flow.Promote(ctx, ask, id)
	}
	if err != nil {
		t.Fatal(err)
	}
	return keys.Client
}

func thumbprintOf(k ed25519.PrivateKey) [32]byte {
	x := base64.RawURLEncoding.EncodeToString(k.Public().(ed25519.PublicKey))
	return sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`))
}

func (r *rig) get(path string) []byte {
	r.t.Helper()
	res, err := http.Get(r.url + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		r.t.Fatalf("GET %s: %s, %v", path, res.Status, err)
	}
	return b
}

// proof makes a DPoP proof.
func proof(k ed25519.PrivateKey, method, url, tok, nonce string) string {
	b64 := base64.RawURLEncoding.EncodeToString
	x := b64(k.Public().(ed25519.PublicKey))
	var id [12]byte
	rand.Read(id[:])
	ath := ""
	if tok != "" {
		sum := sha256.Sum256([]byte(tok))
		ath = b64(sum[:])
	}
	head := b64([]byte(`{"typ":"dpop+jwt","alg":"EdDSA","jwk":{"kty":"OKP","crv":"Ed25519","x":"` + x + `"}}`))
	body := b64(fmt.Appendf(nil, `{"jti":"%s","htm":"%s","htu":"%s","iat":%d,"ath":"%s","nonce":"%s"}`, b64(id[:]), method, url, time.Now().Unix(), ath, nonce))
	return head + "." + body + "." + b64(ed25519.Sign(k, []byte(head+"."+body)))
}

// ask sends one request of the device through the relay's credential; nonces are
// asked for once when they are missing.
func (r *rig) ask(method, path, body string) (int, map[string]any) {
	r.t.Helper()
	for range 2 {
		inner, err := ohttp.AppendRequest(nil, &ohttp.Request{
			Method: method, Scheme: "https", Authority: "localhost", Path: path,
			Header: []ohttp.Field{{Name: "authorization", Value: "DPoP " + r.token}, {Name: "dpop", Value: proof(r.device, method, "https://localhost"+path, r.token, r.nonceI)}},
			Body:   []byte(body),
		})
		if err != nil {
			r.t.Fatal(err)
		}
		sealed, exchange, err := r.config.Encapsulate(inner)
		if err != nil {
			r.t.Fatal(err)
		}
		plain, err := exchange.Open(r.forward(sealed))
		if err != nil {
			r.t.Fatal(err)
		}
		res, err := ohttp.ParseResponse(plain)
		if err != nil {
			r.t.Fatal(err)
		}
		stale := r.nonceI == ""
		r.nonceI = ohttp.Get(res.Header, "dpop-nonce")
		if stale {
			continue
		}
		r.conforms(method, path, res)
		var m map[string]any
		if err := json.Unmarshal(res.Body, &m); err != nil {
			r.t.Fatalf("%s: %v", res.Body, err)
		}
		return res.Status, m
	}
	r.t.Fatal("no nonce came")
	return 0, nil
}

func (r *rig) forward(sealed []byte) []byte {
	r.t.Helper()
	for range 2 {
		req, _ := http.NewRequest("POST", r.url+"/ohttp", bytes.NewReader(sealed))
		req.Header.Set("Content-Type", ohttp.MediaTypeRequest)
		req.Header.Set("Authorization", "DPoP "+r.relayT)
		req.Header.Set("DPoP", proof(r.relay, "POST", "https://localhost/ohttp", r.relayT, r.nonceO))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			r.t.Fatal(err)
		}
		b, _ := io.ReadAll(res.Body)
		res.Body.Close()
		stale := r.nonceO == ""
		r.nonceO = res.Header.Get("DPoP-Nonce")
		if stale {
			continue
		}
		if res.StatusCode != 200 {
			r.t.Fatalf("relay was answered %s: %s", res.Status, b)
		}
		r.seen = append(r.seen, fmt.Sprint(len(b), len(res.Header)))
		return b
	}
	return nil
}

func checkInBody(t *testing.T, code string) string {
	t.Helper()
	var nonce [16]byte
	rand.Read(nonce[:])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(time.Now().UnixMilli()))
	copy(nonce[:6], ms[2:])
	holder, _, _ := ed25519.GenerateKey(nil)
	b64 := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf(`{"code":%q,"nonce":%q,"holder":%q}`, code, b64(nonce[:]), b64(holder))
}

func TestServerEndToEnd(t *testing.T) {
	r := newRig(t)
	code, err := r.server.ring.set.Load().venues.Code(verify.VenueCode{Venue: 1, Door: 1, Serial: 1})
	if err != nil {
		t.Fatal(err)
	}
	body := checkInBody(t, code)
	status, a := r.ask("POST", "/v1/visits", body)
	if status != 200 || a["colour"] != "green" || a["decision"] != "admit" || a["inside"] != 1.0 {
		t.Fatalf("%d %v", status, a)
	}
	if status, again := r.ask("POST", "/v1/visits", body); status != 200 || again["visit"] != a["visit"] || again["inside"] != 1.0 || again["ticket"] != a["ticket"] {
		t.Errorf("a retry: %d %v", status, again)
	}
	published, err := verify.OpenPublished(r.get("/.well-known/amanah-keys"), time.Now(), r.server.ring.set.Load().pin)
	if err != nil {
		t.Fatal(err)
	}
	ticket, err := base64.RawURLEncoding.DecodeString(a["ticket"].(string))
	if err != nil {
		t.Fatal(err)
	}
	held, err := published.Tickets.Ticket(ticket, time.Now())
	if err != nil || hex.EncodeToString(held.Serial[:]) != a["visit"] {
		t.Errorf("the ticket: %+v, %v", held, err)
	}
	if status, h := r.ask("GET", "/v1/visits", ""); status != 200 || len(h["visits"].([]any)) != 1 {
		t.Errorf("history: %d %v", status, h)
	}
	if status, s := r.ask("GET", "/v1/status", ""); status != 200 || s["colour"] != "green" {
		t.Errorf("status: %d %v", status, s)
	}
	if status, v := r.ask("GET", "/v1/venues/1", ""); status != 200 || v["name"] != "Mal Uji" {
		t.Errorf("venue: %d %v", status, v)
	}
	if status, l := r.ask("POST", "/v1/visits/leave", `{"visit":"`+a["visit"].(string)+`"}`); status != 200 || l["closed"] != 1.0 {
		t.Errorf("leave: %d %v", status, l)
	}
	for _, c := range []struct {
		name, method, path, body string
		want                     int
	}{
		{"no JSON", "POST", "/v1/visits", "{", 400},
		{"no route", "GET", "/v2", "", 404},
		{"no venue", "GET", "/v1/venues/99", "", 404},
		{"cover", "POST", "/v1/visits/leave", `{"cover":true}`, 200},
	} {
		if status, a := r.ask(c.method, c.path, c.body); status != c.want {
			t.Errorf("%s: %d %v", c.name, status, a)
		}
	}
	for _, s := range r.seen {
		if s != r.seen[0] {
			t.Errorf("a relay tells answers apart: %v", r.seen)
			break
		}
	}
	if len(r.seen) < 11 {
		t.Errorf("only %d answers", len(r.seen))
	}
}
