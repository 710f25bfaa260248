package problem_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/web/problem"
)

var statuses = map[fault.Kind]int{
	fault.Internal:    http.StatusInternalServerError,
	fault.Invalid:     http.StatusBadRequest,
	fault.NotFound:    http.StatusNotFound,
	fault.Conflict:    http.StatusConflict,
	fault.Denied:      http.StatusForbidden,
	fault.Busy:        http.StatusTooManyRequests,
	fault.Unavailable: http.StatusServiceUnavailable,
}

// TestStatus: every kind has a status, and no two kinds share one.
func TestStatus(t *testing.T) {
	seen := map[int]fault.Kind{}
	for _, k := range fault.Kinds() {
		want, ok := statuses[k]
		if got := problem.Status(k); !ok || got != want {
			t.Errorf("%s: status %d, want %d", k, got, want)
		}
		if other, twice := seen[want]; twice {
			t.Errorf("%s and %s have one status", k, other)
		}
		seen[want] = k
	}
	if len(fault.Kinds()) != len(statuses) {
		t.Error("kinds and table differ")
	}
	if problem.Status(fault.Kind(200)) != http.StatusInternalServerError {
		t.Error("an unknown kind is internal")
	}
}

type document struct {
	Type   string
	Title  string
	Status int
}

func written(t *testing.T, err error) (*http.Response, document) {
	t.Helper()
	w := httptest.NewRecorder()
	problem.Write(w, err)
	var d document
	if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	return w.Result(), d
}

// TestWrite: a fault's text goes out, what wraps it does not.
func TestWrite(t *testing.T) {
	for _, k := range fault.Kinds() {
		r, d := written(t, fmt.Errorf("nik 9901011508900001 in /var/lib: %w", fault.New(k, "say <this> \"only\"")))
		if r.StatusCode != statuses[k] || d.Status != statuses[k] || d.Title != "say <this> \"only\"" {
			t.Errorf("%s: %d %+v", k, r.StatusCode, d)
		}
		want := "urn:amanah:problem:" + k.String()
		if k == fault.Internal {
			want = "about:blank"
		}
		if d.Type != want {
			t.Errorf("%s: type %q", k, d.Type)
		}
		if r.Header.Get("Content-Type") != "application/problem+json" || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", k, r.Header)
		}
	}
}

// TestInternal: of an error that is no fault nothing goes out.
func TestInternal(t *testing.T) {
	status, body := problem.Document(errors.New("sql: 9901011508900001"))
	if status != http.StatusInternalServerError || strings.Contains(string(body), "sql") || strings.Contains(string(body), "9901") {
		t.Errorf("%d %s", status, body)
	}
}

type typed struct{ error }

func (e typed) Unwrap() error     { return e.error }
func (typed) ProblemType() string { return "https://example.org/registered" }

// TestTyped: a registered type takes the place of ours, wrapped or not.
func TestTyped(t *testing.T) {
	for _, err := range []error{typed{fault.New(fault.Invalid, "x")}, fmt.Errorf("at: %w", typed{fault.New(fault.Invalid, "x")})} {
		if r, d := written(t, err); d.Type != "https://example.org/registered" || r.StatusCode != http.StatusBadRequest {
			t.Errorf("%+v", d)
		}
	}
}
