// Package pace holds back who asks too fast: each name has a lane of its own, so that
// one client's haste is nobody else's wait.
package pace

import (
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
)

// ErrPace is returned to who asks faster than their lane lets pass.
var ErrPace = fault.New(fault.Busy, "too many requests from this client: slow down and try again")

// maxLanes is more names than there are facilities; when they are used up the fullest
// lanes, whose owners waited longest, are given away.
const maxLanes = 65536

// Lanes count by name, in memory. It is safe for concurrent use.
type Lanes struct {
	rate  float64 // a second
	burst float64 // at once
	mu    sync.Mutex
	lanes map[string]lane
}

type lane struct {
	left float64
	at   time.Time
}

// New makes Lanes that let each name pass rate times a second, and burst times at once.
func New(rate, burst float64) *Lanes {
	return &Lanes{rate: rate, burst: burst, lanes: map[string]lane{}}
}

// Take counts one request, or returns ErrPace and counts nothing.
func (l *Lanes) Take(name string, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	one, ok := l.lanes[name]
	if !ok {
		if len(l.lanes) >= maxLanes {
			l.sweep(now)
		}
		one = lane{l.burst, now}
	}
	if passed := now.Sub(one.at); passed > 0 {
		one.left, one.at = l.filled(one, now), now
	}
	if one.left < 1 {
		l.lanes[name] = one
		return ErrPace
	}
	one.left--
	l.lanes[name] = one
	return nil
}

func (l *Lanes) filled(one lane, now time.Time) float64 {
	return min(l.burst, one.left+now.Sub(one.at).Seconds()*l.rate)
}

// sweep forgets lanes that are full again: to forget those changes nothing. When none
// is, all begin anew, which lets nobody pass more than a burst.
func (l *Lanes) sweep(now time.Time) {
	for name, one := range l.lanes {
		if l.filled(one, now) >= l.burst {
			delete(l.lanes, name)
		}
	}
	if len(l.lanes) >= maxLanes {
		l.lanes = map[string]lane{}
	}
}
