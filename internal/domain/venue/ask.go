package venue

import (
	"time"

	"github.com/amanah-project/amanah/internal/day"
)

// Ask is one time that a person's colour was asked for without a visit coming of
// it. A check-in that was decided is a visit and has no Ask, so that an ordinary
// one writes nothing more. Who asked, by which link and for which venue stands in
// its sealed event only.
type Ask struct {
	Day     day.Day
	Who     Pseudonym
	ID      [16]byte // of its event; Rest for those counted together
	At      time.Time
	Outcome AskOutcome
	Times   int // how many asks it stands for
	Leaf    LeafRef
	Altered bool // of one that was read: it is not what was written
}

// AskOutcome says what became of an Ask.
type AskOutcome uint8

// Outcomes of asks.
const (
	AskGiven   AskOutcome = 1 + iota // the colour was told: the person looked
	AskAgain                         // the colour was told again: a retry of a check-in decided before
	AskLimited                       // the colours of the day were used up; none was opened
	AskRefused                       // the link may not ask, or not any more
	AskFailed                        // the colour was not told: the venue is unknown, or it could not be read
)

// String names the outcome as answers and commands show it.
func (o AskOutcome) String() string {
	switch o {
	case AskGiven:
		return "given"
	case AskAgain:
		return "again"
	case AskLimited:
		return "limited"
	case AskRefused:
		return "refused"
	case AskFailed:
		return "failed"
	}
	return "none"
}

// MaxIdle bounds the asks of a person's day which told nothing that are kept one
// by one. Those that open a colour are few by the day's limit; these are not, and a
// device that asks on and on must fill neither the table nor the person's list.
const MaxIdle = 36

// Rest returns the name under which the asks of a day beyond MaxIdle are counted.
func Rest() [16]byte {
	var id [16]byte
	for i := range id {
		id[i] = 0xff
	}
	return id
}

// Idle reports whether an ask told nothing.
func (a Ask) Idle() bool { return a.Outcome != AskGiven && a.Outcome != AskAgain }

// Beside returns the ask as it is kept beside those of the person's day: itself, or
// one more of the rest when it told nothing and there are MaxIdle such already. It
// stands for the last of the rest.
func (a Ask) Beside(kept []Ask) Ask {
	idle := 0
	for _, k := range kept {
		if k.Idle() {
			idle++
		}
	}
	if a.Idle() && idle >= MaxIdle {
		a.ID = Rest()
	}
	return a
}

// AskStore keeps asks. Methods run inside the caller's transaction.
type AskStore interface {
	// Put adds asks. One whose day, person and id are there adds its Times to it and
	// takes its place.
	Put(asks []Ask) error
	// Of returns, for each trail, that person's asks of that day, oldest first.
	Of(trails []Trail) ([][]Ask, error)
	// Forget removes the asks of days before d and returns how many, at most n.
	Forget(before time.Time, n int) (int, error)
}
