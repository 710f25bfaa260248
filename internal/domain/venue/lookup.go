package venue

import (
	"time"

	"github.com/amanah-project/amanah/internal/fault"
)

// ErrLookups is returned when a venue has asked all its look-ups of the hour.
var ErrLookups = fault.New(fault.Busy, "the venue's look-ups of this hour are used up: they grow with its check-ins")

// BaseLookups is how many people without a phone a venue may look up in an hour when
// nobody checks in with one. Above that it may look up as many as checked in.
const BaseLookups = 60

// Lookups are what one venue's staff asked about people without a phone.
type Lookups struct {
	Venue  ID
	Hour   int64  // since 1970
	Used   int    // in that hour
	Mark   uint64 // Entered of the venue when the hour's first look-up was asked
	Before uint64 // and that of the hour before, where it had one
}

// Spend counts one look-up at a moment, when so many parties have ever checked in at
// the venue by themselves. It returns ErrLookups, and the counts unchanged, when those
// of this hour and the one before allow no more: so a door asks about as many people
// as come through it, and cannot ask about a town.
func (l Lookups) Spend(now time.Time, entered uint64) (Lookups, error) {
	hour := now.Unix() / 3600
	next := l
	if hour > l.Hour { // a clock that is set back goes on with the later hour
		next.Hour, next.Used, next.Mark, next.Before = hour, 0, entered, entered
		if l.Hour == hour-1 {
			next.Before = l.Mark
		}
	}
	if uint64(next.Used) >= BaseLookups+(entered-min(entered, next.Before)) {
		return l, ErrLookups
	}
	next.Used++
	return next, nil
}

// LookupStore keeps the counts of look-ups. Methods run inside the caller's
// transaction.
type LookupStore interface {
	// Get returns a venue's counts; with none but the venue, when it asked nothing
	// yet. A caller who will change them holds the venue's count of people first.
	Get(v ID) (Lookups, error)
	// Put sets a venue's counts.
	Put(l Lookups) error
}
