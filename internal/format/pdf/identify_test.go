package pdf_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/format/pdf"
)

const (
	oldID = "0123456789abcdef0123456789abcdef"
	newID = "fedcba9876543210fedcba9876543210"
)

func pair(id string) string { return "/ID [<" + oldID + "> <" + id + ">]" }

// TestIdentify: the second identifier of a trailer or of a cross-reference stream changes, in
// place, and nothing else; what is signed, encrypted, or no trailer's stays.
func TestIdentify(t *testing.T) {
	for what, c := range map[string]struct {
		file string
		want int
	}{
		"a trailer":                {"%PDF-1.4\n1 0 obj <<>> endobj\ntrailer\n<< /Size 2 /Root 1 0 R " + pair(oldID) + " >>\nstartxref\n9\n%%EOF", 1},
		"two of them":              {"trailer << " + pair(oldID) + " >> 3 0 obj x endobj trailer << " + pair(oldID) + " >>", 2},
		"a cross-reference stream": {"endobj 7 0 obj << /Type /XRef " + pair(oldID) + " >> stream x", 1},
		"its type behind":          {"endobj 7 0 obj << " + pair(oldID) + " /Type /XRef >> stream x", 1},
		"no identifier":            {"trailer << /Size 2 >>", 0},
		"a short one":              {"trailer << /ID [<00><11>] >>", 0},
		"signed":                   {"1 0 obj << /ByteRange [0 1 2 3] >> endobj trailer << " + pair(oldID) + " >>", 0},
		"encrypted":                {"trailer << /Encrypt 4 0 R " + pair(oldID) + " >>", 0},
		"in a text":                {"4 0 obj << /Length 9 >> stream\n(" + pair(oldID) + ") Tj endstream endobj", 0},
	} {
		b := []byte(c.file)
		if done := pdf.Identify(b, newID); done != (c.want > 0) {
			t.Errorf("%s: %v", what, done)
		}
		if got := bytes.Count(b, []byte(newID)); got != c.want || len(b) != len(c.file) || strings.ReplaceAll(string(b), newID, oldID) != c.file {
			t.Errorf("%s: %s", what, b)
		}
	}
	if pdf.Identify([]byte("trailer "+pair(oldID)), "short") {
		t.Error("an identifier of another length")
	}
}
