package app

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/flow/signin"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// staffRole is who asks at the console.
type staffRole int

const (
	unsigned   staffRole = iota // a browser without a sign-in
	stolen                      // an officer's token with another browser's key
	clinician                   // signed in
	officer                     // signed in, and not elevated
	elevated                    // an officer whom a second person elevated
	staffRoles                  // how many there are
)

func (r staffRole) String() string {
	return [staffRoles]string{"nobody", "thief", "clinician", "officer", "elevated officer"}[r]
}

// staffRow is one thing that may be asked at the console, and what each role is answered.
type staffRow struct {
	route string
	ask   func(o *officeTown, who staffRole) (path string, body any)
	want  [staffRoles]int
}

// staffMatrix is who may ask for what at the console.
func staffMatrix() []staffRow {
	fixed := func(path string, body any) func(*officeTown, staffRole) (string, any) {
		return func(*officeTown, staffRole) (string, any) { return path, body }
	}
	type m = map[string]any
	return []staffRow{
		{"GET /console/{page}", fixed("/console/desk", nil), [staffRoles]int{200, 200, 200, 200, 200}},
		{"GET /console/v1/clock", fixed("/console/v1/clock", nil), [staffRoles]int{200, 200, 200, 200, 200}},
		{"POST /console/v1/enrolments/begin", (*officeTown).code, [staffRoles]int{200, 200, 200, 200, 200}}, // who holds the code
		{"POST /console/v1/enrolments", (*officeTown).register, [staffRoles]int{200, 200, 200, 200, 200}},
		{"POST /console/v1/sessions", (*officeTown).signIn, [staffRoles]int{403, 403, 200, 200, 200}}, // a proof without a token
		{"GET /console/v1/desk", fixed("/console/v1/desk", nil), [staffRoles]int{403, 403, 200, 200, 200}},
		{"POST /console/v1/requests", fixed("/console/v1/requests", m{"kind": "elevate", "purpose": "x"}), [staffRoles]int{403, 403, 403, 200, 200}},
		{"POST /console/v1/requests/{request}/approval", (*officeTown).approval, [staffRoles]int{403, 403, 403, 200, 200}},
		{"POST /console/v1/erasures", fixed("/console/v1/erasures", m{"purpose": "x", "whom": "1", "reason": "own-request"}), [staffRoles]int{403, 403, 403, 200, 200}},
		{"GET /console/v1/partners", fixed("/console/v1/partners", nil), [staffRoles]int{403, 403, 403, 200, 200}},
		{"GET /console/v1/partners/{partner}", fixed("/console/v1/partners/1", nil), [staffRoles]int{403, 403, 403, 200, 200}},
		{"POST /console/v1/partners/{partner}/{step}", (*officeTown).resume, [staffRoles]int{403, 403, 403, 403, 200}}, // to suspend takes one officer: TestPartnersByConsole
		{"POST /console/v1/invitations", (*officeTown).invitation, [staffRoles]int{403, 403, 403, 200, 200}},
		{"POST /console/v1/actors/{actor}/approval", (*officeTown).widen, [staffRoles]int{403, 403, 403, 200, 200}},
		{"POST /console/v1/actors/{actor}/{digest}", (*officeTown).enrol, [staffRoles]int{403, 403, 403, 403, 200}},
		{"DELETE /console/v1/sessions", fixed("/console/v1/sessions", nil), [staffRoles]int{403, 403, 200, 200, 200}},
	}
}

// officeTown is a server whose staff are two officers and two clinicians.
type officeTown struct {
	*rig
	flow   *signin.Flow
	site   staff.Site
	passes [staffRoles]*stafftest.Authenticator
	keys   [staffRoles]*stafftest.Signer
	tokens [staffRoles]string
	names  [staffRoles]staff.ActorID
	second *stafftest.Authenticator
	made   int
}

func newOffice(t *testing.T) *officeTown {
	t.Helper()
	r := newRig(t)
	o := &officeTown{rig: r, site: r.server.cfg.site()}
	o.flow = &signin.Flow{DB: r.server.db, Keeper: r.admin, Site: o.site, Now: time.Now}
	o.update(func(s store.Stores) error {
		return s.Staff.PutFacility(staff.Facility{ID: "dinkes-99", Name: "Uji", Since: time.Now()})
	})
	o.names = [staffRoles]staff.ActorID{"", "", "staff-1", "officer-1", "officer-2"}
	for who := clinician; who < staffRoles; who++ {
		o.passes[who] = stafftest.Passkey(t)
	}
	for who := range staffRoles {
		o.keys[who] = stafftest.EC(t)
	}
	o.second = stafftest.Passkey(t)
	o.member(o.names[officer], staff.RoleOfficer, o.passes[officer])
	for who := officer; who >= clinician; who-- { // the first officer signs in before anybody else is enrolled
		if who == officer {
			o.enter(who, time.Hour)
			o.member(o.names[elevated], staff.RoleOfficer, o.passes[elevated])
			o.member(o.names[clinician], staff.RoleClinician, o.passes[clinician])
			o.member("staff-2", staff.RoleClinician, o.second)
		}
	}
	o.enter(clinician, 12*time.Hour)
	o.enter(elevated, time.Hour)
	o.tokens[stolen] = o.tokens[officer]
	o.grant(staff.AskElevate, o.names[elevated], o.passes[officer], o.names[officer])
	return o
}

func (o *officeTown) update(fn func(store.Stores) error) {
	o.t.Helper()
	if err := o.server.db.Update(o.t.Context(), fn); err != nil {
		o.t.Fatal(err)
	}
}

// member registers and enrols somebody, with the first officer's signature once there is
// one, on the operator's socket.
func (o *officeTown) member(id staff.ActorID, role staff.Role, key *stafftest.Authenticator) {
	o.t.Helper()
	a := staff.Actor{ID: id, Facility: "dinkes-99", Role: role, Key: key.JWK()}
	if role == staff.RoleClinician {
		a.Rights = staff.View | staff.Enter
	}
	var by keeper.Ask
	if o.tokens[officer] != "" {
		path := "https://localhost/console/v1/actors/" + string(id) + "/" + a.Digest()
		by.Proof = o.keys[officer].Proof(o.t, stafftest.Request("POST", path, time.Now()))
		by.Endorsement = o.passes[officer].Endorses(o.site, o.names[officer], o.keys[officer].Thumbprint(), time.Now().Add(time.Hour)).Encode()
	}
	if err := o.admin.Enrol(o.t.Context(), keeper.Enrolment{Actor: a, By: by}); err != nil {
		o.t.Fatal(err)
	}
	a.Since = time.Now().Truncate(time.Second)
	o.update(func(s store.Stores) error {
		return s.Staff.Put(staff.Member{Actor: a, Credential: key.Credential, Registered: a.Since})
	})
}

// enter signs somebody in.
func (o *officeTown) enter(who staffRole, long time.Duration) {
	o.t.Helper()
	e := o.passes[who].Endorses(o.site, o.names[who], o.keys[who].Thumbprint(), time.Now().Add(long-time.Minute))
	token, _, err := o.flow.SignIn(context.Background(), signin.Attempt{
		Browser: o.keys[who].Thumbprint(), Credential: o.passes[who].Credential, Endorsement: e,
	})
	if err != nil {
		o.t.Fatal(err)
	}
	o.tokens[who] = base64.RawURLEncoding.EncodeToString(token[:])
}

// grant has somebody's request approved by another's passkey.
func (o *officeTown) grant(kind staff.Ask, by staff.ActorID, second *stafftest.Authenticator, who staff.ActorID) {
	o.t.Helper()
	o.made++
	now := time.Now().Truncate(time.Second)
	r := staff.Request{Kind: kind, By: by, Place: "dinkes-99", Purpose: fmt.Sprint("uji ", o.made), Asked: now, Until: now.Add(time.Hour)}
	o.update(func(s store.Stores) error {
		if err := s.Requests.Put(r); err != nil {
			return err
		}
		return s.Requests.Approve(second.Approve(o.site, who, r.ID(), now))
	})
}

func (o *officeTown) named() staff.ActorID {
	o.made++
	return staff.ActorID(fmt.Sprint("staff-new-", o.made))
}

func (o *officeTown) invite() staff.Code {
	o.t.Helper()
	code, err := o.flow.Invite(o.t.Context(), staff.Actor{ID: o.named(), Facility: "dinkes-99", Role: staff.RoleClinician, Rights: staff.View}, "")
	if err != nil {
		o.t.Fatal(err)
	}
	return code
}

func (o *officeTown) code(staffRole) (string, any) {
	return "/console/v1/enrolments/begin", map[string]any{"code": o.invite().Reveal()}
}

func (o *officeTown) register(staffRole) (string, any) {
	o.t.Helper()
	code := o.invite()
	i, err := o.flow.Begin(o.t.Context(), code)
	if err != nil {
		o.t.Fatal(err)
	}
	attestation, client := stafftest.Passkey(o.t).Register(o.site, i.Challenge)
	enc := base64.RawURLEncoding.EncodeToString
	return "/console/v1/enrolments", map[string]any{"code": code.Reveal(), "attestation": enc(attestation), "client_data": enc(client)}
}

func signedBody(a staff.Assertion, more map[string]any) map[string]any {
	enc := base64.RawURLEncoding.EncodeToString
	more["auth_data"], more["client_data"], more["signature"] = enc(a.AuthData), enc(a.ClientData), enc(a.Signature)
	return more
}

// signIn is by one's own passkey; who has none tries an officer's of another browser.
func (o *officeTown) signIn(who staffRole) (string, any) {
	key, browser, until := o.passes[officer], o.keys[officer].Thumbprint(), time.Now().Add(50*time.Minute).Truncate(time.Second)
	if who >= clinician {
		key, browser = o.passes[who], o.keys[who].Thumbprint()
	}
	return "/console/v1/sessions", signedBody(key.Sign(o.site, staff.Challenge(browser, until)), map[string]any{
		"credential": base64.RawURLEncoding.EncodeToString(key.Credential), "until": until.Unix(),
	})
}

// approval is of an elevation that an officer who is none of them asked for.
func (o *officeTown) approval(who staffRole) (string, any) {
	o.made++
	now := time.Now().Truncate(time.Second)
	r := staff.Request{Kind: staff.AskElevate, By: "officer-9", Place: "dinkes-99", Purpose: fmt.Sprint("uji ", o.made), Asked: now, Until: now.Add(time.Hour)}
	o.update(func(s store.Stores) error { return s.Requests.Put(r) })
	id := r.ID()
	key := o.passes[max(who, clinician)]
	return "/console/v1/requests/" + base64.RawURLEncoding.EncodeToString(id[:]) + "/approval", signedBody(key.Sign(o.site, staff.ApprovalChallenge(id)), map[string]any{})
}

func (o *officeTown) invitation(staffRole) (string, any) {
	return "/console/v1/invitations", map[string]any{"actor": o.named(), "facility": "dinkes-99", "role": "clinician"}
}

// resume is of a suspended partner.
func (o *officeTown) resume(staffRole) (string, any) {
	o.stands(partner.Partner{State: partner.Suspended, Held: partner.Live, Stage: 1})
	return "/console/v1/partners/1/resume", map[string]any{"reason": "settled"}
}

// stands puts partner 1 somewhere else in its life.
func (o *officeTown) stands(at partner.Partner) {
	o.t.Helper()
	o.update(func(s store.Stores) error {
		p, err := s.Partners.Get(1)
		if err != nil {
			return err
		}
		return s.Partners.Put(p.At(at.Standing()))
	})
}

// widen is for staff-1, whose request staff-2 approved; a clinician asks it for oneself.
func (o *officeTown) widen(staffRole) (string, any) {
	o.grant(staff.AskWiden, "staff-1", o.second, "staff-2")
	return "/console/v1/actors/staff-1/approval", map[string]any{}
}

func (o *officeTown) enrol(staffRole) (string, any) {
	key := stafftest.Passkey(o.t)
	a := staff.Actor{ID: o.named(), Facility: "dinkes-99", Role: staff.RoleClinician, Rights: staff.View, Key: key.JWK()}
	o.update(func(s store.Stores) error {
		return s.Staff.Put(staff.Member{Actor: a, Credential: key.Credential, Registered: time.Now()})
	})
	return "/console/v1/actors/" + string(a.ID) + "/" + a.Digest(), map[string]any{"fingerprint": staff.Fingerprint(key.Key())}
}

// ask asks for something at the console as somebody would.
func (o *officeTown) ask(h http.Handler, who staffRole, method, path string, body any) (int, string) {
	o.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		o.t.Fatal(err)
	}
	req := httptest.NewRequest(method, "https://localhost"+path+"?lang=en", strings.NewReader(string(raw)))
	req.Header.Set("Content-Type", "application/json")
	claims := stafftest.Request(method, "https://localhost"+path, time.Now())
	claims["nonce"] = o.server.nonces.Give()
	if token := o.tokens[who]; token != "" && method+" "+path != "POST /console/v1/sessions" {
		sum := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
		req.Header.Set("Authorization", "DPoP "+token)
	}
	req.Header.Set("DPoP", o.keys[who].Proof(o.t, claims))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w.Code, w.Body.String()
}

// TestStaffMatrix asks the console for everything in every role of staff. A row that
// grants all is the control.
func TestStaffMatrix(t *testing.T) {
	o := newOffice(t)
	h := o.contract.Watch("public", o.server.routes(), func(err error) { t.Error(err) })
	ask := func(r staffRow, who staffRole) (int, string) {
		path, body := r.ask(o, who)
		method, _, _ := strings.Cut(r.route, " ")
		return o.ask(h, who, method, path, body)
	}
	cells := 0
	for _, r := range staffMatrix() {
		served := false
		for who := range staffRoles {
			if r.want[who] == 0 {
				t.Errorf("%s: nothing is said of %s", r.route, who)
			}
			got, body := ask(r, who)
			if cells++; got != r.want[who] {
				t.Errorf("%s, asked by %s: %d %s, want %d", r.route, who, got, body, r.want[who])
			}
			served = served || got < 400
		}
		if !served {
			t.Errorf("%s: nobody is served, so the refusals prove nothing", r.route)
		}
	}
	t.Logf("%d cells", cells)
	all := staffRow{"GET /console/v1/desk", func(*officeTown, staffRole) (string, any) { return "/console/v1/desk", nil }, [staffRoles]int{}}
	if got, _ := ask(all, unsigned); got == 200 {
		t.Error("anybody is served, and the matrix would not see it")
	}
}
