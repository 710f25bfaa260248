package page_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/web/page"
)

func TestFromTheAppAndBack(t *testing.T) {
	s := open(t, nil)
	b, id := s.browser(), s.Push()
	s.leads(b.arrive(id), "/link/who?lang=id")
	if c := b.cookie; c.Name != "__Host-amanah-link" || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
		t.Errorf("the cookie: %+v", c)
	}
	res, _ := b.post("/link/who?lang=en", "/link/who", "nik", "9901 0104 0390 0002")
	s.leads(res, "/link/code?lang=en")
	m := s.Outbox.Next(t)
	if m.Lang != "en" || m.Partner != "Toko Maya" {
		t.Errorf("the message: %+v", m)
	}
	// Ahead of the attempt's step.
	res, _ = b.get("/link/consent?lang=en")
	s.leads(res, "/link/code?lang=en")
	res, _ = b.post("/link/consent?lang=en", "/link/code")
	s.leads(res, "/link/code?lang=en")
	res, html := b.post("/link/code?lang=en", "/link/code?lang=en", "code", wrong(m.Code))
	if res.StatusCode != http.StatusForbidden || !strings.Contains(html, "The code is wrong") {
		t.Errorf("a wrong code: %d\n%s", res.StatusCode, html)
	}
	res, _ = b.post("/link/code?lang=en", "/link/code", "code", m.Code.Reveal())
	s.leads(res, "/link/person?lang=en")
	res, _ = b.post("/link/code?lang=en", "/link/person", "code", m.Code.Reveal()) // a second click
	s.leads(res, "/link/person?lang=en")
	res, html = b.post("/link/person?lang=en", "/link/person?lang=en")
	if res.StatusCode != http.StatusBadRequest || !strings.Contains(html, `href="#pick"`) {
		t.Errorf("nobody chosen: %d", res.StatusCode)
	}
	_, html = b.get("/link/person?lang=en")
	res, _ = b.post("/link/person?lang=en", "/link/person", "pick", regexp.MustCompile(`name="pick" value="([^"]*)"`).FindStringSubmatch(html)[1])
	s.leads(res, "/link/consent?lang=en")
	_, html = b.get("/link/consent?lang=en")
	for _, want := range []string{"S••• N•••", "The partner keeps nothing (retention 0 days).", "Toko Maya"} {
		if !strings.Contains(html, want) {
			t.Errorf("the consent lacks %q", want)
		}
	}
	for range 2 { // the first answer was lost
		if len(s.outcome.finished) == 0 {
			res, _ = b.post("/link/consent?lang=en", "/link/consent")
		} else {
			res, _ = b.post("/link/consent?lang=en", "/link/consent")
		}
		s.leads(res, "https://maya.example/linked?code=x")
	}
	if len(s.outcome.finished) != 2 || s.outcome.finished[0] != id || len(s.outcome.refused) != 0 {
		t.Errorf("the end: %+v", s.outcome)
	}
	if p := s.Page(id); p.Person != 1 || !p.Proved {
		t.Errorf("left for the token: %+v", p)
	}
}

// wrong returns a code that is not c.
func wrong(c identity.OneTime) string {
	if c.Reveal() == "000000" {
		return "000001"
	}
	return "000000"
}

func TestRefuse(t *testing.T) {
	s := open(t, nil)
	b, id := s.browser(), s.Push()
	b.arrive(id)
	res, _ := b.post("/link/refuse", "/link/who")
	s.leads(res, "https://maya.example/linked?error=access_denied")
	if len(s.outcome.refused) != 1 || s.outcome.refused[0] != id {
		t.Errorf("the end: %+v", s.outcome)
	}
}

// TestForgery: a form is taken from the browser that has the attempt and from a page
// of its own only.
func TestForgery(t *testing.T) {
	s := open(t, nil)
	b, other := s.browser(), s.browser()
	b.arrive(s.Push())
	other.arrive(s.Push())
	_, html := b.get("/link/who")
	own := formToken.FindStringSubmatch(html)[1]
	_, html = other.get("/link/who")
	foreign := formToken.FindStringSubmatch(html)[1]
	ask := func(form url.Values, change func(*http.Request)) int {
		r := httptest.NewRequest("POST", "/link/who", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		change(r)
		return b.do(r).StatusCode
	}
	form := func(token string) url.Values { return url.Values{"form": {token}, "nik": {nobody.Reveal()}} }
	none := func(*http.Request) {}
	for name, c := range map[string]struct {
		form   url.Values
		change func(*http.Request)
		want   int
	}{
		"own":                       {form(own), none, 303},
		"of an old browser":         {form(own), func(r *http.Request) { r.Header.Set("Origin", "null") }, 303},
		"no token":                  {form(""), none, 403},
		"another browser's token":   {form(foreign), none, 403},
		"from another site":         {form(own), func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		"from a sister site":        {form(own), func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, 403},
		"as JSON":                   {form(own), func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 400},
		"too long":                  {url.Values{"form": {own}, "nik": {strings.Repeat("1", 9000)}}, none, 400},
		"token in the URL, no form": {nil, func(r *http.Request) { r.URL.RawQuery = form(own).Encode() }, 403},
	} {
		if got := ask(c.form, c.change); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	stolen := s.browser()
	stolen.cookie = &http.Cookie{Name: b.cookie.Name, Value: b.cookie.Value[:30] + strings.Repeat("A", len(b.cookie.Value)-30)}
	if res, _ := stolen.get("/link/who"); res.StatusCode != http.StatusForbidden {
		t.Errorf("an attempt's number without its secret: %d", res.StatusCode)
	}
	if res, _ := s.browser().get("/link/who"); res.StatusCode != http.StatusForbidden {
		t.Errorf("no cookie: %d", res.StatusCode)
	}
}

// TestAttemptOfAnotherBrowser: who has the link to begin with, and comes second, is
// turned away.
func TestAttemptOfAnotherBrowser(t *testing.T) {
	s := open(t, nil)
	b, id := s.browser(), s.Push()
	b.arrive(id)
	if res := s.browser().arrive(id); res.StatusCode != http.StatusForbidden || len(res.Cookies()) != 0 {
		t.Errorf("another browser: %d", res.StatusCode)
	}
	s.leads(b.arrive(id), "/link/who?lang=id") // itself again
}

func TestHeaders(t *testing.T) {
	s := open(t, nil)
	b := s.browser()
	b.arrive(s.Push())
	for _, path := range []string{"/link/who", "/link/phone", "/link/nowhere", "/link/style.css"} {
		res, _ := b.get(path)
		for name, want := range map[string]string{
			"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
			"Strict-Transport-Security": "max-age=31536000", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		csp := res.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'; style-src 'self'; form-action 'self'") || !strings.HasSuffix(csp, "; frame-ancestors 'none'; base-uri 'none'") {
			t.Errorf("%s: %s", path, csp)
		}
		if cache := res.Header.Get("Cache-Control"); (cache == "no-store") == (path == "/link/style.css") {
			t.Errorf("%s: Cache-Control is %q", path, cache)
		}
	}
	res, _ := b.get("/link/who")
	if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' https://maya.example;") {
		t.Errorf("a form could not lead back to the app: %s", csp)
	}
}

func TestWithoutTLS(t *testing.T) {
	s := open(t, func(p *page.Pages) { p.Secure = false })
	b := s.browser()
	res := b.arrive(s.Push())
	if b.cookie.Name != "amanah-link" || b.cookie.Secure || res.Header.Get("Strict-Transport-Security") != "" {
		t.Errorf("%+v", b.cookie)
	}
}

func TestLanguage(t *testing.T) {
	s := open(t, nil)
	for accept, want := range map[string]string{
		"": "id", "en-GB,en;q=0.9": "en", "id-ID,en;q=0.5": "id", "fr-FR,en;q=0.5": "en", "fr": "id", "ms": "id",
	} {
		r := httptest.NewRequest("GET", "/link/phone", nil)
		r.Header.Set("Accept-Language", accept)
		res := s.browser().do(r)
		if got := res.Header.Get("Content-Language"); got != want || !strings.Contains(body(t, res), `<html lang="`+want+`">`) {
			t.Errorf("%q: %s", accept, got)
		}
	}
}

func TestOwnNumber(t *testing.T) {
	s := open(t, nil)
	b := s.browser()
	if res, html := b.get("/link/phone?lang=en"); res.StatusCode != 200 || !strings.Contains(html, ">Begin<") || len(res.Cookies()) != 0 {
		t.Errorf("%d\n%s", res.StatusCode, html)
	}
	res, _ := b.send("/link/phone?lang=en", url.Values{"do": {"begin"}})
	s.leads(res, "/link/who?lang=en")
	b.post("/link/who?lang=en", "/link/who", "nik", siti.Reveal())
	res, _ = b.post("/link/code?lang=en", "/link/code", "code", s.Outbox.Next(t).Code.Reveal())
	s.leads(res, "/link/phone?lang=en")
	for _, path := range []string{"/link/consent", "/link/refuse"} { // nothing is linked here
		if res, _ := b.post(path, "/link/phone"); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	res, html := b.post("/link/phone?lang=en", "/link/phone?lang=en", "do", "ask", "phone", "0812 0000 1234", "again", "0812 0000 1235")
	if res.StatusCode != http.StatusBadRequest || !strings.Contains(html, `href="#again"`) {
		t.Errorf("typed otherwise: %d", res.StatusCode)
	}
	res, _ = b.post("/link/phone?lang=en", "/link/phone", "do", "ask", "phone", "0812 0000 1234", "again", "+6281200001234")
	s.leads(res, "/link/phone?lang=en")
	s.Outbox.Next(t)
	_, html = b.get("/link/phone?lang=en")
	if !strings.Contains(html, "••••234, takes over on 28-11-2026 12:00 WIB") || strings.Contains(html, "81200001234") {
		t.Errorf("what waits:\n%s", html)
	}
	res, _ = b.post("/link/phone?lang=en", "/link/phone", "do", "cancel")
	s.leads(res, "/link/phone?lang=en")
	if _, html = b.get("/link/phone?lang=en"); strings.Contains(html, "••••234") {
		t.Error("it still waits")
	}
}

// states brings a browser to each page, by name.
func (s *site) states() map[string]func(lang string) (*http.Response, string) {
	s.Helper()
	id := s.Push()
	b := s.fixed(id)
	return map[string]func(lang string) (*http.Response, string){
		"1-who":       func(l string) (*http.Response, string) { return b.get("/link/who?lang=" + l) },
		"2-who-wrong": func(l string) (*http.Response, string) { return b.post("/link/who?lang="+l, "/link/who", "nik", "123") },
		"3-code": func(l string) (*http.Response, string) {
			b.post("/link/who", "/link/who", "nik", siti.Reveal())
			return b.get("/link/code?lang=" + l)
		},
		"4-code-wrong": func(l string) (*http.Response, string) {
			code := s.Outbox.Next(s.T).Code
			s.Outbox.Put(code)
			return b.post("/link/code?lang="+l, "/link/code", "code", wrong(code))
		},
		"5-person": func(l string) (*http.Response, string) {
			if s.Page(id).Step() == identity.StepCode {
				b.post("/link/code", "/link/code", "code", s.Outbox.Code().Reveal())
			}
			return b.get("/link/person?lang=" + l)
		},
		"6-person-wrong": func(l string) (*http.Response, string) {
			return b.post("/link/person?lang="+l, "/link/person", "pick", "")
		},
		"7-consent": func(l string) (*http.Response, string) {
			_, html := b.get("/link/person")
			all := regexp.MustCompile(`name="pick" value="([^"]*)"`).FindAllStringSubmatch(html, -1)
			b.post("/link/person", "/link/person", "pick", all[1][1])
			return b.get("/link/consent?lang=" + l)
		},
		"8-phone": func(l string) (*http.Response, string) { return s.browser().get("/link/phone?lang=" + l) },
		"9-error": func(l string) (*http.Response, string) { return s.browser().get("/link/who?lang=" + l) },
	}
}

// TestGolden: every page, in both languages, as it is in testdata; UPDATE_GOLDEN=1 writes
// them anew.
func TestGolden(t *testing.T) {
	for _, lang := range []string{"id", "en"} {
		s := open(t, nil)
		if _, err := s.Records.Guard(context.Background(), siti, ani, identity.FamilyCard, "facility-12"); err != nil {
			t.Fatal(err)
		}
		states := s.states()
		for _, name := range sorted(states) {
			_, html := states[name](lang)
			accessible(t, name, html)
			file := filepath.Join("testdata", name+"."+lang+".html")
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(file, []byte(html), 0o644); err != nil {
					t.Fatal(err)
				}
				continue
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), html); d != "" {
				t.Errorf("%s: %s", file, d)
			}
		}
	}
}

func sorted[V any](m map[string]V) []string {
	var out []string
	for n := 1; n <= len(m); n++ {
		for k := range m {
			if strings.HasPrefix(k, fmt.Sprint(n, "-")) {
				out = append(out, k)
			}
		}
	}
	return out
}

var (
	ids     = regexp.MustCompile(` id="([^"]*)"`)
	inputs  = regexp.MustCompile(`<input id="([^"]*)"|<input type="radio" id="([^"]*)"`)
	anchors = regexp.MustCompile(`href="#([^"]*)"`)
	refs    = regexp.MustCompile(`aria-(?:describedby|labelledby)="([^"]*)"`)
)

// accessible checks what a machine can: a language, one head, a label for each
// field, references that lead somewhere, and no script.
func accessible(t *testing.T, name, html string) {
	t.Helper()
	known := map[string]bool{}
	for _, m := range ids.FindAllStringSubmatch(html, -1) {
		if known[m[1]] {
			t.Errorf("%s: two things are #%s", name, m[1])
		}
		known[m[1]] = true
	}
	for _, m := range inputs.FindAllStringSubmatch(html, -1) {
		if id := m[1] + m[2]; !strings.Contains(html, `<label for="`+id+`">`) {
			t.Errorf("%s: #%s has no label", name, id)
		}
	}
	for _, m := range anchors.FindAllStringSubmatch(html, -1) {
		if !known[m[1]] {
			t.Errorf("%s: #%s leads nowhere", name, m[1])
		}
	}
	for _, m := range refs.FindAllStringSubmatch(html, -1) {
		for _, id := range strings.Fields(m[1]) {
			if !known[id] {
				t.Errorf("%s: #%s describes nothing", name, id)
			}
		}
	}
	if strings.Count(html, "<h1>") != 1 || !strings.Contains(html, `<html lang="`) || !strings.Contains(html, "<title>") {
		t.Errorf("%s: no language, title or one head", name)
	}
	for _, banned := range []string{"<script", "onclick", "style=\"", "javascript:", "http://", siti.Reveal(), "Nur'aini", "Nur&#39;aini"} {
		if strings.Contains(html, banned) {
			t.Errorf("%s holds %q", name, banned)
		}
	}
}

// TestWords: every phrase and saying is in both languages, and every key that the
// template asks for is a phrase.
func TestWords(t *testing.T) {
	keys := map[string]bool{}
	for _, p := range page.Phrases() {
		if p[1] == "" || p[2] == "" || keys[p[0]] {
			t.Errorf("%s: not in both languages, or twice", p[0])
		}
		keys[p[0]] = true
	}
	raw, err := os.ReadFile("page.html")
	if err != nil {
		t.Fatal(err)
	}
	asked := regexp.MustCompile(`T "([a-z.]+)"`).FindAllStringSubmatch(string(raw), -1)
	if len(asked) < 30 {
		t.Fatalf("only %d phrases are asked for: the template is not read", len(asked))
	}
	for _, m := range asked {
		if !keys[m[1]] {
			t.Errorf("%s is no phrase", m[1])
		}
	}
}
