package fhir

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/flow/care"
	format "github.com/amanah-project/amanah/internal/format/fhir"
)

// asked is an entry's request, of which the format's reader keeps method and url.
type asked struct {
	Match string `json:"ifMatch"`
	Exist string `json:"ifNoneExist"`
}

// bundle answers POST of a transaction or batch.
func (s *Server) bundle(ctx context.Context, q *request) (*answer, error) {
	r, err := s.resource(q, maxBundle)
	if err != nil {
		return nil, err
	}
	if r.Type != "Bundle" || r.Kind != "transaction" && r.Kind != "batch" {
		return nil, errBundleType
	}
	var in struct {
		Entry []struct {
			Request asked `json:"request"`
		} `json:"entry"`
	}
	if err := json.Unmarshal(r.Raw, &in); err != nil || len(in.Entry) != len(r.Entries) || len(r.Entries) == 0 {
		return nil, errEntries
	}
	items := make([]care.Item, len(r.Entries))
	faults := make([]error, len(r.Entries))
	for i, e := range r.Entries {
		items[i], faults[i] = item(e, in.Entry[i].Request)
	}
	if r.Kind == "batch" {
		return s.batch(ctx, q, items, faults)
	}
	return s.transaction(ctx, q, items, faults)
}

// item reads an entry as a create or a correction.
func item(e format.Entry, a asked) (care.Item, error) {
	it := care.Item{Resource: e.Resource}
	if e.FullURL != "" {
		it.Names = []string{e.FullURL}
	}
	typ, id, named := strings.Cut(e.URL, "/")
	switch {
	case e.Method != http.MethodPost && e.Method != http.MethodPut:
		return it, errMethod
	case a.Exist != "":
		return it, errCondition
	case e.Resource == nil || typ != e.Resource.Type || named != (e.Method == http.MethodPut):
		return it, errEntryURL
	case typ == "Bundle":
		return it, errBundleType
	case e.Method == http.MethodPost:
		return it, nil
	}
	var err error
	it.Of, err = record.ParseRef(id)
	switch {
	case err != nil || (it.Of.Number == 0) != (typ == "Patient"):
		return it, errAssigned
	case e.Resource.ID != id:
		return it, errID
	case a.Match == "":
		return it, errMatch
	}
	it.IfMatch, err = parseMatch([]string{a.Match})
	return it, err
}

// inEntry is an error of one entry, whose place the OperationOutcome names.
func inEntry(i int, err error) error {
	_, code := statusOf(err)
	return &placed{err, &format.Invalid{Issues: []format.Issue{{Code: code, Place: fmt.Sprintf("Bundle.entry[%d].request", i), Why: err.Error()}}}}
}

// placed is an error with its place.
type placed struct {
	error
	at *format.Invalid
}

// Unwrap gives the error, so that its status is its own, and where it is.
func (p *placed) Unwrap() []error { return []error{p.error, p.at} }

// transaction enters and corrects all entries or none: they are of one person.
func (s *Server) transaction(ctx context.Context, q *request, items []care.Item, faults []error) (*answer, error) {
	for i, err := range faults {
		if err != nil {
			return nil, inEntry(i, err)
		}
	}
	done, err := s.enter(ctx, q, items...)
	if err != nil {
		return nil, err
	}
	b := &bundle{Type: "Bundle", Kind: "transaction-response"}
	for _, w := range done {
		e, err := s.did(q, w)
		if err != nil {
			return nil, err
		}
		b.Entry = append(b.Entry, e)
	}
	return &answer{status: http.StatusOK, body: encode(b)}, nil
}

// did shows what became of an entry.
func (s *Server) did(q *request, w written) (bundleEntry, error) {
	status := fmt.Sprintf("%d %s", w.status(), http.StatusText(w.status()))
	if w.waits != "" {
		return bundleEntry{Response: &entryResponse{Status: status, Outcome: w.waiting()}}, nil
	}
	e := bundleEntry{FullURL: s.base() + "/" + w.name(), Response: &entryResponse{
		Status: status, Location: w.version(), ETag: etag(w.Version), Modified: instant(s.Now()),
	}}
	var err error
	switch {
	case q.prefer == preferOutcome, w.Known:
		e.Response.Outcome = w.kept()
	case q.prefer == preferRepresentation:
		e.Resource, err = w.present()
	}
	return e, err
}

// batch does each entry by itself, as if it had come alone.
func (s *Server) batch(ctx context.Context, q *request, items []care.Item, faults []error) (*answer, error) {
	if len(items) > maxBatch {
		return nil, errEntries
	}
	b := &bundle{Type: "Bundle", Kind: "batch-response"}
	for i, it := range items {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out, err := s.alone(ctx, q, it, faults[i])
		if err != nil {
			status, body := outcomeOf(err)
			out = bundleEntry{Response: &entryResponse{Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), Outcome: body}}
		}
		b.Entry = append(b.Entry, out)
	}
	return &answer{status: http.StatusOK, body: encode(b)}, nil
}

func (s *Server) alone(ctx context.Context, q *request, it care.Item, fault error) (bundleEntry, error) {
	if fault != nil {
		return bundleEntry{}, fault
	}
	it.Names = nil // entries of a batch know nothing of each other
	done, err := s.enter(ctx, q, it)
	if err != nil {
		return bundleEntry{}, err
	}
	return s.did(q, done[0])
}
