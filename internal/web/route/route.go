// Package route is the table of what is served: a mux that knows its own patterns,
// so that the wire contract and the authorization matrix can be held against what
// is really registered, and that answers what it has not in problem documents.
package route

import (
	"net/http"
	"slices"
	"strings"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/web/problem"
)

// Errors of a request that no route takes.
var (
	ErrPath   = fault.New(fault.NotFound, "no such resource")
	ErrMethod = fault.New(fault.Invalid, "the resource does not take this method: see Allow")
)

// Mux serves patterns such as "GET /v1/doors/code", each of one method.
type Mux struct {
	mux      http.ServeMux
	patterns []string
	below    []below
}

// below is a folder whose errors have a form of their own.
type below struct {
	folder string
	write  func(http.ResponseWriter, error)
}

// Below says how errors of requests that no route takes are written for paths in a
// folder, such as /fhir/R4.
func (m *Mux) Below(folder string, write func(http.ResponseWriter, error)) {
	m.below = append(m.below, below{folder, write})
}

// Handle adds a route.
func (m *Mux) Handle(pattern string, h http.Handler) {
	m.mux.Handle(pattern, h)
	m.patterns = append(m.patterns, pattern)
}

// HandleFunc adds a route.
func (m *Mux) HandleFunc(pattern string, h http.HandlerFunc) { m.Handle(pattern, h) }

// Patterns returns every route, in order.
func (m *Mux) Patterns() []string {
	out := slices.Clone(m.patterns)
	slices.Sort(out)
	return out
}

// ServeHTTP answers by the route that fits best.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, pattern := m.mux.Handler(r)
	if pattern != "" {
		m.mux.ServeHTTP(w, r)
		return
	}
	write := problem.Write
	for _, b := range m.below {
		if r.URL.Path == b.folder || strings.HasPrefix(r.URL.Path, b.folder+"/") {
			write = b.write
		}
	}
	h.ServeHTTP(&unserved{ResponseWriter: w, write: write}, r)
}

// notAllowed carries the status of a method that a resource does not take.
type notAllowed struct{ error }

// Unwrap returns the fault.
func (e notAllowed) Unwrap() error { return e.error }

// ProblemStatus implements problem.Statused.
func (notAllowed) ProblemStatus() int { return http.StatusMethodNotAllowed }

// unserved writes a problem document, or what its folder has, where net/http would write its own text, and
// keeps the status and the Allow header that go with it.
type unserved struct {
	http.ResponseWriter
	write func(http.ResponseWriter, error)
}

// WriteHeader implements http.ResponseWriter.
func (u *unserved) WriteHeader(status int) {
	if status == http.StatusMethodNotAllowed {
		u.write(u.ResponseWriter, notAllowed{ErrMethod})
		return
	}
	u.write(u.ResponseWriter, ErrPath)
}

// Write drops the text.
func (u *unserved) Write(b []byte) (int, error) { return len(b), nil }
