package api

import (
	"context"
	"strings"

	"github.com/amanah-project/amanah/internal/flow/gate"
)

// Paces are those of requests that do more than the gate does, each by its route.
type Paces map[string]*gate.Pace

// NewPaces makes one for each of them.
func NewPaces() Paces {
	out := Paces{}
	for _, r := range linkingRoutes {
		out[r] = gate.NewPace()
	}
	for _, r := range deviceRoutes {
		if r.more {
			out[r.method+" "+r.path] = gate.NewPace()
		}
	}
	return out
}

// of is the pace of a request, whoever sends it and however wrong it is: nil for one
// that leaves with its batch.
func (p Paces) of(method, path string) *gate.Pace {
	for _, r := range deviceRoutes {
		if r.more && r.method == method && r.takes(path) {
			return p[method+" "+r.path]
		}
	}
	if !strings.HasPrefix(path, "/oauth/") {
		return nil
	}
	path, _, _ = strings.Cut(path, "?")
	return p[method+" "+path]
}

// departing is the gate as one request uses it; it keeps when the answer may leave.
type departing struct {
	Gate
	departs gate.Departure
}

// Do asks the gate.
func (g *departing) Do(ctx context.Context, a gate.Ask) gate.Answer {
	answer := g.Gate.Do(ctx, a)
	g.departs = answer.Departs
	return answer
}
