package app

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/flow/evidence"
	"github.com/amanah-project/amanah/internal/flow/signin"
	"github.com/amanah-project/amanah/internal/format/jose"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/web/token"
)

// ward is a town with a hospital: a system with a key, one without, and one of another
// facility; and a person who is registered.
type ward struct {
	*town
	key      ed25519.PrivateKey       // of client-rs-99-001
	second   ed25519.PrivateKey       // of client-rs-99-002
	passkey  *stafftest.Authenticator // of staff-1, a clinician of rs-99-001
	browser  *stafftest.Signer
	officer  *stafftest.Authenticator // of officer-1
	secret   staff.Secret             // of client-rs-99-001
	keyless  staff.Secret             // of client-klinik-99-7
	held     [fhirRoles]string        // tokens
	person   string
	nik      string
	recorded string // one of the person's records
	made     int
}

// fhirRole is who asks for health records.
type fhirRole int

const (
	noSystem   fhirRole = iota // holds no token
	ofDevice                   // a person's device
	ofDoor                     // a door
	keylessOne                 // a system with a bearer token
	signingOne                 // a system with a token bound to its key
	endedOne                   // a system that has ended, with the token from before
	thiefOf                    // the bound token, with a proof by another key
	signedIn                   // a clinician of the signing system's facility, by their sign-in
	fhirRoles                  // how many there are
)

func (r fhirRole) String() string {
	return [fhirRoles]string{"nobody", "device", "door", "bearer", "signing system", "ended system", "thief", "clinician"}[r]
}

func newWard(t *testing.T) *ward {
	t.Helper()
	w := &ward{town: newTown(t), key: newKey(t), second: newKey(t), nik: "9901010101900009"}
	w.update(func(s store.Stores) error {
		for id, name := range map[staff.FacilityID]string{"rs-99-001": "RS Uji", "rs-99-002": "RS Lain", "klinik-99-7": "Klinik Uji"} {
			if err := s.Staff.PutFacility(staff.Facility{ID: id, Name: name, Since: time.Now()}); err != nil {
				return err
			}
		}
		return nil
	})
	office := w.server.office()
	of := func(id staff.ActorID, at staff.FacilityID, key ed25519.PrivateKey) staff.Actor {
		public, err := jose.ParseKey(partner.PublicJWK(key.Public().(ed25519.PublicKey)))
		if err != nil {
			t.Fatal(err)
		}
		return staff.Actor{ID: id, Facility: at, Role: staff.RoleClient, Rights: staff.Enter | staff.Correct | staff.View, Key: public.JWK()}
	}
	system, second := of("client-rs-99-001", "rs-99-001", w.key), of("client-rs-99-002", "rs-99-002", w.second)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(office.RegisterSystem(t.Context(), system))
	must(office.RegisterSystem(t.Context(), second))
	w.passkey, w.browser = stafftest.Passkey(t), stafftest.EC(t)
	doctor := staff.Actor{ID: "staff-1", Facility: "rs-99-001", Role: staff.RoleClinician, Rights: staff.Enter | staff.Correct | staff.View, Key: w.passkey.JWK()}
	w.update(func(s store.Stores) error {
		return s.Staff.Put(staff.Member{Actor: doctor, Credential: w.passkey.Credential, Registered: time.Now().Truncate(time.Second)})
	})
	w.enrol(system, second, doctor)
	var err error
	w.secret, err = office.Secret(t.Context(), system.ID)
	must(err)
	w.keyless, err = office.AddKeyless(t.Context(), staff.Actor{ID: "client-klinik-99-7", Facility: "klinik-99-7", Role: staff.RoleClient, Rights: staff.Enter | staff.Correct})
	must(err)
	_, err = office.AddKeyless(t.Context(), staff.Actor{ID: "client-ended", Facility: "klinik-99-7", Role: staff.RoleClient, Rights: staff.Enter})
	must(err)
	must(office.End(t.Context(), "client-ended"))
	w.tokens()
	w.register(w.nik, "Orang Uji", "1990-01-01")
	return w
}

// register registers a person as an operator's import does.
func (w *ward) register(digits, name, birth string) {
	w.t.Helper()
	flow := &evidence.Flow{DB: w.server.db, Keeper: w.admin, Rules: w.server.rules, Now: time.Now, Actor: "test", Budget: keeper.BudgetImport}
	p := identity.Person{}
	var err error
	if p.NIK, err = identity.ParseNIK(digits); err == nil {
		p.Name, err = identity.ParseName(name)
	}
	if err == nil {
		p.Birth, err = day.Parse(birth)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	p.Sex = p.NIK.Sex()
	tally, err := flow.People(w.t.Context(), []evidence.Newcomer{{Line: 1, Person: p}}, identity.Progress{Source: "people " + digits})
	if err != nil || tally.Added != 1 {
		w.t.Fatalf("register: %+v %v", tally, err)
	}
}

// enrol has the first officer enrol systems in the keeper.
func (w *ward) enrol(all ...staff.Actor) {
	w.t.Helper()
	site, browser := w.server.cfg.site(), stafftest.EC(w.t)
	officer := staff.Actor{ID: "officer-1", Facility: "rs-99-001", Role: staff.RoleOfficer}
	if w.officer == nil {
		w.officer = stafftest.Passkey(w.t)
		officer.Key = w.officer.JWK()
		if err := w.admin.Enrol(w.t.Context(), keeper.Enrolment{Actor: officer}); err != nil {
			w.t.Fatal(err)
		}
	}
	pass := w.officer
	for _, a := range all {
		path := "https://localhost/console/v1/actors/" + string(a.ID) + "/" + a.Digest()
		by := keeper.Ask{
			Proof:       browser.Proof(w.t, stafftest.Request("POST", path, time.Now())),
			Endorsement: pass.Endorses(site, officer.ID, browser.Thumbprint(), time.Now().Add(time.Hour)).Encode(),
		}
		if err := w.admin.Enrol(w.t.Context(), keeper.Enrolment{Actor: a, By: by}); err != nil {
			w.t.Fatal(err)
		}
		w.update(func(s store.Stores) error {
			m, err := s.Staff.Get(a.ID)
			if err != nil {
				return err
			}
			m.Since = time.Now().Truncate(time.Second)
			return s.Staff.Put(m)
		})
	}
}

func (w *ward) tokens() {
	w.t.Helper()
	seal := func(s token.System) string {
		w.t.Helper()
		s.Expires = time.Now().Add(time.Hour)
		out, err := w.server.ring.tokens().SealSystem(s, time.Now())
		if err != nil {
			w.t.Fatal(err)
		}
		return out
	}
	w.held[ofDevice], w.held[ofDoor] = w.holders[device].token, w.holders[doorOf].token
	w.held[keylessOne] = seal(token.System{Actor: "client-klinik-99-7", Facility: "klinik-99-7"})
	w.held[signingOne] = seal(token.System{Actor: "client-rs-99-001", Facility: "rs-99-001", Key: thumbprintOf(w.key)})
	w.held[thiefOf] = w.held[signingOne]
	e := w.passkey.Endorses(w.server.cfg.site(), "staff-1", w.browser.Thumbprint(), time.Now().Add(time.Hour))
	shift, _, err := w.server.office().SignIn(w.t.Context(), signin.Attempt{Browser: w.browser.Thumbprint(), Credential: w.passkey.Credential, Endorsement: e})
	if err != nil {
		w.t.Fatal(err)
	}
	w.held[signedIn] = base64.RawURLEncoding.EncodeToString(shift[:])
	w.held[endedOne] = seal(token.System{Actor: "client-ended", Facility: "klinik-99-7"})
}

// send asks in a role.
func (w *ward) send(who fhirRole, method, path, media, body string, header ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), method, "https://localhost"+path, strings.NewReader(body))
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	at, _, _ := strings.Cut("https://localhost"+path, "?")
	switch held := w.held[who]; who {
	case noSystem:
	case ofDevice, ofDoor:
		key := w.holders[device].key
		if who == ofDoor {
			key = w.holders[doorOf].key
		}
		r.Header.Set("Authorization", "DPoP "+held)
		r.Header.Set("DPoP", proof(key, method, at, held, w.server.nonces.Give()))
	case keylessOne, endedOne:
		r.Header.Set("Authorization", "Bearer "+held)
	case signedIn:
		sum := sha256.Sum256([]byte(held))
		c := stafftest.Request(method, at, time.Now())
		c["ath"], c["nonce"] = base64.RawURLEncoding.EncodeToString(sum[:]), w.server.nonces.Give()
		r.Header.Set("Authorization", "DPoP "+held)
		r.Header.Set("DPoP", w.browser.Proof(w.t, c))
	default:
		key := w.key
		if who == thiefOf {
			key = newKey(w.t)
		}
		r.Header.Set("Authorization", "DPoP "+held)
		r.Header.Set("DPoP", proof(key, method, at, held, w.server.nonces.Give()))
	}
	out := httptest.NewRecorder()
	w.public.ServeHTTP(out, r)
	return out
}

// entered makes sure that the person is found and has a record, and that the hospital
// treats them.
func (w *ward) entered() {
	w.t.Helper()
	if w.recorded != "" {
		return
	}
	found := w.send(signingOne, "GET", "/fhir/R4/Patient?identifier="+url.QueryEscape("https://fhir.kemkes.go.id/id/nik|"+w.nik), "", "")
	var b struct {
		Entry []struct{ Resource struct{ ID string } }
	}
	if err := json.Unmarshal(found.Body.Bytes(), &b); err != nil || len(b.Entry) != 1 {
		w.t.Fatalf("find: %d %s", found.Code, found.Body)
	}
	w.person = b.Entry[0].Resource.ID
	out := w.send(signingOne, "POST", "/fhir/R4/Immunization", "application/fhir+json", w.dose("2022-01-01"))
	var made struct{ ID string }
	if err := json.Unmarshal(out.Body.Bytes(), &made); err != nil || out.Code != 201 {
		w.t.Fatalf("enter: %d %s", out.Code, out.Body)
	}
	w.recorded = made.ID
}

func (w *ward) dose(on string) string {
	return fmt.Sprintf(`{"resourceType":"Immunization","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"511"}]},"patient":{"reference":"Patient/%s"},"occurrenceDateTime":%q}`, w.person, on)
}
