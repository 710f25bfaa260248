package response_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/staff"
)

// TestWorkbookCallsItself: a workbook whose sheet was cut down to NIKs still says in its
// properties which copy it is, and is named by that; without them, the control, it names nobody.
func TestWorkbookCallsItself(t *testing.T) {
	s := open(t, 8)
	copied, text := s.copy(staff.FormXLSX)
	s.copy(staff.FormXLSX)
	z, err := zip.NewReader(strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	var sheet strings.Builder
	sheet.WriteString(`<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`)
	for i, n := range s.niks {
		fmt.Fprintf(&sheet, `<row r="%[1]d"><c r="A%[1]d" t="inlineStr"><is><t>%[2]s</t></is></c></row>`, i+1, n.Reveal())
	}
	sheet.WriteString(`</sheetData></worksheet>`)
	cut := func(without string) string {
		t.Helper()
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for _, f := range z.File {
			if f.Name == without {
				continue
			}
			out, err := w.Create(f.Name)
			if err != nil {
				t.Fatal(err)
			}
			var from io.Reader = strings.NewReader(sheet.String())
			if !strings.HasPrefix(f.Name, "xl/worksheets/") {
				if from, err = f.Open(); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := io.Copy(out, from); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	c := s.trace("cut.xlsx", cut(""))
	s.established("by its properties", c, copied)
	if c.Counts.Rows != 8 || c.Counts.Documents != 0 {
		t.Errorf("%d rows, %d documents", c.Counts.Rows, c.Counts.Documents)
	}
	s.established("the control", s.trace("bare.xlsx", cut("docProps/core.xml")))
}
