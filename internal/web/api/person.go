package api

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/flow/rights"
)

// The longest names in an answer, in bytes of JSON: a page of them must fit the one
// size that every answer has.
const (
	maxName  = 120 // a partner's in a list of links; a venue's alone
	maxPlace = 70  // a venue's in a list of visits
)

// Rights is the flow behind what people may ask about their own links.
type Rights interface {
	Links(ctx context.Context, asks identity.LinkID, page int) (rights.Page, error)
	Unlink(ctx context.Context, asks, id identity.LinkID) error
}

// links answers GET /v1/links.
func (d *Device) links(ctx context.Context, r *Request, a gate.Ask, _ time.Time) Response {
	page, err := pageOf(r.Path, "/v1/links")
	if err = d.cover(ctx, a, err); err != nil {
		return d.problem(err)
	}
	p, err := d.Rights.Links(ctx, a.Link, page)
	if err != nil {
		return d.problem(err)
	}
	return d.ok(appendLinks(nil, p))
}

// unlink answers DELETE /v1/links/{link}. An answer does not tell whether the link
// ended now or before: a lost answer is asked for again.
func (d *Device) unlink(ctx context.Context, r *Request, a gate.Ask, _ time.Time) Response {
	id, err := identity.ParseLinkID(strings.TrimPrefix(r.Path, "/v1/links/"))
	if err = d.cover(ctx, a, err); err != nil {
		return d.problem(err)
	}
	if err := d.Rights.Unlink(ctx, a.Link, id); err != nil {
		return d.problem(err)
	}
	return d.ok([]byte(`{"unlinked":"` + id.String() + `"}`))
}

func appendLinks(b []byte, p rights.Page) []byte {
	type link struct {
		Link    string        `json:"link"`
		Partner string        `json:"partner"`
		Since   time.Time     `json:"since"`
		Scope   partner.Scope `json:"scope"`
		This    bool          `json:"this"`
	}
	doc := struct {
		Links []link `json:"links"`
		More  bool   `json:"more"`
	}{Links: []link{}, More: p.More}
	for _, l := range p.Links {
		out := link{
			Link: l.Link.ID.String(), Partner: shorten(l.Partner, maxName), Since: l.Link.Created.UTC(),
			Scope: scopeOf(l.Link.Scope), This: l.This,
		}
		doc.Links = append(doc.Links, out)
	}
	return append(b, plainJSON(doc)...)
}

func scopeOf(s identity.LinkScope) partner.Scope {
	if s == identity.LinkDecision {
		return partner.ScopeDecision
	}
	return partner.ScopeColour
}

// plainJSON encodes what always encodes; no page will hold it, so that signs which
// mean something in HTML stay one byte.
func plainJSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // only strings, numbers and times
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// shorten cuts a text so that its JSON takes at most so many bytes, quotes
// included, and marks it as cut.
func shorten(s string, most int) string {
	if len(plainJSON(s)) <= most {
		return s
	}
	for s = s[:min(len(s), most)]; s != ""; {
		_, last := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-last]
		if len(plainJSON(s+"…")) <= most {
			break
		}
	}
	return s + "…"
}
