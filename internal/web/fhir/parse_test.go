package fhir

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/record"
)

func TestMatchHeader(t *testing.T) {
	for text, want := range map[string]uint64{
		`W/"7"`: 7, `"7"`: 7, ` W/"18446744073709551615" `: 1<<64 - 1,
		`7`: 0, `W/7`: 0, `W/"07"`: 0, `W/"0"`: 0, `W/"-1"`: 0, `W/"1", W/"2"`: 0, `*`: 0, ``: 0, `W/"`: 0, `"`: 0, `W/"18446744073709551616"`: 0, `w/"7"`: 0,
	} {
		got, err := parseMatch([]string{text})
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("%q: %d %v", text, got, err)
		}
	}
	if _, err := parseMatch(nil); err != errMatch {
		t.Errorf("without: %v", err)
	}
	if _, err := parseMatch([]string{`W/"1"`, `W/"1"`}); err == nil {
		t.Error("two headers are taken")
	}
}

func TestPreferHeader(t *testing.T) {
	for text, want := range map[string]prefer{
		"": preferNothing, "return=minimal": preferMinimal, "return = representation; foo=bar": preferRepresentation, `RETURN="OperationOutcome"`: preferOutcome,
		"handling=lenient": preferNothing, "handling=strict, return=minimal": preferMinimal, "return=minimal, return=representation": preferMinimal, ",;,": preferNothing,
	} {
		if got, err := parsePrefer([]string{text}); got != want || err != nil {
			t.Errorf("%q: %d %v", text, got, err)
		}
	}
	for _, text := range []string{"return=nothing", "return", "respond-async", "return=minimal; respond-async"} {
		if _, err := parsePrefer([]string{text}); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestForm(t *testing.T) {
	for _, c := range []struct{ accept, query, want string }{
		{"", "", formFHIR}, {"application/fhir+json", "", formFHIR}, {"application/json", "", formJSON}, {"*/*", "", formFHIR},
		{"text/html, application/fhir+json;q=0.9", "", formFHIR}, {"text/html", "?_format=json", formFHIR}, {"", "?_format=application/fhir+json", formFHIR},
		{"", "?_format=xml", ""}, {"text/html", "", ""}, {"application/fhir+xml", "", ""},
	} {
		r := httptest.NewRequest("GET", "/x"+c.query, nil)
		if c.accept != "" {
			r.Header.Set("Accept", c.accept)
		}
		got, err := formOf(r)
		if (err != nil) != (c.want == "") || err == nil && got != c.want {
			t.Errorf("%q %q: %q %v", c.accept, c.query, got, err)
		}
	}
}

// FuzzHeaders: whatever is written, a version that is read is written back, and no
// parser fails in another way than by its error.
func FuzzHeaders(f *testing.F) {
	for _, s := range []string{`W/"7"`, `"1"`, "return=minimal", "return=representation, respond-async", "application/fhir+json;q=1", "*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := parseMatch([]string{s}); err == nil {
			if again, err := parseMatch([]string{etag(n)}); err != nil || again != n || n == 0 {
				t.Errorf("%q: %d, again %d %v", s, n, again, err)
			}
		}
		if p, err := parsePrefer([]string{s}); err != nil && p != preferNothing {
			t.Errorf("%q: refused, and %d", s, p)
		}
		r := &http.Request{Header: http.Header{"Accept": {s}, "If-None-Match": {s}, "If-Modified-Since": {s}}, URL: &url.URL{}}
		if form, err := formOf(r); err == nil && form != formFHIR && form != formJSON {
			t.Errorf("%q: %q", s, form)
		}
		unchanged(r.Header, 1, time.Unix(0, 0))
	})
}

// FuzzIdentifier: only one NIK of the one system is a search, and no error repeats it.
func FuzzIdentifier(f *testing.F) {
	f.Add("identifier=https%3A%2F%2Ffhir.kemkes.go.id%2Fid%2Fnik%7C9901015703840001")
	f.Add("identifier=9901015703840001")
	f.Add("name=Ani&birthdate=1984&nik=9901015703840001")
	f.Add("identifier=a&identifier=b")
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		nik, err := parseIdentifier(values)
		if err != nil {
			for _, all := range values {
				for _, v := range all {
					if len(v) > 8 && strings.Contains(err.Error(), v) && !strings.Contains(record.NIKSystem, v) {
						t.Errorf("%q: repeated by %v", query, err)
					}
				}
			}
			return
		}
		if values.Get("identifier") != record.NIKSystem+"|"+nik.Reveal() {
			t.Errorf("%q: read as another", query)
		}
	})
}
