package api_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/flow/lookup"
	"github.com/amanah-project/amanah/internal/web/api"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/problem"
	"github.com/amanah-project/amanah/internal/web/route"
	"github.com/amanah-project/amanah/internal/web/token"
	"github.com/amanah-project/amanah/verify"
)

// desk stands in for the flow: it admits one card and remembers what it was asked.
type desk struct {
	asked []lookup.Question
	fail  error
}

func (d *desk) Ask(_ context.Context, q lookup.Question) (gate.Answer, error) {
	d.asked = append(d.asked, q)
	a := gate.Answer{Outcome: venue.Unproved(), Visit: venue.Visit{ID: q.Nonce.Name(identity.LinkID{}, q.Venue)}}
	if q.Card == (identity.CardID{7}) {
		a.Outcome.Decision = venue.Admit
	}
	return a, d.fail
}

// door is a door of venue 1 with the keys of its platform's cards.
type door struct {
	*stand
	desk  *desk
	mux   *route.Mux
	key   ed25519.PrivateKey
	cards ed25519.PrivateKey
}

func newDoor(t testing.TB) *door {
	t.Helper()
	d := &door{stand: newStand(t), desk: &desk{}, mux: &route.Mux{}, key: newKey(t), cards: newKey(t)}
	keys, err := verify.NewKeys(verify.ForCards, verify.NewKey(d.cards.Public().(ed25519.PublicKey), d.now.Add(-time.Hour), d.now.Add(time.Hour)))
	d.must(err)
	tickets, err := verify.NewKeys(verify.ForTickets, verify.NewKey(d.ticket.Public().(ed25519.PublicKey), d.now.Add(-time.Hour), d.now.Add(48*time.Hour)))
	d.must(err)
	doors := &api.Doors{
		Host: host, Tokens: d.device.Tokens, Nonces: d.nonces, Once: dpop.NewOnce(nonceLife), Book: d.device.Book,
		LookUp: d.desk, Cards: func() verify.Keys { return keys }, Now: d.device.Now,
		Passes: func() verify.Keys { return tickets },
		Leave: func(ctx context.Context, at venue.ID, id venue.VisitID, now time.Time) error {
			return gate.CheckOut(ctx, d.db, at, id, now)
		},
		Seen: func(ctx context.Context, at *gate.Place, shown []venue.Showing, now time.Time) ([]venue.SeenCode, error) {
			return gate.Reconcile(ctx, d.db, at, shown, now)
		},
	}
	doors.Routes(d.mux)
	return d
}

// ask posts a look-up as the door.
func (d *door) ask(body string) *httptest.ResponseRecorder { return d.post("/v1/lookups", body) }

// post posts a body as the door.
func (d *door) post(path, body string) *httptest.ResponseRecorder {
	d.t.Helper()
	sealed := d.seal(token.Claims{Scope: token.ScopeDoor, Venue: 1, Key: sha256.Sum256(encode(d.t, jwk(d.key))), Expires: d.now.Add(time.Hour)})
	var id [16]byte
	rand.Read(id[:])
	sum := sha256.Sum256([]byte(sealed))
	c := &call{signer: d.key, head: map[string]any{"typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk(d.key)}, claims: map[string]any{
		"jti": b64(id[:]), "htm": "POST", "htu": "https://" + host + path, "iat": d.now.Unix(), "nonce": d.nonces.Give(), "ath": b64(sum[:]),
	}}
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.Header.Set("Authorization", "DPoP "+sealed)
	r.Header.Set("DPoP", d.request(c).Proof)
	w := httptest.NewRecorder()
	d.mux.ServeHTTP(w, r)
	return w
}

func (d *door) code(key ed25519.PrivateKey, id byte, issued time.Time) string {
	d.t.Helper()
	text, err := verify.SignCard(key, verify.Card{ID: [16]byte{id}, Issued: issued, Expires: issued.Add(time.Hour)})
	d.must(err)
	return text
}

func (d *door) question(more map[string]any) map[string]any {
	q := map[string]any{"nonce": nonce(d.now), "door": 1, "party": 1}
	for k, v := range more {
		q[k] = v
	}
	return q
}

// TestLookUpSaysNothingMore: every `check` has one length and one set of headers,
// whyever it is one, and reaches the flow. The control is an answer that differs.
func TestLookUpSaysNothingMore(t *testing.T) {
	d := newDoor(t)
	shape := func(q map[string]any) (int, string, string) {
		t.Helper()
		before := len(d.desk.asked)
		w := d.ask(string(encode(t, q)))
		var a struct{ Decision, Visit string }
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != 200 || len(a.Visit) != 32 || len(d.desk.asked) != before+1 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		w.Header().Del("DPoP-Nonce")
		return w.Body.Len(), string(encode(t, w.Header())), a.Decision
	}
	size, head, decision := shape(d.question(map[string]any{"card": d.code(d.cards, 9, d.now)}))
	if decision != "check" {
		t.Fatal(decision)
	}
	for name, q := range map[string]map[string]any{
		"forged card":   {"card": d.code(newKey(t), 7, d.now)},
		"expired card":  {"card": d.code(d.cards, 7, d.now.Add(-59*time.Minute-time.Hour))},
		"future card":   {"card": d.code(d.cards, 7, d.now.Add(30*time.Minute))},
		"NIK and PIN":   {"nik": "9901011508900001", "pin": "482915"},
		"another party": {"card": d.code(d.cards, 9, d.now), "party": 50},
	} {
		s, h, dec := shape(d.question(q))
		if s != size || h != head || dec != "check" {
			t.Errorf("%s: %d bytes, %s, %s", name, s, h, dec)
		}
	}
	if _, _, dec := shape(d.question(map[string]any{"card": d.code(d.cards, 7, d.now)})); dec != "admit" {
		t.Error("control: ", dec)
	}
}

// TestLookUpRefused: what is wrong in a look-up, each beside the right one, reaches
// nobody and costs nothing.
func TestLookUpRefused(t *testing.T) {
	d := newDoor(t)
	good := func() map[string]any { return d.question(map[string]any{"nik": "9901011508900001", "pin": "482915"}) }
	for name, x := range map[string]struct {
		spoil map[string]any
		want  error
	}{
		"NIK":              {map[string]any{"nik": "990101150890"}, identity.ErrNIKLength},
		"NIK of letters":   {map[string]any{"nik": "990101150890000x"}, identity.ErrNIKDigits},
		"PIN":              {map[string]any{"pin": "12345"}, identity.ErrPIN},
		"no PIN":           {map[string]any{"pin": ""}, api.ErrQuestion},
		"no NIK":           {map[string]any{"nik": ""}, api.ErrQuestion},
		"both":             {map[string]any{"card": d.code(d.cards, 7, d.now)}, api.ErrQuestion},
		"no card":          {map[string]any{"card": "AMANAH1:", "nik": "", "pin": ""}, api.ErrCard},
		"nonce":            {map[string]any{"nonce": "x"}, api.ErrNonce},
		"nonce of the day": {map[string]any{"nonce": nonce(d.now.Add(-time.Hour))}, venue.ErrClock},
		"party":            {map[string]any{"party": 51}, venue.ErrParty},
		"nobody":           {map[string]any{"party": 0}, venue.ErrParty},
		"body":             {map[string]any{"door": "one"}, api.ErrBody},
		"door":             {map[string]any{"door": 2}, fault.New(fault.Invalid, "door: a number from 1 to 1")},
	} {
		if w := d.ask(string(encode(t, good()))); w.Code != 200 {
			t.Fatalf("control: %d %s", w.Code, w.Body)
		}
		q, before := good(), len(d.desk.asked)
		for k, v := range x.spoil {
			q[k] = v
		}
		w := d.ask(string(encode(t, q)))
		status, body := problem.Document(x.want)
		if w.Code != status || w.Body.String() != string(body) || len(d.desk.asked) != before {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	d.desk.fail = venue.ErrLookups
	if w := d.ask(string(encode(t, good()))); w.Code != http.StatusTooManyRequests {
		t.Errorf("beyond the budget: %d %s", w.Code, w.Body)
	}
}

// holder stands in for the flow behind a person's own PIN and cards.
type holderStub struct {
	calls []string
	err   error
}

func (h *holderStub) ChangePIN(_ context.Context, by lookup.Actor, _ identity.PersonID, _ identity.PIN) error {
	h.calls = append(h.calls, "change by "+by.Name)
	return h.err
}

func (h *holderStub) DropPIN(context.Context, identity.PersonID) error {
	h.calls = append(h.calls, "drop")
	return h.err
}

func (h *holderStub) DropCards(context.Context, identity.PersonID) (int, error) {
	h.calls = append(h.calls, "cards")
	return 2, h.err
}

// TestOwnPIN: a person's device sets and removes; one without a live link reaches
// nothing.
func TestOwnPIN(t *testing.T) {
	s, h := newStand(t), &holderStub{}
	s.device.Holder = h
	p := s.phone(siti, 1, nil)
	give := func() *call { return s.call(p, "PUT", "/v1/pin", map[string]any{"pin": "482915"}) }
	if v := s.served(give()); v["pin"] != true {
		t.Error(v)
	}
	if v := s.served(s.call(p, "DELETE", "/v1/pin", nil)); v["pin"] != false {
		t.Error(v)
	}
	if v := s.served(s.call(p, "DELETE", "/v1/cards", nil)); v["revoked"] != 2.0 {
		t.Error(v)
	}
	if got := strings.Join(h.calls, ", "); got != "change by link/"+p.claims.Link.String()+", drop, cards" {
		t.Error(got)
	}
	s.run(t, give, []refusal{
		{"no body", text("x"), api.ErrBody},
		{"short", set("pin", "48291"), identity.ErrPIN},
		{"another resource", path("PUT", "/v1/pins"), api.ErrRoute},
	})
	h.calls = nil
	lost := s.phone(siti, 1, nil)
	s.put(identity.Link{ID: lost.claims.Link, Partner: 1, Subject: identity.Tag{byte(siti)}, Device: lost.claims.Key, Created: s.now, Ended: s.now})
	for _, c := range []*call{
		s.call(lost, "PUT", "/v1/pin", map[string]any{"pin": "482915"}), s.call(lost, "DELETE", "/v1/pin", nil), s.call(lost, "DELETE", "/v1/cards", nil),
	} {
		s.refused(t, c, identity.ErrNoLink)
	}
	if len(h.calls) > 0 {
		t.Errorf("a link that ended reached %v", h.calls)
	}
	h.err = identity.ErrWeakPIN
	if r := s.send(give()); r.Status != 400 || !errors.Is(h.err, identity.ErrWeakPIN) {
		t.Errorf("%d %s", r.Status, r.Body)
	}
}
