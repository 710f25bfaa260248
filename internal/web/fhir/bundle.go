package fhir

import (
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"github.com/amanah-project/amanah/internal/flow/care"
	format "github.com/amanah-project/amanah/internal/format/fhir"
)

// bundle is one that is answered.
type bundle struct {
	Type  string        `json:"resourceType"`
	Kind  string        `json:"type"`
	Total *int          `json:"total,omitempty"`
	Link  []bundleLink  `json:"link,omitempty"`
	Entry []bundleEntry `json:"entry,omitempty"`
}

type bundleLink struct {
	Relation string `json:"relation"`
	URL      string `json:"url"`
}

type bundleEntry struct {
	FullURL  string          `json:"fullUrl,omitempty"`
	Resource json.RawMessage `json:"resource,omitempty"`
	Search   *entrySearch    `json:"search,omitempty"`
	Request  *entryRequest   `json:"request,omitempty"`
	Response *entryResponse  `json:"response,omitempty"`
}

type entrySearch struct {
	Mode string `json:"mode"`
}

type entryRequest struct {
	Method string `json:"method"`
	URL    string `json:"url"`
}

type entryResponse struct {
	Status   string          `json:"status"`
	Location string          `json:"location,omitempty"`
	ETag     string          `json:"etag,omitempty"`
	Modified string          `json:"lastModified,omitempty"`
	Outcome  json.RawMessage `json:"outcome,omitempty"`
}

func total(n int) *int { return &n }

// entry shows one version in a bundle.
func (s *Server) entry(v care.Record) (bundleEntry, error) {
	raw, err := v.Resource()
	return bundleEntry{FullURL: s.base() + "/" + v.Type + "/" + v.Ref.String(), Resource: raw}, err
}

// page is what of a list is answered.
type page struct {
	count, offset int
	after         time.Time
	values        url.Values
}

// pageOf reads the parameters of a list that is not searched: _count, _offset and
// those named.
func pageOf(q *request, also ...string) (*page, error) {
	values := q.URL.Query()
	p := &page{values: values}
	plain := url.Values{}
	for name, all := range values {
		known := false
		for _, a := range also {
			known = known || a == name
		}
		if !known {
			plain[name] = all
		}
	}
	for _, name := range also {
		if len(values[name]) > 1 {
			return nil, format.ErrParameter
		}
	}
	for name := range plain {
		if name != "_count" && name != "_offset" && name != "_format" {
			return nil, format.ErrParameter
		}
	}
	query, err := format.ParseQuery("", plain)
	if err != nil {
		return nil, err
	}
	p.count, p.offset = query.Count, query.Offset
	if !plain.Has("_count") {
		p.count = maxPage
	}
	if text := values.Get("_since"); text != "" {
		if p.after, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return nil, format.ErrDate
		}
	}
	return p, nil
}

// maxPage bounds the entries of one answer.
const maxPage = 1000

// since leaves out what is older than the caller asked for.
func (p *page) since(all []care.Record) []care.Record {
	var out []care.Record
	for _, v := range all {
		if !v.Entered.Before(p.after) {
			out = append(out, v)
		}
	}
	return out
}

// cut returns the page's part of a list.
func (p *page) cut(all []care.Record) []care.Record {
	from := min(p.offset, len(all))
	return all[from:min(from+p.count, len(all))]
}

// links are the page's own address and the next one's.
func (p *page) links(address string, of int) []bundleLink {
	at := func(offset int) string {
		values := url.Values{}
		for name, all := range p.values {
			if name != "_offset" && name != "_format" {
				values[name] = all
			}
		}
		if offset > 0 {
			values.Set("_offset", strconv.Itoa(offset))
		}
		if len(values) == 0 {
			return address
		}
		return address + "?" + values.Encode()
	}
	links := []bundleLink{{"self", at(p.offset)}}
	if next := p.offset + p.count; p.count > 0 && next < of {
		links = append(links, bundleLink{"next", at(next)})
	}
	return links
}
