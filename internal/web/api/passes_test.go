package api_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/web/api"
	"github.com/amanah-project/amanah/internal/web/contract"
	"github.com/amanah-project/amanah/internal/web/token"
	"github.com/amanah-project/amanah/verify"
)

// fetch asks for a pass.
func (s *stand) fetch(p *phone) *call { return s.fetchFor(p, newKey(s.t)) }

func (s *stand) fetchFor(p *phone, holder ed25519.PrivateKey) *call {
	return s.call(p, "POST", "/v1/passes", map[string]any{
		"category": "mall", "level": 3, "hours": 12, "party": 1, "nonce": nonce(s.now), "holder": b64(holder[32:]),
	})
}

// shown fetches a pass and shows it at a time.
func (s *stand) shown(p *phone, at time.Time) string {
	s.t.Helper()
	holder := newKey(s.t)
	v := s.served(s.fetchFor(p, holder))
	raw, err := base64.RawURLEncoding.DecodeString(v["pass"].(string))
	s.must(err)
	text, err := verify.ShowPass(raw, holder, at)
	s.must(err)
	return text
}

// TestFetchPass: the answer holds a pass that a door can verify; it costs one event and
// one colour, and fits the one size.
func TestFetchPass(t *testing.T) {
	s := newStand(t)
	p := s.phone(siti, 1, nil)
	before := s.keeper.count()
	c := s.fetch(p)
	v := s.served(c)
	if s.keeper.count()-before != 1 || s.keeper.told[siti] != 1 {
		t.Errorf("%d events, %d colours", s.keeper.count()-before, s.keeper.told[siti])
	}
	if v["decision"] != "admit" || v["colour"] != "green" || v["level"] != 3.0 || v["left_today"] != 12.0 {
		t.Errorf("%v", v)
	}
	raw, err := base64.RawURLEncoding.DecodeString(v["pass"].(string))
	s.must(err)
	keys, err := verify.NewKeys(verify.ForTickets, verify.NewKey(s.ticket.Public().(ed25519.PublicKey), s.now.Add(-time.Hour), s.now.Add(48*time.Hour)))
	s.must(err)
	got, err := keys.Pass(raw, s.now.Add(11*time.Hour))
	if err != nil || got.Category != "mall" || got.Level != 3 || got.Party != 1 || got.Expires.Sub(got.Issued) != 12*time.Hour || fmt.Sprintf("%x", got.Serial) != v["serial"] {
		t.Errorf("%+v, %v", got, err)
	}
	again := s.call(p, "POST", "/v1/passes", c.body)
	if w := s.served(again); w["serial"] != v["serial"] || w["pass"] != v["pass"] || w["code"] != "again" {
		t.Errorf("retry: %v, first %v", w, v)
	}
	var with []string // the largest answer: as many members as may be named
	for _, who := range []identity.PersonID{budi, maya, budi, maya} {
		with = append(with, s.seal(s.phone(who, 1, p).claims))
	}
	c = s.fetch(p)
	c.body["party"], c.body["with"] = 5, with
	s.fits(t, s.send(c))
}

// TestFetchPassRefused: each thing wrong alone, with a reason that says which.
func TestFetchPassRefused(t *testing.T) {
	s := newStand(t)
	p := s.phone(siti, 1, nil)
	s.run(t, func() *call { return s.fetch(p) }, []refusal{
		{"no body", text(""), api.ErrBody},
		{"a list", text("[]"), api.ErrBody},
		{"no category", set("category", ""), venue.ErrCategory},
		{"a word of no category", set("category", "Mall"), venue.ErrCategory},
		{"level 5", set("level", 5), venue.ErrPassLevel},
		{"level -1", set("level", -1), venue.ErrPassLevel},
		{"level 257", set("level", 257), venue.ErrPassLevel},
		{"no hour", set("hours", 0), venue.ErrPassHours},
		{"13 hours", set("hours", 13), venue.ErrPassHours},
		{"half an hour", set("hours", 0.5), api.ErrBody},
		{"nobody", set("party", 0), venue.ErrParty},
		{"too many", set("party", 51), venue.ErrParty},
		{"no nonce", set("nonce", ""), api.ErrNonce},
		{"an old nonce", set("nonce", nonce(s.now.Add(-11*time.Minute))), venue.ErrClock},
		{"no holder", set("holder", ""), api.ErrHolder},
		{"a holder that is no key", set("holder", b64(make([]byte, 32))), api.ErrHolder},
		{"more members than party", set("with", []string{"x"}), gate.ErrMembers},
		{"a member's token that is none", func(_ *stand, c *call) { c.body["party"], c.body["with"] = 2, []string{"x"} }, token.ErrToken},
		{"outside the agreement", func(_ *stand, c *call) { c.grant = partner.Grant{} }, partner.ErrScope},
		{"not for reading", path("GET", "/v1/passes"), api.ErrRoute},
	})
	s.put(identity.Link{ID: p.claims.Link, Partner: 1, Subject: identity.Tag{1}, Device: p.claims.Key, Created: s.now, Ended: s.now})
	s.refused(t, s.fetch(p), identity.ErrNoLink)
}

// report posts passes and returns their codes.
func (d *door) report(passes ...string) []string {
	d.t.Helper()
	type one struct {
		Door int    `json:"door"`
		Pass string `json:"pass"`
	}
	var seen []one
	for _, p := range passes {
		seen = append(seen, one{1, p})
	}
	w := d.post("/v1/doors/seen", string(encode(d.t, map[string]any{"seen": seen})))
	if err := d.contract.Check(contract.Answer{Method: "POST", Path: "/v1/doors/seen", Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}); err != nil {
		d.t.Error(err)
	}
	var answer struct {
		Seen []struct{ Code, Result, Text string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 {
		d.t.Fatalf("%d %s", w.Code, w.Body)
	}
	var out []string
	for _, r := range answer.Seen {
		out = append(out, r.Code)
	}
	return out
}

// TestSeen: every pass of a report is answered for itself; what is wrong with one keeps
// none of the others.
func TestSeen(t *testing.T) {
	d := newDoor(t)
	p := d.phone(siti, 1, nil)
	good, ahead := d.shown(p, d.now), d.shown(p, d.now.Add(20*time.Minute))
	stale := d.shown(p, d.now.Add(12*time.Hour))
	forged := good[:60] + "AAAA" + good[64:]
	screen := good[:len(good)-4] + "AAAA"
	got := d.report(good, "no scan", forged, ahead, good, screen, stale, verify.PresentationPrefix+good[len(verify.PassPrefix):])
	want := []string{"counted", "malformed", "forged", "ahead", "again", "forged", "stale", "malformed"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	d.now = d.now.Add(20 * time.Minute)
	if got := d.report(ahead, good); got[0] != "counted" || got[1] != "again" {
		t.Errorf("when its time has come: %v", got)
	}
	h := d.served(d.call(p, "GET", "/v1/visits", nil))
	visits, _ := h["visits"].([]any)
	if len(visits) != 2 {
		t.Fatalf("history: %v", h)
	}
	if last := visits[0].(map[string]any); last["venue"] != "Mal" || last["colour"] != "green" || last["decision"] != "admit" {
		t.Errorf("%v", last)
	}
	asks := d.served(d.call(p, "GET", "/v1/asks", nil))
	list, _ := asks["asks"].([]any)
	if len(list) != 3 { // each pass once, the one that was never admitted too
		t.Fatalf("asks: %v", asks)
	}
	admitted := 0
	for _, one := range list {
		one := one.(map[string]any)
		if one["act"] != "pass" || one["outcome"] != "given" || one["colour"] != "green" {
			t.Errorf("%v", one)
		}
		if one["category"] == "mall" && one["decision"] == "admit" {
			admitted++
		}
	}
	if admitted != 2 {
		t.Errorf("%d of them admitted: %v", admitted, list)
	}
}

// TestSeenRefused: a report that is none changes nothing.
func TestSeenRefused(t *testing.T) {
	d := newDoor(t)
	many := strings.Repeat(`{"door":1,"pass":"x"},`, api.MaxSeen)
	for name, body := range map[string]string{
		"nothing": "", "no object": "[]", "no list": `{"seen":"x"}`, "an empty one": `{"seen":[]}`, "none": `{}`,
		"too many": `{"seen":[` + many + `{"door":1,"pass":"x"}]}`, "a door in words": `{"seen":[{"door":"1","pass":"x"}]}`,
		"a door beyond": `{"seen":[{"door":70000,"pass":"x"}]}`,
	} {
		if w := d.post("/v1/doors/seen", body); w.Code != 400 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := d.post("/v1/doors/seen", `{"seen":[`+strings.TrimSuffix(many, ",")+`]}`); w.Code != 200 {
		t.Errorf("control, as many as may be: %d %s", w.Code, w.Body)
	}
}
