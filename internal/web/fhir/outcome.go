package fhir

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
	format "github.com/amanah-project/amanah/internal/format/fhir"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/pace"
	"github.com/amanah-project/amanah/internal/web/route"
	"github.com/amanah-project/amanah/internal/web/signed"
	"github.com/amanah-project/amanah/internal/web/token"
)

// Errors of a request.
var (
	errToken      = fault.New(fault.Denied, "an access token is needed: Authorization with DPoP and a proof, or with Bearer to enter records alone")
	errBound      = fault.New(fault.Denied, "this token is bound to a key: send it as DPoP, with a proof by that key for this request")
	errBearer     = fault.New(fault.Denied, "a bearer token enters records and opens none: ask for a token that is bound to a key, with a DPoP proof at the token endpoint")
	errForm       = fault.New(fault.Invalid, "the answer is JSON: accept application/fhir+json")
	errMedia      = fault.New(fault.Invalid, "the body is JSON, of type application/fhir+json")
	errSearchForm = fault.New(fault.Invalid, "a search is sent as a form: application/x-www-form-urlencoded")
	errCoded      = fault.New(fault.Invalid, "the body is sent as it is, without Content-Encoding")
	errLarge      = fault.Newf(fault.Invalid, "a resource has at most %d bytes, a bundle %d", maxResource, maxBundle)
	errRead       = fault.New(fault.Invalid, "the body could not be read to its end: send it again")
	errFlight     = fault.New(fault.Busy, "too much is being sent at this moment: again shortly")
	errType       = fault.New(fault.Invalid, "resourceType is not the type of the address")
	errUnknown    = fault.New(fault.NotFound, "FHIR R4 has no such resource type")
	errID         = fault.New(fault.Invalid, "the id in the resource is not the id of the address")
	errAssigned   = fault.New(fault.Invalid, "ids are given by this server: create with POST; PUT corrects what is there")
	errMatch      = fault.New(fault.Invalid, `a correction names the version that it replaces: If-Match: W/"7"`)
	errMatchForm  = fault.New(fault.Invalid, `If-Match has one version, as W/"7"`)
	errPrefer     = fault.New(fault.Invalid, "Prefer: return=minimal, return=representation or return=OperationOutcome, and no respond-async")
	errPatient    = fault.New(fault.Invalid, "across people a search is by identifier only: Patient?identifier=https://fhir.kemkes.go.id/id/nik|{NIK}, or that in the body of POST Patient/_search")
	errElsewhere  = fault.New(fault.Invalid, "within one person a search is by path, Patient/{id}/{type}?code=…: opening records needs a proof of possession that names the person, and a proof covers the path, not the query (RFC 9449 section 4.2)")
	errHead       = fault.New(fault.Invalid, "records are opened by GET: the keeper takes the proof of no HEAD")
	errCondition  = fault.New(fault.Invalid, "conditional creates, updates and deletes are not served: find the person by identifier, then write")
	errOperation  = fault.New(fault.NotFound, "there is no such operation or compartment: Patient/{id}/$everything or Patient/{id}/{type}")
	errBundleType = fault.New(fault.Invalid, "the bundle is a transaction or a batch; a document or collection is a record: POST Bundle is not served")
	errMethod     = fault.New(fault.Invalid, "an entry of a transaction is a POST, one of a batch a POST or PUT; what is opened is asked for by itself, because a proof names one path")
	errEntries    = fault.Newf(fault.Invalid, "a batch has at most %d entries, and one at least", maxBatch)
	errEntryURL   = fault.New(fault.Invalid, "the entry's url is the type, and for a PUT the type and id")
)

// row gives errors their status and issue type (value set issue-type).
type row struct {
	status int
	code   string
	of     []error
}

// faults is the one table of statuses; what it does not name goes by its kind.
func faults() []row {
	return []row{
		{http.StatusUnauthorized, "login", []error{errToken, token.ErrToken, dpop.ErrNonce, dpop.ErrProof, dpop.ErrKey, dpop.ErrSigned, dpop.ErrBound, dpop.ErrReplay, keeper.ErrUsed, keeper.ErrRun, errBound, signed.ErrToken, staff.ErrSignedOut}},
		{http.StatusUnauthorized, "expired", []error{token.ErrExpired}},
		{http.StatusForbidden, "forbidden", []error{errBearer}},
		{http.StatusNotAcceptable, "not-supported", []error{errForm}},
		{http.StatusUnsupportedMediaType, "not-supported", []error{errMedia, errCoded, errSearchForm}},
		{http.StatusRequestEntityTooLarge, "too-long", []error{errLarge}},
		{http.StatusGone, "deleted", []error{keeper.ErrErased}},
		{http.StatusPreconditionFailed, "conflict", []error{record.ErrVersion}},
		{http.StatusPreconditionRequired, "required", []error{errMatch}},
		{http.StatusUnprocessableEntity, "business-rule", []error{record.ErrNobody}}, // by its kind 404, which says that the address is wrong
		{http.StatusForbidden, "suppressed", []error{record.ErrRestricted}},
		{http.StatusNotFound, "not-supported", []error{errUnknown, errOperation, route.ErrPath}},
		{http.StatusNotFound, "not-found", []error{record.ErrRef}},
		{http.StatusMethodNotAllowed, "not-supported", []error{route.ErrMethod, errAssigned, errHead}},
		{http.StatusBadRequest, "not-supported", []error{
			errPatient, errElsewhere, errCondition, errBundleType, errMethod, format.ErrParameter, format.ErrModifier, errPrefer,
		}},
		{http.StatusBadRequest, "required", []error{errEntries}},
		{http.StatusBadRequest, "value", []error{errMatchForm, errID, errType, errEntryURL, format.ErrToken, format.ErrDate, format.ErrPage,
			identity.ErrNIKLength, identity.ErrNIKDigits, identity.ErrNIKDate, identity.ErrNIKRegion, identity.ErrNIKSerial, day.ErrFormat}},
		{http.StatusBadRequest, "too-costly", []error{format.ErrSearch}},
		{http.StatusBadRequest, "incomplete", []error{errRead}},
		{http.StatusServiceUnavailable, "timeout", []error{context.DeadlineExceeded}},
		{http.StatusTooManyRequests, "throttled", []error{pace.ErrPace, errFlight}},
	}
}

// statusOf returns an error's status and issue type.
func statusOf(err error) (int, string) {
	for _, r := range faults() {
		for _, of := range r.of {
			if errors.Is(err, of) {
				return r.status, r.code
			}
		}
	}
	if _, ok := errors.AsType[*format.Invalid](err); ok {
		return http.StatusBadRequest, "invalid"
	}
	switch fault.KindOf(err) {
	case fault.Invalid: // by a rule of the platform's: the resource itself is whole
		return http.StatusUnprocessableEntity, "business-rule"
	case fault.NotFound:
		return http.StatusNotFound, "not-found"
	case fault.Conflict:
		return http.StatusConflict, "conflict"
	case fault.Denied:
		return http.StatusForbidden, "forbidden"
	case fault.Busy:
		return http.StatusTooManyRequests, "throttled"
	case fault.Unavailable:
		return http.StatusServiceUnavailable, "transient"
	}
	return http.StatusInternalServerError, "exception"
}

// issue is OperationOutcome.issue.
type issue struct {
	Severity    string   `json:"severity"`
	Code        string   `json:"code"`
	Diagnostics string   `json:"diagnostics"`
	Expression  []string `json:"expression,omitempty"`
}

type outcomeResource struct {
	Type  string  `json:"resourceType"`
	Issue []issue `json:"issue"`
}

// outcome writes an OperationOutcome of one issue.
func outcome(severity, code, text string) []byte {
	return encode(outcomeResource{"OperationOutcome", []issue{{Severity: severity, Code: code, Diagnostics: text}}})
}

// outcomeOf returns the status and OperationOutcome of an error.
func outcomeOf(err error) (int, []byte) {
	status, code := statusOf(err)
	if bad, ok := errors.AsType[*format.Invalid](err); ok {
		return status, bad.Outcome()
	}
	if status == http.StatusServiceUnavailable && errors.Is(err, context.DeadlineExceeded) {
		return status, outcome("error", code, "it took too long: again, with less at once")
	}
	severity := "error"
	if status == http.StatusInternalServerError {
		severity = "fatal"
	}
	return status, outcome(severity, code, fault.Text(err))
}

// encode writes what always encodes.
func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

// retryAfter is how many seconds a caller who asked too much is told to wait.
func retryAfter(err error) int {
	switch {
	case errors.Is(err, keeper.ErrBudget):
		return int(time.Hour / time.Second / 6)
	case errors.Is(err, pace.ErrPace):
		return 10
	}
	return 2
}

// refuse answers with an error and returns the status.
func (s *Server) refuse(w http.ResponseWriter, form string, err error) int {
	status, body := outcomeOf(err)
	h := w.Header()
	s.tell(h, status, err)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", form+"; fhirVersion=4.0")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller who hung up is nobody's error
	return status
}

// tell sets the headers that say what to do about a refusal.
func (s *Server) tell(h http.Header, status int, err error) {
	switch status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", challenge(err))
		h.Set("DPoP-Nonce", s.Nonces.Give())
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.Itoa(retryAfter(err)))
	}
}

// challenge is RFC 9449 §7.1's, which tells a client to try again with the nonce.
func challenge(err error) string {
	const algs = `algs="ES256 EdDSA"`
	switch {
	case errors.Is(err, dpop.ErrNonce), errors.Is(err, keeper.ErrRun):
		return `DPoP error="use_dpop_nonce", ` + algs
	case errors.Is(err, token.ErrToken), errors.Is(err, token.ErrExpired):
		return `DPoP error="invalid_token", ` + algs + `, Bearer error="invalid_token"`
	case errors.Is(err, errToken):
		return `DPoP ` + algs + `, Bearer`
	}
	return `DPoP error="invalid_dpop_proof", ` + algs
}
