package app

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/amanah-project/amanah/internal/web/contract"
	"github.com/amanah-project/amanah/ohttp"
)

var readContract = sync.OnceValues(contract.Shipped)

func shipped(t testing.TB) *contract.Contract {
	t.Helper()
	c, err := readContract()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// conforms holds an encapsulated answer against the wire contract.
func (r *rig) conforms(method, path string, res ohttp.Response) {
	r.t.Helper()
	head := map[string][]string{}
	for _, f := range res.Header {
		head[f.Name] = append(head[f.Name], f.Value)
	}
	if err := r.contract.Check(contract.Answer{
		Method: method, Path: path, Encapsulated: true, Status: res.Status, Header: head, Body: res.Body,
	}); err != nil {
		r.t.Error(err)
	}
}

var parameter = regexp.MustCompile(`\{[^}]*\}`)

// plain names every parameter alike, so that the contract may name them for people.
func plain(routes []string) []string {
	out := make([]string, len(routes))
	for i, r := range routes {
		out[i] = parameter.ReplaceAllString(strings.TrimSuffix(r, "{$}"), "{}")
	}
	slices.Sort(out)
	return out
}

// differ returns what only the first has, and what only the second has.
func differ(a, b []string) (onlyA, onlyB []string) {
	for _, x := range a {
		if !slices.Contains(b, x) {
			onlyA = append(onlyA, x)
		}
	}
	for _, x := range b {
		if !slices.Contains(a, x) {
			onlyB = append(onlyB, x)
		}
	}
	return onlyA, onlyB
}

// served returns what the server's own tables serve, by where.
func served(s *Server) map[string][]string {
	return map[string][]string{
		"public": plain(s.routes().Patterns()), "ops": plain(s.opsRoutes().Patterns()), "encapsulated": plain(s.device().Routes()),
	}
}

// TestContractRoutes: what is served stands in api/openapi.yaml, and what stands there
// is served. A route added to either side alone is the control.
func TestContractRoutes(t *testing.T) {
	written := map[string][]string{}
	for _, o := range shipped(t).Operations {
		where := o.Listeners
		if o.Encapsulated {
			where = []string{"encapsulated"}
		}
		for _, w := range where {
			written[w] = append(written[w], o.Route())
		}
	}
	n := 0
	for where, routes := range served(newRig(t).server) {
		n += len(routes)
		missing, extra := differ(routes, plain(written[where]))
		for _, r := range missing {
			t.Errorf("%s: %s is served and not in api/openapi.yaml: write it there, with its answers and errors", where, r)
		}
		for _, r := range extra {
			t.Errorf("%s: %s is in api/openapi.yaml and not served", where, r)
		}
	}
	if n < 15 {
		t.Errorf("only %d routes are served: the tables are not read", n)
	}
	if a, b := differ(plain([]string{"GET /a/{x}", "GET /b"}), plain([]string{"GET /a/{y}", "GET /c/{$}"})); !slices.Equal(a, []string{"GET /b"}) || !slices.Equal(b, []string{"GET /c/"}) {
		t.Errorf("routes are not told apart: %q %q", a, b)
	}
}
