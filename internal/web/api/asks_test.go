package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/web/api"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/token"
	"github.com/amanah-project/amanah/ohttp"
)

// asks is an answer to GET /v1/asks.
type asks struct {
	Today struct {
		Told, Left int
		Resets     time.Time
	}
	Asks []struct {
		Act, Outcome, Colour, Decision, Category, Visit, Partner, Link string
		This                                                           bool
		Times                                                          int
	}
	More bool
}

func (s *stand) asks(p *phone, page string) asks {
	s.t.Helper()
	var got asks
	r := s.send(s.call(p, "GET", "/v1/asks"+page, nil))
	if err := json.Unmarshal(r.Body, &got); err != nil || r.Status != 200 {
		s.t.Fatalf("%d %s: %v", r.Status, r.Body, err)
	}
	return got
}

// TestAsks: the person sees each ask for their colour, by whichever link, with what
// came of it, and how many are left; nobody else's.
func TestAsks(t *testing.T) {
	s := newStand(t)
	s.keeper.most = 12
	p, news, other := s.phone(siti, 1, nil), s.phone(siti, 2, nil), s.phone(budi, 2, nil)
	s.served(s.call(other, "GET", "/v1/status", nil))
	visit := s.served(s.checkIn(p))
	s.now = s.now.Add(time.Minute)
	s.served(s.call(news, "GET", "/v1/status", nil))
	s.now = s.now.Add(time.Minute)
	s.served(s.unlink(p, news.claims.Link))
	s.send(s.call(news, "GET", "/v1/status", nil))
	got := s.asks(p, "")
	if got.Today.Told != 2 || got.Today.Left != 10 || !got.Today.Resets.Equal(gate.Renewal(s.now)) || got.More {
		t.Errorf("%+v", got.Today)
	}
	var lines []string
	for _, a := range got.Asks {
		lines = append(lines, fmt.Sprint(a.Act, " ", a.Outcome, " ", a.Colour, " ", a.Decision, " ", a.Category, " ", a.Partner, " ", a.This))
	}
	want := []string{"look refused    Kabar false", "look given green   Kabar false", "check-in given green admit mall Toko Maya true"}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if last := got.Asks[2]; last.Visit != visit["visit"] || last.Link != p.claims.Link.String() {
		t.Errorf("%+v", last)
	}
}

// TestAskPages: pages hold every ask once, and one past the end is empty.
func TestAskPages(t *testing.T) {
	s := newStand(t)
	p := s.phone(siti, 1, nil)
	for range gate.AskPage + 2 {
		s.served(s.call(p, "GET", "/v1/status", nil))
	}
	for page, want := range []int{gate.AskPage, 2, 0} {
		if got := s.asks(p, fmt.Sprint("?page=", page)); len(got.Asks) != want || got.More != (page == 0) {
			t.Errorf("page %d: %d asks, more %v", page, len(got.Asks), got.More)
		}
	}
	s.run(t, func() *call { return s.call(p, "GET", "/v1/asks?page=0", nil) }, []refusal{
		{"below", path("GET", "/v1/asks?page=-1"), api.ErrRoute},
		{"in words", path("GET", "/v1/asks?page=x"), api.ErrRoute},
		{"one", path("GET", "/v1/asks/1"), api.ErrRoute},
		{"method", path("DELETE", "/v1/asks"), api.ErrRoute},
	})
}

// TestLimitTold: over the day's limit the person is told how many were told, where
// to see by whom and when the count begins anew, in their language, by one intent
// as every other; the list shows the ask that was refused.
func TestLimitTold(t *testing.T) {
	s := newStand(t)
	s.keeper.most = 12
	p := s.phone(siti, 1, nil)
	for n := range 12 {
		if got := s.served(s.call(p, "GET", "/v1/status", nil)); got["left_today"] != float64(11-n) {
			t.Fatalf("%d: %v", n, got)
		}
	}
	for _, c := range []struct {
		what, lang, says string
		call             func() *call
	}{
		{"a look", "en", "told 12 times today", func() *call { return s.call(p, "GET", "/v1/status", nil) }},
		{"a check-in", "id", "diberitahukan 12 kali hari ini", func() *call { return s.checkIn(p) }},
		{"no language", "", "02-08-2022 00:00 WIB", func() *call { return s.call(p, "GET", "/v1/status", nil) }},
	} {
		before := s.keeper.count()
		r := s.request(c.call())
		r.Lang = c.lang
		a := s.device.Serve(t.Context(), r)
		var got struct {
			Type, Text, See string
			Status, Told    int
			Resets          time.Time
		}
		s.must(json.Unmarshal(a.Body, &got))
		_, fresh := s.nonces.Fresh(a.Nonce)
		if a.Status != 429 || got.Status != 429 || got.Type != "urn:amanah:problem:limit" || got.Told != 12 || got.See != "/v1/asks" ||
			!got.Resets.Equal(gate.Renewal(s.now)) || !strings.Contains(got.Text, c.says) || !fresh {
			t.Errorf("%s: %d %s", c.what, a.Status, a.Body)
		}
		if n := s.keeper.count() - before; n != 1 {
			t.Errorf("%s: %d events", c.what, n)
		}
	}
	s.now = s.now.Add(time.Second)
	s.send(s.call(p, "GET", "/v1/status", nil))
	if got := s.asks(p, ""); got.Today.Told != 12 || got.Today.Left != 0 || got.Asks[0].Outcome != "limited" || got.Asks[0].Colour != "" {
		t.Errorf("%+v", got)
	}
	// A member of a party over the limit is no limit of the person who asks.
	host := s.phone(budi, 1, p)
	c := s.checkIn(host)
	c.body["party"], c.body["with"] = 2, []string{s.seal(p.claims)}
	a := s.send(c)
	if a.Status != 429 || !strings.Contains(string(a.Body), "a member of your party was told 12 times") {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

// TestAsksFit: a page of the longest names fits the one size of every answer, and
// the longest text of the limit does.
func TestAsksFit(t *testing.T) {
	for what, name := range longNames() {
		t.Run(what, func(t *testing.T) {
			s := newStand(t)
			s.must(s.db.Update(t.Context(), func(st store.Stores) error {
				return st.Partners.Put(partner.Partner{ID: 3, Name: name, State: partner.Live})
			}))
			s.must(s.db.Update(t.Context(), func(st store.Stores) error {
				return st.Venues.Put(venue.Venue{ID: 2, Name: "x", Category: longest(venue.Categories()), Level: 1, Declared: 1000, Doors: 1})
			}))
			s.must(s.device.Book.Refresh(t.Context(), s.db))
			p := s.phone(siti, 3, nil)
			for range gate.AskPage + 1 {
				s.served(s.checkInAt(p, 2))
			}
			r := s.send(s.call(p, "GET", "/v1/asks", nil))
			s.fits(t, r)
			if gate.AskPage*len(encode(t, name)) <= ohttp.MaxResponse {
				t.Error("the names would fit uncut: the test shows nothing")
			}
			if !strings.Contains(string(r.Body), `"more":true`) || !strings.Contains(string(r.Body), "…") {
				t.Errorf("%s", r.Body)
			}
		})
	}
}

func longest[T ~string](all []T) (out T) {
	for _, one := range all {
		if len(one) > len(out) {
			out = one
		}
	}
	return out
}

// TestOwnOnly: what a person asks about themselves is for their own live colour
// link alone, proved by its device, through its partner. Whoever else asks is
// refused with the same bytes for every resource.
func TestOwnOnly(t *testing.T) {
	for _, route := range ownRoutes() {
		t.Run(route.method+" "+route.path, func(t *testing.T) {
			s := newStand(t)
			p := s.phone(siti, 1, nil)
			good := func(q *phone) *call { return s.call(q, route.method, route.path, route.body(s)) }
			s.served(good(p)) // the control
			for who, change := range map[string]func(*identity.Link){
				"a link that ended":     func(l *identity.Link) { l.Ended = s.now },
				"a link for decisions":  func(l *identity.Link) { l.Scope = identity.LinkDecision },
				"another device's link": func(l *identity.Link) { l.Device = identity.Thumbprint{9} },
			} {
				t.Run(who, func(t *testing.T) { s.refused(t, good(s.phoneOf(siti, change)), identity.ErrNoLink) })
			}
			for who, c := range map[string]struct {
				spoil func(*call)
				want  error
			}{
				"a token for something else": {func(c *call) {
					claims := p.claims
					claims.Scope = token.ScopeRelay
					s.use(c, s.seal(claims))
				}, token.ErrToken},
				"a stranger's device": {func(c *call) {
					c.signer = newKey(t)
					c.head["jwk"] = jwk(c.signer)
				}, dpop.ErrBound},
				"another partner's relay": {func(c *call) { c.relay = 2 }, token.ErrToken},
			} {
				t.Run(who, func(t *testing.T) {
					bad := good(p)
					c.spoil(bad)
					s.refused(t, bad, c.want)
				})
			}
		})
	}
}

// ownRoute is something a person asks about themselves.
type ownRoute struct {
	method, path string
	body         func(s *stand) map[string]any
}

func ownRoutes() []ownRoute {
	none := func(*stand) map[string]any { return nil }
	return []ownRoute{
		{"GET", "/v1/status", none}, {"GET", "/v1/visits", none}, {"GET", "/v1/asks", none}, {"GET", "/v1/links", none},
		{"GET", "/v1/disputes", none},
		{"POST", "/v1/disputes", func(s *stand) map[string]any {
			return map[string]any{"about": "colour", "text": "x", "nonce": nonce(s.now)}
		}},
	}
}

// phoneOf is a phone of a person by a link that is not as it should be.
func (s *stand) phoneOf(person identity.PersonID, change func(*identity.Link)) *phone {
	s.t.Helper()
	p := s.phone(person, 1, nil)
	l := identity.Link{ID: p.claims.Link, Partner: 1, Subject: identity.Tag{byte(person)}, Device: p.claims.Key, Created: s.now}
	l.ID[1] = 0xee
	change(&l)
	p.claims.Link = l.ID
	s.put(l)
	return p
}
