package api

import (
	"context"

	"github.com/amanah-project/amanah/internal/flow/gate"
)

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
