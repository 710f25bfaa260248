// Package day is the civil calendar day as Indonesia's rules and keys count it.
//
// A Day is a date without a time, counted in Western Indonesian Time (UTC+7,
// which has no daylight saving), so that "ten days after the test" and "the
// visits of that day" mean the same everywhere in the system.
package day

import (
	"time"

	"github.com/amanah-project/amanah/internal/fault"
)

// ErrFormat is returned for anything but a real date written YYYY-MM-DD.
var ErrFormat = fault.New(fault.Invalid, "a date must be a real day written YYYY-MM-DD")

// Day counts days since 1 January 1970; 0 is that day, negative days precede it.
type Day int32

// Zone is Western Indonesian Time.
func Zone() *time.Location { return time.FixedZone("WIB", 7*60*60) }

// Of returns the day on which t falls in Western Indonesian Time.
func Of(t time.Time) Day {
	const offset, length = 7 * 60 * 60, 24 * 60 * 60
	s := t.Unix() + offset
	d := s / length
	if s%length < 0 {
		d--
	}
	return Day(d)
}

// New returns the day of a calendar date, or ErrFormat when there is none such.
func New(year int, month time.Month, dayOfMonth int) (Day, error) {
	t := time.Date(year, month, dayOfMonth, 0, 0, 0, 0, Zone())
	if t.Year() != year || t.Month() != month || t.Day() != dayOfMonth {
		return 0, ErrFormat
	}
	return Of(t), nil
}

// Parse reads YYYY-MM-DD; anything else is ErrFormat.
func Parse(s string) (Day, error) {
	if len(s) != len(time.DateOnly) {
		return 0, ErrFormat
	}
	t, err := time.ParseInLocation(time.DateOnly, s, Zone())
	if err != nil {
		return 0, ErrFormat
	}
	return Of(t), nil
}

// Start returns the day's first instant.
func (d Day) Start() time.Time { return time.Unix(int64(d)*86400-7*3600, 0).In(Zone()) }

// Add returns the day n days later.
func (d Day) Add(n int) Day { return d + Day(n) }

// String writes YYYY-MM-DD.
func (d Day) String() string { return d.Start().Format(time.DateOnly) }

// Age returns the completed years of somebody born on birth. A person born on
// 29 February completes a year on 1 March of common years.
func (d Day) Age(birth Day) int {
	b, n := birth.Start(), d.Start()
	age := n.Year() - b.Year()
	if n.Month() < b.Month() || n.Month() == b.Month() && n.Day() < b.Day() {
		age--
	}
	return age
}
