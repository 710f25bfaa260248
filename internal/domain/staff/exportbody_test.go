package staff_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
)

var exportOf = staff.Export{
	Recipient: "age1" + strings.Repeat("q", 58), Count: 2, People: staff.PeopleDigest([]identity.PersonID{3, 9}),
}

// TestExportBody: one spelling, and its list alone.
func TestExportBody(t *testing.T) {
	got, err := staff.ParseExport(exportOf.Body())
	if err != nil || got != exportOf {
		t.Fatalf("%+v %v", got, err)
	}
	for name, list := range map[string][]identity.PersonID{
		"another person": {3, 8}, "one less": {3}, "one more": {3, 9, 10}, "turned": {9, 3}, "one twice": {3, 3}, "nobody": nil,
	} {
		if err := exportOf.Lists(list); !errors.Is(err, staff.ErrListed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := exportOf.Lists([]identity.PersonID{3, 9}); err != nil {
		t.Errorf("the list: %v", err)
	}
	for name, change := range map[string][2]string{
		"no key": {"age1", "age2"}, "upper case": {"list ", "LIST "}, "nobody": {"people 2", "people 0"}, "too many": {"people 2", "people 5001"},
		"another spelling": {"people 2", "people +2"}, "a line more": {"\nlist", "\n\nlist"}, "another's prefix": {"people", "persons"},
	} {
		if _, err := staff.ParseExport([]byte(strings.Replace(string(exportOf.Body()), change[0], change[1], 1))); !errors.Is(err, staff.ErrExport) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestExportForm: a form is approved with the rest, in one spelling.
func TestExportForm(t *testing.T) {
	for _, name := range []string{"fhir", "csv", "ndjson", "xlsx", "pdf"} {
		e := exportOf
		var err error
		if e.Form, err = staff.ParseForm(name); err != nil || e.Form.String() != name {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := staff.ParseExport(e.Body()); err != nil || got != e {
			t.Errorf("%s: %+v %v", name, got, err)
		}
		if name != "fhir" && bytes.Equal(e.Body(), exportOf.Body()) {
			t.Errorf("%s is not signed over", name)
		}
	}
	for _, name := range []string{"", "ods", "CSV"} {
		if _, err := staff.ParseForm(name); !errors.Is(err, staff.ErrExport) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, line := range []string{"form \n", "form fhir\n", "form ods\n", "csv\n"} {
		if _, err := staff.ParseExport(append(exportOf.Body(), line...)); !errors.Is(err, staff.ErrExport) {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// TestExportDocuments: that documents leave with it is approved with the rest.
func TestExportDocuments(t *testing.T) {
	e := exportOf
	e.Documents = true
	for _, form := range []staff.Form{staff.FormFHIR, staff.FormCSV} {
		e.Form = form
		if got, err := staff.ParseExport(e.Body()); err != nil || got != e {
			t.Errorf("%s: %+v %v", form, got, err)
		}
	}
	for _, line := range []string{"documents\n", "documents too\nform csv\n", "documents too\ndocuments too\n", "documents no\n"} {
		if _, err := staff.ParseExport(append(exportOf.Body(), line...)); !errors.Is(err, staff.ErrExport) {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func FuzzExport(f *testing.F) {
	f.Add(exportOf.Body())
	f.Add([]byte("recipient age1\npeople 1\nlist 00\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if e, err := staff.ParseExport(raw); err == nil && !bytes.Equal(e.Body(), raw) {
			t.Fatalf("%q has two spellings", raw)
		}
	})
}
