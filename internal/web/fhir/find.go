package fhir

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	format "github.com/amanah-project/amanah/internal/format/fhir"
)

// find answers GET {type}?…: of people by their NIK, which no log of this program
// ever holds; of other types it says where they are searched.
func (s *Server) find(ctx context.Context, q *request) (*answer, error) {
	return s.who(ctx, q, q.URL.Query())
}

// findForm answers POST {type}/_search, which keeps the NIK out of addresses.
func (s *Server) findForm(ctx context.Context, q *request) (*answer, error) {
	values, err := q.values()
	if err != nil {
		return nil, err
	}
	return s.who(ctx, q, values)
}

// maxForm bounds a search that is sent as a form.
const maxForm = 8 << 10

// values are the parameters of a search that is sent as a form, and of its address:
// both count (FHIR R4 §3.1.1.4).
func (q *request) values() (url.Values, error) {
	media, _, err := mime.ParseMediaType(q.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, errSearchForm
	}
	raw, err := io.ReadAll(io.LimitReader(q.Body, maxForm+1))
	if err != nil {
		return nil, errRead
	}
	if len(raw) > maxForm {
		return nil, format.ErrSearch
	}
	values, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, errSearchForm
	}
	for name, all := range q.URL.Query() {
		values[name] = append(values[name], all...)
	}
	return values, nil
}

func (s *Server) who(ctx context.Context, q *request, values url.Values) (*answer, error) {
	switch typ := q.PathValue("type"); {
	case !format.Known(typ):
		return nil, errUnknown
	case typ != "Patient":
		return nil, errElsewhere
	}
	nik, err := parseIdentifier(values)
	if err != nil {
		return nil, err
	}
	found, err := s.Care.Find(ctx, nik)
	if err != nil && !errors.Is(err, record.ErrNobody) {
		return nil, err
	}
	b := &bundle{Type: "Bundle", Kind: "searchset", Total: total(0)}
	b.Link = []bundleLink{{"self", s.base() + "/Patient"}} // without the parameters: they are the person's
	if err == nil {
		// The number alone: who the person is stands in their record, which is opened.
		id := found.String()
		b.Total = total(1)
		b.Entry = []bundleEntry{{
			FullURL: s.base() + "/Patient/" + id,
			Resource: encode(struct {
				Type string `json:"resourceType"`
				ID   string `json:"id"`
			}{"Patient", id}),
			Search: &entrySearch{"match"},
		}}
	}
	return &answer{status: http.StatusOK, body: encode(b)}, nil
}

// parseIdentifier reads the one parameter by which people are searched.
func parseIdentifier(values url.Values) (identity.NIK, error) {
	var text []string
	for name, all := range values {
		switch name {
		case "identifier":
			text = all
		case "_format", "_count", "_summary", "_elements": // change nothing of a number alone
		default:
			return identity.NIK{}, errPatient
		}
	}
	if len(text) != 1 {
		return identity.NIK{}, errPatient
	}
	digits, ok := strings.CutPrefix(text[0], record.NIKSystem+"|")
	if !ok || strings.Contains(digits, ",") {
		return identity.NIK{}, errPatient
	}
	return identity.ParseNIK(digits)
}
