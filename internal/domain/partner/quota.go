package partner

import "time"

// Bucket holds what is left of a quota: it fills by so many a minute, up to one
// minute's worth. The zero Bucket is full.
type Bucket struct {
	spent float64
	at    time.Time
}

// Take takes one and reports whether one was left. A clock that is set back fills
// nothing.
func (b *Bucket) Take(now time.Time, perMinute int) bool {
	if d := now.Sub(b.at); d > 0 {
		b.spent, b.at = max(0, b.spent-d.Minutes()*float64(perMinute)), now
	}
	if b.spent+1 > float64(perMinute) {
		return false
	}
	b.spent++
	return true
}
