package partner

import "github.com/amanah-project/amanah/internal/fault"

// Errors of the life cycle.
var (
	ErrMove      = fault.New(fault.Conflict, "partner cannot go there from where it stands")
	ErrStages    = fault.New(fault.Conflict, "partner is in the last stage of its agreement")
	ErrSynthetic = fault.New(fault.Denied, "partner serves synthetic people only until it is live")
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
// synthetic or real, else why not. Admit answers before the person is known.
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
