package pdf_test

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/format/pdf"
)

const whole = "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Title (A \\) (nested /JS) text) >>\nendobj\n" +
	"2 0 obj\n<< /Length 20 >>\nstream\n/JavaScript (unpaired\nendstream\nendobj\n% /JS in a comment\nstartxref\n9\n%%EOF\n"

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct{ raw, why string }{
		"whole":                 {whole, ""},
		"version 2":             {strings.Replace(whole, "1.4", "2.0", 1), ""},
		"a long stream":         {strings.Replace(whole, "(unpaired", strings.Repeat("endstrea ", 3000)+"(unpaired", 1), ""},
		"empty":                 {"", "does not begin"},
		"a page of a site":      {"<!doctype html><script>alert(1)</script>", "does not begin"},
		"behind something":      {" " + whole, "does not begin"},
		"cut in a stream":       {whole[:strings.Index(whole, "endstream")+3], "was cut"},
		"cut in a text":         {whole[:40], "was cut"},
		"cut before the end":    {whole[:strings.Index(whole, "startxref")], "was cut"},
		"end without a table":   {strings.Replace(whole, "startxref", "nothing", 1), "was cut"},
		"a script":              {strings.Replace(whole, "/Type", "/JavaScript", 1), "script"},
		"a script, disguised":   {strings.Replace(whole, "/Type", "/J#61v#61Script", 1), "script"},
		"a script's text":       {strings.Replace(whole, "/Catalog", "/JS(app.alert)", 1), "script"},
		"a program":             {strings.Replace(whole, "/Type", "/Launch", 1), "program"},
		"a name that begins so": {strings.Replace(whole, "/Type", "/JSON", 1), ""},
	} {
		err := pdf.Check(strings.NewReader(c.raw))
		var e *pdf.Error
		if c.why == "" && err != nil || c.why != "" && (!errors.As(err, &e) || !strings.Contains(e.Why, c.why) || fault.KindOf(err) != fault.Invalid || !strings.HasPrefix(fault.Text(err), "PDF, byte ")) {
			t.Errorf("%s: %v, want %q", name, err, c.why)
		}
	}
	err := pdf.Check(strings.NewReader(strings.Replace(whole, "/Type", "/JS", 1)))
	var e *pdf.Error
	if !errors.As(err, &e) || e.Offset != int64(strings.Index(whole, "/Type")) {
		t.Errorf("%v, want the script's place", err)
	}
	broken := errors.New("broken")
	if err := pdf.Check(iotest.TimeoutReader(iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("%v, want the reader's error", err)
	}
}

// packed is a PDF 1.5 file whose two fonts are in an object stream, each with a map of its own
// from codes to letters.
func packed(table string) []byte {
	fonts := []string{"<< /Type /Font /ToUnicode 7 0 R >>", "<< /Type /Font /ToUnicode 8 0 R >>"}
	if table == "" {
		table = fmt.Sprintf("5 0 6 %d ", len(fonts[0])+1)
	}
	var out bytes.Buffer
	object := func(number int, dict, data string) {
		var z bytes.Buffer
		w := zlib.NewWriter(&z)
		w.Write([]byte(data))
		w.Close()
		fmt.Fprintf(&out, "%d 0 obj\n<< %s /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream\nendobj\n", number, dict, z.Len(), z.Bytes())
	}
	out.WriteString("%PDF-1.5\n1 0 obj\n<< /Resources << /Font << /F1 5 0 R /F2 6 0 R >> >> >>\nendobj\n")
	object(2, fmt.Sprintf("/Type /ObjStm /N 2 /First %d", len(table)), table+fonts[0]+" "+fonts[1])
	object(3, "", "BT /F1 12 Tf 10 100 Td <01> Tj ET BT /F2 12 Tf 10 50 Td <01> Tj ET")
	object(7, "", "begincmap 1 beginbfchar <01> <0041> endbfchar endcmap")
	object(8, "", "begincmap 1 beginbfchar <01> <0042> endbfchar endcmap")
	out.WriteString("startxref\n9\n%%EOF\n")
	return out.Bytes()
}

// TestObjectStream: fonts are found where they are packed, and a table that lies costs no
// more than one that does not.
func TestObjectStream(t *testing.T) {
	limits := pdf.Limits{Inflated: 1 << 24, Texts: 100}
	if got := pdf.Read(packed(""), limits).Lines; !cmp.Equal(got, [][]string{{"A"}, {"B"}}) {
		t.Errorf("%q, want A and B", got)
	}
	for _, table := range []string{"5 0 6 ", "5 -1 6 -1 ", "5 99999999999999999999 6 0 ", "x y ", strings.Repeat("5 0 6 60 ", 100_000)} {
		if got := pdf.Read(packed(table), limits); len(got.Lines) > 2 {
			t.Errorf("%.20q: %q", table, got.Lines)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(packed(""))
	f.Add(packed("5 9 6 0 "))
	f.Add([]byte(whole))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, s := range pdf.Read(raw, pdf.Limits{Inflated: 1 << 20, Texts: 1000}).Spans {
			if s.From < 0 || s.From > s.To || s.To > int64(len(raw)) {
				t.Fatalf("%+v of %d bytes", s, len(raw))
			}
		}
	})
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(whole[:60]))
	f.Add([]byte("%PDF-1.4 /#4a#53 (((\\"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		err := pdf.Check(bytes.NewReader(raw))
		var e *pdf.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%v is not the file's", err)
		}
		if e != nil && (e.Offset < 0 || e.Offset > int64(len(raw))) {
			t.Fatalf("byte %d of %d", e.Offset, len(raw))
		}
	})
}
