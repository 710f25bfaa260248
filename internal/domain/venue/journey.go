package venue

import (
	"crypto/sha256"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of asking about a journey.
var (
	ErrJourney     = fault.New(fault.Invalid, "journey: the partner's own name for it, 1 to 64 bytes")
	ErrJourneyDate = fault.New(fault.Invalid, "date: a day from today to 30 days from now, YYYY-MM-DD")
	ErrDecisions   = fault.New(fault.Busy, "the partner's decisions of the day are used up")
)

// Bounds of journeys.
const (
	MaxJourney  = 64 // bytes of a partner's name for one
	JourneyDays = 30 // from today
)

// JourneyID names the decision on one journey of one person: a hash of the link and
// of what the partner calls the journey.
type JourneyID [16]byte

// NameJourney makes the name; ErrJourney.
func NameJourney(link identity.LinkID, journey string) (JourneyID, error) {
	if journey == "" || len(journey) > MaxJourney {
		return JourneyID{}, ErrJourney
	}
	sum := sha256.Sum256(append(append([]byte("amanah journey v1\x00"), link[:]...), journey...))
	return JourneyID(sum[:]), nil
}

// CheckJourney returns ErrJourneyDate unless a journey on d may be asked about today.
func CheckJourney(d, today day.Day) error {
	if d < today || d > today.Add(JourneyDays) {
		return ErrJourneyDate
	}
	return nil
}

// Travel turns what a door would be told into what a partner's server is: admit, or
// refuse. Nobody at a server looks at other proof, so a check is a refusal; the
// person can still go to a counter.
func Travel(o Outcome) Decision {
	if o.Decision == Admit {
		return Admit
	}
	return Refuse
}

// Moment is when a journey on d is decided for: the start of that day, or now.
func Moment(d day.Day, now time.Time) time.Time {
	if at := d.Start(); at.After(now) {
		return at
	}
	return now
}

// Journey is one decision that a partner's server was told. It is kept so that
// asking again is answered alike and opens nothing.
type Journey struct {
	ID       JourneyID
	Asked    day.Day
	Decision Decision
}

// JourneyStore keeps decisions and counts them. Methods run inside the caller's
// transaction.
type JourneyStore interface {
	// Put adds a decision and returns the one that is kept: the first of its name.
	Put(j Journey) (Journey, error)
	// Get returns the decision, or the zero Journey.
	Get(id JourneyID) (Journey, error)
	// Count adds to the decisions that a partner was told on a day and returns the
	// new count, which is never below zero.
	Count(p partner.ID, d day.Day, by int) (int, error)
	// Forget removes up to n decisions asked for before a day, with the counts of
	// days before it, and returns how many decisions.
	Forget(before day.Day, n int) (int, error)
}
