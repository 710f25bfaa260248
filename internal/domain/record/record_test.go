package record

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/format/dicom"
	"github.com/amanah-project/amanah/internal/format/fhir"
)

func read(t testing.TB, raw string) *fhir.Resource {
	t.Helper()
	reader, err := fhir.NewReader()
	if err != nil {
		t.Fatal(err)
	}
	r, err := reader.Read([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestKinds(t *testing.T) {
	if n := len(Kinds()); n != 14 {
		t.Errorf("%d kinds, want the thirteen of the theft and other", n)
	}
	for _, k := range Kinds() {
		back, err := ParseKind(k.String())
		if err != nil || back != k || k.English() == "" || k.Indonesian() == "" {
			t.Errorf("%d %s: %v %v", k, k, back, err)
		}
	}
	if _, err := ParseKind("CT"); err != ErrKind {
		t.Errorf("an unknown kind: %v", err)
	}
	if Kind(200).String() != "other" {
		t.Error("a number of no kind has a name")
	}
}

// TestKindOf: each named kind is recognised in a resource as hospitals write them.
func TestKindOf(t *testing.T) {
	document := func(system, code string) string {
		return `{"resourceType":"DocumentReference","status":"current","type":{"coding":[{"system":"` + system + `","code":"` + code + `"}]},"content":[{"attachment":{"contentType":"application/pdf","url":"x"}}]}`
	}
	report := func(section string) string {
		return `{"resourceType":"DiagnosticReport","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0074","code":"` + section + `"}]}],"code":{"text":"x"}}`
	}
	observation := func(code string) string {
		return `{"resourceType":"Observation","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"` + code + `"}]}}`
	}
	for raw, want := range map[string]Kind{
		document(loinc, "57133-1"):                ReferralLetter,
		document(loinc, "18761-7"):                TransferForm,
		document(loinc, "34117-2"):                ExaminationForm,
		document(loinc, "72170-4"):                Photo,
		document(loinc, "11502-2"):                LaboratoryResult,
		document(loinc, "18748-4"):                RadiologyReport,
		document(loinc, "11524-6"):                ECG,
		document(snomed, "40174006"):              IsolationConsent,
		document(snomed, "185349003"):             CheckUpReport,
		document(loinc, "94558-4"):                AntigenResult,
		document(loinc, "94531-1"):                CovidTest,
		document(KindSystem, "isolation-consent"): IsolationConsent,
		document(KindSystem, "no-such"):           Other,
		document(loinc, "1-8"):                    Other,
		report("LAB"):                             LaboratoryResult,
		report("RAD"):                             RadiologyReport,
		report("EC"):                              ECG,
		report("OTH"):                             ResultReport,
		observation("718-7"):                      LaboratoryResult,
		observation("94500-6"):                    CovidTest,
		observation("97097-0"):                    AntigenResult,
		`{"resourceType":"ImagingStudy","status":"available","subject":{"reference":"Patient/1"},"modality":[{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"CT"}]}`: Scan,
		`{"resourceType":"Condition","subject":{"reference":"Patient/1"}}`: Other,
	} {
		if m := Describe(read(t, raw)); m.Kind != want {
			t.Errorf("%s: %s, want %s", raw, m.Kind, want)
		}
	}
	for _, c := range []struct {
		f    dicom.File
		want Kind
	}{
		{dicom.File{Modality: "CT", Pixels: true}, Scan}, {dicom.File{Modality: "XC", Pixels: true}, Photo}, {dicom.File{Modality: "SR"}, RadiologyReport},
		{dicom.File{Class: "1.2.840.10008.5.1.4.1.1.9.1.1", Modality: "OT", Waveforms: make([]dicom.Waveform, 1)}, ECG},
		{dicom.File{Modality: "OT", Pixels: true}, Scan}, {dicom.File{Modality: "DOC"}, Other},
	} {
		if got := DICOMKind(&c.f); got != c.want {
			t.Errorf("%s: %s, want %s", c.f.Modality, got, c.want)
		}
	}
}

func TestEvidence(t *testing.T) {
	ref := Ref{Person: 7, Number: Entered}
	dose := func(state, code, on string) string {
		return `{"resourceType":"Immunization","status":"` + state + `","vaccineCode":{"coding":[{"system":"http://sys-ids.kemkes.go.id/kfa","code":"1"},{"system":"http://hl7.org/fhir/sid/cvx","code":"` + code + `"}]},"patient":{"reference":"Patient/7"},"occurrenceDateTime":"` + on + `"}`
	}
	test := func(state, code, value string) string {
		return `{"resourceType":"Observation","status":"` + state + `","code":{"coding":[{"system":"http://loinc.org","code":"` + code + `"}]},"effectiveDateTime":"2022-02-03T23:30:40+07:00"` + value + `}`
	}
	coded := func(code string) string {
		return `,"valueCodeableConcept":{"coding":[{"system":"http://snomed.info/sct","code":"` + code + `"}]}`
	}
	at := time.Date(2022, 2, 3, 16, 30, 0, 0, time.UTC)
	doses := func(on day.Day, vaccine string) status.Evidence {
		return status.Evidence{Doses: []status.Dose{{On: on, Vaccine: vaccine, Ref: "7-65538"}}}
	}
	tests := func(k status.TestKind, positive bool) status.Evidence {
		return status.Evidence{Tests: []status.Test{{At: at, Kind: k, Positive: positive, Ref: "7-65538"}}}
	}
	on, err := day.Parse("2021-07-01")
	if err != nil {
		t.Fatal(err)
	}
	for raw, want := range map[string]status.Evidence{
		dose("completed", "511", "2021-07-01"):                  doses(on, "sinovac"),
		dose("completed", "208", "2021-06-30T23:30:00Z"):        doses(on, "pfizer"), // the day in Jakarta
		dose("completed", "212", "2021-07-01T01:00:00+07:00"):   doses(on, "janssen"),
		dose("completed", "140", "2021-07-01"):                  {}, // influenza
		dose("not-done", "208", "2021-07-01"):                   {},
		dose("entered-in-error", "208", "2021-07-01"):           {},
		dose("completed", "208", "2021-07"):                     {}, // on no known day
		test("final", "94500-6", coded("10828004")):             tests(status.PCR, true),
		test("corrected", "94500-6", coded("260415000")):        tests(status.PCR, false),
		test("final", "97097-0", coded("260373001")):            tests(status.Antigen, true),
		test("final", "94558-4", `,"valueString":" Negatif "`):  tests(status.Antigen, false),
		test("preliminary", "94500-6", coded("10828004")):       {},
		test("final", "94500-6", coded("419984006")):            {}, // inconclusive
		test("final", "94500-6", `,"valueString":"see report"`): {},
		test("final", "94563-4", coded("10828004")):             {}, // antibodies
		test("final", "718-7", coded("10828004")):               {},
		test("final", "94500-6", coded("10828004")+`,"interpretation":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation","code":"NEG"}]}]`): {}, // both
	} {
		got := Evidence(read(t, raw), ref)
		if d := cmp.Diff(len(want.Doses)+len(want.Tests), got.Len()); d != "" || !equal(got, want) {
			t.Errorf("%s: %d doses, %d tests", raw, len(got.Doses), len(got.Tests))
		}
		got.Birth = on.Add(-10_000)
		if err := got.Validate(); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func equal(a, b status.Evidence) bool {
	for i, d := range a.Doses {
		if d != b.Doses[i] {
			return false
		}
	}
	for i, x := range a.Tests {
		if y := b.Tests[i]; !x.At.Equal(y.At) || x.Kind != y.Kind || x.Positive != y.Positive || x.Ref != y.Ref {
			return false
		}
	}
	return true
}

func TestMatch(t *testing.T) {
	patient := func(nik, name, birth string) string {
		return `{"resourceType":"Patient","identifier":[{"system":"` + NIKSystem + `","value":"` + nik + `"}],"name":[` + name + `],"birthDate":"` + birth + `"}`
	}
	const nik = "9901015703840001"
	registered, err := identity.ParseNIK(nik)
	if err != nil {
		t.Fatal(err)
	}
	name, err := identity.ParseName("Siti Nur'aini")
	if err != nil {
		t.Fatal(err)
	}
	birth, err := day.Parse("1984-03-17")
	if err != nil {
		t.Fatal(err)
	}
	p := identity.Person{NIK: registered, Name: name, Birth: birth}
	for raw, want := range map[string]Reason{
		patient(nik, `{"text":"SITI NURAINI"}`, "1984-03-17"):                                 "",
		patient(nik, `{"given":["Siti"],"family":"Nur'aini"}`, "1984-03-17"):                  "",
		patient(nik, `{"text":"Other"},{"use":"maiden","text":"Siti Nuraini"}`, "1984-03-17"): "",
		patient(nik, `{"text":"Siti"}`, "1984-03-17"):                                         ReasonName,
		patient(nik, `{"text":"Siti Nuraini"}`, "1984-03-18"):                                 ReasonBirth,
		patient(nik, `{"text":"Budi"}`, "1984-03-18"):                                         ReasonBoth,
		patient("9901015703840002", `{"text":"Siti Nuraini"}`, "1984-03-17"):                  ReasonNIK,
	} {
		c, err := ClaimOf(read(t, raw))
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if got := Match(p, c); got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
	for raw, want := range map[string]error{
		`{"resourceType":"Patient","name":[{"text":"Siti"}],"birthDate":"1984-03-17"}`:                     ErrNoNIK,
		patient("123", `{"text":"Siti"}`, "1984-03-17"):                                                    identity.ErrNIKLength,
		patient(nik, `{"text":"Siti"}`, "1984"):                                                            ErrClaim,
		strings.Replace(patient(nik, `{"text":"Siti"}`, "1984-03-17"), `"name":[{"text":"Siti"}],`, "", 1): ErrClaim,
		strings.Replace(patient(nik, `{"text":"Siti"}`, "1984-03-17"), `"identifier":[`, `"identifier":[{"system":"`+NIKSystem+`","value":"9901015703840002"},`, 1): ErrClaim,
	} {
		if _, err := ClaimOf(read(t, raw)); err != want {
			t.Errorf("%s: %v, want %v", raw, err, want)
		}
	}
	d, err := ClaimOfDICOM(&dicom.File{PatientID: nik, Birth: "19840317", Patient: dicom.Name{Family: "Nur'aini", Given: "Siti"}})
	if err != nil || Match(p, d) != "" {
		t.Errorf("a DICOM file: %v", err)
	}
	if _, err := ClaimOfDICOM(&dicom.File{PatientID: "MRN-1", Birth: "19840317"}); err != ErrNoNIK {
		t.Errorf("a DICOM file without a NIK: %v", err)
	}
}

// TestMatchNeedsAll: a claim that matches agrees in each of the three.
func TestMatchNeedsAll(t *testing.T) {
	letters := rapid.StringMatching(`[a-c]{1,2}`)
	rapid.Check(t, func(t *rapid.T) {
		pick := func(label string) identity.Person {
			n, err := identity.ParseNIK("990101150890000" + rapid.SampledFrom([]string{"1", "2"}).Draw(t, label))
			if err != nil {
				t.Fatal(err)
			}
			name, err := identity.ParseName(letters.Draw(t, label))
			if err != nil {
				t.Fatal(err)
			}
			return identity.Person{NIK: n, Name: name, Birth: day.Day(rapid.IntRange(0, 1).Draw(t, label))}
		}
		p, c := pick("registered"), pick("claimed")
		same := p.NIK == c.NIK && p.Birth == c.Birth && p.Name == c.Name
		if got := Match(p, Claim{NIK: c.NIK, Birth: c.Birth, Names: []identity.Name{c.Name}}); (got == "") != same {
			t.Fatalf("reason %q, the same: %v", got, same)
		}
	})
}

func TestFilter(t *testing.T) {
	m := Describe(read(t, `{"resourceType":"Observation","status":"final","category":[{"coding":[{"system":"s","code":"vital"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"effectiveDateTime":"2022-02-03"}`))
	when := func(s string) time.Time {
		from, _, ok := ParseDate(s)
		if !ok {
			t.Fatal(s)
		}
		return from
	}
	lab := LaboratoryResult
	for i, c := range []struct {
		f    Filter
		want bool
	}{
		{Filter{}, true}, {Filter{Types: []string{"Condition", "Observation"}}, true}, {Filter{Types: []string{"Condition"}}, false},
		{Filter{Code: fhir.Coding{Code: "8867-4"}}, true}, {Filter{Code: fhir.Coding{System: "http://loinc.org", Code: "8867-4"}}, true},
		{Filter{Code: fhir.Coding{System: "other", Code: "8867-4"}}, false}, {Filter{Category: fhir.Coding{Code: "vital"}}, true}, {Filter{Category: fhir.Coding{Code: "lab"}}, false},
		{Filter{Status: "final"}, true}, {Filter{Status: "amended"}, false}, {Filter{Kind: &lab}, false},
		{Filter{From: when("2022-02-03"), Until: when("2022-02-04")}, true}, {Filter{From: when("2022-02-04")}, false},
		{Filter{Until: when("2022-02-03")}, false}, {Filter{From: when("2022")}, true}, {Filter{Until: when("2022-03")}, true},
	} {
		if got := c.f.Holds(&m); got != c.want {
			t.Errorf("filter %d: %v", i, got)
		}
	}
	m.Withdrawn = "mistake"
	if (&Filter{}).Holds(&m) || !(&Filter{Void: true}).Holds(&m) {
		t.Error("a void record is found, or not even when asked for")
	}
}

func TestRetention(t *testing.T) {
	now := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	visit := Describe(read(t, `{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"},"period":{"start":"2001-11-29T08:00:00+07:00","end":"2001-11-30T06:00:00+07:00"}}`))
	last := LastVisit(time.Time{}, &visit)
	if err := MayErase(Stand{}, last, now); err != nil {
		t.Errorf("25 years and a moment: %v", err)
	}
	if err := MayErase(Stand{}, last, now.AddDate(0, 0, -2)); err != ErrKept {
		t.Errorf("a day too early: %v", err)
	}
	if err := MayErase(Stand{Hold: Order{On: true}}, time.Time{}, now); err != ErrHeld {
		t.Errorf("held: %v", err)
	}
	planned := visit
	planned.Status = "planned"
	if !LastVisit(time.Time{}, &planned).IsZero() {
		t.Error("a visit that was planned counts")
	}
}

// TestContent: what is sealed comes back, and nothing of it prints.
func TestContent(t *testing.T) {
	c := Content{Meta: Meta{Type: "Observation", Kind: LaboratoryResult, Source: "secret", Document: &Document{Key: Key{1, 2, 3}, Size: 9}}, Body: []byte(`{"a":1}`)}
	raw, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseContent(raw)
	if err != nil || back.Document.Key != c.Document.Key || string(back.Body) != string(c.Body) || back.Source != "secret" {
		t.Errorf("%v %v", back.Kind, err)
	}
	for _, cut := range []int{0, 1, 2, 10, len(raw) - len(c.Body) - 1} {
		if _, err := ParseContent(raw[:cut]); err != ErrContent {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
}

func FuzzParseContent(f *testing.F) {
	raw, err := (&Content{Meta: Meta{Type: "Patient"}, Body: []byte("x")}).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte{1, 0x80, 0x80})
	f.Add([]byte{1, 2, '{', '}'})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseContent(b)
		if err != nil {
			return
		}
		again, err := c.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParseContent(again); err != nil || string(back.Body) != string(c.Body) {
			t.Fatalf("%v", err)
		}
	})
}

func TestParseDate(t *testing.T) {
	for s, want := range map[string][2]string{
		"2022":                        {"2021-12-31T17:00:00Z", "2022-12-31T17:00:00Z"},
		"2022-02":                     {"2022-01-31T17:00:00Z", "2022-02-28T17:00:00Z"},
		"2022-02-03":                  {"2022-02-02T17:00:00Z", "2022-02-03T17:00:00Z"},
		"2022-02-03T10:00:00.5+07:00": {"2022-02-03T03:00:00Z", "2022-02-03T03:00:01Z"},
		"2016-12-31T23:59:60Z":        {"2016-12-31T23:59:59Z", "2017-01-01T00:00:00Z"},
	} {
		from, until, ok := ParseDate(s)
		if !ok || from.Format(time.RFC3339) != want[0] || until.Format(time.RFC3339) != want[1] {
			t.Errorf("%s: %s %s %v", s, from, until, ok)
		}
	}
	for _, s := range []string{"", "22", "2022-13", "2022-02-30", "2022-02-03T10:00", "yesterday"} {
		if _, _, ok := ParseDate(s); ok {
			t.Errorf("%q is a date", s)
		}
	}
}
