package fhir

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/flow/care"
	format "github.com/amanah-project/amanah/internal/format/fhir"
)

// resource reads the body as a resource.
func (s *Server) resource(q *request, limit int64) (*format.Resource, error) {
	if err := checkMedia(q.Header); err != nil {
		return nil, err
	}
	if q.ContentLength > limit {
		return nil, errLarge
	}
	// What is not told in advance counts as the most that it may be.
	weight := q.ContentLength
	if weight < 0 {
		weight = limit
	}
	if s.flight.Add(weight) > maxFlight {
		s.flight.Add(-weight)
		return nil, errFlight
	}
	q.weight += weight // until it is answered: what was read lives as long
	raw, err := io.ReadAll(io.LimitReader(q.Body, limit+1))
	if err != nil {
		return nil, errRead // the client's, or the connection's; its text could hold anything
	}
	if int64(len(raw)) > limit {
		return nil, errLarge
	}
	s.flight.Add(int64(len(raw)) - weight)
	q.weight += int64(len(raw)) - weight
	return s.Reader.Read(raw)
}

func checkMedia(h http.Header) error {
	media, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || media != formFHIR && media != formJSON || !strings.EqualFold(params["charset"], "utf-8") && params["charset"] != "" {
		return errMedia
	}
	if v := params["fhirversion"]; v != "" && v != "4.0" && v != "4.0.1" {
		return errMedia
	}
	if h.Get("Content-Encoding") != "" {
		return errCoded
	}
	return nil
}

// create answers POST {type}.
func (s *Server) create(ctx context.Context, q *request) (*answer, error) {
	typ := q.PathValue("type")
	switch {
	case typ == "Bundle":
		return nil, errBundleType
	case !format.Known(typ):
		return nil, errUnknown
	case q.Header.Get("If-None-Exist") != "":
		return nil, errCondition
	}
	r, err := s.resource(q, maxResource)
	if err != nil {
		return nil, err
	}
	if r.Type != typ {
		return nil, errType
	}
	all, err := s.enter(ctx, q, care.Item{Resource: r})
	if err != nil {
		return nil, err
	}
	return s.wrote(q, all[0])
}

// update answers PUT {type}/{id}: a correction.
func (s *Server) update(ctx context.Context, q *request) (*answer, error) {
	of, err := named(q)
	if errors.Is(err, record.ErrRef) {
		return nil, errAssigned // an id of the caller's own
	}
	if err != nil {
		return nil, err
	}
	match, err := parseMatch(q.Header.Values("If-Match"))
	if err != nil {
		return nil, err
	}
	r, err := s.resource(q, maxResource)
	if err != nil {
		return nil, err
	}
	switch {
	case r.Type != q.PathValue("type"):
		return nil, errType
	case r.ID != of.String():
		return nil, errID
	}
	all, err := s.enter(ctx, q, care.Item{Resource: r, Of: of, IfMatch: match})
	if err != nil {
		return nil, err
	}
	return s.wrote(q, all[0])
}

// written is what became of one resource.
type written struct {
	care.Placed
	typ     string
	made    bool   // a record that was not there
	waits   string // the number under which it waits in quarantine
	why     record.Reason
	present func() ([]byte, error)
}

// enter enters or corrects one person's records, whole or not at all.
func (s *Server) enter(ctx context.Context, q *request, items ...care.Item) ([]written, error) {
	e := care.Entry{Items: items}
	resources := make([]*format.Resource, len(items))
	for i, it := range items {
		resources[i] = it.Resource
		if it.Of != (record.Ref{}) {
			if e.Person != 0 && e.Person != it.Of.Person {
				return nil, record.ErrSubject
			}
			e.Person = it.Of.Person
		} else if it.Resource.Type == "Patient" {
			if e.Claim != nil {
				return nil, care.ErrPatients
			}
			claim, err := record.ClaimOf(it.Resource)
			if err != nil {
				return nil, err
			}
			e.Claim = &claim
		}
	}
	who, err := record.SubjectOfAll(resources)
	if err != nil {
		return nil, err
	}
	if e.Person != 0 && who != 0 && who != e.Person || e.Person == 0 && who == 0 && e.Claim == nil {
		return nil, record.ErrSubject
	}
	e.Person = max(e.Person, who)
	done, err := s.Care.Enter(ctx, q.by, []care.Entry{e})
	if err != nil {
		return nil, err
	}
	if len(done) != 1 || done[0].Err == nil && len(done[0].Placed) != len(items) {
		return nil, errors.New("fhir: not each record was answered")
	}
	if done[0].Err != nil {
		return nil, done[0].Err
	}
	return results(items, done[0], s.Now()), nil
}

// results says what became of each item.
func results(items []care.Item, done care.Done, at time.Time) []written {
	names := map[string]string{}
	for i, it := range items {
		for _, name := range it.Names {
			names[name] = it.Resource.Type + "/" + done.Placed[i].Ref.String()
		}
	}
	out := make([]written, len(items))
	for i, it := range items {
		p := done.Placed[i]
		out[i] = written{Placed: p, typ: it.Resource.Type, made: it.Of == (record.Ref{}) && !p.Known, why: done.Reason}
		if done.Aside != 0 {
			out[i].waits = record.Ref{Person: done.Aside}.String()
			continue
		}
		out[i].present = func() ([]byte, error) {
			stored := it.Resource.Store(func(target string) string {
				if to, ok := names[target]; ok {
					return to
				}
				return target
			})
			return format.Stamp(stored, p.Ref.String(), strconv.FormatUint(p.Version, 10), at)
		}
	}
	return out
}

func (w *written) name() string { return w.typ + "/" + w.Ref.String() }

func (w *written) version() string {
	return w.name() + "/_history/" + strconv.FormatUint(w.Version, 10)
}

func (w *written) status() int {
	switch {
	case w.waits != "":
		return http.StatusAccepted
	case w.made:
		return http.StatusCreated
	}
	return http.StatusOK
}

// wrote answers a write as the caller prefers.
func (s *Server) wrote(q *request, w written) (*answer, error) {
	if w.waits != "" {
		return &answer{status: w.status(), body: w.waiting()}, nil
	}
	a := &answer{status: w.status(), version: w.Version, at: s.Now(), location: s.base() + "/" + w.version()}
	var err error
	switch {
	case q.prefer == preferMinimal:
	case q.prefer == preferOutcome, w.Known: // what is there may differ from what was sent
		a.body = w.kept()
	default:
		a.body, err = w.present()
	}
	return a, err
}

// kept tells where a record is.
func (w *written) kept() []byte {
	text := "it is kept as " + w.name()
	if w.Known {
		text = "it was there already, as " + w.name() + ", and nothing was changed: correct it by PUT"
	}
	return outcome("information", "informational", text)
}

// waiting tells of what was not attached to anybody.
func (w *written) waiting() []byte {
	return outcome("warning", "business-rule", "it waits in quarantine under "+w.waits+", for somebody to compare it: "+string(w.why))
}
