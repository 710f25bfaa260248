package app

import (
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	wire "github.com/amanah-project/amanah/api"
	"github.com/amanah-project/amanah/internal/web/contract"
	"github.com/amanah-project/amanah/internal/web/problem"
)

// planted are identifiers that requests of TestErrorsAreProblems carry wherever a
// caller can write something.
var planted = []string{"9901011508900001", "Kenari", "+628990000000001", "1990-08-15"}

const plantedJSON = `{"nik":"9901011508900001","serial":"9901011508900001","code":"https://localhost/v/9901011508900001","nonce":"Kenari","holder":"+628990000000001","visit":"1990-08-15","Kenari":1}`

// documented are the types of the table in api/openapi.yaml.
func documented(t *testing.T) map[string]bool {
	t.Helper()
	types := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^ *\\| `([^`]+)` \\|").FindAllStringSubmatch(wire.OpenAPI, -1) {
		types[m[1]] = true
	}
	if len(types) < 8 {
		t.Fatalf("only %d types are documented", len(types))
	}
	return types
}

// otherForm says whether an operation's errors have a form of their own by a standard
// or because a browser shows them: nothing else may.
func otherForm(o contract.Operation, media string) bool {
	return (strings.HasPrefix(o.Path, "/oauth/") || o.Path == "/oauth2/v1/accesstoken") && media == "application/json" || o.Path == "/oauth/authorize" && strings.HasPrefix(media, "text/plain") || strings.HasPrefix(o.Path, "/link/") && strings.HasPrefix(media, "text/html")
}

// faultIn says what is wrong with an error answer, or nothing.
func faultIn(types map[string]bool, o contract.Operation, r reply) string {
	for _, id := range planted {
		if strings.Contains(string(r.body), id) {
			return "repeats " + id
		}
	}
	if otherForm(o, r.media) {
		return ""
	}
	if strings.HasPrefix(o.Path, "/fhir/R4") {
		var f struct {
			ResourceType string
			Issue        []struct{ Diagnostics string }
		}
		if err := json.Unmarshal(r.body, &f); err != nil || !strings.HasPrefix(r.media, "application/fhir+json;") || f.ResourceType != "OperationOutcome" || len(f.Issue) == 0 || f.Issue[0].Diagnostics == "" {
			return "is no OperationOutcome"
		}
		return ""
	}
	var d struct {
		Type, Title string
		Status      int
	}
	switch err := json.Unmarshal(r.body, &d); {
	case r.media != problem.Type:
		return "is " + r.media
	case err != nil || d.Title == "" || d.Status != r.status:
		return "is no problem document"
	case !types[d.Type]:
		return "has the type " + d.Type + ", which is not documented"
	}
	return ""
}

// TestErrorsAreProblems: whatever is wrong with a request to whatever is served, the
// answer is a problem document of a documented type that repeats nothing of the
// request. Answers that are wrong in that are the control.
func TestErrorsAreProblems(t *testing.T) {
	m := newTown(t)
	types := documented(t)
	errors := 0
	see := func(what string, o contract.Operation, r reply) {
		if r.status < 400 {
			return
		}
		errors++
		if wrong := faultIn(types, o, r); wrong != "" {
			t.Errorf("%s, %s: %d %s %s", o.Route(), what, r.status, wrong, r.body)
		}
	}
	for _, o := range append(m.contract.Operations, contract.Operation{Method: "GET", Path: "/Kenari"}, contract.Operation{Method: "PUT", Path: "/healthz"}) {
		m.fresh()
		for _, query := range []string{"", "?nik=9901011508900001&name=Kenari&page=1990-08-15&door=Kenari"} {
			path := parameter.ReplaceAllString(o.Path, "9901011508900001") + query
			for who := range roles {
				for body, media := range map[string]string{"": "", "Kenari{": "application/json", "[1]": mediaJSON, plantedJSON: mediaJSON, strings.Repeat("Kenari", 3000): "text/Kenari"} {
					if !o.Encapsulated {
						see("by "+who.String(), o, m.outside(who, o, path, media, []byte(body)))
					} else if len(body) < 1000 { // what one message holds
						see("by "+who.String(), o, m.inside(who, o.Method, path, []byte(body)))
					}
				}
			}
			see("with headers of nobody", o, m.spoilt(o, path))
		}
	}
	if errors < 300 {
		t.Errorf("only %d errors were seen", errors)
	}
	t.Logf("%d errors", errors)
	for _, r := range []reply{
		{404, "text/plain", []byte("404 page not found")},
		{404, problem.Type, []byte("404 page not found")},
		{403, problem.Type, []byte(`{"type":"urn:amanah:problem:invalid","title":"x","status":400}`)},
		{400, problem.Type, []byte(`{"type":"urn:amanah:problem:odd","title":"x","status":400}`)},
		{400, problem.Type, []byte(`{"type":"urn:amanah:problem:invalid","title":"no person 9901011508900001","status":400}`)},
	} {
		if faultIn(types, contract.Operation{}, r) == "" || faultIn(types, contract.Operation{Path: "/fhir/R4/{type}"}, r) == "" {
			t.Errorf("nothing is found in %d %s %s", r.status, r.media, r.body)
		}
	}
}

// spoilt asks with headers that hold planted identifiers in place of credentials.
func (m *town) spoilt(o contract.Operation, path string) reply {
	req := httptest.NewRequestWithContext(m.t.Context(), o.Method, "https://localhost"+path, strings.NewReader(plantedJSON))
	for _, name := range []string{"Authorization", "DPoP", "Accept-Language", "User-Agent", "Cookie", "X-Forwarded-For", "Content-Type"} {
		req.Header.Set(name, "DPoP 9901011508900001 Kenari")
	}
	w := httptest.NewRecorder()
	m.public.ServeHTTP(w, req)
	return reply{w.Code, w.Header().Get("Content-Type"), w.Body.Bytes()}
}
