package gate

import (
	"context"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
)

// loadPasses reads those that the batch may ask for again.
func (t *turn) loadPasses(s store.Stores) error {
	var serials []venue.VisitID
	for _, p := range t.batch {
		if p.ask.Act == venue.ActPass {
			serials = append(serials, p.ask.Nonce.Name(p.ask.Link, 0))
		}
	}
	of, err := s.Passes.Of(serials)
	if err != nil {
		return err
	}
	t.held = make(map[venue.VisitID]venue.Pass, len(of))
	for _, party := range of {
		for _, p := range party {
			if p.ID == p.Serial {
				t.held[p.ID] = p
			}
		}
	}
	return nil
}

// pass decides about a ticket that is fetched beforehand. Whoever is refused is kept as
// well: a retry is answered alike, and it takes what it takes to give one.
func (t *turn) pass(first int, a *Ask, out *Answer) {
	if !t.colour(first, a, out) {
		return
	}
	if p, again := t.held[a.Nonce.Name(a.Link, 0)]; again {
		out.Pass, out.Outcome = p, venue.Again(p.Decision)
		return
	}
	from, level := t.now.Truncate(time.Minute), a.Level
	until := from.Add(a.Life)
	if level == 0 {
		level = t.book.strictest(a.For)
	}
	var turns []time.Time
	for j := range 1 + len(a.With) {
		s := &t.steps[first+j]
		if !s.line.Covers(until) {
			out.Err = ErrStale
			return
		}
		for _, step := range s.line.Steps() {
			turns = append(turns, step.From)
		}
	}
	party := func(at time.Time) []venue.Visitor { return t.foreseen(first, a, at) }
	out.Outcome = t.book.policy.Pass(a.For, level, t.now, until, turns, party, a.Party-1-len(a.With))
	for j := range 1 + len(a.With) {
		item, n := first+j, 0
		if j == 0 {
			n = a.Party
		}
		p := venue.Pass{
			ID:     a.Nonce.Name(a.member(j).Link, 0),
			Serial: a.Nonce.Name(a.Link, 0),
			Day:    day.Of(t.items[item].Instant),
			Who:    t.reply.Results[item].Who, Category: a.For, Level: level, Issued: from, Expires: until,
			Party: n, Decision: out.Outcome.Decision,
			Leaf: venue.LeafRef{Gate: t.leaf.Gate, Seq: t.leaf.Seq, Index: item},
		}
		t.given = append(t.given, p)
		if j == 0 {
			t.held[p.ID], out.Pass = p, p
		}
	}
}

// foreseen are the people of the party as they stand at a later moment.
func (t *turn) foreseen(first int, a *Ask, at time.Time) []venue.Visitor {
	out := t.visitors(first, a)
	for j := range out {
		s := &t.steps[first+j]
		step, _ := s.line.At(at)
		out[j].Colour, out[j].Reason = step.Colour, t.book.Reason(step)
		out[j].Age = day.Of(at).Age(day.Day(s.born))
	}
	return out
}

// atOnce bounds the passes that one transaction counts: it holds the writer.
const atOnce = 8

// Reconcile counts the passes that a venue's doors admitted without network, each
// once: it becomes a visit of its party at the moment when it was shown. It returns
// what became of each showing. To report one again is answered and does nothing, so
// that after an error all are reported again.
func Reconcile(ctx context.Context, db store.DB, at *Place, shown []venue.Showing, now time.Time) ([]venue.SeenCode, error) {
	codes := make([]venue.SeenCode, 0, len(shown))
	for part := range slices.Chunk(shown, atOnce) {
		settled, err := reconcile(ctx, db, at, part, now)
		for try := 0; try < 3 && fault.KindOf(err) == fault.Busy; try++ {
			settled, err = reconcile(ctx, db, at, part, now)
		}
		if err != nil {
			return nil, err
		}
		codes = append(codes, settled...)
	}
	return codes, nil
}

// reconcile counts some passes in one transaction.
func reconcile(ctx context.Context, db store.DB, at *Place, shown []venue.Showing, now time.Time) (codes []venue.SeenCode, err error) {
	err = db.Update(ctx, func(s store.Stores) error {
		r := reconciling{Place: at, now: now, codes: make([]venue.SeenCode, len(shown))}
		if err := r.settle(s, shown); err != nil {
			return err
		}
		codes = r.codes
		return r.write(s)
	})
	return codes, err
}

// reconciling is one run of the transaction.
type reconciling struct {
	*Place
	now   time.Time
	codes []venue.SeenCode
	made  []venue.Visit
	ends  []venue.Leaving
	ended map[venue.VisitID]venue.Visit // what ends names, as it is then
	count int                           // parties that are visits now
}

func (r *reconciling) settle(s store.Stores, shown []venue.Showing) error {
	serials := make([]venue.VisitID, len(shown))
	for i := range shown {
		serials[i] = shown[i].Serial
	}
	of, err := s.Passes.Of(serials)
	if err != nil {
		return err
	}
	used, err := counted(s, serials)
	if err != nil {
		return err
	}
	r.ended = map[venue.VisitID]venue.Visit{}
	for i, one := range shown {
		var lead venue.Pass
		for _, p := range of[i] {
			if p.ID == p.Serial {
				lead = p
			}
		}
		if u, before := used[one.Serial]; before && !lead.Used() {
			lead.Use = u
		}
		r.codes[i] = lead.Settle(one, r.Venue, r.now)
		if r.codes[i] != venue.SeenCounted {
			continue
		}
		use := venue.PassUse{Venue: r.Venue.ID, Door: one.Door, At: one.At}
		first, err := s.Passes.Use([]venue.VisitID{one.Serial}, []venue.PassUse{use})
		if err != nil {
			return err
		}
		if !first[0] { // another server's report came in between
			r.codes[i] = venue.SeenElsewhere
			continue
		}
		used[one.Serial] = use
		if err := r.enter(s, of[i], one); err != nil {
			return err
		}
	}
	return nil
}

// counted are the passes that are visits already, and where: whatever their rows say. Those
// that are counted in this report come to them.
func counted(s store.Stores, serials []venue.VisitID) (map[venue.VisitID]venue.PassUse, error) {
	visits, err := s.Visits.Get(serials)
	out := map[venue.VisitID]venue.PassUse{}
	for _, v := range visits {
		if v.ID != (venue.VisitID{}) {
			out[v.ID] = venue.PassUse{Venue: v.Venue, Door: v.Door, At: v.Entered}
		}
	}
	return out, err
}

// enter makes the visits of a party.
func (r *reconciling) enter(s store.Stores, party []venue.Pass, one venue.Showing) error {
	trails := make([]venue.Trail, len(party))
	for i, p := range party {
		trails[i] = venue.Trail{Day: p.Day, Who: p.Who}
	}
	others, err := s.Visits.Of(trails)
	if err != nil {
		return err
	}
	for i, p := range party {
		known := others[i]
		for j, v := range known {
			if ended, gone := r.ended[v.ID]; gone {
				known[j] = ended
			}
		}
		for _, v := range r.made {
			if v.Who == p.Who {
				known = append(known, v)
			}
		}
		v, ends := p.Visit(one, r.Venue, r.Stay(), known, r.now)
		r.made = append(r.made, v)
		for _, e := range ends {
			r.end(e, known)
		}
	}
	r.count++
	return nil
}

// end closes a visit, one of this report's own among them.
func (r *reconciling) end(e venue.Leaving, known []venue.Visit) {
	if i := slices.IndexFunc(r.made, func(v venue.Visit) bool { return v.ID == e.ID }); i >= 0 {
		r.made[i].Left = e.At
		return
	}
	v := known[slices.IndexFunc(known, func(v venue.Visit) bool { return v.ID == e.ID })]
	v.Left = e.At
	r.ends, r.ended[e.ID] = append(r.ends, e), v
}

// write stores the visits and moves the counts of every venue concerned.
func (r *reconciling) write(s store.Stores) error {
	delta := map[venue.ID]int{}
	for _, v := range r.made {
		if v.Open() {
			delta[v.Venue] += v.Party
		}
	}
	for _, v := range r.ended {
		delta[v.Venue] -= v.Party
	}
	if r.count > 0 {
		delta[r.Venue.ID] += 0
	}
	deltas := make([]venue.Delta, 0, len(delta))
	for id, by := range delta {
		d := venue.Delta{Venue: id, By: by}
		if id == r.Venue.ID {
			d.Entered = r.count
		}
		deltas = append(deltas, d)
	}
	slices.SortFunc(deltas, func(a, b venue.Delta) int { return int(int64(a.Venue) - int64(b.Venue)) })
	if err := s.Visits.Put(r.made); err != nil {
		return err
	}
	if _, err := s.Visits.Leave(r.ends); err != nil {
		return err
	}
	return s.Venues.Add(deltas)
}

// ForgetPasses removes passes that nobody may report any more, at most n, and returns
// how many.
func ForgetPasses(ctx context.Context, db store.DB, now time.Time, n int) (int, error) {
	var gone int
	err := db.Bulk(ctx, func(s store.Stores) (err error) {
		gone, err = s.Passes.Forget(day.Of(now).Add(-1), n)
		return err
	})
	return gone, err
}
