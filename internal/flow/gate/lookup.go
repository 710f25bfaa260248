package gate

import (
	"crypto/rand"

	"github.com/amanah-project/amanah/internal/domain/venue"
)

// lookUp decides about somebody whom staff asked about. Whoever is unknown, proved
// nothing or whose colour does not open is `check`, and takes the same way: the same
// reads, one event, one visit, one place of the venue's. Such a visit is under the
// name of nobody, so that neither the day's trail of the person nor the count of
// people inside tells whether there is such a person.
func (t *turn) lookUp(first int, a *Ask, out *Answer) {
	place, ok := t.book.Place(a.Venue)
	if !ok {
		out.Err = venue.ErrUnknown
		return
	}
	who, known := t.reply.Results[first].Who, t.steps[first].err == nil && !a.Decoy
	out.Limit, out.Stay, out.Outcome = place.Limit(t.now), place.Stay(), venue.Unproved()
	id := a.names()
	if v, again := t.known[id]; again {
		out.Visit, out.Inside = v, t.inside[v.Venue]
		if known && v.Who == who {
			out.Outcome = venue.Again(v.Decision)
		}
		return
	}
	if known {
		out.Step, out.Next = t.steps[first].now, t.steps[first].next
		out.Outcome = place.Admit(t.now, t.visitors(first, a), a.Party-1)
	} else {
		rand.Read(who[:])
	}
	if out.Outcome.Decision != venue.Refuse {
		t.end(who, 0)
		if !venue.Fits(t.inside[a.Venue], a.Party, out.Limit) {
			out.Outcome = venue.Full()
		}
	}
	t.enter(who, first, 0, a, out)
	out.Visit, out.Inside = t.known[id], t.inside[a.Venue]
}
