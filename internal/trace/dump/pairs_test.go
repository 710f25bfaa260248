package dump_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/format/table"
	"github.com/amanah-project/amanah/internal/trace/dump"
)

// rowsIn walks one file, all of whose bytes are accounted for, and returns its rows.
func rowsIn(t *testing.T, name string, b []byte) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s := newTaken()
	r, err := dump.Walk(t.Context(), []string{path}, s, dump.Options{})
	if err != nil {
		t.Fatal(err)
	}
	account(t, r)
	var out []string
	for line := range strings.Lines(s.text()) {
		if _, row, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && !strings.Contains(line, " document ") {
			out = append(out, row)
		}
	}
	return out
}

// page is a PDF of lines, whose texts stand apart.
func page(t *testing.T, lines ...string) []byte {
	t.Helper()
	p := fpdf.New("P", "mm", "A4", "")
	p.SetFont("Helvetica", "", 9)
	p.AddPage()
	for _, l := range lines {
		for _, text := range strings.Split(l, "|") {
			p.Cell(40, 5, text)
		}
		p.Ln(5)
	}
	var out bytes.Buffer
	if err := p.Output(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestPrintedRecords: records that are printed as "name: value" lines are a row each, over the
// foot of a page, too; lists, tables, timetables and prose are read line by line as they stand.
func TestPrintedRecords(t *testing.T) {
	for _, c := range []struct {
		what  string
		lines []string
		want  []string
	}{
		{"records under a title", []string{"Laporan bulan ini", "NIK: 9901014101900001", "Nama: Siti", "NIK: 9901014101900002", "Nama: Budi", "Kota: Palu"},
			[]string{`="Laporan bulan ini"`, `NIK="9901014101900001" Nama="Siti"`, `NIK="9901014101900002" Nama="Budi" Kota="Palu"`}},
		{"name and value apart, two in a line", []string{"Nama:|Siti|Lahir: 1990-01-01", "NIK|: 9901014101900001", "Nama:|Budi|x"},
			[]string{`Nama="Siti" Lahir="1990-01-01" NIK="9901014101900001"`, `="Nama:" ="Budi" ="x"`}},
		{"a page's foot within", []string{"NIK: 9901014101900001", "halaman 1", "Klinik Uji", "Nama: Siti", "NIK: 9901014101900002"},
			[]string{`NIK="9901014101900001" ="halaman 1" ="Klinik Uji" Nama="Siti"`, `="NIK: 9901014101900002"`}},
		{"prose between", []string{"NIK: 9901014101900001", "Dengan hormat", "kami", "sampaikan", "Nama: Siti"},
			[]string{`="NIK: 9901014101900001"`, `="Dengan hormat"`, `="kami"`, `="sampaikan"`, `="Nama: Siti"`}},
		{"people as names", []string{"Siti Rahma: 9901014101900001", "Budi: 9901014101900002", "Ani: 9901014101900003"},
			[]string{`="Siti Rahma: 9901014101900001"`, `="Budi: 9901014101900002"`, `="Ani: 9901014101900003"`}},
		{"a mother's number", []string{"NIK: 9901014101900001", "Ibu: 9901014101900002", "NIK: 9901014101900003", "Ibu: 9901014101900004"},
			[]string{`NIK="9901014101900001" Ibu="9901014101900002"`, `NIK="9901014101900003" Ibu="9901014101900004"`}},
		{"a timetable and a table", []string{"08.30: Siti", "09:15: Budi", "9901014101900001|Siti|Catatan: x", "9901014101900002|Budi|Alasan: y"},
			[]string{`="08.30: Siti"`, `="09:15: Budi"`, `="9901014101900001" ="Siti" ="Catatan: x"`, `="9901014101900002" ="Budi" ="Alasan: y"`}},
	} {
		if diff := cmp.Diff(c.want, rowsIn(t, "x.pdf", page(t, c.lines...))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, diff)
		}
	}
}

// TestExportedPDF: each row that the product writes into a PDF is one row again, over page
// breaks; its text, line by line and without an empty line, too.
func TestExportedPDF(t *testing.T) {
	columns := []string{"token", "nik", "name", "phone", "text"}
	var pdf, text bytes.Buffer
	w, err := table.New("pdf", &pdf, table.About{ID: [16]byte{1, 2}, Title: "Salinan", Made: time.Unix(1_700_000_000, 0), Columns: columns})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range 6000 { // as text longer than what is cut at once
		row := []string{fmt.Sprint("t", i), fmt.Sprintf("990101410190%04d", i), fmt.Sprintf("Warga %c", 'A'+i%26), fmt.Sprint("+6281", i), ""}
		if i%3 == 0 {
			row[3], row[4] = "", "batuk"
		}
		if i < 300 {
			if err := w.Row(row); err != nil {
				t.Fatal(err)
			}
		}
		var all []string
		for k, v := range row {
			if v != "" {
				all = append(all, fmt.Sprintf("%s=%q", columns[k], v))
				fmt.Fprintf(&text, "%s: %s\n", columns[k], v)
			}
		}
		want = append(want, strings.Join(all, " "))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, rowsIn(t, "x.txt", text.Bytes())); diff != "" {
		t.Errorf("as text (-want +got):\n%s", diff)
	}
	var got []string
	feet := 0
	for _, row := range rowsIn(t, "x.pdf", pdf.Bytes()) {
		before, foot, within := strings.Cut(row, `="Salinan `)
		if within {
			feet++
			_, rest, _ := strings.Cut(foot, `"`)
			if row = before + strings.TrimSpace(rest); before == "" {
				continue // between two records
			}
		}
		got = append(got, strings.TrimSpace(row))
	}
	if diff := cmp.Diff(want[:300], got); diff != "" || feet < 10 {
		t.Errorf("%d feet (-want +got):\n%s", feet, diff)
	}
}
