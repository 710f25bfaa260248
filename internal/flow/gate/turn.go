package gate

import (
	"errors"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

// turn is one run of a round's transaction. It may be run again, so it starts
// from nothing each time and touches only the stores and itself.
type turn struct {
	*round
	answers []Answer
	links   []identity.Link
	known   map[venue.VisitID]venue.Visit
	altered map[venue.Pseudonym]bool          // whose visits are not all what was written
	open    map[venue.Pseudonym][]venue.Visit // a person's open visits of the day
	inside  map[venue.ID]int
	before  map[venue.ID]int
	entered map[venue.ID]int             // parties that checked in by themselves
	held    map[venue.VisitID]venue.Pass // of those who fetched them
	given   []venue.Pass
	made    []venue.Visit
	closed  []venue.Leaving
}

func newTurn(r *round) *turn { return &turn{round: r} }

func (t *turn) run(s store.Stores) error {
	*t = turn{
		round:   t.round,
		answers: make([]Answer, len(t.batch)),
		known:   make(map[venue.VisitID]venue.Visit, len(t.batch)),
		altered: map[venue.Pseudonym]bool{},
		open:    make(map[venue.Pseudonym][]venue.Visit, len(t.batch)),
		inside:  map[venue.ID]int{},
		before:  map[venue.ID]int{},
		entered: map[venue.ID]int{},
	}
	if err := t.load(s); err != nil {
		return err
	}
	for i, p := range t.batch {
		t.answers[i] = t.serve(i, &p.ask)
	}
	return t.write(s)
}

// load reads all that the batch's decisions rest on.
func (t *turn) load(s store.Stores) error {
	var err error
	var visits []venue.VisitID
	var trails []venue.Trail
	for i, p := range t.batch {
		for j := range 1 + len(p.ask.With) {
			at := t.first[i] + j
			if p.ask.Act.Enters() || p.ask.Act == venue.ActLeave {
				trails = append(trails, venue.Trail{Day: day.Of(t.items[at].Instant), Who: t.reply.Results[at].Who})
			}
		}
		if id := p.ask.names(); id != (venue.VisitID{}) {
			visits = append(visits, id)
		}
	}
	if t.links, err = s.Links.Get(t.asked); err != nil {
		return err
	}
	if err := t.loadPasses(s); err != nil {
		return err
	}
	if err := t.loadVisits(s, visits, trails); err != nil {
		return err
	}
	return t.loadInside(s)
}

func (t *turn) loadVisits(s store.Stores, ids []venue.VisitID, trails []venue.Trail) error {
	found, err := s.Visits.Get(ids)
	if err != nil {
		return err
	}
	for _, v := range found {
		if v.ID != (venue.VisitID{}) {
			t.known[v.ID] = v
		}
	}
	of, err := s.Visits.Of(trails)
	if err != nil {
		return err
	}
	for i, visits := range of {
		who := trails[i].Who
		t.altered[who] = t.altered[who] || slices.ContainsFunc(visits, func(v venue.Visit) bool { return v.Altered })
		if _, done := t.open[who]; done {
			continue
		}
		for _, v := range visits {
			if v.Open() {
				t.open[who] = append(t.open[who], v)
			}
		}
	}
	return nil
}

// loadInside reads and holds the counts of every venue the batch may change, in
// one order for all servers so that they never wait for each other in a circle.
func (t *turn) loadInside(s store.Stores) error {
	var ids []venue.ID
	for _, p := range t.batch {
		if p.ask.Venue != 0 {
			ids = append(ids, p.ask.Venue)
		}
	}
	for _, visits := range t.open {
		for _, v := range visits {
			ids = append(ids, v.Venue)
		}
	}
	for _, v := range t.known {
		ids = append(ids, v.Venue)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	counts, err := s.Venues.Inside(ids)
	if err != nil {
		return err
	}
	for i, id := range ids {
		t.inside[id], t.before[id] = counts[i], counts[i]
	}
	return nil
}

func (a *Ask) member(j int) Member {
	if j == 0 {
		return a.Member
	}
	return a.With[j-1]
}

// names returns the visit that the ask makes or ends, if it names one.
func (a *Ask) names() venue.VisitID {
	if a.Act.Enters() {
		return a.Nonce.Name(a.Link, a.Venue)
	}
	return a.Visit
}

// serve decides one ask against what was loaded and what the batch did so far.
func (t *turn) serve(i int, a *Ask) Answer {
	first := t.first[i]
	out := Answer{LeftToday: t.reply.Results[first].Left, UsedToday: t.reply.Results[first].Used}
	if s := &t.steps[first]; s.refused {
		out.Err = s.err
		return out
	}
	if a.Act == venue.ActVoid {
		out.Err = a.Fault
		return out
	}
	if t.spoiled(first, a) {
		out.Err = store.ErrAltered
		return out
	}
	if a.Act == venue.ActLookup {
		t.lookUp(first, a, &out)
		return out
	}
	for j := range 1 + len(a.With) {
		if err := a.may(t.links[first+j]); err != nil {
			out.Err = err
			return out
		}
	}
	switch a.Act {
	case venue.ActLook:
		t.colour(first, a, &out)
	case venue.ActCheckIn:
		t.checkIn(first, a, &out)
	case venue.ActLeave:
		t.leave(first, a, &out)
	case venue.ActDecide:
		t.decide(first, a, &out)
	case venue.ActPass:
		t.pass(first, a, &out)
	}
	return out
}

// colour fills in what the opened colours say; it reports whether all opened.
func (t *turn) colour(first int, a *Ask, out *Answer) bool {
	for j := range 1 + len(a.With) {
		s := &t.steps[first+j]
		if s.err != nil {
			out.Err = s.err
			if errors.Is(s.err, ErrLimited) {
				out.Err = &Limit{Told: t.reply.Results[first+j].Used, Member: j > 0, Until: t.tomorrow()}
			}
			return false
		}
		if j == 0 {
			out.Step, out.Next = s.now, s.next
		} else {
			out.Colours = append(out.Colours, s.now.Colour)
		}
	}
	return true
}

func (t *turn) checkIn(first int, a *Ask, out *Answer) {
	place, ok := t.book.Place(a.Venue)
	if !ok {
		out.Err = venue.ErrUnknown
		return
	}
	if !t.colour(first, a, out) {
		return
	}
	id := a.names()
	out.Limit, out.Stay = place.Limit(t.now), place.Stay()
	if v, again := t.known[id]; again {
		out.Visit, out.Inside = v, t.inside[v.Venue]
		out.Outcome = venue.Again(v.Decision)
		return
	}
	out.Outcome = place.Admit(t.now, t.visitors(first, a), a.Party-1-len(a.With))
	if out.Outcome.Decision != venue.Refuse {
		for j := range 1 + len(a.With) {
			t.end(t.reply.Results[first+j].Who, 0)
		}
		if !venue.Fits(t.inside[a.Venue], a.Party, out.Limit) {
			out.Outcome = venue.Full()
		}
	}
	for j := range 1 + len(a.With) {
		t.enter(t.reply.Results[first+j].Who, first, j, a, out)
	}
	if out.Outcome.Decision != venue.Refuse {
		t.entered[a.Venue]++
	}
	out.Visit, out.Inside = t.known[id], t.inside[a.Venue]
}

// enter records the visit of one person of the party, under that day's name. The
// whole party is counted with the person who scans.
func (t *turn) enter(who venue.Pseudonym, first, j int, a *Ask, out *Answer) {
	item, party := first+j, 0
	if j == 0 {
		party = a.Party
	}
	v := venue.Visit{
		ID:       a.Nonce.Name(a.member(j).Link, a.Venue),
		Venue:    a.Venue,
		Door:     a.Door,
		Day:      day.Of(t.items[item].Instant),
		Who:      who,
		Entered:  t.now.Truncate(time.Second),
		LeavesBy: t.now.Add(out.Stay).Truncate(time.Minute).Add(time.Minute),
		Party:    party,
		Decision: out.Outcome.Decision,
		Leaf:     venue.LeafRef{Gate: t.leaf.Gate, Seq: t.leaf.Seq, Index: item},
	}
	if v.Decision == venue.Refuse {
		v.Left = v.Entered
	} else {
		t.inside[v.Venue] += v.Party
		t.open[v.Who] = append(t.open[v.Who], v)
	}
	t.known[v.ID] = v
	t.made = append(t.made, v)
}

// visitors are the people of the party whose colours were opened.
func (t *turn) visitors(first int, a *Ask) []venue.Visitor {
	out := make([]venue.Visitor, 0, 1+MaxMembers)
	for j := range 1 + len(a.With) {
		s := &t.steps[first+j]
		out = append(out, venue.Visitor{
			Colour: s.now.Colour,
			Reason: t.book.Reason(s.now),
			Age:    day.Of(t.now).Age(day.Day(s.born)),
			Linked: true,
		})
	}
	return out
}

// leave ends the visit named, or all of the person's visits at the code's venue.
func (t *turn) leave(first int, a *Ask, out *Answer) {
	who := t.reply.Results[first].Who
	at := a.Venue
	if a.Visit != (venue.VisitID{}) {
		v, ok := t.known[a.Visit]
		if !ok || v.Who != who {
			out.Err = venue.ErrNoVisit
			return
		}
		at = v.Venue
	}
	for j := range 1 + len(a.With) {
		out.Closed += t.end(t.reply.Results[first+j].Who, at)
	}
	out.Inside = t.inside[at]
}

// end closes the open visits of a person at a venue, or everywhere when at is
// zero: nobody is in two places.
func (t *turn) end(who venue.Pseudonym, at venue.ID) int {
	var kept []venue.Visit
	n := 0
	for _, v := range t.open[who] {
		if at != 0 && v.Venue != at {
			kept = append(kept, v)
			continue
		}
		n++
		t.inside[v.Venue] -= v.Party
		v.Left = t.now.Truncate(time.Second)
		t.known[v.ID] = v
		if i := slices.IndexFunc(t.made, func(m venue.Visit) bool { return m.ID == v.ID }); i >= 0 {
			t.made[i] = v // entered and left within one batch
			continue
		}
		t.closed = append(t.closed, venue.Leaving{ID: v.ID, At: v.Left})
	}
	t.open[who] = kept
	return n
}

// write stores what the batch did and its leaf, with the leaves of batches whose
// transactions failed before.
func (t *turn) write(s store.Stores) error {
	if err := s.Visits.Put(t.made); err != nil {
		return err
	}
	if _, err := s.Visits.Leave(t.closed); err != nil {
		return err
	}
	if err := s.Passes.Put(t.given); err != nil {
		return err
	}
	// A count that stays is written like one that moves: to refuse somebody takes what
	// it takes to admit them.
	var deltas []venue.Delta
	for id, n := range t.inside {
		d := venue.Delta{Venue: id, By: n - t.before[id], Entered: t.entered[id]}
		if _, ok := t.book.Place(id); ok || d.By != 0 || d.Entered != 0 {
			deltas = append(deltas, d)
		}
	}
	slices.SortFunc(deltas, func(a, b venue.Delta) int { return int(int64(a.Venue) - int64(b.Venue)) })
	if err := s.Venues.Add(deltas); err != nil {
		return err
	}
	asks, err := t.note(s)
	if err != nil {
		return err
	}
	leaves, missed, err := t.unstored(s)
	if err != nil {
		return err
	}
	if err := s.Asks.Put(append(missed, asks...)); err != nil {
		return err
	}
	leaf := t.leaf
	leaf.Asks, leaf.Passes = single(asks), len(t.given)
	return s.Log.Put(append(leaves, leaf))
}

// answer hands out what the committed turn decided.
func (t *turn) answer() {
	tree := accesslog.NewTree(t.leaf.Events)
	leaf := t.leaf
	for i, p := range t.batch {
		p.answer = t.answers[i]
		at := t.first[i]
		p.answer.Receipt = Receipt{Leaf: &leaf, Index: at, Detail: leaf.Events[at].Digest(), Path: tree.Path(at)}
	}
}
