package desk

import (
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/format/jose"
	"github.com/amanah-project/amanah/internal/keeper"
)

// Enrolled is an enrolment, an ending or a change of rights, as the journal keeps it.
type Enrolled struct {
	Actor  staff.Actor
	By     staff.ActorID // the officer; empty for the first one
	Second staff.ActorID // the other officer; empty for the operator, or when none is needed
	At     time.Time
	Done   bool // otherwise it waits for the second person
}

// MayEnrol says what an officer's signature, or on the admin socket nobody's, comes
// to. An officer, and the end of one, takes two officers; while there are not two,
// or to end one, the operator is the second.
func (d *Desk) MayEnrol(want staff.Actor, by staff.ActorID, admin bool, now time.Time) (Enrolled, error) {
	key, err := check(want)
	if err != nil {
		return Enrolled{}, err
	}
	e := Enrolled{Actor: want, By: by, At: now, Done: true}
	if e.Actor.Key = key.JWK(); want.Ended.IsZero() {
		e.Actor.Since = now
	} else {
		e.Actor.Ended = now
	}
	if err := d.fits(&e, key); err != nil {
		return Enrolled{}, err
	}
	acting := d.officers()
	if by == "" {
		if !admin || want.Role != staff.RoleOfficer || len(acting) > 0 || !want.Ended.IsZero() {
			return Enrolled{}, keeper.ErrRole
		}
		return e, nil
	}
	if officer := d.actors[by]; officer == nil || officer.Role != staff.RoleOfficer || !officer.Ended.IsZero() {
		return Enrolled{}, keeper.ErrActor
	}
	if want.Role != staff.RoleOfficer {
		return e, nil
	}
	ends := !want.Ended.IsZero()
	if ends && len(acting) == 1 {
		return Enrolled{}, keeper.ErrLast
	}
	if admin && (ends || len(acting) == 1) {
		return e, nil
	}
	first, waits := d.proposals[want.Digest()]
	if waits && first.By != by && now.Sub(first.At) < proposedFor {
		if o := d.actors[first.By]; o != nil && o.Ended.IsZero() {
			e.By, e.Second = first.By, by
			return e, nil
		}
	}
	e.Done = false
	return e, nil
}

// check returns the key of an actor who may be enrolled, whoever signs for it.
func check(a staff.Actor) (jose.Key, error) {
	if _, err := staff.ParseActor(string(a.ID)); err != nil {
		return jose.Key{}, err
	}
	if _, err := staff.ParseFacility(string(a.Facility)); err != nil {
		return jose.Key{}, err
	}
	const all = staff.Enter | staff.Correct | staff.View
	switch {
	case a.Role < staff.RoleClient || a.Role > staff.RoleOfficer,
		a.Role == staff.RoleOfficer && a.Rights != 0, a.Role != staff.RoleOfficer && (a.Rights == 0 || a.Rights > all):
		return jose.Key{}, keeper.ErrRights
	}
	return jose.ParseKey(a.Key)
}

// fits compares with what is enrolled: a name keeps its key, role and facility for
// good, and a key its name. An ended name does not come back.
func (d *Desk) fits(e *Enrolled, key jose.Key) error {
	holder, taken := d.keys[key.Thumbprint()]
	a := d.actors[e.Actor.ID]
	switch {
	case taken != (a != nil), taken && holder != e.Actor.ID:
		return keeper.ErrEnrolled
	case a == nil && !e.Actor.Ended.IsZero():
		return keeper.ErrActor
	case a == nil:
		return nil
	case a.Role != e.Actor.Role, a.Facility != e.Actor.Facility, !a.Ended.IsZero():
		return keeper.ErrEnrolled
	}
	e.Actor.Since = a.Since
	return nil
}

func (d *Desk) officers() (acting []staff.ActorID) {
	for _, a := range d.actors {
		if a.Role == staff.RoleOfficer && a.Ended.IsZero() {
			acting = append(acting, a.ID)
		}
	}
	return acting
}

// Enrolled makes it so.
func (d *Desk) Enrolled(e Enrolled) error {
	if !e.Done {
		d.proposals[e.Actor.Digest()] = e
		return nil
	}
	delete(d.proposals, e.Actor.Digest())
	key, err := jose.ParseKey(e.Actor.Key)
	if err != nil {
		return err
	}
	a := d.actors[e.Actor.ID]
	if a == nil {
		a = &actor{}
		d.actors[e.Actor.ID] = a
	}
	a.Actor, a.key = e.Actor, key
	d.keys[key.Thumbprint()] = e.Actor.ID
	return nil
}

// Approved is a second person's word for an actor, as the journal keeps it.
type Approved struct {
	Actor, By staff.ActorID
	At        time.Time
}

// MayApprove says whether by may answer for an actor: another person of the same
// facility, or an officer.
func (d *Desk) MayApprove(id staff.ActorID, by staff.Actor, now time.Time) (Approved, error) {
	a, _, err := d.Named(id)
	if err != nil {
		return Approved{}, err
	}
	if by.ID == id || by.Role == staff.RoleClient || by.Role != staff.RoleOfficer && by.Facility != a.Facility {
		return Approved{}, keeper.ErrActor
	}
	return Approved{id, by.ID, now}, nil
}

// Approved makes it so, for an hour.
func (d *Desk) Approved(p Approved) {
	if a := d.actors[p.Actor]; a != nil {
		a.approved = p.At.Add(approvedFor)
	}
}

// Related is a care relationship, as the journal keeps it.
type Related struct {
	Person   identity.PersonID
	Facility staff.FacilityID
	Until    time.Time // whole seconds
	By       staff.ActorID
	At       time.Time
	Fresh    bool   // was not there before, and counts
	Transfer uint64 `json:",omitempty"` // the number of the record by which they were sent, where one is named
}

// MayRelate says whether by, a facility's system, may say that its facility treats
// somebody until then. To end or lengthen what is already there is not counted.
func (d *Desk) MayRelate(r keeper.Relation, by staff.Actor, now time.Time) (Related, error) {
	a := d.actors[by.ID]
	if a == nil || by.Role != staff.RoleClient || by.Facility != r.Facility {
		return Related{}, keeper.ErrActor
	}
	if r.Until.Sub(now) > MaxRelation || !r.Until.After(now) {
		return Related{}, keeper.ErrRelation
	}
	a.related = recent(a.related, now, time.Hour)
	fresh := !d.Treats(r.Facility, r.Person, now)
	if fresh && len(a.related) >= d.norms.Relations {
		return Related{}, keeper.ErrBudget
	}
	return Related{Person: r.Person, Facility: r.Facility, Until: r.Until, By: by.ID, At: now, Fresh: fresh}, nil
}

// Related makes it so; now is when the keeper replays or asks.
func (d *Desk) Related(r Related, now time.Time) {
	if a := d.actors[r.By]; a != nil && r.Fresh {
		a.related = append(recent(a.related, now, time.Hour), r.At.UnixMilli())
	}
	if d.fresh++; d.fresh > 1024+len(d.treats) {
		d.fresh = 0
		d.tidy(now)
	}
	place, known := d.places[r.Facility]
	if !known {
		place = uint32(len(d.places))
		d.places[r.Facility] = place
	}
	if k := (relation{r.Person, place}); r.Until.After(now) {
		d.treats[k] = r.Until.Unix()
	} else {
		delete(d.treats, k)
	}
}

// Treats reports whether a facility treats somebody.
func (d *Desk) Treats(f staff.FacilityID, who identity.PersonID, now time.Time) bool {
	place, known := d.places[f]
	return known && d.treats[relation{who, place}] > now.Unix()
}

// tidy forgets relations that are over: now and then, as it looks at each.
func (d *Desk) tidy(now time.Time) {
	for k, until := range d.treats {
		if until <= now.Unix() {
			delete(d.treats, k)
		}
	}
}
