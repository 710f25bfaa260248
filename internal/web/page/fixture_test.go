package page_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/consenttest"
	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/flow/consent"
	"github.com/amanah-project/amanah/internal/web/page"
)

var (
	grown, _ = day.New(1990, time.March, 4)
	small, _ = day.New(2020, time.January, 5)
	siti     = consenttest.NIK(1, grown)
	ani      = consenttest.NIK(2, small)
	nobody   = consenttest.NIK(7, grown)
)

// outcome is the authorization server: it says how an attempt ended.
type outcome struct{ finished, refused []identity.AuthorizationID }

func (o *outcome) Finish(w http.ResponseWriter, r *http.Request, id identity.AuthorizationID) {
	o.finished = append(o.finished, id)
	http.Redirect(w, r, "https://maya.example/linked?code=x", http.StatusSeeOther)
}

func (o *outcome) Refuse(w http.ResponseWriter, r *http.Request, id identity.AuthorizationID) {
	o.refused = append(o.refused, id)
	http.Redirect(w, r, "https://maya.example/linked?error=access_denied", http.StatusSeeOther)
}

// site is the pages over a registry.
type site struct {
	*testing.T
	*consenttest.World
	pages   *page.Pages
	outcome *outcome
	mux     *http.ServeMux
}

// open makes a site with Siti, her daughter Ani, and nobody else.
func open(t *testing.T, change func(*page.Pages)) *site {
	t.Helper()
	s := &site{T: t, World: consenttest.Open(t), outcome: &outcome{}, mux: http.NewServeMux()}
	s.Register(consenttest.Person(t, siti, "Siti Nur'aini", grown, consenttest.Phone(1)), consenttest.Person(t, ani, "Ani", small, identity.Phone{}))
	p := page.Pages{Linking: s.Flow, Own: s.Flow, Outcome: s.outcome, Terms: terms, Secure: true}
	if change != nil {
		change(&p)
	}
	var err error
	if s.pages, err = page.New(p); err != nil {
		t.Fatal(err)
	}
	s.mux.HandleFunc("GET /link/{page}", s.pages.Get)
	s.mux.HandleFunc("POST /link/{page}", s.pages.Post)
	return s
}

func terms(_ context.Context, id partner.ID, version int) (partner.Terms, error) {
	if id != 1 || version != 1 {
		return partner.Terms{}, errors.New("no such agreement")
	}
	return partner.Terms{
		Partner: 1, Version: 1, Name: "Toko Maya", Scopes: []partner.Scope{partner.ScopeColour},
		Colours: []string{"green", "yellow", "red", "black"}, Purposes: []string{partner.PurposeVenue},
		Limits: partner.Limits{MessagesPerMinute: 6000}, Stages: []int{1000, 20000},
		Contacts:  []partner.Contact{{Role: partner.RoleData, Email: "data@maya.example", Phone: "+62210000000"}},
		Redirects: []string{"https://maya.example/linked"},
		From:      time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2027, 11, 1, 0, 0, 0, 0, time.UTC),
	}, nil
}

// browser is one browser, with the one cookie it holds.
type browser struct {
	s      *site
	cookie *http.Cookie
	from   string
}

func (s *site) browser() *browser { return &browser{s: s, from: "192.0.2.1:4711"} }

// fixed is a browser whose cookie is always the same, on an attempt of its own.
func (s *site) fixed(id identity.AuthorizationID) *browser {
	s.Helper()
	raw := append(id[:], make([]byte, 32)...)
	if err := s.Flow.Seize(context.Background(), id, sha256.Sum256(append([]byte("amanah browser v1\x00"), raw[16:]...))); err != nil {
		s.Fatal(err)
	}
	b := s.browser()
	b.cookie = &http.Cookie{Name: "__Host-amanah-link", Value: base64.RawURLEncoding.EncodeToString(raw)}
	return b
}

func (b *browser) do(r *http.Request) *http.Response {
	b.s.Helper()
	r.RemoteAddr = b.from
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	w := httptest.NewRecorder()
	b.s.mux.ServeHTTP(w, r)
	return b.took(w)
}

func (b *browser) took(w *httptest.ResponseRecorder) *http.Response {
	res := w.Result()
	for _, c := range res.Cookies() {
		b.cookie = c
	}
	return res
}

// arrive comes with a good request of the partner's.
func (b *browser) arrive(id identity.AuthorizationID) *http.Response {
	r := httptest.NewRequest("GET", "/oauth/authorize", nil)
	r.RemoteAddr = b.from
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	w := httptest.NewRecorder()
	b.s.pages.Start(w, r, id)
	return b.took(w)
}

func (b *browser) get(path string) (*http.Response, string) {
	b.s.Helper()
	res := b.do(httptest.NewRequest("GET", path, nil))
	return res, body(b.s.T, res)
}

var formToken = regexp.MustCompile(`name="form" value="([^"]*)"`)

// post sends a form with the token of the page it stands on.
func (b *browser) post(path, on string, fields ...string) (*http.Response, string) {
	b.s.Helper()
	_, html := b.get(on)
	form := url.Values{}
	if m := formToken.FindStringSubmatch(html); m != nil {
		form.Set("form", m[1])
	}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.send(path, form)
}

func (b *browser) send(path string, form url.Values) (*http.Response, string) {
	b.s.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	res := b.do(r)
	return res, body(b.s.T, res)
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// leads fails unless the answer leads to a page.
func (s *site) leads(res *http.Response, to string) {
	s.Helper()
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != to {
		s.Fatalf("%d to %s, want %s", res.StatusCode, res.Header.Get("Location"), to)
	}
}

var _ page.Linking = (*consent.Flow)(nil)
