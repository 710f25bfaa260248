package venue

import (
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/verify"
)

// Errors of asking for a pass.
var (
	ErrPassLevel = fault.New(fault.Invalid, "level: of the district's restrictions, 1 to 4; without it a pass is good wherever such places are now")
	ErrPassHours = fault.New(fault.Invalid, "hours: a pass lives for 1 to 12 whole hours")
)

// MaxPassHours is the longest a pass lives: what was known of its party is never
// older than that at a door.
const MaxPassHours = int(verify.MaxOffline / time.Hour)

// CheckPass returns ErrPassLevel or ErrPassHours for a pass that nobody may have.
// Level 0 stands for the strictest level at which there is such a place.
func CheckPass(l Level, hours int) error {
	if l > levels {
		return ErrPassLevel
	}
	if hours < 1 || hours > MaxPassHours {
		return ErrPassHours
	}
	return nil
}

// Pass is what the platform keeps of a ticket fetched beforehand, for one person of
// its party. It is under the person's name of the day on which it was fetched, as a
// visit is, and becomes their visit when a door reports it.
type Pass struct {
	ID       VisitID // of the visit that it becomes; its serial, with who fetched it
	Serial   VisitID // of the whole party's pass
	Day      day.Day
	Who      Pseudonym
	Category Category
	Level    Level // the strictest that it is good for
	Issued   time.Time
	Expires  time.Time // exclusive
	Party    int       // everybody with who fetched it, nobody with the others
	Decision Decision  // a refused one is kept so that a retry is answered alike
	Leaf     LeafRef
	Use      PassUse
	Altered  bool // of one that was read: it is not what was written, and nobody goes by it
}

// PassUse is where a pass was admitted; the zero PassUse is nowhere yet.
type PassUse struct {
	Venue ID
	Door  Door
	At    time.Time // at which its holder signed that it was shown
}

// Used reports whether the pass was admitted anywhere.
func (p Pass) Used() bool { return p.Use.Venue != 0 }

// Pass decides about a party beforehand, for any place of a category in a district
// of a level up to the one named, at any moment of the pass's life: the strictest
// outcome of them all, so that no door would have been stricter at the time by what
// is known now. When the answer changes does not show in it. Party gives the party
// as it stands at a moment, turns are the moments at which a colour changes by
// itself.
func (p *Policy) Pass(c Category, upTo Level, from, until time.Time, turns []time.Time, party func(at time.Time) []Visitor, extra int) Outcome {
	moments := []time.Time{from}
	for _, at := range slices.Concat(turns, p.Starts(), []time.Time{day.Of(from).Add(1).Start()}) { // birthdays begin at midnight
		if at.After(from) && at.Before(until) {
			moments = append(moments, at)
		}
	}
	slices.SortFunc(moments, time.Time.Compare)
	var worst Outcome
	for _, at := range moments {
		who := party(at)
		for l := Level(1); l <= upTo; l++ {
			worst = worse(worst, p.Admit(c, l, at, who, extra))
		}
	}
	return worst
}

// Showing is one pass that a door admitted without network and reports.
type Showing struct {
	Serial VisitID
	Door   Door
	At     time.Time // signed by the holder
}

// SeenCode says what became of a showing. Doors depend on the codes.
type SeenCode string

// The codes. The first two end a report well; used_ are duplicates; the rest are
// refused, and reporting them again changes nothing.
const (
	SeenCounted   SeenCode = "counted"        // it is a visit now
	SeenAgain     SeenCode = "again"          // this showing was reported before, and counted then
	SeenHere      SeenCode = "used_here"      // counted before by this venue, at another time or door
	SeenElsewhere SeenCode = "used_elsewhere" // counted before by another venue
	SeenMalformed SeenCode = "malformed"      // no scan of a pass
	SeenForged    SeenCode = "forged"         // not signed by the platform, or not shown by its holder
	SeenStale     SeenCode = "stale"          // shown when the pass was not good, or not any more
	SeenAhead     SeenCode = "ahead"          // shown at a time that has not come
	SeenForeign   SeenCode = "foreign"        // for another kind of place
	SeenNoDoor    SeenCode = "no_door"        // the venue has no such door
	SeenForgotten SeenCode = "forgotten"      // reported after the day that followed its own
)

// Result sums a code up: counted, again, duplicate or refused.
func (c SeenCode) Result() string {
	switch c {
	case SeenCounted, SeenAgain:
		return string(c)
	case SeenHere, SeenElsewhere:
		return "duplicate"
	}
	return "refused"
}

// Text says to staff what a code means and what they can do.
func (c SeenCode) Text() string {
	switch c {
	case SeenCounted:
		return "the visit is recorded"
	case SeenAgain:
		return "this report was counted before"
	case SeenHere:
		return "this venue reported the pass before: it counts once"
	case SeenElsewhere:
		return "another venue reported the pass before: it counts once"
	case SeenMalformed:
		return "this is no scan of a pass: report the whole text as it was scanned"
	case SeenForged:
		return "the platform did not sign this pass, or its holder did not show it: check passes before admitting anybody"
	case SeenStale:
		return "the pass was not good when it was shown"
	case SeenAhead:
		return "the pass was shown at a time that has not come: set the clock of the device that scanned it, and report it again then"
	case SeenForeign:
		return "the pass is for another kind of place"
	case SeenNoDoor:
		return "the venue has no such door: report it with the right one"
	case SeenForgotten:
		return "the pass is not known any more: passes are reported by the end of the day after they were fetched"
	}
	return ""
}

// Settle says what becomes of a showing at a venue, given what is kept of the pass,
// the zero Pass when that is nothing.
func (p Pass) Settle(s Showing, at Venue, now time.Time) SeenCode {
	here := PassUse{at.ID, s.Door, s.At}
	switch {
	case s.At.After(now.Add(verify.ClockSkew)):
		return SeenAhead
	case s.Door < 1 || int(s.Door) > at.Doors:
		return SeenNoDoor
	case p.Serial == VisitID{}, p.Altered:
		return SeenForgotten
	case p.Decision == Refuse:
		return SeenForged
	case p.Category != at.Category:
		return SeenForeign
	case p.Used() && p.Use.Venue == here.Venue && p.Use.Door == here.Door && p.Use.At.Equal(here.At):
		return SeenAgain
	case p.Used() && p.Use.Venue == here.Venue:
		return SeenHere
	case p.Used():
		return SeenElsewhere
	case s.At.Before(p.Issued.Add(-verify.ClockSkew)) || !s.At.Before(p.Expires):
		return SeenStale
	}
	return SeenCounted
}

// Visit returns the visit that a showing makes of the pass at a venue whose parties
// stay so long, and the visits that it ends. Others are the person's own of that day.
// Nobody is in two places: what was open when they entered ends then, and their own
// ends when they entered elsewhere after it, or with its stay.
func (p Pass) Visit(s Showing, at Venue, stay time.Duration, others []Visit, now time.Time) (Visit, []Leaving) {
	v := Visit{
		ID: p.ID, Venue: at.ID, Door: s.Door, Day: p.Day, Who: p.Who, Party: p.Party, Decision: p.Decision, Leaf: p.Leaf,
		Entered:  s.At.Truncate(time.Second),
		LeavesBy: s.At.Add(stay).Truncate(time.Minute).Add(time.Minute),
	}
	if !v.LeavesBy.After(now) {
		v.Left = v.LeavesBy
	}
	var ends []Leaving
	for _, o := range others {
		switch {
		case o.ID == v.ID || o.Decision == Refuse || o.Altered:
		case o.Entered.After(v.Entered):
			if v.Left.IsZero() || o.Entered.Before(v.Left) {
				v.Left = o.Entered
			}
		case o.Open():
			ends = append(ends, Leaving{ID: o.ID, At: v.Entered})
		}
	}
	return v, ends
}

// PassStore keeps passes. Methods run inside the caller's transaction.
type PassStore interface {
	// Put adds passes that are not there; one already there is left as it is.
	Put(passes []Pass) error
	// Of returns, for each serial, the passes of its party by ID; none for an unknown
	// serial.
	Of(serials []VisitID) ([][]Pass, error)
	// Use marks the passes of each serial as admitted there; it returns for each
	// whether it did, which it does once.
	Use(serials []VisitID, uses []PassUse) ([]bool, error)
	// Forget removes the passes of days before d and returns how many, at most n.
	Forget(before day.Day, n int) (int, error)
}
