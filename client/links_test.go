package client

import (
	"errors"
	"testing"

	"github.com/amanah-project/amanah/ohttp"
)

// TestLinks: what is asked for, and what is read of the answer.
func TestLinks(t *testing.T) {
	p := newPlatform(t)
	d := p.device(Options{})
	const id = "00112233445566778899aabbccddeeff"
	p.answer = func(r *ohttp.Request) (int, string) {
		switch r.Method + " " + r.Path {
		case "GET /v1/links":
			return 200, `{"links":[{"link":"` + id + `","partner":"Kabar","since":"2022-08-01T05:00:00Z","scope":"colour","this":true}],"more":true}`
		case "GET /v1/links?page=1":
			return 200, `{"links":[],"more":false}`
		case "DELETE /v1/links/" + id:
			return 200, `{"unlinked":"` + id + `"}`
		}
		return 404, `{"title":"you have no such link"}`
	}
	first, err := d.Links(t.Context(), 0)
	if err != nil || len(first.Links) != 1 || !first.More {
		t.Fatalf("%+v, %v", first, err)
	}
	if l := first.Links[0]; l.Link != id || l.Partner != "Kabar" || l.Since.IsZero() || l.Scope != "colour" || !l.This {
		t.Errorf("%+v", l)
	}
	if next, err := d.Links(t.Context(), 1); err != nil || len(next.Links) != 0 || next.More {
		t.Errorf("%+v, %v", next, err)
	}
	if u, err := d.Unlink(t.Context(), id); err != nil || u.Unlinked != id {
		t.Errorf("%+v, %v", u, err)
	}
	// A number that is none cannot reach another resource.
	for _, odd := range []string{"..", "../visits", "x?page=1", ""} {
		var refused *Problem
		if _, err := d.Unlink(t.Context(), odd); !errors.As(err, &refused) || refused.Status != 404 {
			t.Errorf("%q: %v", odd, err)
		}
	}
}
