// Package contract holds what the server answers against the wire contract,
// api/openapi.yaml. Tests import it, the program does not.
package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/amanah-project/amanah/api"
	"github.com/amanah-project/amanah/internal/web/problem"
)

// Errors of checking. Each is wrapped in what was asked and answered.
var (
	ErrRoute     = errors.New("contract: not in the contract")
	ErrStatus    = errors.New("contract: the operation has no such status")
	ErrMedia     = errors.New("contract: the answer has no such media type")
	ErrHeader    = errors.New("contract: a header is missing or wrong")
	ErrReference = errors.New("contract: a reference leads nowhere")
	ErrBody      = errors.New("contract: the body is not of the schema")
)

// Operation is one thing that can be asked.
type Operation struct {
	ID           string
	Method       string
	Path         string // with its parameters in braces
	Encapsulated bool
	Listeners    []string            // public, ops
	Callers      []string            // names of security schemes, any of which will do; none: everybody
	Answers      map[string][]string // media types by status
}

// Route is the operation as muxes write it.
func (o Operation) Route() string { return o.Method + " " + o.Path }

// Contract is the document, read.
type Contract struct {
	Operations []Operation
	root       any
	compiler   *jsonschema.Compiler
	schemas    map[string]*jsonschema.Schema
}

// base is the name under which the document's schemas refer to one another.
const base = "urn:amanah:openapi"

// Shipped reads the contract of this tree.
func Shipped() (*Contract, error) { return Read(api.OpenAPI) }

// Read reads a contract and compiles all its schemas.
func Read(text string) (*Contract, error) {
	root, err := decode(text)
	if err != nil {
		return nil, err
	}
	c := &Contract{root: root, compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	c.compiler.DefaultDraft(jsonschema.Draft2020)
	c.compiler.AssertFormat()
	if err := c.compiler.AddResource(base, root); err != nil {
		return nil, err
	}
	paths, _ := member(root, "paths").(map[string]any)
	for path, item := range paths {
		for method, op := range item.(map[string]any) {
			if slices.Contains([]string{"get", "put", "post", "delete", "patch", "head", "options"}, method) {
				o := c.operation(method, path, op)
				c.Operations = append(c.Operations, o)
				if member(op, "x-encapsulated") == "also" {
					o.Encapsulated = true
					c.Operations = append(c.Operations, o)
				}
			}
		}
	}
	slices.SortFunc(c.Operations, func(a, b Operation) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
	return c, c.compile(root, "")
}

// decode reads YAML as the JSON that it stands for.
func decode(text string) (any, error) {
	var raw any
	if err := yaml.Unmarshal([]byte(text), &raw); err != nil {
		return nil, err
	}
	b, err := json.Marshal(raw)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(b))
}

// member returns a member of an object, or nil.
func member(v any, names ...string) any {
	for _, name := range names {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func (c *Contract) operation(method, path string, op any) Operation {
	o := Operation{Method: strings.ToUpper(method), Path: path, Listeners: []string{"public"}, Answers: map[string][]string{}}
	o.ID, _ = member(op, "operationId").(string)
	o.Encapsulated, _ = member(op, "x-encapsulated").(bool)
	switch member(op, "x-listener") {
	case "ops":
		o.Listeners = []string{"ops"}
	case "both":
		o.Listeners = append(o.Listeners, "ops")
	}
	security, _ := member(op, "security").([]any)
	for _, one := range security {
		for name := range one.(map[string]any) {
			o.Callers = append(o.Callers, name)
		}
	}
	slices.Sort(o.Callers)
	responses, _ := member(op, "responses").(map[string]any)
	for status, r := range responses {
		o.Answers[status] = nil
		content, _ := member(c.follow(r), "content").(map[string]any)
		for media := range content {
			o.Answers[status] = append(o.Answers[status], media)
		}
	}
	return o
}

// follow returns what a reference within the document names.
func (c *Contract) follow(v any) any {
	for {
		ref, ok := member(v, "$ref").(string)
		if !ok {
			return v
		}
		v = member(c.root, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
}

// compile compiles every schema of the document, so that a broken one is found even
// where nothing is answered by it. Schemas stand under the name schema, and below
// components/schemas.
func (c *Contract) compile(v any, at string) error {
	switch v := v.(type) {
	case map[string]any:
		if c.follow(v) == nil {
			return fmt.Errorf("%w: %s names %v", ErrReference, at, v["$ref"])
		}
		for name, inner := range v {
			where := at + "/" + strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
			if name == "schema" || at == "/components/schemas" {
				s, err := c.compiler.Compile(base + "#" + where)
				if err != nil {
					return err
				}
				c.schemas[where] = s
				continue
			}
			if name == "example" {
				continue
			}
			if err := c.compile(inner, where); err != nil {
				return err
			}
		}
	case []any:
		for i, inner := range v {
			if err := c.compile(inner, fmt.Sprintf("%s/%d", at, i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Find returns the operation that takes a request; its query is set aside.
func (c *Contract) Find(method, path string, encapsulated bool) (Operation, error) {
	path, _, _ = strings.Cut(path, "?")
	var best *Operation
	for i, o := range c.Operations {
		if o.Method == method && o.Encapsulated == encapsulated && fits(o.Path, path) && (best == nil || !strings.Contains(o.Path, "{")) {
			best = &c.Operations[i]
		}
	}
	if best == nil {
		return Operation{}, fmt.Errorf("%w: %s %s", ErrRoute, method, path)
	}
	return *best, nil
}

func fits(pattern, path string) bool {
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, have, func(w, h string) bool { return w == h || strings.HasPrefix(w, "{") && h != "" })
}

// Answer is what was asked and answered.
type Answer struct {
	Method       string
	Path         string
	Encapsulated bool
	Listener     string // public when empty
	Status       int
	Header       map[string][]string // canonical names; Content-Type among them
	Body         []byte
}

// Check returns nil for an answer that the contract has. What no operation takes
// must be answered 404 or 405 with a problem document, below /fhir/R4 with an
// OperationOutcome, or, encapsulated, with any
// problem document, for there the caller is admitted first.
func (c *Contract) Check(a Answer) error {
	err := c.check(a)
	if err != nil {
		return fmt.Errorf("%w: %s %s answered %d", err, a.Method, a.Path, a.Status)
	}
	return nil
}

func (c *Contract) check(a Answer) error {
	media, _, _ := mime.ParseMediaType(first(a.Header, "Content-Type"))
	if a.Listener == "" {
		a.Listener = "public"
	}
	op, err := c.Find(a.Method, a.Path, a.Encapsulated)
	if err == nil && !slices.Contains(op.Listeners, a.Listener) {
		err = fmt.Errorf("%w at %s", ErrRoute, a.Listener)
	}
	if err != nil {
		if strings.HasPrefix(a.Path, "/fhir/R4") && (a.Status == 404 || a.Status == 405) && media == "application/fhir+json" {
			return c.valid("/components/schemas/OperationOutcome", media, a.Body)
		}
		if media != problem.Type || !a.Encapsulated && a.Status != 404 && a.Status != 405 {
			return err
		}
		return c.valid("/components/schemas/Problem", media, a.Body)
	}
	where := "/paths/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(op.Path) + "/" + strings.ToLower(op.Method)
	status := fmt.Sprint(a.Status)
	response := member(c.root, "paths", op.Path, strings.ToLower(op.Method), "responses", status)
	if response == nil {
		return fmt.Errorf("%w: %s", ErrStatus, a.Body)
	}
	where += "/responses/" + status
	if ref, ok := member(response, "$ref").(string); ok {
		where, response = strings.TrimPrefix(ref, "#"), c.follow(response)
	}
	if err := c.headers(response, a.Header); err != nil {
		return err
	}
	content, _ := member(response, "content").(map[string]any)
	if len(content) == 0 && len(a.Body) == 0 {
		return nil
	}
	if content[media] == nil && content["*/*"] != nil { // any bytes
		return nil
	}
	if content[media] == nil {
		return fmt.Errorf("%w: %q", ErrMedia, media)
	}
	return c.valid(where+"/content/"+strings.ReplaceAll(media, "/", "~1")+"/schema", media, a.Body)
}

// headers checks the headers that a response must have.
func (c *Contract) headers(response any, got map[string][]string) error {
	headers, _ := member(response, "headers").(map[string]any)
	for name, h := range headers {
		h = c.follow(h)
		value := first(got, name)
		if required, _ := member(h, "required").(bool); required && value == "" {
			return fmt.Errorf("%w: %s", ErrHeader, name)
		}
		if want, ok := member(h, "schema", "const").(string); ok && value != "" && value != want {
			return fmt.Errorf("%w: %s is %q", ErrHeader, name, value)
		}
	}
	return nil
}

func first(h map[string][]string, name string) string {
	for have, values := range h {
		if strings.EqualFold(have, name) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}

// valid checks a body against a schema. Bytes that are no text count one each.
func (c *Contract) valid(where, media string, body []byte) error {
	var v any
	switch {
	case media == "application/json" || strings.HasSuffix(media, "+json"):
		var err error
		if v, err = jsonschema.UnmarshalJSON(bytes.NewReader(body)); err != nil {
			return fmt.Errorf("%w: %w", ErrBody, err)
		}
	case strings.HasPrefix(media, "text/"):
		v = string(body)
	default:
		runes := make([]rune, len(body))
		for i, b := range body {
			runes[i] = rune(b)
		}
		v = string(runes)
	}
	schema := c.schemas[where]
	if schema == nil {
		return fmt.Errorf("%w: there is none at %s", ErrBody, where)
	}
	if err := schema.Validate(v); err != nil {
		return fmt.Errorf("%w: %w", ErrBody, err)
	}
	return nil
}
