package fhir

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/flow/care"
	format "github.com/amanah-project/amanah/internal/format/fhir"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/web/pace"
)

// TestLife: a record is created, read, corrected, and its versions and history read.
func TestLife(t *testing.T) {
	s := newStand(t)
	w := s.ask("POST", Base+"/Immunization", immunization("1", "2022-07-01"), 201)
	m := read(t, w)
	at := Base + "/Immunization/" + m.ID
	if m.ID != "1-65538" || m.Meta.VersionID != "1" || w.Header().Get("ETag") != `W/"1"` ||
		w.Header().Get("Location") != "https://"+testHost+at+"/_history/1" || w.Header().Get("Last-Modified") == "" {
		t.Fatalf("%v %s", w.Header(), w.Body)
	}
	if !strings.Contains(w.Body.String(), `"value":0.30`) {
		t.Errorf("a number lost its digits: %s", w.Body)
	}
	if w := s.ask("GET", at, "", 200); !strings.Contains(w.Header().Get("Content-Type"), formFHIR) || read(t, w).ID != m.ID {
		t.Errorf("%v %s", w.Header(), w.Body)
	}
	if w := s.ask("GET", at, "", 304, "If-None-Match", `W/"1"`); w.Body.Len() != 0 || w.Header().Get("ETag") != `W/"1"` {
		t.Errorf("%v %s", w.Header(), w.Body)
	}
	s.ask("GET", at, "", 304, "If-Modified-Since", w.Header().Get("Last-Modified"))
	s.ask("GET", at, "", 200, "If-None-Match", `W/"2"`, "If-Modified-Since", w.Header().Get("Last-Modified"))
	s.ask("HEAD", at, "", 405)

	next := strings.Replace(strings.Replace(immunization("1", "2022-07-02"), "{", `{"id":"`+m.ID+`",`, 1), "completed", "entered-in-error", 1)
	s.ask("PUT", at, next, 428)
	s.ask("PUT", at, next, 412, "If-Match", `W/"2"`)
	s.ask("PUT", at, next, 400, "If-Match", `*`)
	if w := s.ask("PUT", at, next, 200, "If-Match", `W/"1"`); w.Header().Get("ETag") != `W/"2"` {
		t.Errorf("%v", w.Header())
	}
	s.ask("PUT", at, next, 412, "If-Match", `W/"1"`)
	s.ask("GET", at+"/_history/1", "", 200)
	if w := s.ask("GET", at+"/_history/2", "", 200); !strings.Contains(w.Body.String(), "entered-in-error") {
		t.Error(w.Body)
	}
	s.ask("GET", at+"/_history/3", "", 404)
	s.ask("GET", at+"/_history/01", "", 404)
	h := read(t, s.ask("GET", at+"/_history", "", 200))
	if h.Type != "history" || *h.Total != 2 || len(h.Entry) != 2 || !strings.Contains(string(h.Entry[0].Resource), "entered-in-error") {
		t.Errorf("%+v", h)
	}
	s.ask("GET", Base+"/Observation/"+m.ID, "", 404) // of another type
	s.ask("GET", Base+"/Observation/"+m.ID+"/_history", "", 404)
	for prefer, body := range map[string]string{"return=minimal": "", "return=OperationOutcome": "OperationOutcome", "return=representation": "Immunization"} {
		w := s.ask("POST", Base+"/Immunization", immunization("1", "2022-07-03"), 201, "Prefer", prefer)
		if body == "" && w.Body.Len() > 0 || body != "" && read(t, w).ResourceType != body {
			t.Errorf("%s: %s", prefer, w.Body)
		}
	}
}

// TestRefusals: each has its status and issue type.
func TestRefusals(t *testing.T) {
	s := newStand(t)
	id := read(t, s.ask("POST", Base+"/Immunization", immunization("1", "2022-07-01"), 201)).ID
	good := immunization("1", "2022-07-01")
	for _, c := range []struct {
		method, path, body string
		status             int
		code               string
		header             []string
	}{
		{"POST", "/Immunization", `{"resourceType":"Immunization"`, 400, "structure", nil},
		{"POST", "/Immunization", strings.Replace(good, "completed", "done", 1), 400, "code-invalid", nil},
		{"POST", "/Immunization", good, 415, "not-supported", []string{"Content-Type", "application/xml"}},
		{"POST", "/Immunization", good, 415, "not-supported", []string{"Content-Type", "application/fhir+json; fhirVersion=3.0"}},
		{"POST", "/Immunization", good, 415, "not-supported", []string{"Content-Encoding", "gzip"}},
		{"POST", "/Immunization", good, 406, "not-supported", []string{"Accept", "application/fhir+xml"}},
		{"POST", "/Immunization?_format=xml", good, 406, "not-supported", nil},
		{"POST", "/Immunization", good, 400, "not-supported", []string{"Prefer", "respond-async"}},
		{"POST", "/Immunization", good, 400, "not-supported", []string{"If-None-Exist", "identifier=x"}},
		{"POST", "/Observation", good, 400, "value", nil},
		{"POST", "/Immunisation", good, 404, "not-supported", nil},
		{"POST", "/Bundle", `{}`, 400, "not-supported", nil},
		{"POST", "/Immunization", strings.Replace(good, "Patient/1", "Patient/2", 1), 422, "business-rule", nil},
		{"PUT", "/Immunization/my-own", good, 405, "not-supported", []string{"If-Match", `W/"1"`}},
		{"PUT", "/Immunization/" + id, good, 400, "value", []string{"If-Match", `W/"1"`}},
		{"PUT", "/Immunization/1-99999", strings.Replace(good, "{", `{"id":"1-99999",`, 1), 404, "not-found", []string{"If-Match", `W/"1"`}},
		{"GET", "/Immunization/x", "", 404, "not-found", nil},
		{"GET", "/Immunization/1", "", 404, "not-found", nil},
		{"GET", "/Patient/1-65538", "", 404, "not-found", nil},
		{"GET", "/Patient/9", "", 404, "not-found", nil},
		{"GET", "/Patient/666", "", 429, "throttled", nil},
		{"GET", "/Patient/1/Nothing", "", 404, "not-supported", nil},
		{"GET", "/Observation/1-65538/Immunization", "", 404, "not-supported", nil},
		{"GET", "/Observation/1-65538/$everything", "", 404, "not-supported", nil},
		{"GET", "/Patient/1/Immunization?colour=red", "", 400, "not-supported", nil},
		{"GET", "/Patient/1/Immunization?code:in=x", "", 400, "not-supported", nil},
		{"GET", "/Patient/1/Immunization?date=soon", "", 400, "value", nil},
		{"GET", "/Patient/1/Immunization?_count=1001", "", 400, "value", nil},
		{"GET", "/Immunization?patient=1", "", 400, "not-supported", nil},
		{"GET", "/Patient?name=Ani", "", 400, "not-supported", nil},
		{"GET", "/Patient", "", 400, "not-supported", nil},
		{"GET", "/Patient?identifier=" + url.QueryEscape(record.NIKSystem+"|12"), "", 400, "value", nil},
		{"POST", "/Patient/_search", "identifier=x", 415, "not-supported", nil},
		{"DELETE", "/Immunization/" + id, "", 405, "not-supported", nil},
		{"PATCH", "/Immunization/" + id, "[]", 405, "not-supported", nil},
		{"GET", "/a/b/c/d/e", "", 404, "not-supported", nil},
		{"POST", "", good, 400, "not-supported", nil},
		{"POST", "", `{"resourceType":"Bundle","type":"transaction"}`, 400, "required", nil},
		{"POST", "", `{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"GET","url":"Patient/1"}}]}`, 400, "not-supported", nil},
	} {
		w := s.ask(c.method, Base+c.path, c.body, c.status, c.header...)
		if m := read(t, w); m.Issue[0].Code != c.code {
			t.Errorf("%s %s: %+v, want %s", c.method, c.path, m.Issue, c.code)
		}
		if c.status == 429 && w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", c.path)
		}
	}
	if w := s.ask("GET", Base+"/Immunization?patient=1", "", 400); !strings.Contains(w.Body.String(), "Patient/{id}/{type}") {
		t.Errorf("it does not say where to search: %s", w.Body)
	}
}

// TestWho: nothing is told to who has no token, or shows one that is not theirs, or a
// proof for something else. What a bearer may do is the control.
func TestWho(t *testing.T) {
	s := newStand(t)
	id := read(t, s.ask("POST", Base+"/Immunization", immunization("1", "2022-07-01"), 201)).ID
	opened := s.ward.asked
	path := Base + "/Immunization/" + id
	for name, c := range map[string]struct {
		alter     func(*http.Request)
		status    int
		challenge string
	}{
		"nobody":           {func(r *http.Request) { r.Header.Del("Authorization") }, 401, "DPoP algs"},
		"foreign token":    {func(r *http.Request) { r.Header.Set("Authorization", "DPoP "+s.bound[:len(s.bound)-2]+"xx") }, 401, "invalid_token"},
		"two tokens":       {func(r *http.Request) { r.Header.Add("Authorization", "Bearer "+s.bearer) }, 401, "invalid_token"},
		"bound as bearer":  {func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+s.bound) }, 401, "invalid_dpop_proof"},
		"bearer":           {func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+s.bearer) }, 403, ""},
		"bearer as bound":  {func(r *http.Request) { r.Header.Set("Authorization", "DPoP "+s.bearer) }, 401, ""},
		"no proof":         {func(r *http.Request) { r.Header.Del("DPoP") }, 401, "invalid_dpop_proof"},
		"two proofs":       {func(r *http.Request) { r.Header.Add("DPoP", s.proof("GET", path)) }, 401, "invalid_dpop_proof"},
		"for another path": {func(r *http.Request) { r.Header.Set("DPoP", s.proof("GET", Base+"/Patient/1")) }, 401, "invalid_dpop_proof"},
		"for another act":  {func(r *http.Request) { r.Header.Set("DPoP", s.proof("PUT", path)) }, 401, "invalid_dpop_proof"},
	} {
		r := s.request("GET", path, "")
		c.alter(r)
		if w := s.send(r); w.Code != c.status || !strings.Contains(w.Header().Get("WWW-Authenticate"), c.challenge) {
			t.Errorf("%s: %d %q %s", name, w.Code, w.Header().Get("WWW-Authenticate"), w.Body)
		}
	}
	if s.ward.asked != opened {
		t.Errorf("the keeper was asked %d times", s.ward.asked-opened)
	}
	r := s.request("GET", path, "")
	if w := s.send(r); w.Code != 200 {
		t.Fatalf("control: %d %s", w.Code, w.Body)
	}
	if w := s.send(r); w.Code != 403 { // the keeper took the proof
		t.Errorf("again: %d %s", w.Code, w.Body)
	}
	r = s.request("POST", Base+"/Immunization", immunization("1", "2022-07-01"))
	r.Header.Set("Authorization", "Bearer "+s.bearer)
	if w := s.send(r); w.Code != 201 {
		t.Errorf("a bearer enters: %d %s", w.Code, w.Body)
	}
	r = s.request("POST", Base+"/Immunization", immunization("1", "2022-07-01"))
	s.send(r)
	if w := s.send(r); w.Code != 401 {
		t.Errorf("a write's proof was taken twice: %d %s", w.Code, w.Body)
	}
	s.at = s.at.Add(2 * 60 * 60 * 1e9)
	if w := s.send(s.request("GET", path, "")); w.Code != 401 || read(t, w).Issue[0].Code != "expired" {
		t.Errorf("after its time: %d %s", w.Code, w.Body)
	}
}

// TestNonce: a client without a nonce is given one and told to use it.
func TestNonce(t *testing.T) {
	s := newStand(t)
	r := s.request("GET", Base+"/Patient/1", "")
	s.at = s.at.Add(6 * 60 * 1e9) // its nonce is too old
	w := s.send(r)
	if w.Code != 401 || !strings.Contains(w.Header().Get("WWW-Authenticate"), "use_dpop_nonce") || w.Header().Get("DPoP-Nonce") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// TestPace: who asks too fast is told when to come back.
func TestPace(t *testing.T) {
	s := newStand(t)
	s.server.Pace = pace.New(0.1, 2)
	for range 2 {
		s.ask("GET", Base+"/Patient?identifier="+url.QueryEscape(record.NIKSystem+"|"+testNIK), "", 200)
	}
	if w := s.ask("GET", Base+"/Patient/1", "", 429); w.Header().Get("Retry-After") == "" {
		t.Errorf("%v", w.Header())
	}
}

// TestLimits: too large a body is refused before it is read, and too many at once.
func TestLimits(t *testing.T) {
	s := newStand(t)
	r := s.request("POST", Base+"/Immunization", immunization("1", "2022-07-01"))
	r.ContentLength = maxResource + 1
	if w := s.send(r); w.Code != 413 || read(t, w).Issue[0].Code != "too-long" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	r = s.request("POST", Base+"/Immunization", strings.Repeat(" ", maxResource+1))
	r.ContentLength = -1
	if w := s.send(r); w.Code != 413 {
		t.Errorf("of unknown length: %d %s", w.Code, w.Body)
	}
	s.ask("POST", Base+"/Immunization", strings.Repeat(`{"a":`, 100)+"1"+strings.Repeat("}", 100), 400)
	s.server.flight.Store(maxFlight)
	s.ask("POST", Base+"/Immunization", immunization("1", "2022-07-01"), 429)
	s.server.flight.Store(0)
	s.ask("POST", Base+"/Immunization", immunization("1", "2022-07-01"), 201)
	if n := s.server.flight.Load(); n != 0 {
		t.Errorf("%d bytes are counted as read", n)
	}
}

// TestFind: a person is found by their NIK, and nothing of them is told but a number.
func TestFind(t *testing.T) {
	s := newStand(t)
	form := url.Values{"identifier": {record.NIKSystem + "|" + testNIK}}.Encode()
	for _, r := range []*http.Request{
		s.request("GET", Base+"/Patient?"+form, ""),
		s.request("POST", Base+"/Patient/_search", form),
	} {
		if r.Method == "POST" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		w := s.send(r)
		m := read(t, w)
		if w.Code != 200 || *m.Total != 1 || string(m.Entry[0].Resource) != `{"resourceType":"Patient","id":"1"}` || strings.Contains(w.Body.String(), testNIK) {
			t.Errorf("%s: %d %s", r.Method, w.Code, w.Body)
		}
	}
	none := url.Values{"identifier": {record.NIKSystem + "|9901015703840002"}}.Encode()
	if m := read(t, s.ask("GET", Base+"/Patient?"+none, "", 200)); *m.Total != 0 || len(m.Entry) != 0 {
		t.Errorf("%+v", m)
	}
}

// TestCompartment: within one person records are found by what they are.
func TestCompartment(t *testing.T) {
	s := newStand(t)
	for _, on := range []string{"2022-01-01", "2022-02-01", "2022-03-01"} {
		s.ask("POST", Base+"/Immunization", immunization("1", on), 201)
	}
	for query, want := range map[string]int{
		"": 3, "code=208": 3, "code=http://hl7.org/fhir/sid/cvx|208": 3, "code=http://loinc.org|208": 0, "code=207,208": 3, "code=207": 0,
		"vaccine-code=208": 3, "date=2022-02-01": 1, "date=2022": 3, "date=gt2022-01-31": 2, "date=ge2022-02-01&date=lt2022-03-01": 1,
		"status=completed": 3, "status=not-done": 0, "date=eb2022-02-01": 1, "date=ne2022-02": 2, "_id=1-65539": 1, "_lastUpdated=2022-08-01": 3,
	} {
		m := read(t, s.ask("GET", Base+"/Patient/1/Immunization?"+query, "", 200))
		if m.Type != "searchset" || *m.Total != want || len(m.Entry) != want {
			t.Errorf("%s: %d, want %d", query, *m.Total, want)
		}
	}
	seen, path := 0, Base+"/Patient/1/Immunization?_count=2"
	for path != "" {
		m := read(t, s.ask("GET", path, "", 200))
		seen += len(m.Entry)
		path = ""
		for _, l := range m.Link {
			if l.Relation == "next" {
				path = strings.TrimPrefix(l.URL, "https://"+testHost)
			}
		}
	}
	if seen != 3 {
		t.Errorf("%d records on all pages", seen)
	}
	if m := read(t, s.ask("GET", Base+"/Patient/1/Immunization?_count=0", "", 200)); *m.Total != 3 || len(m.Entry) != 0 {
		t.Errorf("%+v", m)
	}
	if m := read(t, s.ask("GET", Base+"/Patient/1/$everything?_type=Immunization", "", 200)); *m.Total != 3 {
		t.Errorf("%+v", m)
	}
}

// TestRelation: a facility says whom it treats, and the keeper is shown what it signed.
func TestRelation(t *testing.T) {
	s := newStand(t)
	var got keeper.Relation
	s.server.Relate = func(_ context.Context, ask keeper.Ask, r keeper.Relation) error {
		if got = r; ask.Proof == "" {
			return keeper.ErrActor
		}
		return nil
	}
	s.ask("POST", Base+"/Patient/1/relation/2022-12-31", "", 200)
	if got.Person != 1 || got.Facility != "rs-99-001" || got.Until.UTC().Format(time.RFC3339) != "2022-12-31T17:00:00Z" {
		t.Errorf("%+v", got)
	}
	s.ask("POST", Base+"/Patient/1/relation/tomorrow", "", 400)
	s.ask("POST", Base+"/Observation/1-65538/relation/2022-12-31", "", 404)
	r := s.request("POST", Base+"/Patient/1/relation/2022-12-31", "")
	r.Header.Set("Authorization", "Bearer "+s.bearer)
	if w := s.send(r); w.Code != 403 {
		t.Errorf("a bearer: %d", w.Code)
	}
}

// TestBatch: each entry of a batch is done by itself, and told of by itself.
func TestBatch(t *testing.T) {
	s := newStand(t)
	id := read(t, s.ask("POST", Base+"/Immunization", immunization("1", "2022-07-01"), 201)).ID
	entry := func(resource, method, url, more string) string {
		return fmt.Sprintf(`{"resource":%s,"request":{"method":%q,"url":%q%s}}`, resource, method, url, more)
	}
	good := immunization("1", "2022-07-02")
	named := strings.Replace(good, "{", `{"id":"`+id+`",`, 1)
	bundle := `{"resourceType":"Bundle","type":"batch","entry":[` + strings.Join([]string{
		entry(good, "POST", "Immunization", ""),
		entry(named, "PUT", "Immunization/"+id, `,"ifMatch":"W/\"1\""`),
		entry(named, "PUT", "Immunization/"+id, `,"ifMatch":"W/\"1\""`),
		entry(named, "PUT", "Immunization/"+id, ""),
		entry(strings.Replace(good, "Patient/1", "Patient/5", 1), "POST", "Immunization", ""),
		entry(good, "POST", "Observation", ""),
		entry(good, "POST", "Immunization", `,"ifNoneExist":"x=y"`),
		`{"request":{"method":"GET","url":"Patient/1"}}`,
	}, ",") + `]}`
	m := read(t, s.ask("POST", Base+"/", bundle, 200))
	var got []string
	for _, e := range m.Entry {
		got = append(got, e.Response.Status[:3])
	}
	if want := []string{"201", "200", "412", "428", "422", "400", "400", "400"}; m.Type != "batch-response" || !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	transaction := strings.Replace(bundle, `"batch"`, `"transaction"`, 1)
	if m := read(t, s.ask("POST", Base, transaction, 428)); m.Issue[0].Expression[0] != "Bundle.entry[3].request" {
		t.Errorf("%+v", m.Issue)
	}
}

// TestTransactions: real bundles are entered whole, references and all; whose name is
// another's waits; who is not registered is refused; each invalid file is refused with
// its place.
func TestTransactions(t *testing.T) {
	s := newStand(t)
	names, err := filepath.Glob("../../format/fhir/testdata/valid/id-dev-*.json")
	if err != nil || len(names) == 0 {
		t.Fatal("no bundles", err)
	}
	digits := regexp.MustCompile(`"(99[0-9]{14})"`)
	for i, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		nik := digits.FindSubmatch(raw)[1]
		delete(s.ward.niks, string(nik))
		s.ask("POST", Base, string(raw), 422)
		s.ward.niks[string(nik)] = identity.PersonID(100 + i)
		m := read(t, s.ask("POST", Base, string(raw), 200, "Prefer", "return=representation"))
		if m.Type != "transaction-response" || len(m.Entry) < 3 {
			t.Errorf("%s: %+v", name, m)
		}
		for _, e := range m.Entry {
			at, _, _ := strings.Cut(e.Response.Location, "/_history")
			w := s.ask("GET", Base+"/"+at, "", 200)
			if strings.Contains(w.Body.String(), "urn:uuid") || !strings.HasPrefix(e.Response.Status, "201") {
				t.Errorf("%s: %s points to what was in the bundle", at, e.Response.Status)
			}
			if string(e.Resource) != w.Body.String() {
				t.Errorf("%s: told\n%s, kept\n%s", at, e.Resource, w.Body)
			}
		}
		if m := read(t, s.ask("POST", Base, string(raw), 200)); !strings.HasPrefix(m.Entry[0].Response.Status, "200") {
			t.Errorf("%s: the Patient again is %s", name, m.Entry[0].Response.Status)
		}
	}
	raw, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	other := strings.ReplaceAll(string(raw), "Ani Contoh", "Nama Lain")
	m := read(t, s.ask("POST", Base, other, 200))
	for _, e := range m.Entry {
		if e.Response.Status != "202 Accepted" || e.Response.Location != "" || !strings.Contains(e.Response.Outcome.Issue[0].Diagnostics, "quarantine under 7") {
			t.Errorf("%+v", e.Response)
		}
	}
	n := 0
	two := regexp.MustCompile(`"reference": "urn:uuid:[^"]*"`).ReplaceAllStringFunc(string(raw), func(string) string {
		n++
		return fmt.Sprintf(`"reference": "Patient/%d"`, 100+n%2)
	})
	s.ask("POST", Base, two, 422)
}

// TestInvalid: each invalid file is refused with its place.
func TestInvalid(t *testing.T) {
	s := newStand(t)
	invalid, err := filepath.Glob("../../format/fhir/testdata/invalid/*.json")
	if err != nil || len(invalid) < 10 {
		t.Fatal("no invalid files", err)
	}
	for _, name := range invalid {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var of struct{ ResourceType string }
		_ = json.Unmarshal(raw, &of) // of one that is no JSON the name says it
		path := Base + "/" + of.ResourceType
		if of.ResourceType == "" {
			path = Base + "/Patient"
		}
		if of.ResourceType == "Bundle" {
			path = Base
		}
		m := read(t, s.ask("POST", path, string(raw), 400))
		if m.Issue[0].Diagnostics == "" {
			t.Errorf("%s: %+v", name, m.Issue)
		}
	}
}

// TestCapabilities: what the statement says is what is served, and nothing more.
func TestCapabilities(t *testing.T) {
	s := newStand(t)
	w := s.send(s.request("GET", Base+"/metadata", ""))
	var c capability
	if err := json.Unmarshal(w.Body.Bytes(), &c); err != nil || w.Code != 200 {
		t.Fatalf("%d %v", w.Code, err)
	}
	if _, err := s.server.Reader.Read(w.Body.Bytes()); err != nil {
		t.Error(err)
	}
	said := map[string]bool{"capabilities": true, "compartment": true, "relation": true} // these in words
	for _, i := range c.Rest[0].Interaction {
		said[i.Code] = true
	}
	for _, r := range c.Rest[0].Resource {
		for _, i := range r.Interaction {
			said[i.Code] = true
		}
		for _, o := range r.Operation {
			said[o.Name] = true
		}
	}
	for _, i := range table() {
		if !said[i.code] {
			t.Errorf("%s is served and not said", i.code)
		}
		delete(said, "")
	}
	for _, code := range []string{"delete", "patch", "history-type", "history-system", "search-system"} {
		if said[code] {
			t.Errorf("%s is said and not served", code)
		}
	}
	if len(s.mux.Patterns()) != len(table()) {
		t.Errorf("%d routes for %d rows", len(s.mux.Patterns()), len(table()))
	}
	if w := s.send(s.request("GET", Base+"/metadata?_format=application/fhir%2Bjson", "")); w.Code != 200 {
		t.Errorf("with _format: %d", w.Code)
	}
}

// TestFaultTable: no error stands in two rows, and those of other packages have the
// status that FHIR gives them.
func TestFaultTable(t *testing.T) {
	seen := map[error]bool{}
	for _, r := range faults() {
		for _, err := range r.of {
			if seen[err] {
				t.Errorf("%v stands twice", err)
			}
			seen[err] = true
		}
	}
	for err, want := range map[error]int{
		keeper.ErrErased: 410, keeper.ErrBudget: 429, keeper.ErrActor: 403, keeper.ErrUnavailable: 503, keeper.ErrWriting: 429,
		keeper.ErrHead: 409, record.ErrRef: 404, record.ErrNone: 404, record.ErrVersion: 412, record.ErrSubject: 422, record.ErrClaim: 422,
		record.ErrNobody: 422, record.ErrRestricted: 403, record.ErrMoved: 409, care.ErrPatients: 422, errors.New("x"): 500, &format.Invalid{Issues: []format.Issue{{}}}: 400,
	} {
		if got, _ := statusOf(fmt.Errorf("wrapped: %w", err)); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
}
