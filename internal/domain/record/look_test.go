package record_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/format/fhir"
)

// TestLook: what a document is, and what it is not taken as.
func TestLook(t *testing.T) {
	deep := strings.Repeat("<a>", 200)
	for name, c := range map[string]struct {
		raw, sent string
		form      string
		kind      record.Kind
		why       string // of the refusal
	}{
		"a text":                     {"a letter", "", record.Bytes, record.Other, ""},
		"a text, as such":            {"a letter", "text/plain; charset=utf-8", "text/plain", record.Other, ""},
		"a photo":                    {"\xff\xd8\xff\xe0 and so on", "", "image/jpeg", record.Other, ""},
		"a picture as a photo":       {"\x89PNG\r\n\x1a\n", "image/jpeg", "", 0, "byte 0"},
		"a text as a photo":          {"a letter", "image/jpeg", "", 0, "byte 0"},
		"an ECG":                     {`<?xml version="1.0"?><AnnotatedECG xmlns="urn:hl7-org:v3"/>`, "", record.XML, record.ECG, ""},
		"an ECG, prefixed":           {`<?xml version="1.0"?><h:AnnotatedECG xmlns:h="urn:hl7-org:v3"/>`, "application/hl7+xml", record.XML, record.ECG, ""},
		"other XML":                  {`<?xml version="1.0"?><a><b/></a>`, "text/xml", record.XML, record.Other, ""},
		"entities that multiply":     {`<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>`, "", "", 0, "XML, byte "},
		"deep XML":                   {`<?xml version="1.0"?>` + deep, "", "", 0, "XML, byte "},
		"XML that was cut":           {`<?xml version="1.0"?><a><b>`, "", "", 0, "was cut"},
		"XML of another set":         {`<?xml version="1.0" encoding="UTF-16"?><a/>`, "", "", 0, "XML, byte "},
		"a table":                    {"a,b\n1,-2.5\n-,+3e2\n", "text/csv", record.CSV, record.Other, ""},
		"a table with a formula":     {"a,b\n1,=1+1\n", "text/csv", "", 0, "CSV, line 2, column 2"},
		"a table with a call":        {"a,b\n\"@SUM(1)\",2\n", "text/csv", "", 0, "CSV, line 2, column 1"},
		"a table with a hidden one":  {"a\n\"\t=1\"\n", "text/csv", "", 0, "CSV, line 2, column 1"},
		"a table that is none":       {"a,b\n\"x\n", "text/csv", "", 0, "CSV, line "},
		"a table of one long line":   {strings.Repeat("x", 3<<20), "text/csv", "", 0, "longer than"},
		"a quote that never ends":    {"a,b\n\"" + strings.Repeat("x\n", 3<<20), "text/csv", "", 0, "CSV, byte "},
		"a text that never ends":     {`<?xml version="1.0"?><a>` + strings.Repeat("x", 40<<20), "", "", 0, "XML, byte "},
		"a tag that never ends":      {`<?xml version="1.0"?><a ` + strings.Repeat("x='y' ", 8<<20), "", "", 0, "XML, byte "},
		"nothing":                    {"", "", "", 0, "byte 0"},
		"no type":                    {"x", ";", "", 0, "media type"},
		"a text as a DICOM file":     {"a letter", record.DICOM, "", 0, "byte 0"},
		"a DICOM file as an unknown": {strings.Repeat("\x00", 128) + "DICMx", record.Bytes, "", 0, "byte 13"},
	} {
		s, err := record.Look(strings.NewReader(c.raw), c.sent)
		if c.why != "" {
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Text(err), c.why) {
				t.Errorf("%s: %v, want a refusal with %q", name, err, c.why)
			}
			continue
		}
		if err != nil || s.Meta.ContentType != c.form || s.Meta.Kind != c.kind || s.Claim != nil {
			t.Errorf("%s: %+v %v", name, s, err)
		}
	}
}

// TestAttachments: what stands in a resource as a document is looked into like one that
// is sent by itself, and refused with its place.
func TestAttachments(t *testing.T) {
	reader, err := fhir.NewReader()
	if err != nil {
		t.Fatal(err)
	}
	const (
		good = "%PDF-1.4\n1 0 obj\n<< >>\nendobj\nstartxref\n9\n%%EOF\n"
		runs = "%PDF-1.4\n1 0 obj\n<< /OpenAction << /S /JavaScript /JS (app.alert(1)) >> >>\nendobj\nstartxref\n9\n%%EOF\n"
	)
	letter := func(media, content string) string {
		return fmt.Sprintf(`{"resourceType":"DocumentReference","status":"current","content":[{"attachment":{"title":"x"}},{"attachment":{"contentType":%q,"data":%q}}]}`,
			media, base64.StdEncoding.EncodeToString([]byte(content)))
	}
	for name, c := range map[string]struct{ raw, at, why string }{
		"a letter":              {letter("application/pdf", good), "", ""},
		"a letter that runs":    {letter("application/pdf", runs), "DocumentReference.content[1].attachment.data", "PDF, byte "},
		"HTML as a PDF":         {letter("application/pdf", "<html>"), "DocumentReference.content[1].attachment.data", "byte 0"},
		"a table that computes": {letter("text/csv", "a,b\n1,=1+1\n"), "DocumentReference.content[1].attachment.data", "CSV, line 2"},
		"entities":              {letter("application/xml", "<?xml version='1.0'?><!DOCTYPE a><a/>"), "DocumentReference.content[1].attachment.data", "XML, byte "},
		"no media type":         {letter(";", "x"), "DocumentReference.content[1].attachment.data", "media type"},
		"a Binary that runs":    {fmt.Sprintf(`{"resourceType":"Binary","contentType":"application/pdf","data":%q}`, base64.StdEncoding.EncodeToString([]byte(runs))), "Binary.data", "PDF, byte "},
		"data of another kind":  {`{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueSampledData":{"origin":{"value":0},"period":1,"dimensions":1,"data":"1 2 E"}}`, "", ""},
	} {
		r, err := reader.Read([]byte(c.raw))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		err = record.CheckAttachments(r)
		if c.why == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		bad, ok := errors.AsType[*fhir.Invalid](err)
		if !ok || bad.Issues[0].Place != c.at || !strings.Contains(bad.Issues[0].Why, c.why) || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzLook(f *testing.F) {
	f.Add([]byte("a,b\n1,2\n"), "text/csv")
	f.Add([]byte(`<?xml version="1.0"?><a/>`), "")
	f.Add([]byte("%PDF-1.4"), "application/pdf")
	f.Fuzz(func(t *testing.T, raw []byte, sent string) {
		s, err := record.Look(bytes.NewReader(raw), sent)
		if err != nil && fault.KindOf(err) != fault.Invalid && !errors.Is(err, bytes.ErrTooLarge) {
			t.Fatalf("%v is not the document's", err)
		}
		if err == nil && s.Meta.ContentType == "" {
			t.Fatal("of no type")
		}
	})
}
