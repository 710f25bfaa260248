package identity

import (
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of guardianship.
var (
	ErrOfAge   = fault.New(fault.Denied, "this person is of age and links by their own consent only")
	ErrOneself = fault.New(fault.Denied, "nobody is their own guardian")
)

const majority = 18 // years

// OfAge returns the first instant at which somebody born on birth consents for
// themselves: their eighteenth birthday at 00:00 Western Indonesian Time; 1 March
// when they were born on a leap day and that year has none.
func OfAge(birth day.Day) time.Time {
	b := birth.Start()
	// time.Date makes 29 February of a common year 1 March.
	return day.Of(time.Date(b.Year()+majority, b.Month(), b.Day(), 0, 0, 0, 0, day.Zone())).Start()
}

// Guard returns until when a guardian's consent carries a link for a child born
// on birth. ErrOneself when both are one person, ErrOfAge from the eighteenth
// birthday on.
func Guard(guardian, child PersonID, birth day.Day, at time.Time) (until time.Time, err error) {
	if guardian == child {
		return time.Time{}, ErrOneself
	}
	until = OfAge(birth)
	if !at.Before(until) {
		return time.Time{}, ErrOfAge
	}
	return until, nil
}
