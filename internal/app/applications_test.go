package app

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/flow/rollout"
	"github.com/amanah-project/amanah/internal/web/token"
)

// application is the body that hands in terms under a key's signature.
func application(t testing.TB, terms partner.Terms, by ed25519.PrivateKey) []byte {
	t.Helper()
	raw, err := terms.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{"terms": json.RawMessage(raw), "signature": partner.Detached(by, raw)})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// stood is what either resource tells of a partner.
type stood struct {
	Partner, Version, Stage, Linked, Most, Terms int
	State, Key, Title                            string
	Signed                                       bool `json:"countersigned"`
	Waiting                                      []int
	Next                                         []partner.Due
	Suspended                                    *struct{ By, Reason string }
	Report                                       *struct{ Counts bool }
}

// applicant is a partner that comes by itself, with the operator who leads it.
type applicant struct {
	*rig
	web  http.Handler
	flow *rollout.Flow
	keys PartnerKeys
	cert *tls.ConnectionState
}

func newApplicant(t *testing.T) *applicant {
	t.Helper()
	r := newRig(t)
	keys, err := NewPartnerKeys()
	if err != nil {
		t.Fatal(err)
	}
	o := &Operator{DB: r.server.db, Keeper: r.admin, ring: r.server.ring, now: time.Now, log: r.server.log}
	web := r.contract.Watch("public", r.server.routes(), func(err error) { t.Error(err) })
	return &applicant{rig: r, web: web, flow: o.Rollout(), keys: keys}
}

func (a *applicant) post(body []byte) (int, stood) {
	a.t.Helper()
	return a.send(httptest.NewRequestWithContext(a.t.Context(), "POST", "https://localhost/partner/v1/applications", bytes.NewReader(body)))
}

func (a *applicant) send(req *http.Request) (int, stood) {
	a.t.Helper()
	if req.Method == "POST" {
		req.Header.Set("Content-Type", mediaJSON)
	}
	if req.TLS = a.cert; a.cert == nil {
		req.TLS = &tls.ConnectionState{}
	}
	w := httptest.NewRecorder()
	a.web.ServeHTTP(w, req)
	var out stood
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		a.t.Fatalf("%s: %v", w.Body, err)
	}
	return w.Code, out
}

// standing asks with a token of the relay's, bound to one key and proved by another.
func (a *applicant) standing(id partner.ID, bound, proves ed25519.PrivateKey) (int, stood) {
	a.t.Helper()
	if err := a.server.refresh(a.t.Context()); err != nil {
		a.t.Fatal(err)
	}
	sealed, err := a.server.ring.tokens().Seal(token.Claims{
		Scope: token.ScopeRelay, Partner: id, Key: thumbprintOf(bound), Expires: time.Now().Add(time.Hour),
	}, time.Now())
	if err != nil {
		a.t.Fatal(err)
	}
	const url = "https://localhost/partner/v1/standing"
	req := httptest.NewRequestWithContext(a.t.Context(), "GET", url, nil)
	req.Header.Set("Authorization", "DPoP "+sealed)
	req.Header.Set("DPoP", proof(proves, "GET", url, sealed, a.server.nonces.Give()))
	return a.send(req)
}

func (a *applicant) step(_ partner.Partner, err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

// due checks what a partner waits for.
func (a *applicant) due(what string, got stood, want ...partner.Due) {
	a.t.Helper()
	if len(got.Next) != len(want) || len(want) > 0 && got.Next[0] != want[0] {
		a.t.Errorf("%s: next %v, want %v", what, got.Next, want)
	}
}

// TestPartnerComesByItself: a partner applies, sees by the same application what
// became of it, and by its relay's credential where it stands to the end.
func TestPartnerComesByItself(t *testing.T) {
	a := newApplicant(t)
	ask := rollout.Ask{Who: "kantor mitra", Reason: "uji"}
	status, refused := a.post(application(t, DraftTerms(7, "Toko Maya", a.keys, time.Now()), a.keys.Sign))
	if status != 409 || !strings.HasSuffix(refused.Title, ": 2") {
		t.Fatalf("an application does not learn its number: %d %+v", status, refused)
	}
	terms := DraftTerms(2, "Toko Maya", a.keys, time.Now())
	body := application(t, terms, a.keys.Sign)
	for range 3 {
		status, got := a.post(body)
		if status != 200 || got.Partner != 2 || got.Version != 1 || got.State != "applied" || got.Signed || len(got.Key) != 43 {
			t.Fatalf("%d %+v", status, got)
		}
		a.due("applied", got, partner.DueCountersignature)
	}
	if shown, err := a.flow.Show(t.Context(), 2); err != nil || len(shown.Steps) != 1 || len(shown.Agreements) != 1 || shown.Steps[0].Who != "the partner" {
		t.Errorf("sent three times: %+v, %v", shown, err)
	}
	if status, got := a.standing(2, a.keys.Relay, a.keys.Relay); status != 403 {
		t.Errorf("a standing before an agreement: %d %+v", status, got)
	}
	a.step(a.flow.Countersign(t.Context(), ask, 2, 1, thumbprintOf(a.keys.Sign)))
	status, got := a.post(body)
	if status != 200 || !got.Signed {
		t.Errorf("%d %+v", status, got)
	}
	a.due("countersigned", got, partner.DueSandbox)
	a.step(a.flow.Promote(t.Context(), ask, 2))
	status, got = a.standing(2, a.keys.Relay, a.keys.Relay)
	if status != 200 || got.State != "sandbox" || got.Terms != 1 || got.Most != trialStage || got.Report != nil || got.Suspended != nil {
		t.Errorf("%d %+v", status, got)
	}
	a.due("in the sandbox", got, partner.DueReport)
	a.step(a.flow.Certify(t.Context(), ask, partner.Report{Partner: 2, Relay: thumbprintOf(a.keys.Relay), Passed: true, At: time.Now().Add(-time.Minute), Digest: [32]byte{1}}))
	a.step(a.flow.Promote(t.Context(), ask, 2))
	a.step(a.flow.Suspend(t.Context(), rollout.Ask{Who: "kantor mitra", Reason: "penerus diambil alih"}, 2))
	status, got = a.standing(2, a.keys.Relay, a.keys.Relay)
	if status != 200 || got.State != "suspended" || got.Suspended == nil || got.Suspended.Reason != "penerus diambil alih" || got.Report == nil || !got.Report.Counts {
		t.Errorf("suspended: %d %+v", status, got)
	}
	a.due("suspended", got, partner.DueResumption)
	// The next version, by the key of the one before.
	terms.Version, terms.Name = 2, "Toko Maya Raya"
	if status, got := a.post(application(t, terms, newKey(t))); status != 403 {
		t.Errorf("a version that another signed: %d %+v", status, got)
	}
	if status, got = a.post(application(t, terms, a.keys.Sign)); status != 200 || got.Version != 2 || got.State != "suspended" {
		t.Errorf("the next version: %d %+v", status, got)
	}
	if _, got = a.standing(2, a.keys.Relay, a.keys.Relay); len(got.Waiting) != 1 || got.Waiting[0] != 2 {
		t.Errorf("a version waits: %+v", got)
	}
	a.step(a.flow.End(t.Context(), ask, 2))
	status, got = a.standing(2, a.keys.Relay, a.keys.Relay)
	if status != 200 || got.State != "ended" {
		t.Errorf("ended: %d %+v", status, got)
	}
	a.due("ended", got)
}

// TestApplicationsAreBounded: what is no application is refused, and so is more than
// anybody looks at: at most 30 a minute, and at most 5 versions of a partner's wait.
func TestApplicationsAreBounded(t *testing.T) {
	a := newApplicant(t)
	terms := DraftTerms(2, "Toko Maya", a.keys, time.Now())
	later := terms
	later.Version = 2
	good := application(t, terms, a.keys.Sign)
	sent := 0
	post := func(body []byte) (int, stood) {
		sent++
		return a.post(body)
	}
	for name, c := range map[string]struct {
		body []byte
		want int
	}{
		"nothing":                 {nil, 400},
		"another signed it":       {application(t, terms, a.keys.Relay), 403},
		"terms changed afterward": {bytes.Replace(good, []byte("Toko Maya"), []byte("Toko Mayo"), 1), 403},
		"no signature":            {[]byte(`{"terms":{}}`), 400},
		"terms of nothing":        {[]byte(`{"terms":{},"signature":"x"}`), 400},
		"too long":                {append(bytes.Clone(good[:len(good)-1]), []byte(`,"x":"`+strings.Repeat("x", 70_000)+`"}`)...), 400},
		"a later version of none": {application(t, later, a.keys.Sign), 404},
	} {
		if status, got := post(c.body); status != c.want {
			t.Errorf("%s: %d %+v", name, status, got)
		}
	}
	if status, got := post(application(t, terms, a.keys.Sign)); status != 200 {
		t.Fatalf("%d %+v", status, got)
	}
	for terms.Version = 2; terms.Version <= 7; terms.Version++ {
		want := 200
		if terms.Version > 5 {
			want = 429
		}
		if status, got := post(application(t, terms, a.keys.Sign)); status != want {
			t.Errorf("version %d: %d %+v", terms.Version, status, got)
		}
	}
	for range 40 {
		if status, _ := post(nil); status == 429 {
			break
		}
	}
	// The count is a leaky one: one more comes back every two seconds.
	if sent < 30 || sent > 40 {
		t.Errorf("refused after %d applications within a minute", sent)
	}
	all, err := a.flow.List(t.Context())
	if err != nil || len(all) != 2 {
		t.Errorf("%d partners, %v", len(all), err)
	}
}

// TestStandingIsOnesOwn: neither another key, nor another's token, nor a key that was
// replaced is told anything; a certificate that the agreement binds is.
func TestStandingIsOnesOwn(t *testing.T) {
	a := newApplicant(t)
	if status, got := a.standing(1, a.relay, a.relay); status != 200 || got.Partner != 1 {
		t.Fatalf("%d %+v", status, got)
	}
	other := newKey(t)
	for name, keys := range map[string][2]ed25519.PrivateKey{
		"a token bound to a key of nobody":       {other, other},
		"the relay's token, proved by another":   {a.relay, other},
		"another key's token, the relay's proof": {other, a.relay},
	} {
		if status, got := a.standing(1, keys[0], keys[1]); status != 403 {
			t.Errorf("%s: %d %+v", name, status, got)
		}
	}
	if status, got := a.standing(9, a.relay, a.relay); status != 403 {
		t.Errorf("of a partner that is not there: %d %+v", status, got)
	}
	a.byCertificate(t)
	for range 70 {
		if status, _ := a.standing(1, a.relay, a.relay); status == 429 {
			return
		}
	}
	t.Error("seventy standings within a minute")
}

// byCertificate: a relay that holds nothing but the certificate of its agreement.
func (a *applicant) byCertificate(t *testing.T) {
	good := certificateFor(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	other := certificateFor(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	over := certificateFor(t, time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour))
	for i, c := range []tls.Certificate{good, over} {
		id := partner.ID(2 + i)
		keys, err := NewPartnerKeys()
		if err != nil {
			t.Fatal(err)
		}
		terms := DraftTerms(id, "Mitra Sertifikat", keys, time.Now())
		sum := sha256.Sum256(c.Certificate[0])
		terms.Keys.Certificate = base64.RawURLEncoding.EncodeToString(sum[:])
		if status, got := a.post(application(t, terms, keys.Sign)); status != 200 {
			t.Fatalf("%d %+v", status, got)
		}
		a.step(a.flow.Countersign(t.Context(), rollout.Ask{Who: "uji"}, id, 1, thumbprintOf(keys.Sign)))
	}
	if err := a.server.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		shown tls.Certificate
		want  int
	}{"its own": {good, 200}, "another": {other, 403}, "one that is over": {over, 403}} {
		leaf, err := x509.ParseCertificate(c.shown.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		a.cert = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}}
		status, got := a.send(httptest.NewRequestWithContext(t.Context(), "GET", "https://localhost/partner/v1/standing", nil))
		if status != c.want || status == 200 && (got.Partner != 2 || got.State != "applied") {
			t.Errorf("by certificate, %s: %d %+v", name, status, got)
		}
	}
	a.cert = nil
}
