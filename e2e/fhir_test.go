package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/format/fhir/fhirtest"
)

const nikSystem = "https://fhir.kemkes.go.id/id/nik"

// hospital is a facility's system at a running country: it has a secret, and enters.
type hospital struct {
	*country
	token string
}

func newHospital(t *testing.T, database ...string) *hospital {
	t.Helper()
	h := &hospital{country: newCountry(t, program, database...)}
	h.operate("", "staff", "facility", "rs-99-001", "Rumah Sakit Uji")
	h.operate("", "facility", "client", "add", "client-rs-99-001", "--facility", "rs-99-001", "--secret-out", h.path("secret"))
	secret, err := os.ReadFile(h.path("secret"))
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"client_id": {"client-rs-99-001"}, "client_secret": {strings.TrimSpace(string(secret))}}
	res, err := http.PostForm("http://"+h.listen+"/oauth2/v1/accesstoken?grant_type=client_credentials", form)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var granted struct {
		Access string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&granted); err != nil || granted.Access == "" {
		t.Fatalf("no token: %s %v", res.Status, err)
	}
	h.token = granted.Access
	return h
}

// fhirAnswer is what of an answer is looked at.
type fhirAnswer struct {
	ResourceType, ID string
	Entry            []struct {
		Resource struct{ ID string }
		Response struct{ Status, Location string }
	}
	Issue []struct {
		Code, Diagnostics string
		Expression        []string
	}
}

func (h *hospital) fhir(method, path, body string) (int, fhirAnswer) {
	h.t.Helper()
	req, err := http.NewRequest(method, "http://"+h.listen+"/fhir/R4"+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/fhir+json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	var a fhirAnswer
	if err := json.Unmarshal(raw, &a); err != nil {
		h.t.Fatalf("%s %s: %s %s", method, path, res.Status, raw)
	}
	return res.StatusCode, a
}

// number finds a person by their NIK.
func (h *hospital) number(nik string) string {
	h.t.Helper()
	status, a := h.fhir("GET", "/Patient?identifier="+url.QueryEscape(nikSystem+"|"+nik), "")
	if status != 200 || len(a.Entry) != 1 {
		h.t.Fatalf("find: %d %+v", status, a)
	}
	return a.Entry[0].Resource.ID
}

// TestImmunizationToColour: a hospital posts vaccinations as FHIR, and the person's next
// check-in shows the new colour. Nobody is named in what the server prints.
func TestImmunizationToColour(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, database ...string) {
		h := newHospital(t, database...)
		const nik = "9901025509850002"
		before := h.ask(h.phones["2"], "checkin", "--code", h.entry)
		if before["colour"] == "green" {
			t.Fatalf("control: before the vaccinations: %v", before)
		}
		who := h.number(nik)
		for _, ago := range []int{300, 270, 100} {
			dose := fmt.Sprintf(`{"resourceType":"Immunization","status":"completed","patient":{"reference":"Patient/%s"},"occurrenceDateTime":%q,
				"vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"511"}]}}`, who, time.Now().AddDate(0, 0, -ago).Format(time.DateOnly))
			if status, a := h.fhir("POST", "/Immunization", dose); status != 201 || !strings.HasPrefix(a.ID, who+"-") {
				t.Fatalf("%d %+v", status, a)
			}
		}
		var after map[string]any
		for range 8 { // colours follow at once, and are counted: 12 a day
			time.Sleep(500 * time.Millisecond)
			if after = h.ask(h.phones["2"], "checkin", "--code", h.entry); after["colour"] == "green" {
				break
			}
		}
		if after["colour"] != "green" || after["decision"] != "admit" {
			t.Errorf("before %v, after %v", before["colour"], after)
		}
		if status, _ := h.fhir("GET", "/Patient/"+who, ""); status != 403 {
			t.Errorf("a bearer opens a record: %d", status)
		}
		res, err := http.Get("http://" + h.ops + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		metrics, err := io.ReadAll(res.Body)
		if err != nil || !bytes.Contains(metrics, []byte("amanah_fhir_request_seconds")) {
			t.Errorf("no metrics of requests for records: %v", err)
		}
		for what, text := range map[string]string{"metrics": string(metrics), "server's log": h.server.log.String(), "keeper's log": h.keeper.log.String()} {
			if strings.Contains(text, nik) || strings.Contains(text, "Kenari") {
				t.Errorf("the %s names somebody", what)
			}
		}
	})
}

// patientOf returns a bundle with a NIK for its Patient, who has none or one, and the
// line by which the person is registered.
func patientOf(t *testing.T, raw []byte, serial int) (bundle, line string) {
	t.Helper()
	var b map[string]any
	if err := json.Unmarshal(raw, &b); err != nil {
		t.Fatal(err)
	}
	for _, e := range b["entry"].([]any) {
		p := e.(map[string]any)["resource"].(map[string]any)
		if p["resourceType"] != "Patient" {
			continue
		}
		born := p["birthDate"].(string)
		at, err := time.Parse(time.DateOnly, born)
		if err != nil {
			t.Fatal(err)
		}
		day := at.Day()
		if p["gender"] == "female" {
			day += 40
		}
		nik := fmt.Sprintf("990101%02d%02d%02d%04d", day, at.Month(), at.Year()%100, serial)
		ids, _ := p["identifier"].([]any)
		found := false
		for _, id := range ids {
			if one := id.(map[string]any); one["system"] == nikSystem {
				nik, found = one["value"].(string), true
			}
		}
		if !found {
			p["identifier"] = append(ids, map[string]any{"system": nikSystem, "value": nik})
		}
		name := p["name"].([]any)[0].(map[string]any)
		full, _ := name["text"].(string)
		if full == "" {
			full = strings.TrimSpace(fmt.Sprint(name["given"].([]any)[0], " ", name["family"]))
		}
		out, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(out), nik + "," + full + "," + born + ",\n"
	}
	t.Fatal("no Patient")
	return "", ""
}

// TestBundlesOverHTTP: every valid bundle that we have is entered whole, and every
// invalid file is refused with an OperationOutcome that names the place.
func TestBundlesOverHTTP(t *testing.T) {
	t.Parallel()
	h := newHospital(t)
	names, err := filepath.Glob("../internal/format/fhir/testdata/valid/*.json*")
	if err != nil || len(names) < 9 {
		t.Fatalf("%d bundles, %v", len(names), err)
	}
	bundles := map[string]string{}
	register := "nik,name,birth_date,phone\n"
	for i, name := range names {
		raw := fhirtest.File(t, name)
		bundle, line := patientOf(t, raw, 100+i)
		bundles[name] = bundle
		if nik, _, _ := strings.Cut(line, ","); !strings.Contains(register, nik) {
			register += line
		}
	}
	write(t, h.path("more.csv"), register)
	h.operate("", "person", "import", h.path("more.csv"))
	records := 0
	for name, bundle := range bundles {
		status, a := h.fhir("POST", "", bundle)
		if status != 200 || len(a.Entry) == 0 {
			t.Errorf("%s: %d %+v", name, status, a.Issue)
			continue
		}
		for _, e := range a.Entry {
			switch {
			case strings.HasPrefix(e.Response.Status, "201"), strings.HasPrefix(e.Response.Status, "200"):
				records++
			default:
				t.Errorf("%s: %s", name, e.Response.Status)
			}
		}
	}
	if records < 100 {
		t.Errorf("%d records", records)
	}
	t.Logf("%d bundles, %d records", len(bundles), records)
	invalid, err := filepath.Glob("../internal/format/fhir/testdata/invalid/*.json")
	if err != nil || len(invalid) < 10 {
		t.Fatalf("%d invalid files, %v", len(invalid), err)
	}
	for _, name := range invalid {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		path := "/" + strings.ToUpper(filepath.Base(name)[:1]) + strings.Split(filepath.Base(name), "-")[0][1:]
		if path == "/Document" {
			path = "/DocumentReference"
		}
		if path == "/Bundle" {
			path = ""
		}
		status, a := h.fhir("POST", path, string(raw))
		if status != 400 || a.ResourceType != "OperationOutcome" || len(a.Issue) == 0 || a.Issue[0].Expression == nil && !strings.Contains(a.Issue[0].Diagnostics, "byte") && !strings.Contains(a.Issue[0].Diagnostics, "ends before") {
			t.Errorf("%s: %d %+v", name, status, a)
		}
	}
}
