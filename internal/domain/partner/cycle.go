package partner

import (
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of the life cycle.
var (
	ErrMove      = fault.New(fault.Conflict, "partner cannot go there from where it stands")
	ErrStages    = fault.New(fault.Conflict, "partner is in the last stage of its agreement")
	ErrSynthetic = fault.New(fault.Denied, "partner serves synthetic people only until it is live")
	ErrScope     = fault.New(fault.Denied, "the partner's agreement does not cover this")
	ErrFull      = fault.New(fault.Denied, "the partner has linked as many people as its stage allows")
	ErrQuota     = fault.New(fault.Busy, "the partner is past the messages a minute of its agreement: try again shortly")
)

// Standing is where a partner is in its life cycle.
type Standing struct {
	State State
	Stage int   // of Live, from 1; 0 before it was ever live
	Held  State // what a suspended partner goes back to
}

// moves lists where each state may go. From Suspended, Move further asks that it
// be what the partner was. What is not listed is refused.
func moves(from State) []State {
	switch from {
	case Applied:
		return []State{Sandbox, Ended} // nothing is served that could be suspended
	case Sandbox:
		return []State{Certified, Suspended, Ended}
	case Certified:
		return []State{Live, Suspended, Ended}
	case Live:
		return []State{Live, Suspended, Ended} // to Live is to the next stage
	case Suspended:
		return []State{Sandbox, Certified, Live, Ended}
	}
	return nil
}

// Move returns the standing after one step, under an agreement of so many stages.
// ErrMove, and ErrStages when there is no such stage.
func (s Standing) Move(to State, stages int) (Standing, error) {
	allowed := false
	for _, m := range moves(s.State) {
		allowed = allowed || m == to
	}
	if !allowed || s.State == Suspended && to != Ended && to != s.Held {
		return s, ErrMove
	}
	next := Standing{State: to, Stage: s.Stage}
	switch {
	case to == Suspended:
		next.Held = s.State
	case to == Live && s.State != Suspended:
		next.Stage++
	}
	if to == Live && (next.Stage < 1 || next.Stage > stages) {
		return s, ErrStages
	}
	return next, nil
}

// Room returns how many more people may be linked in a stage, when so many are.
// A stage that the terms do not have has none.
func (t Terms) Room(stage, linked int) int {
	if stage < 1 || stage > len(t.Stages) || linked < 0 {
		return 0
	}
	return max(0, t.Stages[stage-1]-linked)
}

// Serves returns nil when a partner in this state may be served for a person,
// synthetic or real, else why not.
func (s State) Serves(synthetic bool) error {
	switch s {
	case Live:
		return nil
	case Sandbox, Certified:
		if synthetic {
			return nil
		}
		return ErrSynthetic
	case Suspended:
		return ErrSuspended
	}
	return ErrUnknown
}

// Grant is what a partner may do now, under its agreement in force. Every call is
// held against it.
type Grant struct {
	*Agreed
	Stage         int
	SyntheticOnly bool // no real person is served
}

// Grant returns what a partner may do at a moment under the versions it agreed to,
// ascending; ErrUnknown, ErrSuspended, ErrUnsigned. It answers before the person is
// known.
func (p Partner) Grant(versions []Agreed, at time.Time) (Grant, error) {
	if err := p.State.Serves(true); err != nil {
		return Grant{}, err
	}
	in, err := InForce(versions, at)
	if err != nil {
		return Grant{}, err
	}
	return Grant{in, p.Stage, p.State != Live}, nil
}

// Person returns nil when a person, synthetic or real, may be served; ErrSynthetic.
func (g Grant) Person(synthetic bool) error {
	if g.SyntheticOnly && !synthetic {
		return ErrSynthetic
	}
	return nil
}

// Covers returns nil when the agreement grants a scope; ErrScope.
func (g Grant) Covers(s Scope) error {
	if g.Agreed == nil || !slices.Contains(g.Scopes, s) {
		return ErrScope
	}
	return nil
}

// Shows reports whether the partner's app may show a colour.
func (g Grant) Shows(colour string) bool {
	return g.Agreed != nil && slices.Contains(g.Colours, colour)
}

// Admits returns nil when one more person may be linked, when so many are. Before
// it is live a partner links as many synthetic people as its first stage would
// have; ErrFull.
func (g Grant) Admits(linked int) error {
	if g.Agreed == nil || g.Room(max(1, g.Stage), linked) < 1 {
		return ErrFull
	}
	return nil
}

// Next returns where a promotion leads: from an application to the sandbox, and
// from a certificate or a stage to the next stage. ErrReport in the sandbox, which
// is left by a certification only; ErrSuspended, ErrMove.
func (s Standing) Next() (State, error) {
	switch s.State {
	case Applied:
		return Sandbox, nil
	case Certified, Live:
		return Live, nil
	case Sandbox:
		return 0, ErrReport
	case Suspended:
		return 0, ErrSuspended
	}
	return 0, ErrMove
}

// Certify returns the standing after a passed certification: the sandbox is left,
// and whoever is further on stays where it is. ErrMove.
func (s Standing) Certify() (Standing, error) {
	if s.State == Certified || s.State == Live {
		return s, nil
	}
	return s.Move(Certified, 0)
}

// Resume returns the standing before a suspension. ErrMove, ErrStages.
func (s Standing) Resume(stages int) (Standing, error) {
	if s.State != Suspended {
		return s, ErrMove
	}
	return s.Move(s.Held, stages)
}
