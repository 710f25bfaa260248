// Package transfer serves what one facility sends another: asked for, listed, fetched
// and acknowledged at /v1/transfers, each by the facility's own signed request.
//
// A document is given as it was made, byte for byte, with its SHA-256 and the platform's
// signed statement in headers. Who is neither sender nor receiver is told that there is
// no such transfer. Errors are problem documents. No answer is stored by a cache.
package transfer

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/transfer"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/web/problem"
	"github.com/amanah-project/amanah/internal/web/route"
	"github.com/amanah-project/amanah/verify"
)

// Base is where transfers are.
const Base = "/v1/transfers"

// StatementHeader carries the platform's signed statement: base64url of its JSON.
const StatementHeader = "Transfer-Statement"

// Errors of requests.
var (
	errBody   = fault.New(fault.Invalid, `the body is JSON: {"kind":"transfer-form","records":["123-65538"]}; without records everything is sent`)
	errPerson = fault.New(fault.NotFound, "a person is named by their number, as 123")
)

// Limits of one request.
const (
	maxBody = 64 << 10
	longest = 2 * time.Minute
)

// Flow sends and delivers.
type Flow interface {
	Send(ctx context.Context, by care.Caller, a transfer.Asked) (record.Ref, verify.Transfer, error)
	List(ctx context.Context, by care.Caller) (transfer.Lists, error)
	Fetch(ctx context.Context, by care.Caller, ref record.Ref) (verify.Transfer, care.Opened, error)
	Receive(ctx context.Context, by care.Caller, ref record.Ref) (keeper.Receipt, error)
	Relate(ctx context.Context, by care.Caller, ref record.Ref, until time.Time) error
}

// Server serves transfers.
type Server struct {
	Flow Flow
	// Admit says who asks; signed says that the keeper is shown their request, whose proof
	// is not taken here. It may set headers that its refusals need.
	Admit func(w http.ResponseWriter, r *http.Request, signed bool) (care.Caller, error)
}

// Routes adds the resources to a mux.
func (s *Server) Routes(mux *route.Mux) {
	mux.HandleFunc("POST "+Base+"/Patient/{person}/{facility}/{until}", s.with(true, (*Server).send))
	mux.HandleFunc("GET "+Base, s.with(false, (*Server).list))
	mux.HandleFunc("GET "+Base+"/{transfer}", s.with(true, (*Server).fetch))
	mux.HandleFunc("POST "+Base+"/{transfer}/receipt/{digest}", s.with(true, (*Server).receive))
	mux.HandleFunc("POST "+Base+"/{transfer}/relation/{until}", s.with(true, (*Server).relate))
}

type handler func(s *Server, w http.ResponseWriter, r *http.Request, by care.Caller) error

func (s *Server) with(signed bool, h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		control, until := http.NewResponseController(w), time.Now().Add(longest)
		_ = control.SetReadDeadline(until) // a test's recorder has none
		_ = control.SetWriteDeadline(until)
		ctx, cancel := context.WithTimeout(r.Context(), longest)
		defer cancel()
		w.Header().Set("Cache-Control", "no-store")
		by, err := s.Admit(w, r, signed)
		if err == nil {
			err = h(s, w, r.WithContext(ctx), by)
		}
		if _, begun := errors.AsType[begunError](err); begun {
			panic(http.ErrAbortHandler) // nobody takes a part for the whole
		}
		if err != nil {
			problem.Write(w, gone(err))
		}
	}
}

// begunError is of an answer whose head is sent.
type begunError struct{ error }

// statused gives an error the status that HTTP has for it.
type statused struct {
	error
	status int
}

// Unwrap returns the fault.
func (e statused) Unwrap() error { return e.error }

// ProblemStatus implements problem.Statused.
func (e statused) ProblemStatus() int { return e.status }

// gone is 410 of what is over, and of whose key is destroyed.
func gone(err error) error {
	if errors.Is(err, record.ErrOver) || errors.Is(err, keeper.ErrErased) {
		return statused{err, http.StatusGone}
	}
	return err
}

func answer(w http.ResponseWriter, status int, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(raw) // a caller who hung up asks again
	return nil
}

// made is a transfer that was made.
type made struct {
	Transfer  string          `json:"transfer"`
	Statement verify.Transfer `json:"statement"`
}

func (s *Server) send(w http.ResponseWriter, r *http.Request, by care.Caller) error {
	who, err := record.ParseRef(r.PathValue("person"))
	if err != nil || who.Number != 0 {
		return errPerson
	}
	a := transfer.Asked{Person: who.Person}
	if a.To, err = staff.ParseFacility(r.PathValue("facility")); err != nil {
		return err
	}
	if _, err := day.Parse(r.PathValue("until")); err != nil {
		return err
	}
	var in struct {
		Kind    string   `json:"kind"`
		Records []string `json:"records"`
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return errBody
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if d.Decode(&in) != nil || d.More() {
		return errBody
	}
	if a.Kind, err = record.ParseKind(in.Kind); err != nil {
		return record.ErrSendWhat
	}
	for _, one := range in.Records {
		ref, err := record.ParseRef(one)
		if err != nil {
			return err
		}
		a.Records = append(a.Records, ref)
	}
	ref, t, err := s.Flow.Send(r.Context(), by, a)
	if err != nil {
		return err
	}
	w.Header().Set("Location", Base+"/"+ref.String())
	return answer(w, http.StatusCreated, made{ref.String(), t})
}

// listed is a transfer in a list. From and to stand in the document.
type listed struct {
	Transfer string     `json:"transfer"`
	Sent     time.Time  `json:"sent"`
	Until    time.Time  `json:"until"`
	Digest   string     `json:"sha256"`
	Size     int64      `json:"size"`
	Fetched  *time.Time `json:"fetched,omitempty"`
	Received *time.Time `json:"received,omitempty"`
}

func listing(all []record.Sent) []listed {
	moment := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	out := make([]listed, len(all))
	for i, s := range all {
		out[i] = listed{s.Ref.String(), s.At, s.Until, hex.EncodeToString(s.Digest[:]), s.Size, moment(s.Fetched), moment(s.Received)}
	}
	return out
}

func (s *Server) list(w http.ResponseWriter, r *http.Request, by care.Caller) error {
	l, err := s.Flow.List(r.Context(), by)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, struct {
		To   []listed `json:"to"`
		From []listed `json:"from"`
	}{listing(l.To), listing(l.From)})
}

// named returns the transfer that a path names; one that cannot be is as one that is not.
func named(r *http.Request) (record.Ref, error) {
	ref, err := record.ParseRef(r.PathValue("transfer"))
	if err != nil || ref.Number < record.Entered {
		return record.Ref{}, record.ErrNone
	}
	return ref, nil
}

func (s *Server) fetch(w http.ResponseWriter, r *http.Request, by care.Caller) error {
	ref, err := named(r)
	if err != nil {
		return err
	}
	t, o, err := s.Flow.Fetch(r.Context(), by, ref)
	if err != nil {
		return err
	}
	defer o.Close()
	said, err := json.Marshal(t)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", transfer.ContentType)
	h.Set("ETag", `"`+hex.EncodeToString(t.Digest[:])+`"`)
	h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(t.Digest[:])+":") // RFC 9530
	h.Set(StatementHeader, base64.RawURLEncoding.EncodeToString(said))
	at := &noted{ReaderAt: o}
	http.ServeContent(w, r, "", time.Time{}, io.NewSectionReader(at, 0, o.Size()))
	if at.err != nil {
		return begunError{at.err}
	}
	return nil
}

// noted remembers what went wrong, which ServeContent passes over.
type noted struct {
	io.ReaderAt
	err error
}

// ReadAt implements io.ReaderAt.
func (n *noted) ReadAt(p []byte, off int64) (int, error) {
	got, err := n.ReaderAt.ReadAt(p, off)
	if err != nil && err != io.EOF {
		n.err = err
	}
	return got, err
}

// confirmed is that a facility has what was sent to it: what the keeper signed of it.
type confirmed struct {
	Intent    string    `json:"intent"`
	Seq       uint64    `json:"seq"`
	Chain     string    `json:"chain"`
	At        time.Time `json:"at"`
	Signature string    `json:"signature"`
}

func (s *Server) receive(w http.ResponseWriter, r *http.Request, by care.Caller) error {
	ref, err := named(r)
	if err != nil {
		return err
	}
	got, err := s.Flow.Receive(r.Context(), by, ref)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, confirmed{
		hex.EncodeToString(got.Intent[:]), got.Seq, hex.EncodeToString(got.Chain[:]), got.At, hex.EncodeToString(got.Signature[:]),
	})
}

func (s *Server) relate(w http.ResponseWriter, r *http.Request, by care.Caller) error {
	ref, err := named(r)
	if err != nil {
		return err
	}
	until, err := day.Parse(r.PathValue("until"))
	if err != nil {
		return err
	}
	if err := s.Flow.Relate(r.Context(), by, ref, until.Add(1).Start()); err != nil {
		return err
	}
	return answer(w, http.StatusOK, struct {
		Person string `json:"person"`
		Until  string `json:"until"`
	}{record.Ref{Person: ref.Person}.String(), until.String()})
}
