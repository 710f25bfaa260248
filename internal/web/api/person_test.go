package api_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/flow/rights"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/web/api"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/ohttp"
)

// visitOf writes a nonce as a visit's number is written.
func visitOf(t testing.TB, nonce string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(raw)
}

func (s *stand) unlink(p *phone, id identity.LinkID) *call {
	return s.call(p, "DELETE", "/v1/links/"+id.String(), nil)
}

// TestLinks: one's own, with the partner's name, on whatever device.
func TestLinks(t *testing.T) {
	s := newStand(t)
	p := s.phone(siti, 1, nil)
	s.phone(budi, 1, nil)
	s.put(identity.Link{ID: identity.LinkID{7}, Partner: 2, Subject: identity.Tag{byte(siti)}, Scope: identity.LinkDecision, Created: s.now.Add(time.Hour)})
	var got struct {
		Links []map[string]any `json:"links"`
		More  bool             `json:"more"`
	}
	if err := json.Unmarshal(s.send(s.call(p, "GET", "/v1/links", nil)).Body, &got); err != nil || len(got.Links) != 2 || got.More {
		t.Fatalf("%+v, %v", got, err)
	}
	newer, own := got.Links[0], got.Links[1]
	if newer["partner"] != "Kabar" || newer["scope"] != "decision:server" || newer["this"] != false {
		t.Errorf("%v", newer)
	}
	if own["partner"] != "Toko Maya" || own["scope"] != "colour" || own["this"] != true || own["link"] != p.claims.Link.String() {
		t.Errorf("%v", own)
	}
}

// TestUnlinkBites: the device of a removed link is refused with its next request,
// whatever it asks. The control is the same device before.
func TestUnlinkBites(t *testing.T) {
	s := newStand(t)
	p, lost := s.phone(siti, 1, nil), s.phone(siti, 2, nil)
	asks := []func() *call{
		func() *call { return s.call(lost, "GET", "/v1/status", nil) },
		func() *call { return s.checkIn(lost) },
		func() *call { return s.call(lost, "GET", "/v1/visits", nil) },
		func() *call { return s.call(lost, "GET", "/v1/links", nil) },
		func() *call { return s.call(lost, "GET", "/v1/venues/1", nil) },
		func() *call { return s.unlink(lost, identity.LinkID{9}) },
	}
	for _, ask := range asks[:len(asks)-1] {
		s.served(ask())
	}
	s.refused(t, asks[len(asks)-1](), rights.ErrNoLink)
	before := s.keeper.count()
	for range 2 { // again is no error: an answer may be lost
		if v := s.served(s.unlink(p, lost.claims.Link)); v["unlinked"] != lost.claims.Link.String() {
			t.Errorf("%v", v)
		}
	}
	if n := s.keeper.count() - before; n != 2 {
		t.Errorf("%d events of two removals", n)
	}
	for _, ask := range asks {
		s.refused(t, ask(), identity.ErrNoLink)
	}
	s.served(s.call(p, "GET", "/v1/status", nil))
	s.served(s.unlink(p, p.claims.Link))
	s.refused(t, s.call(p, "GET", "/v1/status", nil), identity.ErrNoLink)
}

// TestUnlinkOthers: what is somebody else's answers, byte for byte, as what is not
// there, and goes on to be served.
func TestUnlinkOthers(t *testing.T) {
	s := newStand(t)
	p, theirs := s.phone(siti, 1, nil), s.phone(budi, 1, nil)
	s.refused(t, s.unlink(p, theirs.claims.Link), rights.ErrNoLink)
	s.refused(t, s.unlink(p, identity.LinkID{9}), rights.ErrNoLink)
	s.served(s.call(theirs, "GET", "/v1/status", nil))
	s.served(s.unlink(theirs, theirs.claims.Link))
	s.refused(t, s.unlink(p, theirs.claims.Link), rights.ErrNoLink)
}

// TestLinksRefused: pages and numbers that are none.
func TestLinksRefused(t *testing.T) {
	s := newStand(t)
	p := s.phone(siti, 1, nil)
	s.run(t, func() *call { return s.call(p, "GET", "/v1/links?page=0", nil) }, []refusal{
		{"below", path("GET", "/v1/links?page=-1"), api.ErrRoute},
		{"above", path("GET", "/v1/links?page=1001"), api.ErrRoute},
		{"in words", path("GET", "/v1/links?page=x"), api.ErrRoute},
		{"another question", path("GET", "/v1/links?all=1"), api.ErrRoute},
		{"longer", path("GET", "/v1/linksx"), api.ErrRoute},
		{"one", path("GET", "/v1/links/"+p.claims.Link.String()), api.ErrRoute},
		{"all removed", path("DELETE", "/v1/links"), api.ErrRoute},
	})
	other := func() identity.LinkID { return s.phone(siti, 1, nil).claims.Link }
	s.run(t, func() *call { return s.unlink(p, other()) }, []refusal{
		{"half a number", path("DELETE", "/v1/links/0011"), identity.ErrLinkID},
		{"no number", path("DELETE", "/v1/links/"+strings.Repeat("x", 32)), identity.ErrLinkID},
		{"none", path("DELETE", "/v1/links/"), identity.ErrLinkID},
		{"with a question", path("DELETE", "/v1/links/"+p.claims.Link.String()+"?x=1"), identity.ErrLinkID},
		{"signed for another link", func(_ *stand, c *call) { c.path = "/v1/links/" + p.claims.Link.String() }, dpop.ErrBound},
		{"method", path("POST", "/v1/links/"+p.claims.Link.String()), api.ErrRoute},
	})
	s.served(s.call(p, "GET", "/v1/status", nil))
}

// longNames are names that no answer can hold whole.
func longNames() map[string]string {
	return map[string]string{
		"letters": strings.Repeat("a", 500), "quotes": strings.Repeat(`"`, 500), "markup": strings.Repeat("<", 500),
		"controls": strings.Repeat("\x01", 500), "wide": strings.Repeat("妈", 300), "wider": "a" + strings.Repeat("🏬", 200),
		"broken": strings.Repeat("\xff", 500), "separators": strings.Repeat("\u2028", 300),
	}
}

// fits checks that an answer was served and goes into a message of the one size.
func (s *stand) fits(t *testing.T, r api.Response) {
	t.Helper()
	message, err := ohttp.AppendResponse(nil, &ohttp.Response{
		Status: r.Status, Body: r.Body,
		Header: []ohttp.Field{{Name: "content-type", Value: r.Type}, {Name: "dpop-nonce", Value: r.Nonce}},
	})
	if err != nil || r.Status != 200 || len(message) > ohttp.MaxResponse {
		t.Fatalf("%d bytes of %d, status %d: %v", len(message), ohttp.MaxResponse, r.Status, err)
	}
	t.Logf("%d bytes of %d", len(message), ohttp.MaxResponse)
}

// TestLinksFit: a page of the longest names fits the one size of every answer. The
// control: the names as they are do not.
func TestLinksFit(t *testing.T) {
	for what, name := range longNames() {
		t.Run(what, func(t *testing.T) {
			s := newStand(t)
			p := s.phone(siti, 1, nil)
			s.must(s.db.Update(t.Context(), func(st store.Stores) error {
				return st.Partners.Put(partner.Partner{ID: 3, Name: name, State: partner.Live})
			}))
			for n := range byte(rights.PageSize) {
				s.put(identity.Link{
					ID: identity.LinkID{0xff, n}, Partner: 3, Subject: identity.Tag{byte(siti)}, Scope: identity.LinkDecision,
					Created: s.now.Add(time.Hour),
				})
			}
			r := s.send(s.call(p, "GET", "/v1/links", nil))
			s.fits(t, r)
			if rights.PageSize*len(encode(t, name)) <= ohttp.MaxResponse {
				t.Error("the names would fit uncut: the test shows nothing")
			}
			var got struct {
				Links []struct {
					Partner string `json:"partner"`
				} `json:"links"`
				More bool `json:"more"`
			}
			s.must(json.Unmarshal(r.Body, &got))
			if len(got.Links) != rights.PageSize || !got.More {
				t.Fatalf("%s", r.Body)
			}
			cut, marked := strings.CutSuffix(got.Links[0].Partner, "…")
			if !marked || !utf8.ValidString(cut) || what != "broken" && !strings.HasPrefix(name, cut) || cut == "" {
				t.Errorf("%q", got.Links[0].Partner)
			}
		})
	}
}

// TestVisitsFit: a page of visits to places of the longest names fits, and so does
// one such place alone.
func TestVisitsFit(t *testing.T) {
	for what, name := range longNames() {
		t.Run(what, func(t *testing.T) {
			s := newStand(t)
			s.must(s.db.Update(t.Context(), func(st store.Stores) error {
				return st.Venues.Put(venue.Venue{ID: 1, Name: name, Category: venue.Mall, Level: 1, Declared: 100_000, Doors: 1})
			}))
			s.must(s.device.Book.Refresh(t.Context(), s.db))
			p := s.phone(siti, 1, nil)
			for range gate.PageSize + 1 {
				s.served(s.checkIn(p))
				s.now = s.now.Add(time.Minute)
			}
			r := s.send(s.call(p, "GET", "/v1/visits", nil))
			s.fits(t, r)
			var got struct {
				Visits []struct {
					Venue string `json:"venue"`
				} `json:"visits"`
				More bool `json:"more"`
			}
			s.must(json.Unmarshal(r.Body, &got))
			if len(got.Visits) != gate.PageSize || !got.More || !strings.HasSuffix(got.Visits[0].Venue, "…") {
				t.Fatalf("%s", r.Body)
			}
			if gate.PageSize*len(encode(t, name)) <= ohttp.MaxResponse {
				t.Error("the names would fit uncut: the test shows nothing")
			}
			s.fits(t, s.send(s.call(p, "GET", "/v1/venues/1", nil)))
		})
	}
}
