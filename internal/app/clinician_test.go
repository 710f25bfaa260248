package app

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/flow/care"
	vaultflow "github.com/amanah-project/amanah/internal/flow/document"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/web/route"
)

// number finds the number of a person by their NIK, as a role.
func (w *ward) number(who fhirRole, nik string) string {
	w.t.Helper()
	form := url.Values{"identifier": {record.NIKSystem + "|" + nik}}
	out := w.send(who, "POST", "/fhir/R4/Patient/_search", "application/x-www-form-urlencoded", form.Encode())
	var b struct {
		Entry []struct{ Resource struct{ ID string } }
	}
	if err := json.Unmarshal(out.Body.Bytes(), &b); err != nil || len(b.Entry) != 1 {
		w.t.Fatalf("find: %d %s", out.Code, out.Body)
	}
	return b.Entry[0].Resource.ID
}

// everything opens all of a person for the clinician, over HTTPS.
func (w *ward) everything(at *httptest.Server, person, purpose string) (int, string) {
	w.t.Helper()
	path := "/fhir/R4/Patient/" + person + "/$everything"
	r, err := http.NewRequestWithContext(w.t.Context(), "GET", at.URL+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	held := w.held[signedIn]
	sum := sha256.Sum256([]byte(held))
	c := stafftest.Request("GET", "https://localhost"+path, time.Now())
	c["ath"], c["nonce"] = base64.RawURLEncoding.EncodeToString(sum[:]), w.server.nonces.Give()
	if purpose != "" {
		c["purpose"] = purpose
	}
	r.Header.Set("Authorization", "DPoP "+held)
	r.Header.Set("DPoP", w.browser.Proof(w.t, c))
	res, err := at.Client().Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(res.Body); err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, body.String()
}

// TestClinicianReads: a clinician whom an officer enrolled opens a person whom the
// facility treats, over HTTPS; each opening is one intent in the keeper's journal;
// strangers are ten an hour, and the answer says why; an officer opens nobody.
func TestClinicianReads(t *testing.T) {
	w := newWard(t)
	w.entered()
	web := httptest.NewTLSServer(w.public)
	t.Cleanup(web.Close)
	until := day.Of(time.Now()).Add(7).String()
	if out := w.send(signingOne, "POST", "/fhir/R4/Patient/"+w.person+"/relation/"+until, "", ""); out.Code != 200 {
		t.Fatalf("%d %s", out.Code, out.Body)
	}
	intents := func() uint64 {
		h, err := w.admin.Health(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return h.Intents
	}
	before := intents()
	status, body := w.everything(web, w.number(signedIn, w.nik), "")
	if status != 200 || !strings.Contains(body, w.recorded) || intents() != before+1 {
		t.Fatalf("%d %s, %d intents", status, body, intents()-before)
	}
	opened := 0
	var last, refused string
	for n := range 12 {
		nik := fmt.Sprintf("99010101019001%02d", n+10)
		w.register(nik, "Orang Lain", "1990-01-01")
		last = w.number(signedIn, nik)
		status, body := w.everything(web, last, "")
		switch status {
		case 200:
			opened++
		case 429:
			refused = body
		default:
			t.Fatalf("%d %s", status, body)
		}
	}
	if opened != 10 || !strings.Contains(refused, "throttled") || !strings.Contains(refused, "budget") || intents() != before+11 {
		t.Errorf("%d strangers opened, %d intents; refused with %s", opened, intents()-before, refused)
	}
	if status, body := w.everything(web, last, keeper.PurposeBreakGlass); status != 200 {
		t.Errorf("in an emergency: %d %s", status, body)
	}
	if out := w.send(signingOne, "POST", "/fhir/R4/Patient/"+last+"/relation/"+until, "", ""); out.Code != 200 {
		t.Fatalf("%d %s", out.Code, out.Body)
	}
	if status, body := w.everything(web, last, ""); status != 200 {
		t.Errorf("once the facility treats them: %d %s", status, body)
	}
	if status, body := w.everything(web, w.person, "research"); status != 403 {
		t.Errorf("for another purpose: %d %s", status, body)
	}
	w.held[signedIn] = base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	if status, body := w.everything(web, w.person, ""); status != 401 {
		t.Errorf("not signed in: %d %s", status, body)
	}
}

// TestBinary: a document that was kept as one is found by a DocumentReference and given
// byte for byte, in ranges and as a resource; a Binary in a transaction is what its
// DocumentReference's url leads to.
func TestBinary(t *testing.T) {
	w := newWard(t)
	w.entered()
	raw := append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte{1, 2, 3, 0}, 60<<10)...)
	who, err := record.ParseRef(w.person)
	if err != nil {
		t.Fatal(err)
	}
	flow := &vaultflow.Flow{Vault: w.server.vault, Records: w.server.care}
	by := care.Caller{Actor: "client-rs-99-001", Facility: "rs-99-001", Role: staff.RoleClient, Rights: staff.Enter}
	kept, err := flow.Put(t.Context(), by, vaultflow.Incoming{From: bytes.NewReader(raw), Person: who.Person, Kind: record.Photo, ContentType: "image/png", Source: "photo"})
	if err != nil {
		t.Fatal(err)
	}
	name := kept.Ref.String()
	list := w.send(signingOne, "GET", "/fhir/R4/Patient/"+w.person+"/DocumentReference", "", "")
	var found struct {
		Total int
		Entry []struct {
			Resource struct {
				ID      string
				Content []struct {
					Attachment struct{ URL, ContentType string }
				}
			}
		}
	}
	if err := json.Unmarshal(list.Body.Bytes(), &found); err != nil || found.Total != 1 || found.Entry[0].Resource.ID != name || found.Entry[0].Resource.Content[0].Attachment.URL != "Binary/"+name {
		t.Fatalf("%d %s", list.Code, list.Body)
	}
	if out := w.send(signedIn, "GET", "/fhir/R4/DocumentReference/"+name, "", ""); out.Code != 200 || !strings.Contains(out.Body.String(), `"Binary/`+name) {
		t.Errorf("%d %s", out.Code, out.Body)
	}
	out := w.send(signingOne, "GET", "/fhir/R4/Binary/"+name, "", "", "Accept", "image/png")
	if out.Code != 200 || !bytes.Equal(out.Body.Bytes(), raw) || out.Header().Get("Content-Type") != "image/png" || out.Header().Get("Cache-Control") != "no-store" || out.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d, %d bytes, %v", out.Code, out.Body.Len(), out.Header())
	}
	if name := out.Header().Get(route.ViewHeader); !viewName.MatchString(name) { // beside the file, whose bytes are as they were
		t.Errorf("the view of a document is %q", name)
	}
	if out := w.send(signingOne, "GET", "/fhir/R4/Binary/"+name, "", "", "Range", "bytes=100000-100999"); out.Code != 206 || !bytes.Equal(out.Body.Bytes(), raw[100000:101000]) {
		t.Errorf("a range: %d, %d bytes", out.Code, out.Body.Len())
	}
	if out := w.send(signingOne, "GET", "/fhir/R4/Binary/"+name, "", "", "Range", "bytes=900000-"); out.Code != 416 {
		t.Errorf("beyond the end: %d", out.Code)
	}
	var resource struct {
		ResourceType, ID, ContentType string
		Data                          []byte
	}
	out = w.send(signingOne, "GET", "/fhir/R4/Binary/"+name, "", "", "Accept", "application/fhir+json")
	if err := json.Unmarshal(out.Body.Bytes(), &resource); err != nil || resource.ResourceType != "Binary" || resource.ID != name || !bytes.Equal(resource.Data, raw) {
		t.Errorf("as a resource: %d %v", out.Code, err)
	}
	if out := w.send(signingOne, "GET", "/fhir/R4/Binary/"+w.recorded, "", ""); out.Code != 404 {
		t.Errorf("a record that is no document: %d %s", out.Code, out.Body)
	}
	text := []byte("hasil laboratorium\n")
	b := fmt.Sprintf(`{"resourceType":"Bundle","type":"transaction","entry":[
		{"fullUrl":"urn:uuid:5c0a1e0e-1111-4a4a-9b9b-000000000001","resource":{"resourceType":"Binary","contentType":"text/plain","securityContext":{"reference":"Patient/%[1]s"},"data":%[2]q},"request":{"method":"POST","url":"Binary"}},
		{"fullUrl":"urn:uuid:5c0a1e0e-1111-4a4a-9b9b-000000000002","resource":{"resourceType":"DocumentReference","status":"current","subject":{"reference":"Patient/%[1]s"},"content":[{"attachment":{"contentType":"text/plain","url":"urn:uuid:5c0a1e0e-1111-4a4a-9b9b-000000000001"}}]},"request":{"method":"POST","url":"DocumentReference"}}]}`,
		w.person, base64.StdEncoding.EncodeToString(text))
	if out := w.send(signingOne, "POST", "/fhir/R4", "application/fhir+json", b); out.Code != 200 {
		t.Fatalf("%d %s", out.Code, out.Body)
	}
	list = w.send(signingOne, "GET", "/fhir/R4/Patient/"+w.person+"/DocumentReference", "", "")
	if err := json.Unmarshal(list.Body.Bytes(), &found); err != nil || found.Total != 2 {
		t.Fatalf("%d %s", list.Code, list.Body)
	}
	for _, e := range found.Entry {
		if e.Resource.ID == name {
			continue
		}
		out := w.send(signingOne, "GET", "/fhir/R4/"+e.Resource.Content[0].Attachment.URL, "", "", "Accept", "text/plain")
		if sum := sha256.Sum256(out.Body.Bytes()); out.Code != 200 || sum != sha256.Sum256(text) {
			t.Errorf("%s: %d %s", e.Resource.Content[0].Attachment.URL, out.Code, hex.EncodeToString(sum[:]))
		}
	}
}
