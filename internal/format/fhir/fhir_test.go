package fhir_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/fault"
	. "github.com/amanah-project/amanah/internal/format/fhir"
)

func reader(t testing.TB) *Reader {
	t.Helper()
	r, err := NewReader()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// texts gives the resources of a file: one, or one on each line.
func texts(t testing.TB, name string) (all [][]byte) {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err == nil && strings.HasSuffix(name, ".gz") {
		var z io.Reader
		if z, err = gzip.NewReader(bytes.NewReader(raw)); err == nil {
			raw, err = io.ReadAll(z)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(name, ".ndjson") {
		return [][]byte{raw}
	}
	for _, line := range bytes.Split(raw, []byte("\n")) {
		if len(line) > 0 {
			all = append(all, line)
		}
	}
	return all
}

func files(t testing.TB, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("nothing matches %s", pattern)
	}
	return names
}

// TestValid: every valid file is read, its resources whole.
func TestValid(t *testing.T) {
	r := reader(t)
	for _, name := range files(t, "testdata/valid/*") {
		for i, raw := range texts(t, name) {
			got, err := r.Read(raw)
			if err != nil {
				t.Errorf("%s, resource %d: %v", name, i, err)
				continue
			}
			for _, e := range got.Entries {
				var again struct{ ResourceType, ID string }
				if err := json.Unmarshal(e.Resource.Raw, &again); err != nil || again.ResourceType != e.Resource.Type || again.ID != e.Resource.ID {
					t.Errorf("%s: %s is not whole: %v", name, e.Resource.Type, err)
				}
			}
		}
	}
}

// TestInvalid: every file with a defect is refused, saying where.
func TestInvalid(t *testing.T) {
	r := reader(t)
	places := map[string]string{
		"bundle-truncated": "", "patient-no-resourcetype": "resourceType", "patient-bad-birthdate": "Patient.birthDate",
		"patient-bad-gender": "Patient.gender", "observation-no-status-code": "Observation.status",
		"observation-value-string": "Observation.valueQuantity.value", "immunization-bad-status": "Immunization.status",
		"bundle-dangling-reference": "Bundle.entry[2].resource.patient", "bundle-duplicate-fullurl": "Bundle.entry[6].fullUrl",
		"patient-duplicate-keys": "", "document-bad-base64": "Bundle.entry[5].resource.content[0].attachment.data",
		"patient-script-in-narrative": "Patient.text.div", "patient-invalid-utf8": "", "patient-bom-crlf": "", "patient-id-65": "Patient.id",
	}
	var listed []struct{ File, Defect string }
	raw, err := os.ReadFile("testdata/invalid.json")
	if err != nil || json.Unmarshal(raw, &listed) != nil || len(listed) != len(places) {
		t.Fatal(len(listed), err)
	}
	for _, l := range listed {
		name := strings.TrimSuffix(l.File, ".json")
		_, err := r.Read(texts(t, "testdata/invalid/"+l.File)[0])
		var bad *Invalid
		if !errors.As(err, &bad) {
			t.Errorf("%s (%s): %v", name, l.Defect, err)
			continue
		}
		if want, ok := places[name]; !ok || bad.Issues[0].Place != want || bad.Issues[0].Why == "" {
			t.Errorf("%s (%s): %+v, want it at %q", name, l.Defect, bad.Issues, want)
		}
		if fault.KindOf(err) != fault.Invalid || fault.Text(err) != err.Error() {
			t.Errorf("%s: an outsider reads %q", name, fault.Text(err))
		}
	}
}

// TestDefects: one defect each, and a table of where it is said to be.
func TestDefects(t *testing.T) {
	r := reader(t)
	for in, want := range map[string][]Issue{
		`{"resourceType":"Patient","active":true}`:                                                         nil,
		`{"resourceType":"Patient","active":"true"}`:                                                       {{"value", "Patient.active", "it must be true or false"}},
		`{"resourceType":"Patient","surname":"x"}`:                                                         {{"structure", "Patient.surname", "FHIR R4 has no such element here"}},
		`{"resourceType":"Patient"}`:                                                                       {{"structure", "Patient", "an object without members: leave it out"}},
		`{"resourceType":"Patient","name":{"family":"x"}}`:                                                 {{"structure", "Patient.name", "this element repeats: a list of at least one"}},
		`{"resourceType":"Patient","name":[]}`:                                                             {{"structure", "Patient.name", "this element repeats: a list of at least one"}},
		`{"resourceType":"Patient","gender":["male"]}`:                                                     {{"structure", "Patient.gender", "this element does not repeat: no list"}},
		`{"resourceType":"Patient","birthDate":"2023-02-29"}`:                                              {{"value", "Patient.birthDate", "it must be a day of the calendar: YYYY, YYYY-MM or YYYY-MM-DD"}},
		`{"resourceType":"Patient","_birthDate":{"extension":[{"url":"http://x","valueCode":"unknown"}]}}`: nil,
		`{"resourceType":"Patient","deceasedBoolean":true,"deceasedDateTime":"2020"}`: {
			{"structure", "Patient.deceased[x]", "of these elements only one may be there"}},
		`{"resourceType":"Immunization","status":"completed","vaccineCode":{"text":"x"},"patient":{"reference":"Patient/1"}}`: {
			{"required", "Immunization.occurrence[x]", "a required element is missing"}},
		`{"resourceType":"Claim","total":{}}`:   {{"structure", "Claim.total", "an object without members: leave it out"}},
		`{"resourceType":"Spaceship","id":"1"}`: {{"structure", "resourceType", "resourceType must name a resource of FHIR R4"}},
		`{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Patient","active":true}}]}`: {
			{"required", "Bundle.entry[0].request", "each entry of a transaction or batch says what is asked for"}},
		`{"resourceType":"Patient","text":{"status":"generated","div":"<div onclick='x'>a</div>"}}`: {
			{"invalid", "Patient.text.div", "the narrative has an attribute that none may have: active content is refused"}},
		`{"resourceType":"Patient","text":{"status":"generated","div":"<div><a href='javascript:x'>a</a></div>"}}`: {
			{"invalid", "Patient.text.div", "the narrative has a link to something other than a page"}},
		`{"resourceType":"Observation","status":"final","code":{"text":"x"},"contained":[{"resourceType":"Patient","id":"p","active":true}],"subject":{"reference":"#q"}}`: {
			{"not-found", "Observation.subject", "the reference points to no contained resource"}},
		`{"resourceType":"Patient","active":true} {}`: {{"structure", "", "no JSON, near byte 41"}},
		`[]`:       {{"structure", "", "a resource is a JSON object"}},
		``:         {{"structure", "", "the text ends before the JSON does: it was cut"}},
		`{"a":1,}`: {{"structure", "", "no JSON, near byte 7"}},
	} {
		_, err := r.Read([]byte(in))
		var got []Issue
		var bad *Invalid
		if errors.As(err, &bad) {
			got = bad.Issues
		} else if err != nil {
			t.Errorf("%s: %v", in, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", in, d)
		}
	}
}

// TestDeep: nesting is bounded.
func TestDeep(t *testing.T) {
	in := `{"resourceType":"Claim","item":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`
	if _, err := reader(t).Read([]byte(in)); err == nil || !strings.Contains(err.Error(), "nested deeper") {
		t.Error(err)
	}
}

// TestOutcome: what a client is told, and that there is an end to it.
func TestOutcome(t *testing.T) {
	in := `{"resourceType":"Patient","name":[` + strings.Repeat(`{"family":1},`, 60) + `{"family":"x"}]}`
	_, err := reader(t).Read([]byte(in))
	var bad *Invalid
	if !errors.As(err, &bad) || len(bad.Issues) != 50 || !bad.More {
		t.Fatal(err)
	}
	var out struct {
		ResourceType string
		Issue        []struct {
			Severity, Code, Diagnostics string
			Expression                  []string
		}
	}
	if err := json.Unmarshal(bad.Outcome(), &out); err != nil || out.ResourceType != "OperationOutcome" || len(out.Issue) != 51 {
		t.Fatal(err, len(out.Issue))
	}
	if i := out.Issue[2]; i.Severity != "error" || i.Code != "value" || i.Expression[0] != "Patient.name[2].family" {
		t.Errorf("%+v", i)
	}
	if again, err := reader(t).Read(bad.Outcome()); err != nil || again.Type != "OperationOutcome" {
		t.Error("our own outcome is no resource:", err)
	}
}

// TestNoValues: no issue shows what stands in a resource.
func TestNoValues(t *testing.T) {
	r := reader(t)
	raw := texts(t, files(t, "testdata/valid/*.json")[0])[0]
	for _, planted := range []string{"RAHASIA99", `RAHASIA99" "`, `<script>RAHASIA99`} {
		for _, field := range []string{`"gender": "female"`, `"birthDate": "1984-03-17"`, `"status": "finished"`, `"use": "official"`} {
			name, _, _ := strings.Cut(field, ": ")
			changed := bytes.Replace(raw, []byte(field), []byte(name+`: "`+planted+`"`), 1)
			if bytes.Equal(changed, raw) {
				continue
			}
			_, err := r.Read(changed)
			var bad *Invalid
			if !errors.As(err, &bad) || strings.Contains(err.Error()+string(bad.Outcome()), "RAHASIA") {
				t.Errorf("%s: %v", field, err)
			}
		}
	}
}

// TestSharedData: where the project's collection is at hand, all of it.
func TestSharedData(t *testing.T) {
	root := "../../../../shared/data/fhir"
	if _, err := os.Stat(root); err != nil {
		t.Skip("no collection beside the project")
	}
	r, read := reader(t), map[string]int{}
	for _, pattern := range []string{"bundles/*", "bundles-gz/*", "id-derived/*", "ndjson/*"} {
		for _, name := range files(t, filepath.Join(root, pattern)) {
			for i, raw := range texts(t, name) {
				got, err := r.Read(raw)
				if err != nil {
					t.Errorf("%s, resource %d: %v", filepath.Base(name), i, err)
					continue
				}
				read[got.Type]++
				for _, e := range got.Entries {
					read[e.Resource.Type]++
				}
			}
		}
	}
	if read["Patient"] != 112 || read["Immunization"] != 1369 || read["Observation"] != 3413 || read["ImagingStudy"] != 17 {
		t.Errorf("read %v", read)
	}
}

func FuzzRead(f *testing.F) {
	r := reader(f)
	for _, name := range append(files(f, "testdata/invalid/*"), files(f, "testdata/valid/*.json")...) {
		if raw := texts(f, name)[0]; len(raw) < 8<<10 {
			f.Add(raw)
		}
	}
	f.Add([]byte(`{"resourceType":"Bundle","type":"batch","entry":[{"fullUrl":"urn:uuid:1","request":{"method":"GET","url":"x"}}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := r.Read(raw)
		var bad *Invalid
		switch {
		case err == nil && (got.Type == "" || !json.Valid(got.Raw)):
			t.Fatal("read something else than was sent")
		case err != nil && (!errors.As(err, &bad) || len(bad.Issues) == 0 || !json.Valid(bad.Outcome())):
			t.Fatal(err)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	raw := texts(b, "testdata/valid/synthea-2019.json.gz")[0]
	r := reader(b)
	resources := 0
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		got, err := r.Read(raw)
		if err != nil {
			b.Fatal(err)
		}
		resources += len(got.Entries)
	}
	b.ReportMetric(float64(resources)/b.Elapsed().Seconds(), "resources/s")
}
