// Package fhir reads FHIR R4 resources (HL7 FHIR 4.0.1, JSON): strictly, within
// limits, and saying of each defect where it stands and what would be right.
//
// The resources that the platform keeps are held against the elements of the
// standard, which r4.txt lists: types, cardinalities, required codes, choices. Other
// resources of the standard are held against what all have in common. Terminologies
// and profiles are not checked. No issue holds a value of the resource: what stands
// in it is somebody's health.
package fhir

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/amanah-project/amanah/internal/fault"
)

// Limits on one resource or bundle.
const (
	MaxBytes  = 64 << 20
	maxDepth  = 64
	maxNodes  = 1 << 19 // texts, numbers, lists and objects; 12 MiB of what is usual, without spaces
	maxName   = 256     // bytes of a member's name
	maxIssues = 50      // then the rest is not looked at
)

// Resource is a resource as it was sent.
type Resource struct {
	Type       string
	ID         string
	Raw        json.RawMessage
	References []Reference
	Entries    []Entry // of a Bundle
	Kind       string  // of a Bundle: its type
	root       *node
	at         *spot // in what was read
}

// Reference is one resource's pointing to another.
type Reference struct {
	Target string // literal: Patient/1, urn:uuid:…, #contained, or a URL
	at     uint32 // where in the text its object begins
}

// Entry is one of a bundle's.
type Entry struct {
	FullURL     string
	Method, URL string // of its request
	Resource    *Resource
}

// Issue is one defect, in the words of OperationOutcome.issue.
type Issue struct {
	Code  string // of the value set issue-type: structure, required, value, invalid, duplicate, too-long, not-found …
	Place string // FHIRPath: Bundle.entry[3].resource.birthDate
	Why   string
}

// Invalid is what is wrong with a resource. It wraps a fault of kind Invalid.
type Invalid struct {
	Issues []Issue
	More   bool // there may be more than these
}

// Error names the first defect.
func (e *Invalid) Error() string {
	first := e.Issues[0]
	text := "FHIR: " + first.Why
	if first.Place != "" {
		text = fmt.Sprintf("FHIR: %s: %s", first.Place, first.Why)
	}
	if n := len(e.Issues) - 1; n > 0 {
		text += fmt.Sprintf(", and %d more", n)
	}
	return text
}

// Unwrap gives outsiders the same text: what was sent is the sender's to mend.
func (e *Invalid) Unwrap() error { return fault.New(fault.Invalid, e.Error()) }

// Outcome writes the issues as an OperationOutcome.
func (e *Invalid) Outcome() []byte {
	type issue struct {
		Severity    string   `json:"severity"`
		Code        string   `json:"code"`
		Diagnostics string   `json:"diagnostics"`
		Expression  []string `json:"expression,omitempty"`
	}
	out := struct {
		Type  string  `json:"resourceType"`
		Issue []issue `json:"issue"`
	}{Type: "OperationOutcome"}
	for _, i := range e.Issues {
		line := issue{"error", i.Code, i.Why, nil}
		if i.Place != "" {
			line.Expression = []string{i.Place}
		}
		out.Issue = append(out.Issue, line)
	}
	if e.More {
		out.Issue = append(out.Issue, issue{Severity: "information", Code: "incomplete", Diagnostics: "there may be more: reading ended here"})
	}
	raw, err := json.Marshal(out)
	if err != nil { // strings always encode
		panic(err)
	}
	return raw
}

// Reader holds resources against the standard. It is safe for concurrent use.
type Reader struct{ schema schema }

// NewReader makes one.
func NewReader() (*Reader, error) {
	s, err := parseSchema(elements)
	return &Reader{s}, err
}

// Read reads one resource or bundle. It fails with *Invalid.
func (r *Reader) Read(raw []byte) (*Resource, error) {
	root, issue := parse(raw)
	if issue != nil {
		return nil, &Invalid{Issues: []Issue{*issue}}
	}
	c := &check{schema: r.schema, raw: raw, root: root}
	out := c.resource(root, nil, "")
	if len(c.issues) > 0 {
		return nil, &Invalid{c.issues, c.full()}
	}
	return out, nil
}

// kept reports whether a type's elements are all known.
func (s schema) kept(name string) bool {
	_, ok := s[name]
	return ok && !strings.Contains(name, ".") && resources[name]
}
