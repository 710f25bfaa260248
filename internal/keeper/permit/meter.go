package permit

import (
	"sync"
	"time"
)

// Meter lets the server look a few names up and no country.
type Meter struct {
	rate  float64 // look-ups a second
	burst float64 // at once
	hour  int     // in an hour

	mu   sync.Mutex
	left float64
	at   time.Time
	used int // since from
	from time.Time
}

// Identifiers is of what names people.
func Identifiers() *Meter { return &Meter{rate: 20, burst: 200, hour: 5000} }

// Sources is of what names records in the systems they came from: each record
// that a facility enters is looked up, and none of those names is a person's.
func Sources() *Meter { return &Meter{rate: 500, burst: 20_000, hour: 1_000_000} }

// Numbers is of numbers that the server itself may make, for records that match
// nobody and wait. People are registered on the admin socket.
func Numbers() *Meter { return &Meter{rate: 1, burst: 100, hour: 1000} }

// Take takes n of them, or none.
func (m *Meter) Take(now time.Time, n int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at.IsZero() {
		m.left, m.from = m.burst, now
	} else {
		m.left = min(m.burst, m.left+now.Sub(m.at).Seconds()*m.rate)
	}
	m.at = now
	if now.Sub(m.from) >= time.Hour {
		m.used, m.from = 0, now
	}
	if float64(n) > m.left || m.used+n > m.hour {
		return false
	}
	m.left -= float64(n)
	m.used += n
	return true
}
