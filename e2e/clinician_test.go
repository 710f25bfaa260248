package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
)

// opens asks for all of a person, found by NIK.
func (m *member) opens(nik, purpose string) (int, map[string]any) {
	m.o.t.Helper()
	form := url.Values{"identifier": {nikSystem + "|" + nik}}
	status, found := m.ask("POST", "/fhir/R4/Patient/_search", "application/x-www-form-urlencoded", form.Encode())
	if status != 200 || found["total"] != 1.0 {
		m.o.t.Fatalf("find: %d %v", status, found)
	}
	id := found["entry"].([]any)[0].(map[string]any)["resource"].(map[string]any)["id"].(string)
	if purpose != "" {
		m.extra = map[string]any{"purpose": purpose}
		defer func() { m.extra = nil }()
	}
	return m.ask("GET", "/fhir/R4/Patient/"+id+"/$everything", "", "")
}

// named counts how often the keeper's journal names somebody.
func (o *office) named(id staff.ActorID) int {
	o.t.Helper()
	raw, err := os.ReadFile(o.path("keeper", "journal"))
	if err != nil {
		o.t.Fatal(err)
	}
	return bytes.Count(raw, []byte(id))
}

// TestClinician: from the first officer's invitation to a record on a clinician's screen,
// with the built program over HTTPS: two officers, an elevation, a clinician enrolled by
// an officer. Each opening is in the keeper's journal, the eleventh stranger is refused, and
// of sixty patients whom the facility treats the fifty-first person in ten minutes.
func TestClinician(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	first, _ := o.officers()
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
	invited := first.must("POST", "/console/v1/invitations", map[string]any{"actor": "staff-17", "facility": "rs-99-001", "role": "clinician"})
	doctor, print := o.invited("staff-17", "code "+invited["code"].(string))
	first.enrol("staff-17", print, "done")
	doctor.signIn(11 * time.Hour)
	before := o.named("staff-17")
	status, all := doctor.opens(niks[0], "treatment")
	raw, _ := json.Marshal(all)
	if status != 200 || !strings.Contains(string(raw), "LOT-17") {
		t.Fatalf("%d %s", status, raw)
	}
	if n := o.named("staff-17") - before; n != 1 {
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
	o.treated(first, len(niks)+1, 60)
	own, status, body := doctor.walks(len(niks)+1, 60)
	if own != 50-11 || status != 403 || !strings.Contains(fmt.Sprint(body), "forbidden") {
		t.Errorf("%d of the facility's own patients after 11 others, then %d %v", own, status, body)
	}
	if n := o.named("staff-17") - before; n != 50 {
		t.Errorf("%d entries of the journal name who was given 50 people", n)
	}
}

// treated registers so many people, from a number on, and has their facility's system state
// that it treats each.
func (o *office) treated(officer *member, from, n int) {
	o.t.Helper()
	people := "nik,name,birth_date\n"
	for i := range n {
		people += fmt.Sprintf("99010102019000%02d,Orang Dirawat,1990-01-02\n", i+10)
	}
	write(o.t, o.path("treated.csv"), people)
	o.operate("", "person", "import", o.path("treated.csv"))
	s := o.system(officer, "client-rs-99-001", "rs-99-001")
	until := time.Now().AddDate(0, 0, 7).Format(time.DateOnly)
	for p := from; p < from+n; p++ {
		if status, got := s.ask("POST", fmt.Sprintf("/fhir/R4/Patient/%d/relation/%s", p, until), "application/fhir+json", ""); status >= 300 {
			o.t.Fatalf("relation: %d %v", status, got)
		}
	}
}

// walks opens all of so many people, from a number on, until one is refused: how many, and how.
func (m *member) walks(from, n int) (opened, status int, body map[string]any) {
	m.o.t.Helper()
	for p := from; p < from+n; p++ {
		if status, body = m.ask("GET", fmt.Sprintf("/fhir/R4/Patient/%d/$everything", p), "", ""); status != 200 {
			return opened, status, body
		}
		opened++
	}
	return opened, status, nil
}
