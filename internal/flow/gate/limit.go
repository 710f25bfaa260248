package gate

import (
	"time"

	"github.com/amanah-project/amanah/internal/day"
)

// Limit is ErrLimited with what the person is told of it. It names no partner: to
// find them out would take the answer longer than every other, which a relay could
// see. The person's asks name them.
type Limit struct {
	Told   int       // colours told that day
	Member bool      // of a member of the party, not of the person who asks
	Until  time.Time // when colours may be asked for again
}

// Error returns the text of ErrLimited.
func (l *Limit) Error() string { return ErrLimited.Error() }

// Unwrap makes a Limit an ErrLimited.
func (l *Limit) Unwrap() error { return ErrLimited }

// tomorrow is when the counts of the day begin anew.
func (r *round) tomorrow() time.Time { return Renewal(r.now) }

// Renewal returns when the colours of the day of now are counted anew.
func Renewal(now time.Time) time.Time { return day.Of(now).Add(1).Start() }
