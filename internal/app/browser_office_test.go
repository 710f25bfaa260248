package app

import (
	"encoding/base64"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/notice"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/flow/erasure"
	"github.com/amanah-project/amanah/internal/store"
)

// signIn signs in with somebody's passkey, the only one that the browser's authenticator
// holds then, and waits for their desk.
func (c *chromium) signIn(key *stafftest.Authenticator, name string) {
	c.Helper()
	c.call("WebAuthn.clearCredentials", map[string]any{"authenticatorId": c.holder})
	enc := base64.StdEncoding.EncodeToString
	c.call("WebAuthn.addCredential", map[string]any{"authenticatorId": c.holder, "credential": map[string]any{
		"credentialId": enc(key.Credential), "isResidentCredential": true, "rpId": "localhost", "privateKey": enc(key.PKCS8(c)),
		"userHandle": enc([]byte(name)), "signCount": 1,
	}})
	c.open("/console/sign-in?lang=en")
	c.eval("document.querySelector('#sign-in button').click()")
	c.until("location.pathname", "/console/desk")
	c.until("document.getElementById('desk')?.hidden === false ? document.getElementById('actor').textContent : ''", name)
}

func (c *chromium) signOut() {
	c.Helper()
	c.open("/console/desk?lang=en")
	c.until("document.getElementById('desk')?.hidden", "false")
	c.eval("document.getElementById('out').click()")
	c.until("location.pathname", "/console/sign-in")
}

// TestRealBrowserOffice: in Chromium a clinician opens somebody's records, and then in an
// emergency; an officer asks for the person's erasure and signs, another approves it on
// their desk, and by the two signatures, which the keeper checks, it is done.
func TestRealBrowserOffice(t *testing.T) {
	program := chromiumHere(t)
	w := newWard(t)
	w.entered()
	web := httptest.NewTLSServer(w.server.routes())
	t.Cleanup(web.Close)
	second := stafftest.Passkey(t)
	now := time.Now().Truncate(time.Second)
	two := staff.Actor{ID: "officer-2", Facility: "rs-99-001", Role: staff.RoleOfficer, Key: second.JWK()}
	w.update(func(s store.Stores) error {
		one := two
		one.ID, one.Key, one.Since = "officer-1", w.officer.JWK(), now
		if err := s.Staff.Put(staff.Member{Actor: one, Credential: w.officer.Credential, Registered: now}); err != nil {
			return err
		}
		return s.Staff.Put(staff.Member{Actor: two, Credential: second.Credential, Registered: now})
	})
	w.enrol(two)
	c := browse(t, program, web.Listener.Addr().String())

	c.signIn(w.passkey, "staff-1")
	c.open("/console/records?lang=en")
	views := map[string]bool{} // names at the page's foot
	opens := func(purpose string) {
		t.Helper()
		c.eval("document.getElementById('nik').value = '" + w.nik + "'; document.getElementById('" + purpose + "').click(); document.querySelector('#open button').click()")
		c.until("document.getElementById('status').textContent === '' && !document.getElementById('opened').hidden ? document.getElementById('whose').textContent : ''", "No name, 1 records")
		if got := c.eval("document.querySelector('#records pre').textContent + location.href"); !strings.Contains(got, w.recorded) || strings.Contains(got, w.nik) {
			t.Errorf("%s: %s", purpose, got)
		}
		if foot := c.eval("document.querySelector('#view').textContent"); !viewName.MatchString(foot) || views[foot] {
			t.Errorf("%s: at the page's foot stands %q", purpose, foot)
		} else {
			views[foot] = true
		}
	}
	told := func() []notice.Notice {
		t.Helper()
		got, err := w.admin.Notices(t.Context(), 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	opens("treatment")
	if got := told(); len(got) != 0 {
		t.Errorf("treatment is told as %+v", got)
	}
	opens("glass")
	if got := told(); len(got) != 1 || got[0].Kind != notice.Emergency {
		t.Errorf("an emergency is told as %+v", got)
	}
	c.signOut()

	c.signIn(second, "officer-2")
	c.eval("document.getElementById('whom').value = '" + w.nik + "'; document.getElementById('reason').value = 'own-request'; document.getElementById('erase-purpose').value = 'letter 12'; document.querySelector('#erase button').click()")
	c.until("document.querySelector('#requests')?.textContent.includes('approved by officer-2')", "true")
	if got := c.eval("document.querySelector('#requests').textContent"); !strings.Contains(got, "Erasure of somebody's records: letter 12") || strings.Contains(got, w.nik) || strings.Contains(got, "Approve with") {
		t.Error(got)
	}
	c.signOut()
	c.signIn(w.officer, "officer-1")
	c.until("document.querySelector('#requests button')?.textContent", "Approve with your passkey")
	c.eval("document.querySelector('#requests button').click()")
	c.until(`/approved by officer-(1, officer-2|2, officer-1); granted until/.test(document.querySelector('#requests')?.textContent)`, "true") // in whichever order, of one second
	if len(c.wrong) > 0 {
		t.Errorf("the browser complains: %q", c.wrong)
	}

	nik, err := identity.ParseNIK(w.nik)
	if err != nil {
		t.Fatal(err)
	}
	var asked []staff.Request
	w.update(func(s store.Stores) (err error) {
		asked, err = s.Requests.Since(now.Add(-time.Minute), 10)
		return err
	})
	if len(asked) != 1 {
		t.Fatalf("%d requests", len(asked))
	}
	flow := &erasure.Flow{DB: w.server.db, Keeper: w.admin, Care: w.server.care, Now: time.Now}
	done, err := flow.Run(t.Context(), asked[0].ID(), erasure.Whom{NIK: nik})
	if all, lerr := w.admin.Erasures(t.Context()); err != nil || lerr != nil || len(all) != 1 || all[0] != done || done.Reason != "own-request" {
		t.Errorf("%+v %v, listed %+v %v", done, err, all, lerr)
	}
}
