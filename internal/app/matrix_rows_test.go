package app

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/web/token"
	"github.com/amanah-project/amanah/ohttp"
	"github.com/amanah-project/amanah/verify"
)

// matrix is who may ask for what, of whom. The columns are the roles in their order:
// nobody, device, stranger, elsewhere, relay, other relay, door, other door, operator, decider.
func matrix() []row {
	person := [roles]int{403, 200, 200, 403, 403, 403, 403, 403, 403, 403} // each of their own
	theirs := [roles]int{403, 200, 404, 403, 403, 403, 403, 403, 403, 403} // of the device's person
	doors := [roles]int{403, 403, 403, 403, 403, 403, 200, 200, 403, 403}
	browsers := [roles]int{303, 303, 303, 303, 303, 303, 303, 303, 303, 303} // an attempt of their own, whoever asks
	anybody := [roles]int{200, 200, 200, 200, 200, 200, 200, 200, 200, 200}
	return []row{
		{"POST /ohttp", "any message", (*town).message, [roles]int{403, 403, 403, 403, 200, 200, 403, 403, 403, 403}, false},
		{"GET /.well-known/ohttp-gateway", "the platform", get(ohttp.WellKnownPath), anybody, false},
		{"GET /.well-known/amanah-keys", "the platform", get("/.well-known/amanah-keys"), anybody, false},
		{"GET /.well-known/oauth-authorization-server", "the platform", get("/.well-known/oauth-authorization-server"), anybody, false},
		{"POST /oauth/par", "the partner's app", (*town).push, [roles]int{400, 201, 201, 401, 401, 401, 401, 401, 400, 401}, false},
		{"GET /oauth/authorize", "who holds the reference", (*town).browse, [roles]int{303, 303, 303, 303, 303, 303, 303, 303, 303, 303}, false},
		{"POST /oauth/token", "the device", (*town).renew, [roles]int{400, 200, 400, 401, 401, 401, 401, 401, 400, 401}, false},
		{"POST /oauth/revoke", "the device", (*town).revoke, [roles]int{401, 200, 200, 401, 401, 401, 401, 401, 401, 401}, false}, // a stranger's ends nothing
		{"inside POST /oauth/par", "the partner's app", (*town).push, [roles]int{400, 201, 201, 401, 401, 401, 401, 401, 400, 401}, false},
		{"inside POST /oauth/token", "the device", (*town).renew, [roles]int{400, 200, 400, 401, 401, 401, 401, 401, 400, 401}, false},
		{"inside POST /oauth/revoke", "the device", (*town).revoke, [roles]int{401, 200, 200, 401, 401, 401, 401, 401, 401, 401}, false}, // a stranger's ends nothing
		{"GET /healthz", "the platform", get("/healthz"), anybody, false},
		{"GET /link/{page}", "the platform", get("/link/phone"), anybody, false},
		{"POST /link/{page}", "the browser's own attempt", (*town).linkForm, browsers, false},
		{"GET /metrics", "the platform", get("/metrics"), [roles]int{404, 404, 404, 404, 404, 404, 404, 404, 200, 404}, false},
		{"GET /v1/doors/occupancy", "one's own venue", get("/v1/doors/occupancy"), doors, false},
		{"GET /v1/doors/code", "one's own venue", get("/v1/doors/code?door=1"), doors, false},
		{"POST /v1/doors/leave", "a visitor of the door", (*town).ticketLeave, [roles]int{403, 403, 403, 403, 403, 403, 200, 404, 403, 403}, true},
		{"POST /v1/doors/seen", "one's own venue", (*town).seen, doors, false},
		{"POST /v1/lookups", "whoever stands at the door", (*town).lookUp, doors, false},
		{"POST /v1/decisions", "the device's person", (*town).journey, [roles]int{403, 403, 403, 403, 403, 403, 403, 403, 403, 200}, false},
		{"POST /partner/v1/applications", "whose keys are in the terms", (*town).apply, anybody, false},
		{"GET /partner/v1/standing", "one's own partner", get("/partner/v1/standing"), [roles]int{403, 403, 403, 403, 200, 200, 403, 403, 403, 403}, false},
		{"PUT /v1/pin", "oneself", put("/v1/pin", `{"pin":"482915"}`), person, false},
		{"DELETE /v1/pin", "oneself", get("/v1/pin"), person, false},
		{"DELETE /v1/cards", "oneself", get("/v1/cards"), person, false},
		{"GET /v1/status", "oneself", get("/v1/status"), person, false},
		{"POST /v1/visits", "oneself", (*town).checkIn, person, false},
		{"GET /v1/visits", "oneself", get("/v1/visits"), person, false},
		{"POST /v1/visits/leave", "the device's person", (*town).leave, theirs, true},
		{"POST /v1/passes", "oneself", (*town).fetch, person, false},
		{"GET /v1/venues/{venue}", "the public", get("/v1/venues/1"), person, false},
		{"GET /v1/asks", "oneself", get("/v1/asks"), person, false},
		{"POST /v1/disputes", "oneself", (*town).dispute, person, false},
		{"GET /v1/disputes", "oneself", get("/v1/disputes"), person, false},
		{"GET /v1/disputes/{number}", "the device's person", (*town).disputed, theirs, false},
		{"GET /v1/links", "oneself", get("/v1/links"), person, false},
		{"DELETE /v1/links/{link}", "the device's person", (*town).unlink, theirs, false},
	}
}

// get asks for a path without a body.
func get(path string) func(*town) (string, string, []byte) {
	return func(*town) (string, string, []byte) { return path, "", nil }
}

// put asks with a body.
func put(path, body string) func(*town) (string, string, []byte) {
	return func(*town) (string, string, []byte) { return path, mediaJSON, []byte(body) }
}

// journey asks about one that was not asked about before.
func (m *town) journey() (string, string, []byte) {
	m.made++
	return "/v1/decisions", mediaJSON, fmt.Appendf(nil, `{"journey":"%d","date":%q}`, m.made, day.Of(time.Now()))
}

// apply offers terms of a partner that nobody knows yet, by keys of its own.
func (m *town) apply() (string, string, []byte) {
	m.t.Helper()
	keys, err := NewPartnerKeys()
	if err != nil {
		m.t.Fatal(err)
	}
	id := partner.ID(0)
	m.update(func(s store.Stores) error {
		all, err := s.Partners.All()
		id = all[len(all)-1].ID + 1
		return err
	})
	return "/partner/v1/applications", mediaJSON, application(m.t, DraftTerms(id, "Toko Maya", keys, time.Now()), keys.Sign)
}

// lookUp asks about a card that nobody made.
func (m *town) lookUp() (string, string, []byte) {
	m.t.Helper()
	code, err := m.server.ring.set.Load().cards.Card(verify.Card{
		ID: [16]byte{1}, Issued: time.Now().Truncate(time.Minute), Expires: time.Now().Add(time.Hour).Truncate(time.Minute),
	})
	if err != nil {
		m.t.Fatal(err)
	}
	var in struct{ Nonce string }
	if err := json.Unmarshal([]byte(checkInBody(m.t, m.code)), &in); err != nil {
		m.t.Fatal(err)
	}
	return "/v1/lookups", mediaJSON, fmt.Appendf(nil, `{"card":%q,"nonce":%q}`, code, in.Nonce)
}

const mediaJSON = "application/json"

// linkForm begins an attempt in a browser; what the attempt's own forms need is its
// cookie, and internal/web/page TestForgery tries without.
func (m *town) linkForm() (string, string, []byte) {
	return "/link/phone", "application/x-www-form-urlencoded", []byte("do=begin")
}

// message is one encapsulated message, whoever it is from.
func (m *town) message() (string, string, []byte) {
	m.t.Helper()
	plain, err := ohttp.AppendRequest(nil, &ohttp.Request{Method: "GET", Scheme: "https", Authority: "localhost", Path: "/v1/status"})
	if err != nil {
		m.t.Fatal(err)
	}
	sealed, _, err := m.config.Encapsulate(plain)
	if err != nil {
		m.t.Fatal(err)
	}
	return "/ohttp", ohttp.MediaTypeRequest, sealed
}

func (m *town) checkIn() (string, string, []byte) {
	return "/v1/visits", mediaJSON, []byte(checkInBody(m.t, m.code))
}

func (m *town) fetch() (string, string, []byte) {
	m.t.Helper()
	var in map[string]any
	if err := json.Unmarshal([]byte(checkInBody(m.t, m.code)), &in); err != nil {
		m.t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{"category": "mall", "nonce": in["nonce"], "holder": in["holder"]})
	if err != nil {
		m.t.Fatal(err)
	}
	return "/v1/passes", mediaJSON, body
}

// seen reports a pass that the platform never gave: who may report is what matters.
func (m *town) seen() (string, string, []byte) {
	m.t.Helper()
	_, holder, err := ed25519.GenerateKey(nil)
	if err != nil {
		m.t.Fatal(err)
	}
	public, err := verify.NewPublicKey(holder.Public())
	if err != nil {
		m.t.Fatal(err)
	}
	now := time.Now().Truncate(time.Minute)
	signed, err := m.server.ring.set.Load().tickets.Pass(verify.Pass{
		Category: "mall", Level: 4, Issued: now, Expires: now.Add(time.Hour), Serial: [16]byte{1}, Party: 1, Decision: verify.Admit, Holder: public,
	})
	if err != nil {
		m.t.Fatal(err)
	}
	screen, err := verify.ShowPass(signed, holder, time.Now())
	if err != nil {
		m.t.Fatal(err)
	}
	return "/v1/doors/seen", mediaJSON, fmt.Appendf(nil, `{"seen":[{"door":1,"pass":%q}]}`, screen)
}

// opened returns an open visit of the device's person.
func (m *town) opened() string {
	m.t.Helper()
	if m.visit == "" {
		path, _, body := m.checkIn()
		got := m.inside(device, "POST", path, body)
		var v struct{ Visit, Decision string }
		if err := json.Unmarshal(got.body, &v); err != nil || v.Decision != "admit" {
			m.t.Fatalf("no visit: %d %s", got.status, got.body)
		}
		m.visit = v.Visit
	}
	return m.visit
}

func (m *town) dispute() (string, string, []byte) {
	var nonce [16]byte
	rand.Read(nonce[:])
	binary.BigEndian.PutUint64(nonce[:8], uint64(time.Now().UnixMilli())<<16)
	return "/v1/disputes", mediaJSON, fmt.Appendf(nil, `{"about":"colour","text":"x","nonce":%q}`, base64.RawURLEncoding.EncodeToString(nonce[:]))
}

// disputed names a dispute of the device's person.
func (m *town) disputed() (string, string, []byte) {
	m.t.Helper()
	if m.number == "" {
		path, _, body := m.dispute()
		got := m.inside(device, "POST", path, body)
		var v struct{ Number string }
		if err := json.Unmarshal(got.body, &v); err != nil || v.Number == "" {
			m.t.Fatalf("no dispute: %d %s", got.status, got.body)
		}
		m.number = v.Number
	}
	return "/v1/disputes/" + m.number, "", nil
}

func (m *town) leave() (string, string, []byte) {
	return "/v1/visits/leave", mediaJSON, fmt.Appendf(nil, `{"visit":%q}`, m.opened())
}

func (m *town) ticketLeave() (string, string, []byte) {
	return "/v1/doors/leave", mediaJSON, fmt.Appendf(nil, `{"serial":%q}`, m.opened())
}

// unlink names a live link of the device's person, on another device of theirs.
func (m *town) unlink() (string, string, []byte) {
	m.t.Helper()
	m.made++
	id := identity.LinkID{9, m.made}
	m.update(func(s store.Stores) error {
		return s.Links.Put(identity.Link{ID: id, Partner: 1, Subject: subjectOf(device), Created: time.Now().Truncate(time.Second)})
	})
	return "/v1/links/" + id.String(), "", nil
}

func (m *town) update(fn func(store.Stores) error) {
	m.t.Helper()
	if err := m.server.db.Update(m.t.Context(), fn); err != nil {
		m.t.Fatal(err)
	}
}

// subjectOf tells persons apart.
func subjectOf(who role) identity.Tag { return identity.Tag{1 + byte(who)} }

// coloured decides a person's colour.
func (m *town) coloured(who identity.PersonID) []status.SealedColour {
	m.t.Helper()
	rules, err := status.Builtin()
	if err != nil {
		m.t.Fatal(err)
	}
	timeline, err := status.MakeTimeline(status.Evidence{Birth: day.Of(time.Now()).Add(-10_000)}, rules, time.Now())
	if err != nil {
		m.t.Fatal(err)
	}
	colours, err := m.admin.PutColours(m.t.Context(), []keeper.Decided{{Person: who, Timeline: timeline.Marshal()}})
	if err != nil {
		m.t.Fatal(err)
	}
	return colours
}

// populate gives every role what it holds: a second person on a device, a second
// partner, and staff at two venues.
func (m *town) populate() {
	m.t.Helper()
	own, err := m.server.ring.tokens().Open(m.token, token.ScopeColour, time.Now())
	if err != nil {
		m.t.Fatal(err)
	}
	own.Link = identity.LinkID{3}
	m.seal(device, own, m.device)
	m.holders[elsewhere] = m.holders[device]
	m.holders[relayOf] = holder{m.relay, m.relayT}
	people, err := m.admin.Register(m.t.Context(), 1)
	if err != nil {
		m.t.Fatal(err)
	}
	now := time.Now().Truncate(time.Second)
	colours := m.coloured(people[0].ID)
	link := identity.LinkID{2}
	m.seal(stranger, token.Claims{Scope: token.ScopeColour, Partner: 1, Link: link, Person: people[0].ID}, newKey(m.t))
	m.seal(relayOff, token.Claims{Scope: token.ScopeRelay, Partner: 2}, newKey(m.t))
	m.seal(doorOf, token.Claims{Scope: token.ScopeDoor, Venue: 1}, newKey(m.t))
	m.seal(doorOff, token.Claims{Scope: token.ScopeDoor, Venue: 2}, newKey(m.t))
	m.seal(decider, token.Claims{Scope: token.ScopeDecision, Partner: 1, Link: identity.LinkID{4}, Person: own.Person}, newKey(m.t))
	_ = agree(m.t, m.server.db, m.admin, 2, m.holders[relayOff].key)
	m.update(func(s store.Stores) error {
		if err := s.People.Put([]identity.Stored{storedPerson(m.t, people[0], "9901010101900002")}); err != nil {
			return err
		}
		if err := s.Status.PutColours(colours); err != nil {
			return err
		}
		for id, who := range map[identity.LinkID]role{own.Link: device, link: stranger} {
			if err := s.Links.Put(identity.Link{ID: id, Partner: 1, Subject: subjectOf(who), Device: thumbprintOf(m.holders[who].key), Created: now, Synthetic: true}); err != nil {
				return err
			}
		}
		journeys := identity.Link{ID: identity.LinkID{4}, Partner: 1, Subject: subjectOf(device), Device: thumbprintOf(m.holders[decider].key), Created: now, Scope: identity.LinkDecision, Synthetic: true}
		if err := s.Links.Put(journeys); err != nil {
			return err
		}
		return s.Venues.Put(venue.Venue{ID: 2, Name: "Pasar Uji", Category: venue.Market, Level: 1, Declared: 10, Doors: 1})
	})
	m.fresh()
}

// fresh reads again what a running server reads every two seconds.
func (m *town) fresh() {
	m.t.Helper()
	if err := m.server.refresh(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
}
