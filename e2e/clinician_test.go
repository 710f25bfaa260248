package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
)

// clinic is a running server over HTTPS and a browser's way to it.
type clinic struct {
	*site
	web *http.Client
}

// at is what passkeys are made for.
var at = staff.Site{ID: "localhost", Origin: "https://localhost"}

func newClinic(t *testing.T) *clinic {
	t.Helper()
	o := &clinic{site: newSite(t, program)}
	_, roots := selfSigned(t, o.path("cert.pem"), o.path("key.pem"))
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, o.listen)
	}
	o.web = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS13},
	}}
	o.mkdir("run")
	o.keeper = o.start("keeper", "--dir", o.path("keeper"), "--sockets", o.path("run"), "--credential", o.path("root.credential"), "--same-user", "--host", "localhost")
	o.wait("the keeper's socket", func() error {
		c, err := net.Dial("unix", o.path("run", "admin.sock"))
		if err == nil {
			c.Close()
		}
		return err
	}, o.keeper)
	o.database = []string{"--tls-cert", o.path("cert.pem"), "--tls-key", o.path("key.pem")}
	o.startServer()
	o.database = nil
	o.operate("", "staff", "facility", "dinkes-99", "Dinas Uji")
	o.operate("", "staff", "facility", "rs-99-001", "Rumah Sakit Uji")
	return o
}

// colleague is somebody's passkey and the browser that they sign in from.
type colleague struct {
	o       *clinic
	id      staff.ActorID
	passkey *stafftest.Authenticator
	browser *stafftest.Signer
	token   string
	nonce   string
	print   string
}

// do sends a request that the browser signs, once more with a nonce when it had none.
func (c *colleague) do(method, path, media, body, purpose string) (int, map[string]any) {
	t := c.o.t
	t.Helper()
	for try := 0; ; try++ {
		r, err := http.NewRequest(method, "https://localhost"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", media)
		claims := stafftest.Request(method, "https://localhost"+r.URL.EscapedPath(), time.Now())
		claims["nonce"] = c.nonce
		if purpose != "" {
			claims["purpose"] = purpose
		}
		if c.token != "" {
			sum := sha256.Sum256([]byte(c.token))
			claims["ath"] = b64url(sum[:])
			r.Header.Set("Authorization", "DPoP "+c.token)
		}
		r.Header.Set("DPoP", c.browser.Proof(t, claims))
		res, err := c.o.web.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var out map[string]any
		var raw bytes.Buffer
		_, err = raw.ReadFrom(res.Body)
		res.Body.Close()
		if err == nil {
			err = json.Unmarshal(raw.Bytes(), &out)
		}
		if err != nil {
			t.Fatalf("%s %s: %d %s %v", method, path, res.StatusCode, raw.String(), err)
		}
		fresh := res.Header.Get("DPoP-Nonce")
		if again := res.StatusCode >= 400 && fresh != "" && c.nonce == "" && try == 0; !again {
			c.nonce = fresh
			return res.StatusCode, out
		}
		c.nonce = fresh
	}
}

// must sends JSON to the console, which has to be taken.
func (c *colleague) must(method, path string, body any) map[string]any {
	c.o.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		c.o.t.Fatal(err)
	}
	status, out := c.do(method, path, "application/json", string(raw), "")
	if status != 200 {
		c.o.t.Fatalf("%s %s: %d %v", method, path, status, out)
	}
	return out
}

// register makes a passkey for an invitation.
func (o *clinic) register(t *testing.T, id staff.ActorID, code string) *colleague {
	t.Helper()
	c := &colleague{o: o, id: id, passkey: stafftest.Passkey(t), browser: stafftest.EC(t)}
	began := c.must("POST", "/console/v1/enrolments/begin", map[string]any{"code": code})
	challenge, err := base64.RawURLEncoding.DecodeString(began["challenge"].(string))
	if err != nil {
		t.Fatal(err)
	}
	attestation, client := c.passkey.Register(at, [32]byte(challenge))
	made := c.must("POST", "/console/v1/enrolments", map[string]any{"code": code, "attestation": b64url(attestation), "client_data": b64url(client)})
	c.print = made["fingerprint"].(string)
	return c
}

func (c *colleague) signIn(long time.Duration) {
	c.o.t.Helper()
	e := c.passkey.Endorses(at, c.id, c.browser.Thumbprint(), time.Now().Add(long-time.Minute))
	got := c.must("POST", "/console/v1/sessions", map[string]any{
		"credential": b64url(c.passkey.Credential), "until": e.Until.Unix(),
		"auth_data": b64url(e.Data), "client_data": b64url(e.Client), "signature": b64url(e.Signature),
	})
	c.token = got["token"].(string)
}

// enrols signs for somebody whose fingerprint was read to them.
func (c *colleague) enrols(other *colleague) map[string]any {
	c.o.t.Helper()
	for _, row := range c.must("GET", "/console/v1/desk", nil)["staff"].([]any) {
		if row := row.(map[string]any); row["id"] == string(other.id) {
			return c.must("POST", "/console/v1/actors/"+string(other.id)+"/"+row["enrol"].(string), map[string]any{"fingerprint": other.print})
		}
	}
	c.o.t.Fatalf("%s is not listed", other.id)
	return nil
}

// opens asks for all of a person, found by NIK.
func (c *colleague) opens(nik, purpose string) (int, map[string]any) {
	c.o.t.Helper()
	form := url.Values{"identifier": {nikSystem + "|" + nik}}
	status, found := c.do("POST", "/fhir/R4/Patient/_search", "application/x-www-form-urlencoded", form.Encode(), "")
	if status != 200 || found["total"] != 1.0 {
		c.o.t.Fatalf("find: %d %v", status, found)
	}
	id := found["entry"].([]any)[0].(map[string]any)["resource"].(map[string]any)["id"].(string)
	return c.do("GET", "/fhir/R4/Patient/"+id+"/$everything", "", "", purpose)
}

// journaled counts how often the keeper's journal names somebody.
func (o *clinic) journaled(id staff.ActorID) int {
	o.t.Helper()
	raw, err := os.ReadFile(o.path("keeper", "journal"))
	if err != nil {
		o.t.Fatal(err)
	}
	return bytes.Count(raw, []byte(id))
}

// TestClinician: from the first officer's invitation to a record on a clinician's screen,
// with the built program over HTTPS: two officers, an elevation, a clinician enrolled by
// an officer. Each opening is in the keeper's journal, the eleventh stranger is refused.
func TestClinician(t *testing.T) {
	o := newClinic(t)
	people := "nik,name,birth_date\n"
	var niks []string
	for n := range 12 {
		niks = append(niks, fmt.Sprintf("99010101019000%02d", n+10))
		people += niks[n] + ",Orang Uji,1990-01-01\n"
	}
	write(t, o.path("people.csv"), people)
	o.operate("", "person", "import", o.path("people.csv"))
	write(t, o.path("dose.json"), `{"resourceType":"Bundle","type":"transaction","entry":[
		{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","identifier":[{"system":"`+nikSystem+`","value":"`+niks[0]+`"}],"name":[{"text":"Orang Uji"}],"birthDate":"1990-01-01"},"request":{"method":"POST","url":"Patient"}},
		{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Immunization","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"208"}]},"patient":{"reference":"urn:uuid:1"},"occurrenceDateTime":"2021-07-01","lotNumber":"LOT-17"},"request":{"method":"POST","url":"Immunization"}}]}`)
	o.operate("", "record", "import", o.path("dose.json"), "--facility", "rs-99-001")
	code := regexp.MustCompile(`[A-Z2-7]{4}(-[A-Z2-7]{4}){5}`)
	first := o.register(t, "officer-1", code.FindString(o.operate("", "staff", "enrol", "officer-1", "--first", "--facility", "dinkes-99")))
	o.operate("", "staff", "confirm", "officer-1", first.print)
	first.signIn(time.Hour)
	second := o.register(t, "officer-2", code.FindString(o.operate("", "staff", "invite", "officer-2", "--facility", "dinkes-99", "--role", "officer")))
	if got := first.enrols(second); got["state"] != "host" {
		t.Fatalf("the second officer: %v", got)
	}
	o.operate("", "staff", "confirm", "officer-2", second.print)
	second.signIn(time.Hour)
	asked := first.must("POST", "/console/v1/requests", map[string]any{"kind": "elevate", "purpose": "enrol a clinician"})["id"].(string)
	id, err := base64.RawURLEncoding.DecodeString(asked)
	if err != nil {
		t.Fatal(err)
	}
	a := second.passkey.Sign(at, staff.ApprovalChallenge(staff.RequestID(id)))
	second.must("POST", "/console/v1/requests/"+asked+"/approval", map[string]any{"auth_data": b64url(a.AuthData), "client_data": b64url(a.ClientData), "signature": b64url(a.Signature)})
	invited := first.must("POST", "/console/v1/invitations", map[string]any{"actor": "staff-17", "facility": "rs-99-001", "role": "clinician"})
	doctor := o.register(t, "staff-17", invited["code"].(string))
	if got := first.enrols(doctor); got["state"] != "done" {
		t.Fatalf("the clinician: %v", got)
	}
	doctor.signIn(12 * time.Hour)
	before := o.journaled("staff-17")
	status, all := doctor.opens(niks[0], "treatment")
	raw, _ := json.Marshal(all)
	if status != 200 || !strings.Contains(string(raw), "LOT-17") {
		t.Fatalf("%d %s", status, raw)
	}
	if n := o.journaled("staff-17") - before; n != 1 {
		t.Errorf("%d entries of the journal name who opened one person", n)
	}
	opened := 1
	for _, nik := range niks[1:] {
		switch status, body := doctor.opens(nik, ""); status {
		case 200:
			opened++
		case 429:
			if !strings.Contains(fmt.Sprint(body), "budget") {
				t.Errorf("refused without saying why: %v", body)
			}
		default:
			t.Fatalf("%d %v", status, body)
		}
	}
	if opened != 10 {
		t.Errorf("%d strangers opened", opened)
	}
	if status, body := doctor.opens(niks[11], "break-glass"); status != 200 {
		t.Errorf("in an emergency: %d %v", status, body)
	}
	if status, _ := first.opens(niks[0], ""); status != 403 {
		t.Errorf("an officer: %d", status)
	}
}
