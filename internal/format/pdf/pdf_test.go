package pdf_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

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
