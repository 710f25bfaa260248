package gate

import (
	"errors"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// lost is a batch whose transaction failed after its colours were opened. Its leaf
// and what it used up of people's colours are kept for the next commit.
type lost struct {
	leaf accesslog.Leaf
	asks []venue.Ask
}

// lose makes a batch a lost one: the colours it opened were told to nobody.
func (r *round) lose() lost {
	l := lost{leaf: r.leaf}
	l.leaf.Voided = true
	for at, it := range r.items {
		if o := r.reply.Results[at].Outcome; it.Asks && (o == keeper.GateOpened || o == keeper.GateCorrupt) {
			l.asks = append(l.asks, r.asking(at, venue.AskFailed))
		}
	}
	l.leaf.Asks = single(l.asks)
	return l
}

// single counts the asks that have a row of their own.
func single(asks []venue.Ask) (n int) {
	for _, a := range asks {
		if a.ID != venue.Rest() {
			n++
		}
	}
	return n
}

func (r *round) asking(at int, o venue.AskOutcome) venue.Ask {
	return venue.Ask{
		Day:     day.Of(r.items[at].Instant),
		Who:     r.reply.Results[at].Who,
		ID:      r.items[at].Event,
		At:      r.now,
		Outcome: o,
		Times:   1,
		Leaf:    venue.LeafRef{Gate: r.leaf.Gate, Seq: r.leaf.Seq, Index: at},
	}
}

// note lists the colours asked for of which no visit came. A check-in that was
// decided is found as a visit, so an ordinary batch lists nothing and reads
// nothing here.
func (t *turn) note(s store.Stores) ([]venue.Ask, error) {
	visits := make([]bool, len(t.items))
	for i := range t.made {
		// A look-up that told nothing made a visit under the name of nobody.
		at := t.made[i].Leaf.Index
		visits[at] = t.made[i].Who == t.reply.Results[at].Who
	}
	var out []venue.Ask
	for i, p := range t.batch {
		if !p.ask.Act.Asks() || t.steps[t.first[i]].refused {
			continue // what was not taken asked for nothing: its retry will
		}
		for j := range 1 + len(p.ask.With) {
			if at := t.first[i] + j; !visits[at] {
				out = append(out, t.asking(at, t.outcome(at, &p.ask, &t.answers[i])))
			}
		}
	}
	return t.beside(s, out)
}

// outcome says what became of the asking for one person's colour.
func (t *turn) outcome(at int, a *Ask, done *Answer) venue.AskOutcome {
	switch {
	case a.may(t.links[at]) != nil:
		return venue.AskRefused
	case t.reply.Results[at].Outcome == keeper.GateLimited:
		return venue.AskLimited
	case done.Err != nil, t.steps[at].err != nil:
		return venue.AskFailed
	case a.Act.Enters(), done.Outcome.Code == venue.CodeAgain:
		return venue.AskAgain
	}
	return venue.AskGiven
}

// beside keeps the asks that told nothing within their bound: only those need the
// day's others read.
func (t *turn) beside(s store.Stores, asks []venue.Ask) ([]venue.Ask, error) {
	kept := map[venue.Trail][]venue.Ask{}
	for i, a := range asks {
		if !a.Idle() {
			continue
		}
		trail := venue.Trail{Day: a.Day, Who: a.Who}
		if _, read := kept[trail]; !read {
			of, err := s.Asks.Of([]venue.Trail{trail})
			if err != nil {
				return nil, err
			}
			kept[trail] = of[0]
		}
		asks[i] = a.Beside(kept[trail])
		kept[trail] = append(kept[trail], asks[i])
	}
	return asks, nil
}

// unstored returns the voided leaves that are not in the log, with their asks: a
// transaction that was lost with its connection may have taken effect all the same.
func (t *turn) unstored(s store.Stores) (leaves []accesslog.Leaf, asks []venue.Ask, err error) {
	for _, l := range t.voided {
		_, err := s.Log.Get(l.leaf.Gate, l.leaf.Seq)
		switch {
		case errors.Is(err, accesslog.ErrNoLeaf):
			leaves, asks = append(leaves, l.leaf), append(asks, l.asks...)
		case err != nil:
			return nil, nil, err
		}
	}
	return leaves, asks, nil
}
