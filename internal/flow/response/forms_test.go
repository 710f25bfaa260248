package response_test

import (
	"archive/zip"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/trace/dump"
)

// TestEveryForm: a copy in each form, posted as it was delivered, is ours, all of its records
// are found, and it is named, and no other.
func TestEveryForm(t *testing.T) {
	s := open(t, 24)
	for _, form := range []struct {
		form staff.Form
		name string
		kind dump.Kind
		rows int64 // of our 24 people; canaries and pages' feet beside them
	}{
		{staff.FormCSV, "copy.csv", dump.Table, 72}, {staff.FormNDJSON, "copy.ndjson", dump.NDJSON, 72},
		{staff.FormFHIR, "copy.fhir.ndjson", dump.NDJSON, 72}, {staff.FormXLSX, "copy.xlsx", dump.Spreadsheet, 72}, {staff.FormPDF, "copy.pdf", dump.PDF, 72},
	} {
		copied, text := s.copy(form.form)
		if form.form == staff.FormXLSX {
			workbookOf(t, text)
		}
		c := s.trace(form.name, text)
		s.established(form.name, c, copied)
		if c.Ours.Finding != leak.Proven || c.Counts.Matched < form.rows || c.Records < 48 || c.Patients != 24 || c.Files[0].Kind != form.kind {
			t.Errorf("%s: read as %s, %d of %d rows match\n%s", form.name, c.Files[0].Kind, c.Counts.Matched, c.Counts.Rows, c.Table())
		}
	}
}

// workbookOf holds an exported workbook against what Office Open XML demands of one: its parts
// are named, and related to each other, each is XML, and the sheet has the columns.
func workbookOf(t *testing.T, text string) {
	t.Helper()
	z, err := zip.NewReader(strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		for d := xml.NewDecoder(strings.NewReader(string(raw))); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
		}
		parts[f.Name] = string(raw)
	}
	for part, says := range map[string]string{
		"[Content_Types].xml": "/xl/workbook.xml", "_rels/.rels": "xl/workbook.xml", "xl/workbook.xml": "<sheet ",
		"xl/_rels/workbook.xml.rels": "worksheets/sheet1.xml", "xl/worksheets/sheet1.xml": "<row",
	} {
		if !strings.Contains(parts[part], says) {
			t.Errorf("the workbook's %s does not have %s: %.300s", part, says, parts[part])
		}
	}
	for _, column := range record.Columns() {
		if !strings.Contains(parts["xl/worksheets/sheet1.xml"]+parts["xl/sharedStrings.xml"], ">"+column+"<") {
			t.Errorf("the workbook has no column %s", column)
		}
	}
}
