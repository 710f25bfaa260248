package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
)

// office is an installation behind TLS whose staff are enrolled as they are in the
// field: by invitation, passkey, fingerprint and a second officer.
type office struct {
	*site
	t     *testing.T
	web   *http.Client // asks https://localhost, wherever that listens
	nonce string       // of the last answer
}

var consoleSite = staff.Site{ID: "localhost", Origin: "https://localhost"}

func newOffice(t *testing.T, canaries ...string) *office {
	t.Helper()
	o := &office{site: newSite(t, program), t: t}
	o.canaries = canaries
	_, roots := selfSigned(t, o.path("cert.pem"), o.path("key.pem"))
	o.web = &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS13},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, o.listen)
		},
	}}
	o.startKeeper()
	o.operate("", "staff", "facility", "dinkes-99", "Dinas Uji")
	o.operate("", "staff", "facility", "rs-99-001", "Rumah Sakit Uji")
	o.serve()
	return o
}

func (o *office) serve() {
	o.t.Helper()
	o.database = []string{"--tls-cert", o.path("cert.pem"), "--tls-key", o.path("key.pem")}
	o.startServer()
	o.database = nil
}

// signer asks in somebody's name: by a key and, once there is one, a token.
type signer struct {
	o     *office
	key   *stafftest.Signer
	token string
	sent  []string // proofs by which something was opened
	extra map[string]any
}

func b64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// ask sends one signed request, again when it is told a new nonce.
func (s *signer) ask(method, path, media, body string) (int, map[string]any) {
	s.o.t.Helper()
	for range 3 {
		where, _, _ := strings.Cut("https://localhost"+path, "?")
		claims := stafftest.Request(method, where, time.Now())
		claims["nonce"] = s.o.nonce
		for name, value := range s.extra {
			claims[name] = value
		}
		req, err := http.NewRequestWithContext(s.o.t.Context(), method, "https://localhost"+path, strings.NewReader(body))
		if err != nil {
			s.o.t.Fatal(err)
		}
		req.Header.Set("Content-Type", media)
		if s.token != "" {
			sum := sha256.Sum256([]byte(s.token))
			claims["ath"] = b64url(sum[:])
			req.Header.Set("Authorization", "DPoP "+s.token)
		}
		proof := s.key.Proof(s.o.t, claims)
		req.Header.Set("DPoP", proof)
		res, err := s.o.web.Do(req)
		if err != nil {
			s.o.t.Fatal(err)
		}
		raw, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			s.o.t.Fatal(err)
		}
		if n := res.Header.Get("DPoP-Nonce"); n != "" {
			s.o.nonce = n
		}
		if res.StatusCode >= 400 && (strings.Contains(res.Header.Get("WWW-Authenticate"), "use_dpop_nonce") || bytes.Contains(raw, []byte("use_dpop_nonce"))) {
			continue
		}
		if method == "GET" && res.StatusCode == 200 {
			s.sent = append(s.sent, proof)
		}
		out := map[string]any{}
		if len(raw) > 0 {
			if err := json.Unmarshal(raw, &out); err != nil {
				s.o.t.Fatalf("%s %s: %s %s", method, path, res.Status, raw)
			}
		}
		return res.StatusCode, out
	}
	s.o.t.Fatalf("%s %s: no nonce is taken", method, path)
	return 0, nil
}

// must asks for what has to be given.
func (s *signer) must(method, path string, body any) map[string]any {
	s.o.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		s.o.t.Fatal(err)
	}
	status, out := s.ask(method, path, "application/json", string(raw))
	if status != 200 {
		s.o.t.Fatalf("%s %s: %d %v", method, path, status, out)
	}
	return out
}

// member is somebody of the staff, with their passkey and a browser.
type member struct {
	*signer
	id      staff.ActorID
	passkey *stafftest.Authenticator
}

// invited has somebody make a passkey by an invitation's code, and returns them and the
// fingerprint that they read aloud.
func (o *office) invited(id staff.ActorID, output string) (*member, string) {
	o.t.Helper()
	at := strings.Index(output, "code ")
	if at < 0 {
		o.t.Fatalf("no code in %q", output)
	}
	code := strings.Fields(output[at+len("code "):])[0]
	m := &member{&signer{o: o, key: stafftest.EC(o.t)}, id, stafftest.Passkey(o.t)}
	began := m.must("POST", "/console/v1/enrolments/begin", map[string]any{"code": code})
	challenge, err := base64.RawURLEncoding.DecodeString(began["challenge"].(string))
	if err != nil {
		o.t.Fatal(err)
	}
	attestation, client := m.passkey.Register(consoleSite, [32]byte(challenge))
	done := m.must("POST", "/console/v1/enrolments", map[string]any{"code": code, "attestation": b64url(attestation), "client_data": b64url(client)})
	return m, done["fingerprint"].(string)
}

// signIn begins a sign-in of an officer's hour.
func (m *member) signIn(long time.Duration) {
	m.o.t.Helper()
	m.token = ""
	e := m.passkey.Endorses(consoleSite, m.id, m.key.Thumbprint(), time.Now().Add(long))
	got := m.must("POST", "/console/v1/sessions", map[string]any{
		"credential": b64url(m.passkey.Credential), "until": e.Until.Unix(),
		"auth_data": b64url(e.Data), "client_data": b64url(e.Client), "signature": b64url(e.Signature),
	})
	m.token = got["token"].(string)
}

// enrol has an officer enrol somebody whose fingerprint they compared; what is then left to
// do is the host's, for another officer, or nothing ("host", "done").
func (m *member) enrol(id staff.ActorID, fingerprint, state string) {
	m.o.t.Helper()
	for _, row := range m.must("GET", "/console/v1/desk", nil)["staff"].([]any) {
		if row := row.(map[string]any); row["id"] == string(id) {
			if got := m.must("POST", "/console/v1/actors/"+string(id)+"/"+row["enrol"].(string), map[string]any{"fingerprint": fingerprint}); got["state"] != state {
				m.o.t.Fatalf("%s: %v, want %s", id, got, state)
			}
			return
		}
	}
	m.o.t.Fatalf("%s is not listed", id)
}

// elevate asks for powers beyond the desk, which another officer's passkey approves.
func (m *member) elevate(second *member) {
	m.o.t.Helper()
	id := m.must("POST", "/console/v1/requests", map[string]any{"kind": "elevate", "purpose": "enrol a system"})["id"].(string)
	second.approve(id)
}

// approve has somebody's passkey approve a request.
func (m *member) approve(id string) {
	m.o.t.Helper()
	request, err := staff.ParseRequestID(id)
	if err != nil {
		m.o.t.Fatal(err)
	}
	a := m.passkey.Sign(consoleSite, staff.ApprovalChallenge(request))
	m.must("POST", "/console/v1/requests/"+strings.TrimPrefix(request.String(), "R-")+"/approval", map[string]any{
		"auth_data": b64url(a.AuthData), "client_data": b64url(a.ClientData), "signature": b64url(a.Signature),
	})
}

// officers enrols the first two, and elevates the first.
func (o *office) officers() (one, two *member) {
	o.t.Helper()
	one, print := o.invited("officer-1", o.operate("", "staff", "enrol", "officer-1", "--first", "--facility", "dinkes-99"))
	o.operate("", "staff", "confirm", "officer-1", print)
	one.signIn(time.Hour)
	two, print = o.invited("officer-2", o.operate("", "staff", "invite", "officer-2", "--facility", "dinkes-99", "--role", "officer"))
	one.enrol("officer-2", print, "host")
	o.operate("", "staff", "confirm", "officer-2", print)
	two.signIn(time.Hour)
	one.elevate(two)
	return one, two
}

// system registers a facility's system by a key, has the officer enrol it, and gets its
// token.
func (o *office) system(by *member, id, facility string) *signer {
	o.t.Helper()
	s := &signer{o: o, key: stafftest.Ed(o.t)}
	file := filepath.Join(o.t.TempDir(), "key.jwk")
	write(o.t, file, string(s.key.JWK()))
	said := strings.Fields(o.operate("", "facility", "client", "add", id, "--facility", facility, "--key", file))
	by.enrol(staff.ActorID(id), said[len(said)-1], "done")
	assertion := s.key.JWS(o.t, map[string]any{"typ": "JWT", "alg": "EdDSA"}, map[string]any{
		"iss": id, "sub": id, "aud": "https://localhost", "jti": rand.Text(), "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
	})
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {id}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}
	status, got := s.ask("POST", "/oauth/token", "application/x-www-form-urlencoded", form.Encode())
	if status != 200 {
		o.t.Fatalf("token: %d %v", status, got)
	}
	s.token = fmt.Sprint(got["access_token"])
	return s
}
