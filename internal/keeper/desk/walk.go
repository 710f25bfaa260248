package desk

import (
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/keeper"
)

// Class is on what ground a person is opened. The numbers are journaled.
type Class uint8

// Classes.
const (
	Care     Class = 1 + iota // the actor's facility treats them
	Stranger                  // it does not, as far as the keeper was told
	Glass                     // an emergency, said so by the actor
)

// String names the ground.
func (c Class) String() string {
	switch c {
	case Care:
		return "care"
	case Stranger:
		return "stranger"
	case Glass:
		return "emergency"
	}
	return "unknown"
}

// walk is whom an actor has opened lately. People are counted, not opens: to read
// about the same person again within the hour costs nothing more.
type walk struct {
	steps []step // of the last hour, in order
	seen  map[identity.PersonID]Class
	glass []int64 // emergencies of the last day, Unix milliseconds
}

type step struct {
	at    int64 // Unix milliseconds
	who   identity.PersonID
	class Class
}

func (w *walk) tidy(now time.Time) {
	n := 0
	for n < len(w.steps) && now.UnixMilli()-w.steps[n].at >= time.Hour.Milliseconds() {
		n++
	}
	for _, gone := range w.steps[:n] {
		delete(w.seen, gone.who)
	}
	w.steps = w.steps[n:]
	for _, s := range w.steps { // somebody counted twice, as a stranger and then in an emergency
		if n > 0 {
			w.seen[s.who] = max(w.seen[s.who], s.class)
		}
	}
	w.glass = recent(w.glass, now, day)
}

// within counts the steps of a class, or of all with class zero, of the last span.
func (w *walk) within(now time.Time, span time.Duration, c Class) (n int) {
	for i := len(w.steps) - 1; i >= 0; i-- {
		s := w.steps[i]
		if now.UnixMilli()-s.at >= span.Milliseconds() {
			break
		}
		if c == 0 || s.class == c {
			n++
		}
	}
	return n
}

// Opened is one person opened by an actor, as it is counted.
type Opened struct {
	Actor staff.ActorID
	Who   identity.PersonID
	Class Class
	At    time.Time
	Again bool // within the hour: counted before
}

// MayOpen says on what ground, and whether within their budgets, an actor opens a
// person. ErrSecond is for whom another person's approval helps, ErrBudget for whom
// only time does.
func (d *Desk) MayOpen(id staff.ActorID, who identity.PersonID, emergency bool, now time.Time) (Opened, error) {
	a := d.actors[id]
	if a == nil || !a.Ended.IsZero() || !a.Rights.May(staff.View) {
		return Opened{}, keeper.ErrActor
	}
	o := Opened{Actor: id, Who: who, Class: Stranger, At: now}
	switch {
	case emergency:
		o.Class = Glass
	case d.Treats(a.Facility, who, now):
		o.Class = Care
	}
	w := &a.walk
	w.tidy(now)
	if before, ok := w.seen[who]; ok && (o.Class != Glass || before == Glass) {
		o.Again = true
		return o, nil
	}
	if now.After(a.approved) && w.within(now, rushTime, 0) >= rush {
		return Opened{}, keeper.ErrSecond
	}
	var over bool
	switch o.Class {
	case Glass:
		over = len(recent(w.glass, now, time.Hour)) >= glassHour || len(w.glass) >= glassDay
	case Stranger:
		over = w.within(now, time.Hour, Stranger) >= strangers
	case Care:
		norm := d.norms.Clinician
		if a.Role == staff.RoleClient {
			norm = d.norms.Client
		}
		over = len(w.steps) >= norm
	}
	d.all = recent(d.all, now, time.Hour)
	if over || len(d.all) >= d.norms.All {
		return Opened{}, keeper.ErrBudget
	}
	return o, nil
}

// Opened counts it; now is when the keeper replays or asks.
func (d *Desk) Opened(o Opened, now time.Time) {
	a := d.actors[o.Actor]
	if o.Again || a == nil {
		return
	}
	w := &a.walk
	if w.seen == nil {
		w.seen = map[identity.PersonID]Class{}
	}
	w.tidy(now)
	at := o.At.UnixMilli()
	if o.Class == Glass && now.UnixMilli()-at < day.Milliseconds() {
		w.glass = append(w.glass, at)
	}
	if now.UnixMilli()-at >= time.Hour.Milliseconds() {
		return
	}
	w.steps = append(w.steps, step{at, o.Who, o.Class})
	w.seen[o.Who] = max(w.seen[o.Who], o.Class)
	d.all = append(recent(d.all, now, time.Hour), at)
}
