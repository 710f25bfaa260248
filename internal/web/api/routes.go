package api

import (
	"context"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/flow/gate"
)

// deviceRoute is one thing that a device may ask, inside the encapsulation. What a
// handler is given has passed admission; a handler sends what is wrong through the
// gate like the rest.
type deviceRoute struct {
	method string
	path   string // a part in braces stands for one part of any text
	more   bool   // than the gate does: its answers leave at a pace of their own
	serve  func(d *Device, ctx context.Context, r *Request, a gate.Ask, now time.Time) Response
}

// deviceRoutes is all that devices are served. It is never written to.
var deviceRoutes = []deviceRoute{
	{"GET", "/v1/asks", true, (*Device).asks},
	{"DELETE", "/v1/cards", true, (*Device).dropCards},
	{"POST", "/v1/disputes", true, (*Device).dispute},
	{"GET", "/v1/disputes", true, (*Device).disputes},
	{"GET", "/v1/disputes/{number}", true, (*Device).ownDispute},
	{"GET", "/v1/links", true, (*Device).links},
	{"DELETE", "/v1/links/{link}", true, (*Device).unlink},
	{"POST", "/v1/passes", false, (*Device).pass},
	{"PUT", "/v1/pin", true, (*Device).setPIN},
	{"DELETE", "/v1/pin", true, (*Device).dropPIN},
	{"GET", "/v1/status", false, (*Device).look},
	{"GET", "/v1/venues/{venue}", false, (*Device).venue},
	{"POST", "/v1/visits", false, (*Device).checkIn},
	{"GET", "/v1/visits", true, (*Device).history},
	{"POST", "/v1/visits/leave", false, (*Device).leave},
}

// linkingRoutes are answered by the authorization server, before anybody is admitted.
// They are never written to.
var linkingRoutes = []string{"POST /oauth/par", "POST /oauth/revoke", "POST /oauth/token"}

// Routes returns what devices are served, as "GET /v1/status".
func (d *Device) Routes() []string {
	var out []string
	if d.OAuth != nil {
		out = append(out, linkingRoutes...)
	}
	for _, r := range deviceRoutes {
		out = append(out, r.method+" "+r.path)
	}
	return out
}

// takes says whether a path, its query aside, is one of the route's.
func (r deviceRoute) takes(path string) bool {
	path, _, _ = strings.Cut(path, "?")
	for pattern := r.path; ; {
		want, more, wants := strings.Cut(pattern, "/")
		part, rest, has := strings.Cut(path, "/")
		if part != want && !strings.HasPrefix(want, "{") || wants != has {
			return false
		}
		if !wants {
			return true
		}
		pattern, path = more, rest
	}
}
