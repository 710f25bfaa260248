package sheet_test

import (
	"archive/zip"
	"bytes"
	"hash/fnv"
	"io"
	"testing"

	"github.com/amanah-project/amanah/internal/trace/dump/sheet"
)

// book is a workbook of three parts.
func book(t testing.TB, shared, styles, cells []byte) *zip.Reader {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, p := range []struct {
		name string
		b    []byte
	}{{"xl/workbook.xml", nil}, {"xl/worksheets/sheet1.xml", cells}, {"xl/sharedStrings.xml", shared}, {"xl/styles.xml", styles}} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: p.name, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(p.b); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// seen is what was read of a workbook.
type seen struct {
	rows, widest, failed int // failed: parts that were not read to their end
	sum                  uint64
}

func read(t testing.TB, z *zip.Reader) (s seen) {
	t.Helper()
	sum := fnv.New64a()
	r := sheet.Reader{
		Strings: 1 << 20,
		Open: func(_ int, f *zip.File) (io.Reader, bool) {
			in, err := f.Open()
			return in, err == nil
		},
		Failed: func(_ int, err error) {
			if err == nil {
				t.Error("a part failed without an error")
			}
			s.failed++
		},
	}
	if err := r.Read(z, func(row sheet.Row) error {
		s.rows++
		s.widest = max(s.widest, len(row.Cells))
		for _, c := range row.Cells {
			_, _ = io.WriteString(sum, c+"\x00")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	s.sum = sum.Sum64()
	return s
}

// FuzzSheet: whatever stands in the parts of a workbook, its reader ends, panics nowhere, gives
// no row beyond what its bytes can hold, and the same rows again.
func FuzzSheet(f *testing.F) {
	shared := []byte(`<sst><si><t>nik</t></si><si><r><t>Siti </t></r><r><t>R</t></r><rPh><t>no</t></rPh></si></sst>`)
	styles := []byte(`<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>`)
	for _, cells := range []string{
		`<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c t="inlineStr"><is><t>lahir</t></is></c></row></sheetData></worksheet>`,
		`<row r="2"><c r="A2"><v>9.90101410190001E+15</v></c><c r="C2" s="1"><v>32874.5</v></c></row>`,
		`<row><c t="str"><f>CMD|'/c calc'!A1</f><v>x &amp; y</v></c><c r="D3"><f>HYPERLINK(1)</f></c></row>`,
		`<row><c r="XFD1"><v>1</v></c><c r="XFE1"><v>1</v></c><c r="-1" t="s" s="9"><v>-7</v></c></row><row`,
		`<!DOCTYPE a [<!ENTITY b "bb">]><row><c><v>&b;</v></c></row>`, ``,
	} {
		f.Add(shared, styles, []byte(cells))
	}
	f.Fuzz(func(t *testing.T, shared, styles, cells []byte) {
		if len(shared)+len(styles)+len(cells) > 64<<10 {
			return
		}
		z := book(t, shared, styles, cells)
		got := read(t, z)
		if got.rows > len(cells)/len("<c/>") || got.widest > 16384 {
			t.Errorf("%d rows of up to %d cells in %d bytes", got.rows, got.widest, len(cells))
		}
		if again := read(t, z); again != got {
			t.Errorf("%+v, then %+v", got, again)
		}
	})
}
