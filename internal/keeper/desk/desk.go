// Package desk holds what the keeper knows of those who work with records: who is
// enrolled, whom their facilities treat, and how many people each has opened lately.
//
// It decides and remembers, and neither keeps time nor writes: each decision comes in
// two halves, what may be and, once that is journaled, what is. The second half is
// also how a keeper that starts again comes to know everything it knew. A Desk is not
// safe for concurrent use.
package desk

import (
	"cmp"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/domain/guard"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/format/jose"
	"github.com/amanah-project/amanah/internal/keeper"
)

// Norms are how many people may be opened. Zeros stand for the defaults.
type Norms struct {
	Clinician int // of the facility's patients, an hour and clinician; 60
	Client    int // of the facility's patients, an hour and system; 2,000
	Relations int // entered anew, an hour and system; 2,000
	All       int // an hour, over all actors; 20,000
}

const (
	strangers = guard.Strangers // without a care relationship, an hour and actor
	rush      = guard.Rush      // in rushTime and actor, whatever else holds, without a second person
	rushTime  = guard.RushTime
	glassHour = guard.GlassHour // emergencies, an hour and actor
	glassDay  = guard.GlassDay
	day       = 24 * time.Hour

	approvedFor = time.Hour
	proposedFor = day
	// MaxRelation is how far ahead a facility may say that it treats somebody.
	MaxRelation = 90 * day
)

// Desk is the state. New makes one.
type Desk struct {
	norms     Norms
	actors    map[staff.ActorID]*actor
	keys      map[[32]byte]staff.ActorID // by thumbprint; of the ended, too
	proposals map[string]Enrolled        // of officers, by digest: one officer has signed
	treats    map[relation]int64         // until, Unix seconds
	fresh     int                        // relations noted since tidy
	places    map[staff.FacilityID]uint32
	all       []int64 // when anybody was counted, Unix milliseconds, of the last hour
}

type actor struct {
	staff.Actor
	key      jose.Key
	approved time.Time // until
	related  []int64   // when relations were entered anew, of the last hour
	walk     walk
}

type relation struct {
	person identity.PersonID
	place  uint32
}

// New makes a desk that knows nobody.
func New(n Norms) *Desk {
	n.Clinician, n.Client = cmp.Or(n.Clinician, guard.Clinician), cmp.Or(n.Client, guard.Client)
	n.Relations, n.All = cmp.Or(n.Relations, 2000), cmp.Or(n.All, guard.All)
	return &Desk{
		norms: n, actors: map[staff.ActorID]*actor{}, keys: map[[32]byte]staff.ActorID{}, proposals: map[string]Enrolled{},
		treats: map[relation]int64{}, places: map[staff.FacilityID]uint32{},
	}
}

// Named returns the actor of that name, with their key, if they may ask at all.
func (d *Desk) Named(id staff.ActorID) (staff.Actor, jose.Key, error) {
	a := d.actors[id]
	if a == nil || !a.Ended.IsZero() {
		return staff.Actor{}, jose.Key{}, keeper.ErrActor
	}
	return a.Actor, a.key, nil
}

// Holder returns the actor whose key has that thumbprint, likewise.
func (d *Desk) Holder(thumbprint [32]byte) (staff.Actor, error) {
	id, known := d.keys[thumbprint]
	if !known {
		return staff.Actor{}, keeper.ErrActor
	}
	a, _, err := d.Named(id)
	return a, err
}

// Actors are all who were ever enrolled, by name.
func (d *Desk) Actors() []staff.Actor {
	out := make([]staff.Actor, 0, len(d.actors))
	for _, a := range d.actors {
		out = append(out, a.Actor)
	}
	slices.SortFunc(out, func(a, b staff.Actor) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// recent drops from the front of ascending times those that are not within span of
// now. What lies ahead of a clock that was set back stays: that gives nobody more.
func recent(times []int64, now time.Time, span time.Duration) []int64 {
	n := 0
	for n < len(times) && now.UnixMilli()-times[n] >= span.Milliseconds() {
		n++
	}
	return times[n:]
}
