package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Link is one link of the person, of this device or of another.
type Link struct {
	Link    string    `json:"link"`    // its number, for Unlink
	Partner string    `json:"partner"` // name; a very long one is cut
	Since   time.Time `json:"since"`
	Scope   string    `json:"scope"` // colour, decision:server
	This    bool      `json:"this"`  // the link that this device asks by
}

// Links is a page of the person's live links, newest first.
type Links struct {
	Links []Link `json:"links"`
	More  bool   `json:"more"`
}

// Links asks for one page, from 0.
func (d *Device) Links(ctx context.Context, page int) (*Links, error) {
	path := "/v1/links"
	if page > 0 {
		path += "?page=" + strconv.Itoa(page)
	}
	l := &Links{}
	return l, d.ask(ctx, http.MethodGet, path, same(nil), l)
}

// Unlinked names a link that may not ask any more.
type Unlinked struct {
	Unlinked string `json:"unlinked"`
}

// Unlink ends one of the person's links, of any device; nothing asks by it from
// then on. One that ended before is answered alike, so that asking again is safe.
// After this device's own, everything is refused as not linked: Unlink too, when
// its first answer was lost on the way.
func (d *Device) Unlink(ctx context.Context, link string) (*Unlinked, error) {
	u := &Unlinked{}
	return u, d.ask(ctx, http.MethodDelete, "/v1/links/"+url.PathEscape(link), same(nil), u)
}
