// Package problem is the one place where kinds of error become HTTP: a status
// and an RFC 9457 problem document holding only what outsiders may read.
package problem

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/amanah-project/amanah/internal/fault"
)

// Type is the media type of a problem document.
const Type = "application/problem+json"

// Status returns the HTTP status of a kind.
func Status(k fault.Kind) int {
	switch k {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Denied:
		return http.StatusForbidden
	case fault.Busy:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

type document struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
}

// Document returns the status and body that tell an outsider of err.
func Document(err error) (int, []byte) {
	k := fault.KindOf(err)
	d := document{"about:blank", fault.Text(err), Status(k)}
	if k != fault.Internal {
		d.Type = "urn:amanah:problem:" + k.String()
	}
	if t, ok := errors.AsType[Typed](err); ok {
		d.Type = t.ProblemType()
	}
	if t, ok := errors.AsType[Statused](err); ok {
		d.Status = t.ProblemStatus()
	}
	b, merr := json.Marshal(d)
	if merr != nil { // two strings and a number always encode
		panic(merr)
	}
	return d.Status, b
}

// Typed is an error whose problem document has a registered type.
type Typed interface {
	error
	ProblemType() string
}

// Statused is an error whose answer has a status of its own, where HTTP has a more
// exact one than the kind's.
type Statused interface {
	error
	ProblemStatus() int
}

// Write answers a request with err's problem document.
func Write(w http.ResponseWriter, err error) {
	status, body := Document(err)
	w.Header().Set("Content-Type", Type)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller who hung up is nobody's error
}
