package api_test

import (
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/web/api"
)

// TestDepartures: every request that does more than the gate leaves at its route's own
// pace, whatever becomes of it; every other leaves with its batch. No route is left
// out.
func TestDepartures(t *testing.T) {
	s := newStand(t)
	p := s.phone(siti, 1, nil)
	s.device.Paces = api.NewPaces()
	more := map[string]bool{}
	paced := func(c *call) string {
		d := s.device.Serve(t.Context(), s.request(c)).Departs
		if d == (gate.Departure{}) {
			t.Errorf("%s %s leaves at once", c.method, c.path)
		}
		for route, pace := range s.device.Paces {
			if d.By(pace) {
				return route
			}
		}
		return ""
	}
	for _, route := range s.device.Routes() {
		method, pattern, _ := strings.Cut(route, " ")
		path := strings.NewReplacer("{number}", "D-2022-000001-8", "{link}", strings.Repeat("0", 32), "{venue}", "1").Replace(pattern)
		if strings.HasPrefix(path, "/v1/pin") || strings.HasPrefix(path, "/v1/cards") {
			continue // this stand serves neither
		}
		good := paced(s.call(p, method, path, nil))
		bad := s.call(p, method, path, nil)
		bad.signer = newKey(t)
		refused := paced(bad)
		if good != refused {
			t.Errorf("%s: served at the pace of %q, refused at that of %q", route, good, refused)
		}
		if good != "" && good != route {
			t.Errorf("%s leaves at the pace of %s", route, good)
		}
		more[route] = good != ""
	}
	for route, want := range map[string]bool{
		"POST /v1/visits": false, "GET /v1/status": false, "POST /v1/visits/leave": false, "GET /v1/venues/{venue}": false,
		"GET /v1/visits": true, "GET /v1/asks": true, "GET /v1/links": true, "DELETE /v1/links/{link}": true,
		"POST /v1/disputes": true, "GET /v1/disputes/{number}": true,
	} {
		if more[route] != want {
			t.Errorf("%s: at a pace of its own: %v", route, more[route])
		}
	}
	if got := paced(s.call(p, "GET", "/v2", nil)); got != "" {
		t.Errorf("what is not there leaves at the pace of %s", got)
	}
}
