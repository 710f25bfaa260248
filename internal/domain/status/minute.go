package status

import (
	"time"

	"github.com/amanah-project/amanah/internal/day"
)

// minute counts minutes since 1 January 2020 UTC. Everything by which a colour
// can change falls on a whole minute, so one is enough to say when.
type minute int64

const (
	epoch      = 1577836800 // 2020-01-01T00:00:00Z in Unix seconds
	dayMinutes = 24 * 60
	wib        = 7 * 60
)

// minuteOf returns the minute in which t lies.
func minuteOf(t time.Time) minute {
	s := t.Unix() - epoch
	m := s / 60
	if s%60 < 0 {
		m--
	}
	return minute(m)
}

// startOf returns the first minute of a day in Western Indonesian Time.
func startOf(d day.Day) minute { return minute(d)*dayMinutes - wib - epoch/60 }

// time returns the minute's first instant, in UTC so that equal times are ==.
func (m minute) time() time.Time { return time.Unix(int64(m)*60+epoch, 0).UTC() }

// String writes the minute as rule sets do.
func (m minute) String() string { return m.time().In(day.Zone()).Format(minuteLayout) }

// minuteLayout is how rule sets write a minute, in Western Indonesian Time.
const minuteLayout = "2006-01-02 15:04"

// day returns the Western Indonesian day in which m lies.
func (m minute) day() day.Day {
	n := m + wib + epoch/60
	d := n / dayMinutes
	if n%dayMinutes < 0 {
		d--
	}
	return day.Day(d)
}

// birthday returns the day on which somebody born on birth completes so many
// years; for 29 February it is 1 March of common years, as for day.Age.
func birthday(birth day.Day, years int) day.Day {
	y, m, d := time.Unix(int64(birth)*86400, 0).UTC().Date()
	return day.Day(time.Date(y+years, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// ageOn is day.Age, never negative, and without the cost of a time zone.
func ageOn(birth, d day.Day) int64 {
	by, bm, bd := time.Unix(int64(birth)*86400, 0).UTC().Date()
	y, m, dd := time.Unix(int64(d)*86400, 0).UTC().Date()
	age := y - by
	if m < bm || m == bm && dd < bd {
		age--
	}
	return int64(max(0, age))
}
