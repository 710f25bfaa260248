package gate

import (
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

// may returns nil when what asks may be told a colour now: a device's link, the door of
// a venue for somebody who proved who they are, or a server's link for decisions. No
// link is good for what another is, and none of a real person for a partner that is
// not live.
func (a *Ask) may(l identity.Link) error {
	scope := identity.LinkColour
	switch a.Act {
	case venue.ActLookup:
		if a.Decoy {
			return identity.ErrNoLink
		}
		return nil
	case venue.ActDecide:
		scope = identity.LinkDecision
	}
	if l.Altered {
		return store.ErrAltered
	}
	if !l.Live() || l.Scope != scope || l.Device != a.Device || l.Partner != a.Partner {
		return identity.ErrNoLink
	}
	return partner.Grant{SyntheticOnly: a.SyntheticOnly}.Person(l.Synthetic)
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

// spoiled reports whether what is stored of a party, or of the venue's count, is not what
// was written: nobody decides by it.
func (t *turn) spoiled(first int, a *Ask) bool {
	if t.known[a.names()].Altered || a.Venue != 0 && t.before[a.Venue] == venue.AlteredCount {
		return true
	}
	for j := range 1 + len(a.With) {
		if t.altered[t.reply.Results[first+j].Who] {
			return true
		}
	}
	return a.Act == venue.ActPass && t.held[a.Nonce.Name(a.Link, 0)].Altered
}
