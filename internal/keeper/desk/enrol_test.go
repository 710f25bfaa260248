package desk_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/desk"
)

// asks enrols as the keeper does; false is for what waits for a second person.
func asks(d *desk.Desk, a staff.Actor, by staff.ActorID, admin bool, now time.Time) (bool, error) {
	e, err := d.MayEnrol(a, by, admin, now)
	if err != nil {
		return false, err
	}
	return e.Done, d.Enrolled(e)
}

func wantAsk(t *testing.T, what string, d *desk.Desk, a staff.Actor, by staff.ActorID, admin bool, at time.Time, done bool, want error) {
	t.Helper()
	if got, err := asks(d, a, by, admin, at); got != done || !errors.Is(err, want) {
		t.Errorf("%s: done %t, %v; want %t, %v", what, got, err, done, want)
	}
}

func TestOfficersTakeTwo(t *testing.T) {
	d := desk.New(desk.Norms{})
	var o [5]staff.Actor
	for i := range o {
		o[i] = actor(t, staff.ActorID([]string{"officer-0", "officer-1", "officer-2", "officer-3", "officer-4"}[i]), "dinas", staff.RoleOfficer)
	}
	later := start.Add(time.Hour)
	wantAsk(t, "the first by the server", d, o[0], "", false, start, false, keeper.ErrRole)
	wantAsk(t, "a clinician first", d, actor(t, "staff-1", "rs", staff.RoleClinician), "", true, start, false, keeper.ErrRole)
	wantAsk(t, "the first by the operator", d, o[0], "", true, start, true, nil)
	wantAsk(t, "another by the operator alone", d, o[1], "", true, start, false, keeper.ErrRole)
	wantAsk(t, "the second by the first alone", d, o[1], "officer-0", false, start, false, nil)
	wantAsk(t, "and once more", d, o[1], "officer-0", false, later, false, nil)
	wantAsk(t, "the end of the last", d, ended(o[0]), "officer-0", true, start, false, keeper.ErrLast)
	wantAsk(t, "the second by the first and the operator", d, o[1], "officer-0", true, start, true, nil)
	wantAsk(t, "the third by one and the operator", d, o[2], "officer-0", true, start, false, nil)
	wantAsk(t, "by the other one", d, o[2], "officer-1", false, later, true, nil)
	wantAsk(t, "the fourth by one", d, o[3], "officer-0", false, start, false, nil)
	wantAsk(t, "and a day later by another", d, o[3], "officer-1", false, start.Add(24*time.Hour), false, nil)
	wantAsk(t, "by a third within the day", d, o[3], "officer-2", false, start.Add(25*time.Hour), true, nil)
	wantAsk(t, "an end by one", d, ended(o[3]), "officer-0", false, later, false, nil)
	wantAsk(t, "an end by two", d, ended(o[3]), "officer-1", false, later, true, nil)
	wantAsk(t, "an officer by one who ended", d, o[4], "officer-3", false, later, false, keeper.ErrActor)
	wantAsk(t, "an end by one and the operator", d, ended(o[2]), "officer-0", true, later, true, nil)
	// A proposal of an officer who has ended since is nobody's.
	wantAsk(t, "proposed", d, o[4], "officer-1", false, later, false, nil)
	wantAsk(t, "whoever proposed ends", d, ended(o[1]), "officer-0", true, later, true, nil)
	wantAsk(t, "the one who is left", d, o[4], "officer-0", false, later, false, nil)
	if n := len(slices.DeleteFunc(d.Actors(), func(a staff.Actor) bool { return !a.Ended.IsZero() })); n != 1 {
		t.Errorf("%d officers are left", n)
	}
}

func ended(a staff.Actor) staff.Actor {
	a.Ended = start
	return a
}

func TestWhoIsEnrolled(t *testing.T) {
	d := desk.New(desk.Norms{})
	enrol(t, d, actor(t, "officer-1", "dinas", staff.RoleOfficer))
	good := actor(t, "client-1", "rs-99-001", staff.RoleClient)
	for name, tc := range map[string]struct {
		alter func(*staff.Actor)
		want  fault.Kind
	}{
		"a person's name":          {func(a *staff.Actor) { a.ID = "Siti Rahma" }, fault.Invalid},
		"no facility":              {func(a *staff.Actor) { a.Facility = "" }, fault.Invalid},
		"no role":                  {func(a *staff.Actor) { a.Role = 0 }, fault.Invalid},
		"another role":             {func(a *staff.Actor) { a.Role = 4 }, fault.Invalid},
		"no rights":                {func(a *staff.Actor) { a.Rights = 0 }, fault.Invalid},
		"a fourth right":           {func(a *staff.Actor) { a.Rights = 8 }, fault.Invalid},
		"an officer who views":     {func(a *staff.Actor) { a.Role = staff.RoleOfficer }, fault.Invalid},
		"no key":                   {func(a *staff.Actor) { a.Key = nil }, fault.Invalid},
		"another's key":            {func(a *staff.Actor) { a.Key = d.Actors()[0].Key }, fault.Conflict},
		"an end of who is unknown": {func(a *staff.Actor) { a.Ended = start }, fault.Denied},
	} {
		a := good
		tc.alter(&a)
		if _, err := d.MayEnrol(a, "officer-1", false, start); err == nil || fault.KindOf(err) != tc.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantAsk(t, "by a client", d, good, "client-1", false, start, false, keeper.ErrActor)
	wantAsk(t, "as it should be", d, good, "officer-1", false, start, true, nil)
	wantAsk(t, "by a client that is known", d, actor(t, "client-2", "rs-99-001", staff.RoleClient), "client-1", false, start, false, keeper.ErrActor)
	wantAsk(t, "again", d, good, "officer-1", false, start.Add(time.Hour), true, nil)
	a, key, err := d.Named("client-1")
	if err != nil || !a.Since.Equal(start) || key.Thumbprint() == [32]byte{} {
		t.Errorf("%+v %v", a, err)
	}
	more := good
	more.Rights = staff.View | staff.Enter
	wantAsk(t, "with other rights", d, more, "officer-1", false, start, true, nil)
	if a, _, _ := d.Named("client-1"); a.Rights != more.Rights {
		t.Errorf("rights %b", a.Rights)
	}
	for name, alter := range map[string]func(*staff.Actor){
		"another key":      func(a *staff.Actor) { a.Key = stafftest.Ed(t).JWK() },
		"another facility": func(a *staff.Actor) { a.Facility = "rs-99-002" },
		"another role":     func(a *staff.Actor) { a.Role = staff.RoleClinician },
		"another name":     func(a *staff.Actor) { a.ID = "client-2" },
	} {
		other := good
		alter(&other)
		wantAsk(t, name, d, other, "officer-1", false, start, false, keeper.ErrEnrolled)
	}
	if err := open(d, "client-1", 1, false, start); err != nil {
		t.Fatal(err)
	}
	wantAsk(t, "the end", d, ended(more), "officer-1", false, start, true, nil)
	if err := open(d, "client-1", 1, false, start); !errors.Is(err, keeper.ErrActor) {
		t.Errorf("opens after its end: %v", err)
	}
	if _, err := d.Holder(key.Thumbprint()); !errors.Is(err, keeper.ErrActor) {
		t.Errorf("is known after its end: %v", err)
	}
	wantAsk(t, "back again", d, good, "officer-1", false, start, false, keeper.ErrEnrolled)
}

func TestWhoApproves(t *testing.T) {
	d := hospital(t, desk.Norms{})
	for by, want := range map[staff.ActorID]error{
		"staff-1": keeper.ErrActor, "staff-2": nil, "client-1": keeper.ErrActor, "staff-9": keeper.ErrActor, "officer-1": nil,
	} {
		a, _, err := d.Named(by)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.MayApprove("staff-1", a, start); !errors.Is(err, want) {
			t.Errorf("%s: %v", by, err)
		}
	}
	a, _, _ := d.Named("officer-1")
	if _, err := d.MayApprove("staff-3", a, start); !errors.Is(err, keeper.ErrActor) {
		t.Errorf("of nobody: %v", err)
	}
}
