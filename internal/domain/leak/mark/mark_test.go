package mark_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/carrier"
	"github.com/amanah-project/amanah/internal/domain/leak/mark"
	"github.com/amanah-project/amanah/internal/domain/leak/mark/marktest"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/format/fhir"
	"github.com/amanah-project/amanah/internal/format/fhir/fhirtest"
)

func pen(copies string) (*leak.Base, *leak.Seed, *mark.Pen) {
	base, seed := leak.Base(sha256.Sum256([]byte("base"))), leak.Seed(sha256.Sum256([]byte(copies)))
	return &base, &seed, mark.New(&base, &seed)
}

// resources are all that the project's collection holds, as they are stored and stamped;
// without the collection, those beside the reader's tests.
func resources(t *testing.T, each func(name string, raw []byte)) {
	t.Helper()
	roots := []string{"../../../format/fhir/testdata/valid/*"}
	if shared := "../../../../../shared/data/fhir"; exists(shared) {
		roots = append(roots, shared+"/bundles/*", shared+"/bundles-gz/*", shared+"/id-derived/*", shared+"/ndjson/*")
	}
	reader, err := fhir.NewReader()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, pattern := range roots {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatal("nothing in ", pattern, err)
		}
		for _, name := range names {
			for _, text := range texts(t, name) {
				r, err := reader.Read(text)
				if err != nil {
					t.Fatal(name, err)
				}
				all := []*fhir.Resource{r}
				if r.Type == "Bundle" {
					all = all[:0]
					for _, e := range r.Entries {
						all = append(all, e.Resource)
					}
				}
				for _, one := range all {
					n++
					ref := record.Ref{Person: 7, Number: record.Number(70000 + n)}
					if one.Type == "Patient" {
						ref.Number = 0
					}
					stamped, err := fhir.Stamp(one.Store(nil), ref.String(), "3", time.UnixMilli(1_700_000_000_000+int64(n)*7))
					if err != nil {
						t.Fatal(err)
					}
					each(ref.String(), stamped)
				}
			}
		}
	}
	t.Logf("%d resources", n)
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

func texts(t *testing.T, name string) (out [][]byte) {
	t.Helper()
	raw := fhirtest.File(t, name)
	if !strings.Contains(name, ".ndjson") {
		return [][]byte{raw}
	}
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		out = append(out, slices.Clone(lines.Bytes()))
	}
	return out
}

func list(v any) (out []map[string]any) {
	all, _ := v.([]any)
	for _, one := range all {
		out = append(out, one.(map[string]any))
	}
	return out
}

// content is what a resource says without its marks.
func content(t *testing.T, raw []byte) any {
	t.Helper()
	m, err := marktest.Content(raw)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestMeaning: the content of all that the collection holds is the same with marks and
// without. The control is a mark in a value.
func TestMeaning(t *testing.T) {
	_, _, p := pen("copy")
	changed := 0
	resources(t, func(name string, raw []byte) {
		marked, err := p.Resource(name, raw)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(raw, marked) {
			changed++
		}
		if diff := cmp.Diff(content(t, raw), content(t, marked)); diff != "" {
			t.Errorf("%s: marks changed it:\n%s", name, diff)
		}
	})
	if changed == 0 {
		t.Error("nothing was marked")
	}
	raw := `{"resourceType":"Observation","id":"1-70000","meta":{"lastUpdated":"2026-01-01T00:00:00.100Z"},"valueQuantity":{"value":5.0}}`
	if cmp.Equal(content(t, []byte(raw)), content(t, []byte(strings.Replace(raw, "5.0", "5.1", 1)))) {
		t.Error("control: a value that changed is not seen")
	}
}

const indonesian = `{"resourceType":"Patient","id":"7","meta":{"versionId":"3","lastUpdated":"2026-01-02T03:04:05.678Z"},
"identifier":[{"system":"https://fhir.kemkes.go.id/id/nik","value":"9901014503900001"}],"name":[{"use":"official","text":"Siti Rahma","given":["Siti"],"family":"Rahma"}],
"telecom":[{"system":"phone","value":"+628123456789"},{"system":"phone","value":"0812 3456 7890"}],"birthDate":"1990-03-05","gender":"female",
"address":[{"line":["Jl. Kenari No. 4","RT 1/RW 8"],"city":"Kota Contoh","country":"ID"}]}`

// TestCells: what a copy shows is what its code says, in every family; another copy shows
// another; tokens are of a row and a copy.
func TestCells(t *testing.T) {
	families, differ := map[leak.Family]int{}, 0
	for n := range 40 {
		base, seed, p := pen(fmt.Sprint("copy ", n))
		marked, err := p.Resource("7", []byte(indonesian))
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(marked, &m); err != nil {
			t.Fatal(err)
		}
		meta, name, address, phones := m["meta"].(map[string]any), list(m["name"])[0], list(m["address"])[0], list(m["telecom"])
		lines := address["line"].([]any)
		str := func(v any) string { s, _ := v.(string); return s }
		row := base.Row([]byte("7"))
		for _, c := range []struct {
			f     leak.Family
			index uint8
			raw   string
		}{
			{leak.Letters, 0, str(name["text"])}, {leak.Letters, 0, str(name["family"])}, {leak.Street, 0, str(lines[0])}, {leak.Neighbourhood, 0, str(lines[1])},
			{leak.Telephone, 0, str(phones[0]["value"])}, {leak.Telephone, 0, str(phones[1]["value"])}, {leak.Stamp, 0, str(meta["lastUpdated"])},
			{leak.Presence, carrier.VersionAt, str(meta["versionId"])}, {leak.Presence, carrier.SourceAt, str(meta["source"])},
			{leak.Presence, carrier.CountryAt, str(address["country"])}, {leak.Presence, carrier.UseAt, str(name["use"])},
		} {
			want := seed.Symbol(base, leak.Cell{Row: row, Family: c.f, Index: c.index})
			if got, ok := carrier.Read(c.f, c.raw); !ok || got != want {
				t.Errorf("copy %d, family %d: %q reads %v %v, want %v", n, c.f, c.raw, got, ok, want)
			}
			families[c.f]++
		}
		if list(m["identifier"])[0]["value"] != "9901014503900001" || m["birthDate"] != "1990-03-05" {
			t.Error("a NIK or a date changed")
		}
		if !bytes.Contains(marked, []byte(p.Token("7"))) {
			t.Error("the row has no token")
		}
		_, _, other := pen("another")
		if again, err := other.Resource("7", []byte(indonesian)); err != nil || !bytes.Equal(again, marked) {
			differ++
		}
		if p.Token("7") == p.Token("8") || p.Token("7") == other.Token("7") {
			t.Error("a token is of another row or copy, too")
		}
	}
	if len(families) < 6 || differ < 40 {
		t.Errorf("%d families, %d of 40 copies differ", len(families), differ)
	}
}

// TestFlat: a flat row shows the same cells as the resource does.
func TestFlat(t *testing.T) {
	base, seed, p := pen("copy")
	patient, err := fhir.Parse([]byte(indonesian))
	if err != nil {
		t.Fatal(err)
	}
	r, err := fhir.Parse([]byte(`{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4","display":"Heart rate"}]},
"effectiveDateTime":"2021-07-01T08:10:00+07:00","valueQuantity":{"value":72.0,"unit":"/min"}}`))
	if err != nil {
		t.Fatal(err)
	}
	meta := record.Describe(r)
	meta.Facility, meta.Entered = "rs-99-001", time.UnixMilli(1_700_000_000_123)
	columns := record.Columns()
	plain := record.Flat(patient, r, &meta, record.Ref{Person: 7, Number: 70000}, 3, mark.Source)
	marked := slices.Clone(plain)
	p.Row("7-70000", "7", columns, marked)
	at := func(name string) int { return slices.Index(columns, name) }
	if len(plain) != len(columns) {
		t.Fatalf("%d cells of %d columns", len(plain), len(columns))
	}
	for _, c := range carrier.Places() {
		i := at(c.Column)
		if i < 0 {
			continue
		}
		name := "7-70000"
		if c.Whose == carrier.Person {
			name = "7"
		}
		want := seed.Symbol(base, leak.Cell{Row: base.Row([]byte(name)), Family: c.Family, Index: c.Index})
		if got, ok := carrier.Read(c.Family, marked[i]); !ok || got != want {
			t.Errorf("%s, family %d: %q reads %v %v", c.Column, c.Family, marked[i], got, ok)
		}
		if c.Family != leak.Presence && carrier.Plain(c.Family, marked[i]) == "" {
			t.Errorf("%s is gone", c.Column)
		}
	}
	if marked[at("token")] != p.Token("7-70000") || marked[at("person_token")] != p.Token("7") {
		t.Error("tokens")
	}
	for _, name := range []string{"record", "nik", "birth_date", "gender", "city", "type", "status", "code_system", "code", "text", "value", "unit", "date", "facility"} {
		if i := at(name); marked[i] != plain[i] || plain[i] == "" {
			t.Errorf("%s: %q became %q", name, plain[i], marked[i])
		}
	}
}

// TestImages: an image is named alike wherever a copy names it, otherwise in another copy,
// by a UID.
func TestImages(t *testing.T) {
	_, _, p := pen("copy")
	_, _, other := pen("another")
	raw := []byte(`{"resourceType":"ImagingStudy","id":"7-70001","meta":{},"identifier":[{"system":"urn:dicom:uid","value":"urn:oid:1.2.3"},{"value":"ACC-1"}],
"series":[{"uid":"1.2.3.4","instance":[{"uid":"1.2.3.4.5","sopClass":{"code":"urn:oid:1.2.840.10008.5.1.4.1.1.2"}}]}]}`)
	got, err := p.Resource("7-70001", raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"urn:oid:` + p.UID("1.2.3") + `"`, `"uid":"` + p.UID("1.2.3.4") + `"`, `"uid":"` + p.UID("1.2.3.4.5") + `"`, "ACC-1", "urn:oid:1.2.840.10008.5.1.4.1.1.2"} {
		if !bytes.Contains(got, []byte(want)) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
	uid := p.UID("1.2.3")
	if uid == other.UID("1.2.3") || !strings.HasPrefix(uid, "2.25.") || len(uid) > 44 || strings.Trim(uid, "0123456789.") != "" {
		t.Error(uid)
	}
	want := p.Document(leak.UIDName("1.2.3"))
	if id, ok := mark.ParseUID(uid); !ok || id != want {
		t.Errorf("%s reads %x, want %x", uid, id, want)
	}
	for _, other := range []string{"", "2.25.", "2.25.x", "1.2.3", "2.25.-1", "2.25.0", "2.25." + strings.Repeat("9", 39), "2.25." + strings.Repeat("1", 400)} {
		if _, ok := mark.ParseUID(other); ok {
			t.Errorf("%.60s is read", other)
		}
	}
}
