package console_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/flow/signin"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/memory"
	"github.com/amanah-project/amanah/internal/web/console"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/route"
	"github.com/amanah-project/amanah/internal/web/signed"
)

var site = staff.Site{ID: "amanah.example", Origin: stafftest.Origin}

// stand is a console over a real flow and keeper, on a clock of its own.
type stand struct {
	*testing.T
	mux    *route.Mux
	flow   *signin.Flow
	nonces *dpop.Nonces
	mu     sync.Mutex
	at     time.Time
}

func (s *stand) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

func (s *stand) wait(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = s.at.Add(d)
}

func open(t *testing.T) *stand {
	t.Helper()
	s := &stand{T: t, mux: &route.Mux{}, at: time.Now().Truncate(time.Second)}
	db := memory.New()
	s.flow = &signin.Flow{DB: db, Keeper: serveKeeper(s), Site: site, Now: s.now}
	s.nonces = dpop.NewNonces([]byte("key"), 5*time.Minute, s.now)
	c, err := console.New(console.Console{
		Flow: s.flow, Office: s.flow, Seconds: s.flow, Site: site, Secure: true,
		Desk: &signed.Desk{Host: "amanah.example", Sessions: s.flow, Nonces: s.nonces, Once: dpop.NewOnce(5 * time.Minute), Now: s.now},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Routes(s.mux)
	err = db.Update(context.Background(), func(st store.Stores) error {
		return st.Staff.PutFacility(staff.Facility{ID: "dinkes-99", Name: "Dinas Uji", Since: s.now()})
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// answer is what came back.
type answer struct {
	status int
	body   map[string]any
	raw    string
}

func (a answer) text(name string) string {
	s, _ := a.body[name].(string)
	return s
}

// browser is one browser with a key of its own.
type browser struct {
	s     *stand
	key   *stafftest.Signer
	token string
}

func (s *stand) browser() *browser { return &browser{s: s, key: stafftest.EC(s.T)} }

func (s *stand) send(r *http.Request) answer {
	s.Helper()
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r)
	a := answer{status: w.Code, raw: w.Body.String()}
	if err := json.Unmarshal(w.Body.Bytes(), &a.body); err != nil {
		s.Fatalf("%d %s", w.Code, w.Body)
	}
	return a
}

func (b *browser) request(method, path string, body any) *http.Request {
	b.s.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		b.s.Fatal(err)
	}
	r := httptest.NewRequest(method, path+"?lang=en", bytes.NewReader(raw))
	r.Header.Set("Content-Type", "application/json")
	claims := stafftest.Request(method, "https://amanah.example"+path, b.s.now())
	claims["nonce"] = b.s.nonces.Give()
	if b.token != "" {
		sum := sha256.Sum256([]byte(b.token))
		claims["ath"] = b64(sum[:])
		r.Header.Set("Authorization", "DPoP "+b.token)
	}
	r.Header.Set("DPoP", b.key.Proof(b.s.T, claims))
	return r
}

func (b *browser) ask(method, path string, body any) answer {
	b.s.Helper()
	return b.s.send(b.request(method, path, body))
}

// must asks for what has to be given.
func (b *browser) must(method, path string, body any) answer {
	b.s.Helper()
	a := b.ask(method, path, body)
	if a.status != http.StatusOK {
		b.s.Fatalf("%s %s: %d %s", method, path, a.status, a.raw)
	}
	return a
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func unb64(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// register finishes an invitation with a passkey and returns what it is answered.
func (s *stand) register(code string, a *stafftest.Authenticator, at staff.Site) answer {
	s.Helper()
	b := s.browser()
	began := b.must("POST", "/console/v1/enrolments/begin", map[string]any{"code": code})
	attestation, client := a.Register(at, [32]byte(unb64(s.T, began.text("challenge"))))
	return b.ask("POST", "/console/v1/enrolments", map[string]any{"code": code, "attestation": b64(attestation), "client_data": b64(client)})
}

func (s *stand) invite(id staff.ActorID, role staff.Role) string {
	s.Helper()
	a := staff.Actor{ID: id, Facility: "dinkes-99", Role: role}
	if role == staff.RoleClinician {
		a.Rights = staff.View | staff.Enter
	}
	code, err := s.flow.Invite(context.Background(), a, "")
	if err != nil {
		s.Fatal(err)
	}
	return code.Reveal()
}

// member is somebody with their passkey, signed in.
type member struct {
	*browser
	id      staff.ActorID
	passkey *stafftest.Authenticator
}

// signIn is one attempt, as the script makes it.
func (b *browser) signIn(a *stafftest.Authenticator, id staff.ActorID, at staff.Site, long time.Duration) answer {
	b.s.Helper()
	e := a.Endorses(at, id, b.key.Thumbprint(), b.s.now().Add(long))
	b.token = ""
	got := b.ask("POST", "/console/v1/sessions", map[string]any{
		"credential": b64(a.Credential), "until": e.Until.Unix(),
		"auth_data": b64(e.Data), "client_data": b64(e.Client), "signature": b64(e.Signature),
	})
	b.token = got.text("token")
	return got
}

func (m *member) approve(id string) answer {
	m.s.Helper()
	return m.approveWith(m.passkey.Sign(site, staff.ApprovalChallenge(staff.RequestID(unb64(m.s.T, id)))), id)
}

func (m *member) approveWith(a staff.Assertion, id string) answer {
	m.s.Helper()
	return m.ask("POST", "/console/v1/requests/"+id+"/approval", map[string]any{
		"auth_data": b64(a.AuthData), "client_data": b64(a.ClientData), "signature": b64(a.Signature),
	})
}

// elevate asks for powers beyond the desk, and returns the request's number.
func (m *member) elevate() string {
	m.s.Helper()
	return m.must("POST", "/console/v1/requests", map[string]any{"kind": "elevate", "purpose": "enrol the night shift"}).text("id")
}

// row finds somebody in the list of staff as an officer sees it.
func (m *member) row(id staff.ActorID) map[string]any {
	m.s.Helper()
	for _, row := range m.must("GET", "/console/v1/desk", nil).body["staff"].([]any) {
		if row := row.(map[string]any); row["id"] == string(id) {
			return row
		}
	}
	m.s.Fatalf("%s is not listed", id)
	return nil
}
