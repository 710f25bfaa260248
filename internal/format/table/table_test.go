package table_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/format/pdf"
	"github.com/amanah-project/amanah/internal/format/table"
)

var about = table.About{
	ID: [16]byte{0xaa, 1, 2, 15: 0xff}, Title: "Salinan", Made: time.Date(2026, 11, 30, 3, 0, 0, 0, time.UTC), Columns: []string{"nik", "name", "note"},
}

var rows = [][]string{
	{"9901014503900001", "Siti Nur'aini", ""},
	{"9901014503900002", "=cmd|' /C calc'!A0", "+1+cmd|x"},
	{"", "", ""},
	{"0000000000000001", "Ñandú 李", "a\nb\t<&>\"_x0041_\x01"},
	{"-1.5", "+62812 3456-789", "'quoted"},
	{"@SUM(A1)", "\tx", "'"},
}

func write(t *testing.T, form string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := table.New(form, &b, about)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := w.Row(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Row([]string{"a"}); !errors.Is(err, table.ErrCells) {
		t.Errorf("%s: a short row: %v", form, err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestSame: the same rows make the same bytes.
func TestSame(t *testing.T) {
	for _, form := range []string{"csv", "ndjson", "xlsx", "pdf"} {
		if !bytes.Equal(write(t, form), write(t, form)) {
			t.Errorf("%s: other bytes", form)
		}
	}
	if _, err := table.New("ods", io.Discard, about); !errors.Is(err, table.ErrForm) {
		t.Error(err)
	}
}

// TestCSV: what is read back, without the apostrophes, is what was written, and nothing in it
// begins as a formula does.
func TestCSV(t *testing.T) {
	got, err := csv.NewReader(bytes.NewReader(write(t, "csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{about.Columns}
	for _, r := range rows {
		want = append(want, slices.Clone(r))
	}
	for _, r := range got[1:] {
		for i, c := range r {
			if c != "" && strings.ContainsAny(c[:1], "=@\t\r") || strings.HasPrefix(c, "+1+c") {
				t.Errorf("%q would be a formula", c)
			}
			r[i] = table.Unquote(c)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestNDJSON: an object for each row, without what is empty.
func TestNDJSON(t *testing.T) {
	for i, line := range bytes.Split(bytes.TrimSpace(write(t, "ndjson")), []byte("\n")) {
		var got map[string]string
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for k, name := range about.Columns {
			if v, is := got[name]; v != rows[i][k] || is != (v != "") {
				t.Errorf("row %d: %q %q", i, v, rows[i][k])
			}
		}
	}
}

type worksheet struct {
	Rows []struct {
		Cells []struct {
			Ref  string    `xml:"r,attr"`
			Type string    `xml:"t,attr"`
			Text string    `xml:"is>t"`
			F    *struct{} `xml:"f"`
		} `xml:"c"`
	} `xml:"sheetData>row"`
}

// TestXLSX: every cell is text, the NIK too, and says what was written.
func TestXLSX(t *testing.T) {
	raw := write(t, "xlsx")
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	part := func(name string) []byte {
		f, err := z.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		b, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, f := range z.File {
		var any struct{}
		if err := xml.Unmarshal(part(f.Name), &any); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	if !bytes.Contains(part("docProps/core.xml"), []byte("<dc:identifier>aa0102")) {
		t.Error("no identifier")
	}
	var sheet worksheet
	if err := xml.Unmarshal(part("xl/worksheets/sheet1.xml"), &sheet); err != nil {
		t.Fatal(err)
	}
	unescape := strings.NewReplacer("_x0001_", "\x01", "_x005F_x0041_", "_x0041_")
	for i, want := range append([][]string{about.Columns}, rows...) {
		got := make([]string, len(want))
		for _, c := range sheet.Rows[i].Cells {
			if c.Type != "inlineStr" || c.F != nil {
				t.Errorf("%s is of type %q", c.Ref, c.Type)
			}
			got[c.Ref[0]-'A'] = unescape.Replace(c.Text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("row %d: %s", i, diff)
		}
	}
	w, err := table.New("xlsx", io.Discard, about)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Row([]string{strings.Repeat("x", 32768), "", ""}); !errors.Is(err, table.ErrCell) {
		t.Errorf("a cell too long: %v", err)
	}
}

// TestPDF: whole, with its identifier in trailer and metadata, its text to be read.
func TestPDF(t *testing.T) {
	raw := write(t, "pdf")
	if err := pdf.Check(bytes.NewReader(raw)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/ID [<aa0102", "urn:amanah:document:aa0102", "(nik: 9901014503900001)", `\\u{674e}`, "(name: =cmd|' /C calc'!A0)"} {
		if !bytes.Contains(raw, []byte(want)) && !bytes.Contains(raw, []byte(strings.NewReplacer("(", `(`).Replace(want))) {
			t.Errorf("%q is not in it", want)
		}
	}
}

// TestReadByOthers: where there is another program to read them, it does.
func TestReadByOthers(t *testing.T) {
	dir := t.TempDir()
	for form, program := range map[string]string{"pdf": "qpdf", "xlsx": "unzip"} {
		path, err := exec.LookPath(program)
		if err != nil {
			continue
		}
		file := filepath.Join(dir, "part."+form)
		if err := os.WriteFile(file, write(t, form), 0o600); err != nil {
			t.Fatal(err)
		}
		args := map[string][]string{"qpdf": {"--check", file}, "unzip": {"-t", file}}[program]
		if out, err := exec.Command(path, args...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", program, err, out)
		}
	}
}

func FuzzQuote(f *testing.F) {
	for _, s := range []string{"=1", "'=1", "''", "+62812", "+a", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := table.Unquote(table.Quote(s)); got != s {
			t.Fatalf("%q became %q", s, got)
		}
	})
}
