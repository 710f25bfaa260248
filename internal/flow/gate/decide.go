package gate

import (
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/venue"
)

// through reports whether a link lets this device ask, through this partner.
func (a *Ask) through(l identity.Link) bool { return a.holds(l, identity.LinkColour) }

func (a *Ask) holds(l identity.Link, s identity.LinkScope) bool {
	return l.Live() && l.Scope == s && l.Device == a.Device && l.Partner == a.Partner
}

// may reports whether what asks may be told a colour now: a device's link, the door of
// a venue for somebody who proved who they are, or a server's link for decisions. No
// link is good for what another is.
func (a *Ask) may(l identity.Link) bool {
	switch a.Act {
	case venue.ActLookup:
		return !a.Decoy
	case venue.ActDecide:
		return a.holds(l, identity.LinkDecision)
	}
	return a.through(l)
}

// moment is when the colour is asked for.
func (a *Ask) moment(now time.Time) time.Time {
	if a.Act == venue.ActDecide {
		return a.At
	}
	return now
}

// decide answers about a journey: what the policy of its day says of the colour of
// that day.
func (t *turn) decide(first int, a *Ask, out *Answer) {
	if t.colour(first, a, out) {
		out.Outcome = t.book.Journey(a.For, a.At, t.visitors(first, a)[0])
	}
}
