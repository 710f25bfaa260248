package contract_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sv-tools/openapi"
	"go.yaml.in/yaml/v3"

	"github.com/amanah-project/amanah/api"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/web/contract"
	"github.com/amanah-project/amanah/internal/web/problem"
)

// validate holds a document against OpenAPI 3.1 with a validator that is not ours,
// once our own reader has found that its references lead somewhere.
func validate(t *testing.T, text string) error {
	t.Helper()
	if _, err := contract.Read(text); err != nil {
		return err
	}
	var raw any
	if err := yaml.Unmarshal([]byte(text), &raw); err != nil {
		return err
	}
	b, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	var doc *openapi.Extendable[openapi.OpenAPI]
	if err := json.Unmarshal(b, &doc); err != nil {
		return err
	}
	v, err := openapi.NewValidator(doc)
	if err != nil {
		return err
	}
	return v.ValidateSpec()
}

// TestOpenAPI: the document is OpenAPI 3.1, its examples are of their schemas and
// every reference leads somewhere. Documents that are none are the control.
func TestOpenAPI(t *testing.T) {
	if err := validate(t, api.OpenAPI); err != nil {
		t.Error(err)
	}
	for name, alter := range map[string][2]string{
		"no version":            {"openapi: 3.1.0\n", ""},
		"a broken reference":    {"#/components/responses/Denied", "#/components/responses/None"},
		"a wrong example":       {"example: {inside: 211, limit: 300,", "example: {inside: many, limit: 300,"},
		"an answer undescribed": {"          description: The metrics.\n", ""},
		"a parameter nowhere":   {"in: query", "in: body"},
	} {
		altered := strings.Replace(api.OpenAPI, alter[0], alter[1], 1)
		if altered == api.OpenAPI {
			t.Errorf("%s: nothing was altered", name)
		}
		if err := validate(t, altered); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestOperations: each has a name of its own and says by whom it may be asked.
func TestOperations(t *testing.T) {
	c := shipped(t)
	names := map[string]bool{}
	for _, o := range c.Operations {
		name := fmt.Sprint(o.ID, " ", o.Encapsulated)
		if o.ID == "" || names[name] {
			t.Errorf("%s is named %q", o.Route(), o.ID)
		}
		names[name] = true
		if o.Encapsulated && (len(o.Callers) == 0 || len(o.Listeners) != 1 || o.Listeners[0] != "public") {
			t.Errorf("%s is encapsulated and asked by %v at %v", o.Route(), o.Callers, o.Listeners)
		}
	}
	if len(names) < 15 {
		t.Errorf("only %d operations", len(names))
	}
}

func shipped(t testing.TB) *contract.Contract {
	t.Helper()
	c, err := contract.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestProblems: of every kind of error, the answer that is written is one that some
// operation has, and its type stands in the table that people read.
func TestProblems(t *testing.T) {
	c := shipped(t)
	for _, k := range fault.Kinds() {
		status, body := problem.Document(fault.New(k, "x"))
		if k == fault.Internal {
			status, body = problem.Document(errors.New("x"))
		}
		a := contract.Answer{
			Method: "POST", Path: "/v1/visits", Encapsulated: true, Status: status, Body: body,
			Header: map[string][]string{"Content-Type": {problem.Type}},
		}
		if err := c.Check(a); err != nil {
			t.Errorf("%s: %v", k, err)
		}
		var d struct{ Type string }
		if err := json.Unmarshal(body, &d); err != nil || !strings.Contains(api.OpenAPI, "| `"+d.Type+"` |") {
			t.Errorf("%s: %q is not in the table", k, d.Type)
		}
	}
}

// TestCheck: an answer that differs from the contract in anything is found out. The
// first, which differs in nothing, is the control.
func TestCheck(t *testing.T) {
	c := shipped(t)
	good := func() contract.Answer {
		return contract.Answer{
			Method: "GET", Path: "/v1/doors/occupancy", Status: 200, Body: []byte(`{"inside":1,"limit":2,"category":"mall","level":1}`),
			Header: map[string][]string{"Content-Type": {"application/json"}, "Dpop-Nonce": {"n"}, "Cache-Control": {"no-store"}},
		}
	}
	problems := func(a *contract.Answer, status int, body string) {
		a.Status, a.Body, a.Header["Content-Type"] = status, []byte(body), []string{problem.Type}
	}
	for _, x := range []struct {
		name  string
		alter func(a *contract.Answer)
		want  error
	}{
		{"nothing", func(*contract.Answer) {}, nil},
		{"another path", func(a *contract.Answer) { a.Path = "/v1/doors" }, contract.ErrRoute},
		{"another method", func(a *contract.Answer) { a.Method = "PUT" }, contract.ErrRoute},
		{"encapsulated", func(a *contract.Answer) { a.Encapsulated = true }, contract.ErrRoute},
		{"a status", func(a *contract.Answer) { a.Status = 204 }, contract.ErrStatus},
		{"no nonce", func(a *contract.Answer) { delete(a.Header, "Dpop-Nonce") }, contract.ErrHeader},
		{"kept", func(a *contract.Answer) { a.Header["Cache-Control"] = []string{"public"} }, contract.ErrHeader},
		{"a media type", func(a *contract.Answer) { a.Header["Content-Type"] = []string{"text/html"} }, contract.ErrMedia},
		{"one member more", func(a *contract.Answer) {
			a.Body = []byte(`{"inside":1,"limit":2,"category":"mall","level":1,"nik":"x"}`)
		}, contract.ErrBody},
		{"one member less", func(a *contract.Answer) { a.Body = []byte(`{"inside":1,"category":"mall","level":1}`) }, contract.ErrBody},
		{"no JSON", func(a *contract.Answer) { a.Body = []byte(`{`) }, contract.ErrBody},
		{"a problem", func(a *contract.Answer) {
			problems(a, 403, `{"type":"urn:amanah:problem:denied","title":"x","status":403}`)
		}, nil},
		{"a problem of another kind", func(a *contract.Answer) {
			problems(a, 403, `{"type":"urn:amanah:problem:busy","title":"x","status":403}`)
		}, contract.ErrBody},
		{"a problem that says more", func(a *contract.Answer) {
			problems(a, 403, `{"type":"urn:amanah:problem:denied","title":"x","status":403,"detail":"y"}`)
		}, contract.ErrBody},
		{"nothing served there", func(a *contract.Answer) {
			a.Path = "/v1/none"
			problems(a, 404, `{"type":"urn:amanah:problem:not-found","title":"x","status":404}`)
		}, nil},
	} {
		a := good()
		x.alter(&a)
		if err := c.Check(a); !errors.Is(err, x.want) || x.want == nil && err != nil {
			t.Errorf("%s: %v", x.name, err)
		}
	}
}
