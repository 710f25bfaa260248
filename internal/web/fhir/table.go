package fhir

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/web/route"
)

// interaction is one row of what is served.
type interaction struct {
	pattern string
	code    string // of restful-interaction or the operation's name
	level   level
	rights  rights
	types   []string // which it is served for; nil for all that are kept
	serve   func(*Server, context.Context, *request) (*answer, error)
}

// level says of what an interaction is, as the CapabilityStatement has it.
type level int

const (
	ofType level = iota // of each type
	ofSystem
	ofCompartment // a search by path, which the CapabilityStatement tells in words
	operation
	ofServer // of no resource
)

// rights is what a caller must hold.
type rights int

const (
	anybody rights = iota // without a token
	enters                // any token
	views                 // a token bound to a key, and a proof that the keeper is shown
)

// table is what is served. Paths of one shape share a route and are told apart by
// their last segment.
func table() []interaction {
	get, post := "GET "+Base, "POST "+Base
	return []interaction{
		{get + "/metadata", "capabilities", ofServer, anybody, nil, (*Server).capabilities},
		{post, "transaction", ofSystem, enters, nil, (*Server).bundle},
		{post + "/{$}", "batch", ofSystem, enters, nil, (*Server).bundle},
		{post + "/{type}", "create", ofType, enters, nil, (*Server).create},
		{"PUT " + Base + "/{type}/{id}", "update", ofType, enters, nil, (*Server).update},
		{get + "/{type}/{id}", "read", ofType, views, nil, (*Server).read},
		{get + "/{type}/{id}/_history/{version}", "vread", ofType, views, nil, (*Server).vread},
		{get + "/{type}/{id}/_history", "history-instance", ofType, views, nil, (*Server).history},
		{get + "/{type}/{id}/$everything", "everything", operation, views, []string{"Patient"}, (*Server).everything},
		{get + "/{type}/{id}/{kind}", "compartment", ofCompartment, views, nil, (*Server).compartment},
		{post + "/{type}/{id}/relation/{until}", "relation", ofServer, views, []string{"Patient"}, (*Server).relation},
		{get + "/{type}", "search-type", ofType, enters, []string{"Patient"}, (*Server).find},
		{post + "/{type}/_search", "search-type", ofType, enters, []string{"Patient"}, (*Server).findForm},
	}
}

// Kinds are the types that are held against all elements of the standard; others are
// kept as they came.
func kinds() []string {
	return []string{
		"Condition", "Consent", "DiagnosticReport", "DocumentReference", "Encounter", "ImagingStudy", "Immunization",
		"Observation", "Patient", "Provenance",
	}
}

// Routes adds everything of the table.
func (s *Server) Routes(mux *route.Mux) {
	mux.Below(Base, func(w http.ResponseWriter, err error) { s.refuse(w, formJSON, err) })
	for _, i := range table() {
		mux.Handle(i.pattern, s.handler(i))
	}
}

// handler answers one row.
func (s *Server) handler(i interaction) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.Now()
		status := s.answer(w, r, i)
		s.seen(i.code, status, began)
	})
}

// answer answers a request and returns the status.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, i interaction) int {
	if i.rights != anybody {
		w.Header().Set("DPoP-Nonce", s.Nonces.Give())
	}
	form, err := formOf(r)
	if errors.Is(err, errForm) && i.rights == views && r.PathValue("type") == "Binary" && !r.URL.Query().Has("_format") {
		err = nil // its bytes have a type of their own
	}
	if err == nil && r.Method == http.MethodHead && i.rights == views {
		err = errHead
	}
	if err != nil {
		return s.refuse(w, form, err)
	}
	q := &request{Request: r, form: form}
	if q.prefer, err = parsePrefer(r.Header.Values("Prefer")); err != nil {
		return s.refuse(w, form, err)
	}
	if q.by, err = s.caller(r, i.rights); err != nil {
		return s.refuse(w, form, err)
	}
	control := http.NewResponseController(w)
	// What a server sets for all is too short for a bundle; a test's recorder has none.
	_ = control.SetReadDeadline(time.Now().Add(bodyTime))
	_ = control.SetWriteDeadline(time.Now().Add(bodyTime + answerTime + writeTime))
	ctx, cancel := context.WithTimeout(r.Context(), bodyTime+answerTime)
	defer cancel()
	defer func() { s.flight.Add(-q.weight) }()
	a, err := i.serve(s, ctx, q)
	if err != nil {
		return s.refuse(w, form, err)
	}
	if a.file != nil {
		return a.send(w, r)
	}
	return a.write(w, form)
}

// write sends an answer.
func (a *answer) write(w http.ResponseWriter, form string) int {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept, Prefer")
	if a.version != 0 {
		h.Set("ETag", etag(a.version))
		h.Set("Last-Modified", a.at.UTC().Format(http.TimeFormat))
	}
	if a.location != "" {
		h.Set("Location", a.location)
	}
	route.View(h, a.view)
	if len(a.body) > 0 {
		h.Set("Content-Type", form+"; fhirVersion=4.0")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a caller who hung up is nobody's error
	return a.status
}

// Media types of FHIR in JSON, and what the older JSON type is answered.
const (
	formFHIR = "application/fhir+json"
	formJSON = "application/json"
)

// formOf returns the media type of the answer, by _format or Accept; errForm when the
// caller takes none that there is.
func formOf(r *http.Request) (string, error) {
	if all, ok := r.URL.Query()["_format"]; ok {
		switch strings.Join(all, ",") {
		case "json", "application/json", formFHIR, "application/fhir json": // + in a query is a space
			return formFHIR, nil
		}
		return formFHIR, errForm
	}
	accept := strings.ToLower(strings.Join(r.Header.Values("Accept"), ","))
	if accept == "" {
		return formFHIR, nil
	}
	for one := range strings.SplitSeq(accept, ",") {
		media, _, _ := strings.Cut(one, ";")
		switch strings.TrimSpace(media) {
		case formFHIR, "*/*", "application/*", "json":
			return formFHIR, nil
		case formJSON:
			return formJSON, nil
		}
	}
	return formFHIR, errForm
}
