package console_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/flow/signin"
)

// TestFromInvitationToDesk: the first officer, from the command line to the end of the
// first sign-in.
func TestFromInvitationToDesk(t *testing.T) {
	s := open(t)
	code, key := s.invite("officer-1", staff.RoleOfficer), stafftest.Passkey(t)
	got := s.register(strings.ToLower(code), key, site)
	if got.status != 200 || got.text("fingerprint") != staff.Fingerprint(key.Key()) {
		t.Fatalf("%d %s", got.status, got.raw)
	}
	b := s.browser()
	if got := b.signIn(key, "officer-1", site, time.Hour); got.status != 403 {
		t.Errorf("signed in before anybody compared the fingerprint: %d", got.status)
	}
	wrong := staff.Fingerprint(stafftest.Passkey(t).Key())
	if err := s.flow.ConfirmHost(onHost(), "officer-1", wrong); !errors.Is(err, staff.ErrCompare) {
		t.Errorf("another key's fingerprint: %v", err)
	}
	if err := s.flow.ConfirmHost(onHost(), "officer-1", got.text("fingerprint")); err != nil {
		t.Fatal(err)
	}
	if got := b.signIn(key, "officer-1", site, time.Hour); got.status != 200 || got.text("role") != "officer" {
		t.Fatalf("%d %s", got.status, got.raw)
	}
	if got := b.must("GET", "/console/v1/desk", nil); got.text("actor") != "officer-1" {
		t.Error(got.raw)
	}
	b.must("DELETE", "/console/v1/sessions", nil)
	if got := b.ask("GET", "/console/v1/desk", nil); got.status != 403 {
		t.Errorf("after signing out: %d", got.status)
	}
}

// TestInvitations: one passkey each, by whom was invited, here and now.
func TestInvitations(t *testing.T) {
	s := open(t)
	key := stafftest.Passkey(t)
	good := s.invite("staff-1", staff.RoleClinician)
	for name, c := range map[string]struct {
		a     func() *stafftest.Authenticator
		at    staff.Site
		code  string
		wants int
	}{
		"copied to other devices": {func() *stafftest.Authenticator { a := stafftest.Passkey(t); a.Flags |= stafftest.Eligible; return a }, site, good, 403},
		"nobody verified":         {func() *stafftest.Authenticator { a := stafftest.Passkey(t); a.Flags = stafftest.Present; return a }, site, good, 403},
		"on another site":         {func() *stafftest.Authenticator { return stafftest.Passkey(t) }, staff.Site{ID: "evil.example", Origin: "https://evil.example"}, good, 409},
	} {
		if got := s.register(c.code, c.a(), c.at); got.status != c.wants {
			t.Errorf("%s: %d %s", name, got.status, got.raw)
		}
	}
	b := s.browser()
	began := b.must("POST", "/console/v1/enrolments/begin", map[string]any{"code": good})
	attestation, client := key.Register(site, [32]byte(unb64(t, began.text("challenge"))))
	b.must("POST", "/console/v1/enrolments/begin", map[string]any{"code": good})
	body := map[string]any{"code": good, "attestation": b64(attestation), "client_data": b64(client)}
	if got := b.ask("POST", "/console/v1/enrolments", body); got.status != 409 {
		t.Errorf("for a challenge of before: %d %s", got.status, got.raw)
	}
	if got := s.register(good, key, site); got.status != 200 { // the control
		t.Fatalf("%d %s", got.status, got.raw)
	}
	for name, code := range map[string]string{"used": good, "nobody's": staff.NewCode().Reveal(), "malformed": "ABC"} {
		if got := b.ask("POST", "/console/v1/enrolments/begin", map[string]any{"code": code}); got.status != 403 {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	late := s.invite("staff-2", staff.RoleClinician)
	s.wait(staff.InvitationLife)
	if got := b.ask("POST", "/console/v1/enrolments/begin", map[string]any{"code": late}); got.status != 403 {
		t.Errorf("after a day: %d", got.status)
	}
	if _, err := s.flow.Invite(context.Background(), staff.Actor{ID: "staff-1", Facility: "dinkes-99", Role: staff.RoleClinician, Rights: staff.View}, ""); !errors.Is(err, staff.ErrKnown) {
		t.Errorf("a name that is taken: %v", err)
	}
}

// TestStolen: nothing that one browser holds is good in another, twice, or later.
func TestStolen(t *testing.T) {
	s := open(t)
	m := s.first()
	thief := s.browser()
	thief.token = m.token
	if got := thief.ask("GET", "/console/v1/desk", nil); got.status != 403 {
		t.Errorf("a token with another key: %d", got.status)
	}
	r := m.request("GET", "/console/v1/desk", nil)
	if got := s.send(r.Clone(context.Background())); got.status != 200 { // the control
		t.Fatalf("%d", got.status)
	}
	if got := s.send(r); got.status != 403 {
		t.Errorf("the same request again: %d", got.status)
	}
	other := m.request("GET", "/console/v1/desk", nil)
	other.Method, other.URL.Path = "DELETE", "/console/v1/sessions"
	if got := s.send(other); got.status != 403 {
		t.Errorf("a proof for another request: %d", got.status)
	}
	bare := m.request("GET", "/console/v1/desk", nil)
	bare.Header.Del("DPoP")
	if got := s.send(bare); got.status != 403 {
		t.Errorf("a token without a proof: %d", got.status)
	}
	// The passkey's word is for one browser's key.
	e := m.passkey.Endorses(site, m.id, m.key.Thumbprint(), s.now().Add(time.Hour))
	thief.token = ""
	got := thief.ask("POST", "/console/v1/sessions", map[string]any{
		"credential": b64(m.passkey.Credential), "until": e.Until.Unix(),
		"auth_data": b64(e.Data), "client_data": b64(e.Client), "signature": b64(e.Signature),
	})
	if got.status != 403 {
		t.Errorf("another browser's endorsement: %d", got.status)
	}
	if got := s.browser().signIn(m.passkey, m.id, staff.Site{ID: "evil.example", Origin: "https://evil.example"}, time.Hour); got.status != 403 {
		t.Errorf("on another site: %d", got.status)
	}
	if got := s.browser().signIn(m.passkey, m.id, site, 2*time.Hour); got.status != 403 {
		t.Errorf("an office for longer than an hour: %d", got.status)
	}
	s.wait(time.Hour)
	if got := m.ask("GET", "/console/v1/desk", nil); got.status != 403 {
		t.Errorf("after the hour: %d", got.status)
	}
}

// TestElevation: an officer enrols somebody only within the hour after another officer
// approved it with a passkey.
func TestElevation(t *testing.T) {
	s := open(t)
	one, two := s.officers()
	newcomer := stafftest.Passkey(t)
	if got := s.register(s.invite("staff-9", staff.RoleClinician), newcomer, site); got.status != 200 {
		t.Fatal(got.raw)
	}
	enrol := func() answer {
		row := one.row("staff-9")
		return one.ask("POST", "/console/v1/actors/staff-9/"+row["enrol"].(string), map[string]any{"fingerprint": staff.Fingerprint(newcomer.Key())})
	}
	if got := enrol(); got.status != 403 {
		t.Fatalf("not elevated: %d %s", got.status, got.raw)
	}
	id, other := one.elevate(), one.must("POST", "/console/v1/requests", map[string]any{"kind": "elevate", "purpose": "another"}).text("id")
	if got := one.approve(id); got.status != 403 {
		t.Errorf("approved by oneself: %d", got.status)
	}
	if got := two.approveWith(two.passkey.Sign(site, staff.ApprovalChallenge(staff.RequestID(unb64(t, other)))), id); got.status != 403 {
		t.Errorf("an approval of another request: %d", got.status)
	}
	if got := two.approveWith(one.passkey.Sign(site, staff.ApprovalChallenge(staff.RequestID(unb64(t, id)))), id); got.status != 403 {
		t.Errorf("another's passkey in one's session: %d", got.status)
	}
	if got := enrol(); got.status != 403 {
		t.Fatalf("still not elevated: %d", got.status)
	}
	if got := two.approve(id); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.raw)
	}
	if got := two.approve(id); got.status != 409 {
		t.Errorf("approved twice: %d", got.status)
	}
	row := one.row("staff-9")
	if got := one.ask("POST", "/console/v1/actors/staff-9/"+row["enrol"].(string), map[string]any{"fingerprint": staff.Fingerprint(stafftest.Passkey(t).Key())}); got.status != 403 {
		t.Errorf("another fingerprint: %d", got.status)
	}
	if got := enrol(); got.status != 200 { // the control
		t.Fatalf("elevated: %d %s", got.status, got.raw)
	}
	b := s.browser()
	if got := b.signIn(newcomer, "staff-9", site, 12*time.Hour); got.status != 200 {
		t.Fatalf("a shift: %d %s", got.status, got.raw)
	}
	if got := one.ask("POST", "/console/v1/actors/staff-9/"+one.row("staff-9")["end"].(string), map[string]any{}); got.status != 200 {
		t.Fatalf("end: %d %s", got.status, got.raw)
	}
	if got := b.ask("GET", "/console/v1/desk", nil); got.status != 403 {
		t.Errorf("ended, and still at the desk: %d", got.status)
	}
	if got := s.browser().signIn(newcomer, "staff-9", site, time.Hour); got.status != 403 {
		t.Errorf("ended, and signed in: %d", got.status)
	}
	s.wait(50 * time.Minute)
	if err := s.flow.Elevated(context.Background(), one.id); err != nil {
		t.Errorf("within the hour: %v", err)
	}
	s.wait(11 * time.Minute)
	if err := s.flow.Elevated(context.Background(), one.id); !errors.Is(err, signin.ErrElevated) {
		t.Errorf("after the hour: %v", err)
	}
}

// TestPages: strict headers, no script but ours, nothing in a page that the words lack,
// in both languages.
func TestPages(t *testing.T) {
	s := open(t)
	inline := regexp.MustCompile(`<script(?:[^>]*)>[^<]|\son[a-z]+=|style="|javascript:`)
	for _, path := range []string{"/console/enrol", "/console/sign-in", "/console/desk", "/console/records"} {
		texts := map[string]string{}
		for _, lang := range []string{"id", "en"} {
			w := httptest.NewRecorder()
			s.mux.ServeHTTP(w, httptest.NewRequest("GET", path+"?lang="+lang, nil))
			html := w.Body.String()
			if w.Code != 200 || !strings.Contains(html, `<html lang="`+lang+`">`) || inline.MatchString(html) {
				t.Errorf("%s %s: %d %q", path, lang, w.Code, inline.FindString(html))
			}
			csp := w.Header().Get("Content-Security-Policy")
			for _, want := range []string{"default-src 'none'", "script-src 'self'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
				if !strings.Contains(csp, want) {
					t.Errorf("%s: %s", path, csp)
				}
			}
			if strings.Contains(csp, "unsafe") || w.Header().Get("Cache-Control") != "no-store" || len(w.Result().Cookies()) > 0 {
				t.Errorf("%s: %v", path, w.Header())
			}
			if m := regexp.MustCompile(`>(desk|enrol|sign-in|records|js)\.[a-z.]+<`).FindString(html); m != "" {
				t.Errorf("%s: no words for %s", path, m)
			}
			texts[lang] = html
		}
		if texts["id"] == texts["en"] {
			t.Errorf("%s is in one language", path)
		}
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, httptest.NewRequest("GET", "/console/other", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("another page: %d", w.Code)
	}
}

// TestScriptWords: every text that the script asks for is there, and the script makes no
// HTML and keeps no key that it could read.
func TestScriptWords(t *testing.T) {
	raw, err := os.ReadFile("console.js")
	if err != nil {
		t.Fatal(err)
	}
	words, err := os.ReadFile("words.go")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, m := range regexp.MustCompile(`say\('([a-z]+)'\)`).FindAllStringSubmatch(string(raw), -1) {
		if n++; !strings.Contains(string(words), `{"js.`+m[1]+`"`) {
			t.Errorf("no words for %s", m[1])
		}
	}
	for _, never := range []string{"innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "localStorage", "sessionStorage", "document.cookie"} {
		if strings.Contains(string(raw), never) {
			t.Errorf("the script has %s", never)
		}
	}
	if n < 15 || !strings.Contains(string(raw), "namedCurve: 'P-256' }, false, ['sign']") {
		t.Errorf("%d texts", n)
	}
}
