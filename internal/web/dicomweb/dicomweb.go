// Package dicomweb keeps and serves DICOM instances over HTTP (DICOM PS3.18): STOW-RS,
// WADO-RS and QIDO-RS, the latter within one person.
//
// Images are opened by paths that name the person, because the proof of possession that
// the keeper believes covers the path and no query (RFC 9449 §4.2):
// /dicomweb/patients/{person}/studies and below. They are kept by what they say of
// their patient, at /dicomweb/studies. Instances are given as they came, byte for byte,
// in the transfer syntax that they have; nothing is rendered or transcoded. Errors are
// problem documents, those of single instances codes in the response data set
// (PS3.18 §10.5.3, PS3.4 table B.2-1). No answer is stored by a cache.
package dicomweb

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/document"
	"github.com/amanah-project/amanah/internal/web/problem"
	"github.com/amanah-project/amanah/internal/web/route"
)

// Base is where the images are.
const Base = "/dicomweb"

// Limits of one request.
const (
	maxStore = 64 << 30 // bytes of a STOW request
	maxParts = 4096     // instances of one
	maxFound = 1000     // entries of a search's answer, of which more are told by offset
	idle     = time.Minute
	longest  = time.Hour // of a request, in all
)

// Errors of requests.
var (
	errAccept   = fault.New(fault.Invalid, `no form that is asked for is served: multipart/related; type="application/dicom" or, of one instance, application/dicom, in the transfer syntax that it has; metadata and searches as application/dicom+json; nothing is rendered`)
	errMedia    = fault.New(fault.Invalid, `instances are sent as multipart/related; type="application/dicom" with a boundary, each part application/dicom`)
	errParts    = fault.Newf(fault.Invalid, "one request has at least one instance, and at most %d of together %d bytes", maxParts, int64(maxStore))
	errPart     = fault.New(fault.Invalid, "the body is no multipart/related of the boundary that it announces, or was cut")
	errPerson   = fault.New(fault.NotFound, "a person is named by their number, as 123")
	errNothing  = fault.New(fault.NotFound, "this person has no such study, series or instance")
	errQuery    = fault.New(fault.Invalid, "a search is by StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID, SOPClassUID, Modality, ModalitiesInStudy, StudyDate, AccessionNumber or StudyID, by keyword or tag, each once; with limit and offset")
	errRange    = fault.New(fault.Invalid, "a date is YYYYMMDD, or a range of two with a hyphen between, one of which may be missing")
	errEncoding = fault.New(fault.Invalid, "the body is sent as it is, without Content-Encoding")
)

// Documents keeps and opens documents: the flow.
type Documents interface {
	Put(ctx context.Context, by care.Caller, in document.Incoming) (document.Stored, error)
	Images(ctx context.Context, by care.Caller, of identity.PersonID) ([]care.Record, error)
	Content(ctx context.Context, of care.Record) (*document.Content, error)
}

// Server keeps and serves images.
type Server struct {
	Host      string // public host name
	Documents Documents
	// Admit says who asks; views says that they open something, for which they must
	// have signed this request. It may set headers that its refusals need.
	Admit func(w http.ResponseWriter, r *http.Request, views bool) (care.Caller, error)
	Now   func() time.Time
}

// served is one row of what is served.
type served struct {
	pattern string
	views   bool
	serve   func(*Server, http.ResponseWriter, *request) error
}

// table is what is served.
func table() []served {
	const (
		studies   = "GET " + Base + "/patients/{person}/studies"
		study     = studies + "/{study}"
		series    = study + "/series"
		one       = series + "/{series}"
		instances = one + "/instances"
		instance  = instances + "/{instance}"
	)
	rows := []served{
		{"POST " + Base + "/studies", false, (*Server).store},
		{"POST " + Base + "/studies/{study}", false, (*Server).store},
		{studies, true, search(ofStudy)},
		{"GET " + Base + "/patients/{person}/series", true, search(ofSeries)},
		{"GET " + Base + "/patients/{person}/instances", true, search(ofInstance)},
		{series, true, search(ofSeries)},
		{study + "/instances", true, search(ofInstance)},
		{instances, true, search(ofInstance)},
	}
	for _, path := range []string{study, one, instance} {
		rows = append(rows,
			served{path, true, (*Server).retrieve},
			served{path + "/metadata", true, (*Server).metadata},
			served{path + "/rendered", true, (*Server).rendered})
	}
	return rows
}

// Routes adds everything of the table.
func (s *Server) Routes(mux *route.Mux) {
	for _, one := range table() {
		mux.Handle(one.pattern, s.handler(one))
	}
}

// request is one request, its caller known.
type request struct {
	*http.Request
	by     care.Caller
	person identity.PersonID // of its path; zero when that names none
	began  time.Time
}

func (s *Server) handler(one served) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), longest)
		defer cancel()
		q := &request{Request: r.WithContext(ctx), began: s.Now()}
		w.Header().Set("Cache-Control", "no-store")
		if err := s.serve(w, q, one); err != nil {
			refuse(w, err)
		}
	})
}

func (s *Server) serve(w http.ResponseWriter, q *request, one served) (err error) {
	if q.PathValue("person") != "" {
		ref, err := record.ParseRef(q.PathValue("person"))
		if err != nil || ref.Number != 0 {
			return errPerson
		}
		q.person = ref.Person
	}
	if q.by, err = s.Admit(w, q.Request, one.views); err != nil {
		return err
	}
	return one.serve(s, w, q)
}

// statused gives an error the status that HTTP has for it.
type statused struct {
	error
	status int
}

// Unwrap returns the fault.
func (e statused) Unwrap() error { return e.error }

// ProblemStatus implements problem.Statused.
func (e statused) ProblemStatus() int { return e.status }

// statuses are of errors that have a more exact one than their kind's.
var statuses = []struct {
	of     error
	status int
}{
	{errAccept, http.StatusNotAcceptable},
	{errMedia, http.StatusUnsupportedMediaType},
	{errEncoding, http.StatusUnsupportedMediaType},
	{errParts, http.StatusRequestEntityTooLarge},
}

// refuse answers with an error's problem document. What went wrong once an answer had
// begun cuts the connection: nobody takes a part for the whole.
func refuse(w http.ResponseWriter, err error) {
	if _, begun := errors.AsType[begunError](err); begun {
		panic(http.ErrAbortHandler)
	}
	for _, one := range statuses {
		if errors.Is(err, one.of) {
			err = statused{err, one.status}
			break
		}
	}
	problem.Write(w, err)
}

// begunError is of an answer whose head is sent.
type begunError struct{ error }

// alive puts off the deadlines of a request that moves: who sends or takes nothing for
// a minute is not waited for. A test's recorder has none.
func alive(w http.ResponseWriter) {
	control, until := http.NewResponseController(w), time.Now().Add(idle)
	_ = control.SetReadDeadline(until)
	_ = control.SetWriteDeadline(until)
}
