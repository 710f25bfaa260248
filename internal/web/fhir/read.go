package fhir

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/flow/care"
	format "github.com/amanah-project/amanah/internal/format/fhir"
	"github.com/amanah-project/amanah/internal/keeper"
)

// named returns the record that a path names. One that cannot be is as one that is not.
func named(q *request) (record.Ref, error) {
	typ := q.PathValue("type")
	if !format.Known(typ) {
		return record.Ref{}, errUnknown
	}
	of, err := record.ParseRef(q.PathValue("id"))
	if err != nil || (of.Number == 0) != (typ == "Patient") {
		return record.Ref{}, record.ErrRef
	}
	return of, nil
}

// read answers GET {type}/{id}.
func (s *Server) read(ctx context.Context, q *request) (*answer, error) {
	of, err := named(q)
	if err != nil {
		return nil, err
	}
	return s.opened(ctx, q, of, 0)
}

// vread answers GET {type}/{id}/_history/{version}.
func (s *Server) vread(ctx context.Context, q *request) (*answer, error) {
	of, err := named(q)
	if err != nil {
		return nil, err
	}
	version, err := parseVersion(q.PathValue("version"))
	if err != nil {
		return nil, record.ErrRef
	}
	return s.opened(ctx, q, of, version)
}

func (s *Server) opened(ctx context.Context, q *request, of record.Ref, version uint64) (*answer, error) {
	if q.PathValue("type") == "Binary" {
		return s.binary(ctx, q, of, version)
	}
	v, err := s.Care.Open(ctx, q.by, of, version)
	if err != nil {
		return nil, err
	}
	if q.PathValue("type") == "DocumentReference" && v.Type == "" && v.Content.Document != nil && v.Image == nil {
		v = reference(v)
	}
	if v.Type != q.PathValue("type") {
		return nil, record.ErrRef
	}
	a := &answer{status: http.StatusOK, version: v.Version, at: v.Entered, view: v.View}
	if unchanged(q.Header, v.Version, v.Entered) { // the intent is as durable as of one that was sent
		a.status = http.StatusNotModified
		return a, nil
	}
	a.body, err = v.Resource()
	return a, err
}

// unchanged reports whether the caller has this version already (RFC 9110 §13.2.2: an
// If-None-Match wins over the date).
func unchanged(h http.Header, version uint64, at time.Time) bool {
	if all := h.Values("If-None-Match"); len(all) > 0 {
		for one := range strings.SplitSeq(strings.Join(all, ","), ",") {
			if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(etag(version), "W/") {
				return true
			}
		}
		return false
	}
	since, err := http.ParseTime(h.Get("If-Modified-Since"))
	return err == nil && !at.Truncate(time.Second).After(since)
}

// history answers GET {type}/{id}/_history.
func (s *Server) history(ctx context.Context, q *request) (*answer, error) {
	of, err := named(q)
	if err != nil {
		return nil, err
	}
	page, err := pageOf(q, "_since")
	if err != nil {
		return nil, err
	}
	all, err := s.Care.History(ctx, q.by, of)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 || all[0].Type != q.PathValue("type") {
		return nil, record.ErrRef
	}
	created := all[len(all)-1].Version
	all = page.since(all)
	b := &bundle{Type: "Bundle", Kind: "history", Total: total(len(all))}
	for _, v := range page.cut(all) {
		e, err := s.entry(v)
		if err != nil {
			return nil, err
		}
		method, status := http.MethodPut, "200 OK"
		if v.Version == created {
			method, status = http.MethodPost, "201 Created"
		}
		e.Request = &entryRequest{method, v.Type + "/" + v.Ref.String()}
		if method == http.MethodPost {
			e.Request.URL = v.Type
		}
		e.Response = &entryResponse{Status: status, ETag: etag(v.Version), Modified: instant(v.Entered)}
		b.Entry = append(b.Entry, e)
	}
	b.Link = page.links(s.base()+strings.TrimPrefix(q.URL.Path, Base), len(all))
	return &answer{status: http.StatusOK, body: encode(b), view: viewOf(all)}, nil
}

// everything answers GET Patient/{id}/$everything.
func (s *Server) everything(ctx context.Context, q *request) (*answer, error) {
	if q.PathValue("type") != "Patient" {
		return nil, errOperation
	}
	of, err := named(q)
	if err != nil {
		return nil, err
	}
	page, err := pageOf(q, "_type", "_since")
	if err != nil {
		return nil, err
	}
	filter := record.Filter{Void: true} // what was withdrawn says so, and is part of everything
	for one := range strings.SplitSeq(q.URL.Query().Get("_type"), ",") {
		if one != "" && !format.Known(one) {
			return nil, errUnknown
		}
		if one != "" {
			filter.Types = append(filter.Types, one)
		}
	}
	if slices.Contains(filter.Types, "DocumentReference") {
		filter.Types = append(filter.Types, "") // documents that were kept as such
	}
	all, err := s.Care.Compartment(ctx, q.by, of.Person, filter)
	if err != nil {
		return nil, err
	}
	return s.found(page, q, page.since(shown(all)))
}

// compartment answers GET Patient/{id}/{type}?… There is no _search to POST: the
// keeper opens on the proof of a GET alone.
func (s *Server) compartment(ctx context.Context, q *request) (*answer, error) {
	kind := q.PathValue("kind")
	if q.PathValue("type") != "Patient" || !format.Known(kind) || kind == "Patient" {
		return nil, errOperation
	}
	of, err := named(q)
	if err != nil {
		return nil, err
	}
	values := q.URL.Query()
	query, err := format.ParseQuery(kind, values)
	if err != nil {
		return nil, err
	}
	filter := record.Filter{Types: []string{kind}, Void: true}
	if kind == "DocumentReference" {
		filter.Types = append(filter.Types, "") // documents that were kept as such
	}
	all, err := s.Care.Compartment(ctx, q.by, of.Person, filter)
	if err != nil {
		return nil, err
	}
	var fit []care.Record
	for _, v := range shown(all) {
		raw, err := v.Resource() // _id and _lastUpdated are searched too
		if err != nil {
			return nil, err
		}
		if v.Withdrawn == "" && query.Match(raw) {
			fit = append(fit, v)
		}
	}
	slices.SortStableFunc(fit, func(a, b care.Record) int { return b.Entered.Compare(a.Entered) })
	return s.found(&page{count: query.Count, offset: query.Offset, values: values}, q, fit)
}

// relation answers POST Patient/{id}/relation/{until}: the facility says that it treats
// the person until the end of that day.
func (s *Server) relation(ctx context.Context, q *request) (*answer, error) {
	if q.PathValue("type") != "Patient" {
		return nil, errOperation
	}
	of, err := named(q)
	if err != nil {
		return nil, err
	}
	until, err := day.Parse(q.PathValue("until"))
	if err != nil {
		return nil, err
	}
	err = s.Relate(ctx, q.by.Ask, keeper.Relation{Person: of.Person, Facility: q.by.Facility, Until: until.Add(1).Start()})
	if err != nil {
		return nil, err
	}
	return &answer{status: http.StatusOK, body: outcome("information", "informational", "it is noted that you treat this person, until the end of that day")}, nil
}

// found writes a page of a search's results.
func (s *Server) found(p *page, q *request, all []care.Record) (*answer, error) {
	b := &bundle{Type: "Bundle", Kind: "searchset", Total: total(len(all))}
	for _, v := range p.cut(all) {
		e, err := s.entry(v)
		if err != nil {
			return nil, err
		}
		e.Search = &entrySearch{"match"}
		b.Entry = append(b.Entry, e)
	}
	b.Link = p.links(s.base()+strings.TrimPrefix(q.URL.Path, Base), len(all))
	return &answer{status: http.StatusOK, body: encode(b), view: viewOf(all)}, nil
}

// viewOf is the name of what was opened at once; zero where that is nothing.
func viewOf(all []care.Record) (v leak.ViewToken) {
	if len(all) > 0 {
		v = all[0].View
	}
	return v
}

// etag is a version's, which is weak because one version may be written with its
// members in another order.
func etag(version uint64) string { return `W/"` + strconv.FormatUint(version, 10) + `"` }

// parseVersion reads a version's number in its one spelling.
func parseVersion(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != s {
		return 0, errMatchForm
	}
	return n, nil
}

// instant writes a time as FHIR has it.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
