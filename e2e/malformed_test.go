package e2e

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// malformed is every malformed file that the project has, and how it is sent: with what
// place the answer must name.
var malformed = map[string]map[string]struct{ path, place string }{
	"../internal/format/fhir/testdata/invalid": {
		"bundle-dangling-reference.json":   {"", "Bundle.entry["},
		"bundle-duplicate-fullurl.json":    {"", "Bundle.entry["},
		"bundle-truncated.json":            {"", "it was cut"},
		"document-bad-base64.json":         {"", "Bundle.entry[5].resource.content[0].attachment.data"},
		"immunization-bad-status.json":     {"/Immunization", "Immunization.status"},
		"observation-no-status-code.json":  {"/Observation", "Observation.status"},
		"observation-value-string.json":    {"/Observation", "Observation.valueQuantity.value"},
		"patient-bad-birthdate.json":       {"/Patient", "Patient.birthDate"},
		"patient-bad-gender.json":          {"/Patient", "Patient.gender"},
		"patient-bom-crlf.json":            {"/Patient", "byte-order mark"},
		"patient-duplicate-keys.json":      {"/Patient", "byte "},
		"patient-id-65.json":               {"/Patient", "Patient.id"},
		"patient-invalid-utf8.json":        {"/Patient", "byte "},
		"patient-no-resourcetype.json":     {"/Patient", "resourceType"},
		"patient-script-in-narrative.json": {"/Patient", "Patient.text.div"},
	},
	"../internal/flow/document/testdata/dicom/malformed": {
		// This one is whole, and refused because its patient has no NIK.
		"JPEG2000-embedded-sequence-delimiter.dcm": {"stow", "NIK"},
		"MR_truncated.dcm":                         {"stow", "DICOM, byte "},
		"badVR.dcm":                                {"stow", "DICOM, byte "},
		"gen-length-overrun.dcm":                   {"stow", "DICOM, byte "},
		"gen-pixeldata-length-4gib.dcm":            {"stow", "DICOM, byte "},
		"gen-rows-cols-65535.dcm":                  {"stow", "DICOM, byte "},
		"gen-truncated-in-header.dcm":              {"stow", "DICOM, byte "},
		"meta_missing_tsyntax.dcm":                 {"stow", "DICOM, byte "},
		"no_meta.dcm":                              {"stow", "DICOM, byte "},
		"rtplan_truncated.dcm":                     {"stow", "DICOM, byte "},
	},
	"../internal/flow/document/testdata/lab/malformed": {
		"formula-cells.csv":         {"text/csv", "CSV, line "},
		"html-named.pdf":            {"application/pdf", "byte 0"},
		"openaction-javascript.pdf": {"application/pdf", "PDF, byte "},
		"truncated.pdf":             {"application/pdf", "PDF, byte "},
	},
	"../internal/flow/document/testdata/ecg/dicom": {
		"gen-ecg-12lead-500hz.dcm":     {"stow", "NIK"}, // whole, of a patient without one
		"gen-ecg-samples-mismatch.dcm": {"stow", "DICOM, byte "},
	},
}

// TestMalformedFiles sends each malformed file by the way that its kind comes in, over
// HTTP to the built binary: each is refused, and the answer names the place.
func TestMalformedFiles(t *testing.T) {
	t.Parallel()
	s := newVaultSite(t, program)
	s.neighbour()
	s.startServer()
	s.signIn()
	n := 0
	for folder, table := range malformed {
		files, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		var there []string
		for _, f := range files {
			there = append(there, f.Name())
		}
		if d := cmp.Diff(slices.Sorted(maps.Keys(table)), there); d != "" {
			t.Errorf("%s holds what the table does not, or the other way round:\n%s", folder, d)
		}
		for name, c := range table {
			n++
			raw := []byte(read(t, filepath.Join(folder, name)))
			want, status, answer := 400, 0, []byte(nil)
			switch {
			case c.path == "stow":
				want = 409
				status, answer = s.send("POST", "/dicomweb/studies", `multipart/related; type="application/dicom"; boundary=part`, bytes.NewReader(parts(raw)))
			case strings.Contains(c.path, "/") && c.path[0] != '/':
				status, answer = s.send("POST", "/fhir/R4/DocumentReference", fhirMedia, letterOf(c.path, raw)())
			default:
				status, answer = s.send("POST", "/fhir/R4"+c.path, fhirMedia, bytes.NewReader(raw))
			}
			if status != want || !strings.Contains(string(answer), c.place) {
				t.Errorf("%s: %d %s, want %d and %q", name, status, answer, want, c.place)
			}
		}
	}
	t.Logf("%d files", n)
	s.server.stop()
	s.whole()
}
