package desk_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/desk"
)

var start = time.Date(2026, 11, 29, 1, 0, 0, 0, time.UTC)

func actor(t testing.TB, id staff.ActorID, f staff.FacilityID, role staff.Role) staff.Actor {
	t.Helper()
	a := staff.Actor{ID: id, Facility: f, Role: role, Rights: staff.View, Key: stafftest.Ed(t).JWK()}
	if role == staff.RoleOfficer {
		a.Rights = 0
	}
	return a
}

// enrol makes somebody known whoever signs.
func enrol(t testing.TB, d *desk.Desk, a staff.Actor) staff.Actor {
	t.Helper()
	if err := d.Enrolled(desk.Enrolled{Actor: a, At: start, Done: true}); err != nil {
		t.Fatal(err)
	}
	return a
}

// hospital has two clinicians, a system and, elsewhere, another clinician.
func hospital(t testing.TB, n desk.Norms) *desk.Desk {
	t.Helper()
	d := desk.New(n)
	enrol(t, d, actor(t, "staff-1", "rs-99-001", staff.RoleClinician))
	enrol(t, d, actor(t, "staff-2", "rs-99-001", staff.RoleClinician))
	enrol(t, d, actor(t, "client-1", "rs-99-001", staff.RoleClient))
	enrol(t, d, actor(t, "staff-9", "rs-99-002", staff.RoleClinician))
	enrol(t, d, actor(t, "officer-1", "dinas", staff.RoleOfficer))
	return d
}

func treat(d *desk.Desk, people int, at time.Time) {
	for p := range people {
		d.Related(desk.Related{Person: identity.PersonID(p + 1), Facility: "rs-99-001", Until: at.Add(48 * time.Hour), By: "client-1", At: at}, at)
	}
}

func open(d *desk.Desk, id staff.ActorID, who int, emergency bool, now time.Time) error {
	o, err := d.MayOpen(id, identity.PersonID(who), emergency, now)
	if err == nil {
		d.Opened(o, now)
	}
	return err
}

// walk opens one person after the other until it is refused.
func walk(d *desk.Desk, id staff.ActorID, emergency bool, now time.Time) (n int, err error) {
	for who := 1; who < 100_000; who++ {
		if err := open(d, id, who, emergency, now); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func TestHowFarOneMayWalk(t *testing.T) {
	for _, tc := range []struct {
		name      string
		actor     staff.ActorID
		treats    int // people that the facility treats
		approved  bool
		emergency bool
		want      int
		err       error
	}{
		{"a clinician among strangers", "staff-1", 0, false, false, 10, keeper.ErrBudget},
		{"and approved", "staff-1", 0, true, false, 10, keeper.ErrBudget},
		{"a clinician among patients", "staff-1", 1000, false, false, 50, keeper.ErrSecond},
		{"and approved", "staff-1", 1000, true, false, 60, keeper.ErrBudget},
		{"a clinician of another facility", "staff-9", 1000, true, false, 10, keeper.ErrBudget},
		{"a system among patients", "client-1", 5000, false, false, 50, keeper.ErrSecond},
		{"and approved", "client-1", 5000, true, false, 2000, keeper.ErrBudget},
		{"a system among strangers", "client-1", 0, true, false, 10, keeper.ErrBudget},
		{"breaking the glass", "staff-1", 1000, true, true, 3, keeper.ErrBudget},
		{"an officer", "officer-1", 1000, false, false, 0, keeper.ErrActor},
		{"nobody", "staff-3", 1000, false, false, 0, keeper.ErrActor},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := hospital(t, desk.Norms{})
			treat(d, tc.treats, start)
			if tc.approved {
				d.Approved(desk.Approved{Actor: tc.actor, By: "staff-2", At: start})
			}
			got, err := walk(d, tc.actor, tc.emergency, start)
			if got != tc.want || !errors.Is(err, tc.err) {
				t.Errorf("%d people, then %v; want %d, %v", got, err, tc.want, tc.err)
			}
		})
	}
}

func TestPeopleAreCountedAndNotOpens(t *testing.T) {
	d := hospital(t, desk.Norms{})
	for i := range 500 {
		if err := open(d, "staff-1", 1+i%10, false, start.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatalf("open %d: %v", i, err)
		}
	}
	if err := open(d, "staff-1", 11, false, start.Add(10*time.Minute)); !errors.Is(err, keeper.ErrBudget) {
		t.Errorf("an eleventh person: %v", err)
	}
	// An hour after each was counted it counts again.
	if got, err := walk(d, "staff-1", false, start.Add(time.Hour+30*time.Second)); got != 10 || !errors.Is(err, keeper.ErrBudget) {
		t.Errorf("an hour later %d, %v", got, err)
	}
}

func TestAnApprovalIsForAnHour(t *testing.T) {
	d := hospital(t, desk.Norms{Clinician: 10_000})
	treat(d, 10_000, start)
	now, opened := start, 0
	step := func() error {
		now = now.Add(10 * time.Second)
		err := open(d, "staff-1", opened+1, false, now)
		if err == nil {
			opened++
		}
		return err
	}
	for step() == nil {
	}
	if opened != 50 {
		t.Fatalf("%d people before it was refused", opened)
	}
	d.Approved(desk.Approved{Actor: "staff-1", By: "staff-2", At: now})
	until := now.Add(time.Hour)
	for step() == nil {
	}
	if opened != 50+360 || !now.Equal(until.Add(10*time.Second)) {
		t.Errorf("%d people until %s, approved until %s", opened, now, until)
	}
}

func TestEmergenciesOfADay(t *testing.T) {
	d := hospital(t, desk.Norms{})
	now, got := start, 0
	for range 24 * 6 {
		if err := open(d, "staff-1", got+1, true, now); err == nil {
			got++
		}
		now = now.Add(10 * time.Minute)
	}
	if got != 10 {
		t.Errorf("%d emergencies in a day", got)
	}
	if err := open(d, "staff-1", 99, false, now); err != nil {
		t.Errorf("without one: %v", err)
	}
	if err := open(d, "staff-1", 98, true, now.Add(time.Hour)); err != nil {
		t.Errorf("the day after: %v", err)
	}
}

func TestAnEmergencyIsCountedThoughThePersonWasOpened(t *testing.T) {
	d := hospital(t, desk.Norms{})
	for who := 1; who <= 4; who++ {
		if err := open(d, "staff-1", who, false, start); err != nil {
			t.Fatal(err)
		}
	}
	got, err := walk(d, "staff-1", true, start)
	if got != 3 || !errors.Is(err, keeper.ErrBudget) {
		t.Errorf("%d emergencies, %v", got, err)
	}
	if o, err := d.MayOpen("staff-1", 1, true, start); err != nil || !o.Again || o.Class != desk.Glass {
		t.Errorf("the same emergency: %+v %v", o, err)
	}
	if o, err := d.MayOpen("staff-1", 1, false, start); err != nil || !o.Again || o.Class != desk.Stranger {
		t.Errorf("and afterwards: %+v %v", o, err)
	}
}

func TestTheCeilingIsOverAll(t *testing.T) {
	d := desk.New(desk.Norms{All: 95})
	got := 0
	for i := range 20 {
		id := staff.ActorID(fmt.Sprint("staff-", i))
		enrol(t, d, actor(t, id, staff.FacilityID(fmt.Sprint("rs-", i)), staff.RoleClinician))
		n, _ := walk(d, id, false, start)
		got += n
	}
	if got != 95 {
		t.Errorf("%d people over all", got)
	}
	if n, _ := walk(d, "staff-19", false, start.Add(time.Hour)); n != 10 {
		t.Errorf("%d an hour later", n)
	}
}

func TestRelations(t *testing.T) {
	d := hospital(t, desk.Norms{Relations: 3})
	system, _, err := d.Named("client-1")
	if err != nil {
		t.Fatal(err)
	}
	clinician, _, _ := d.Named("staff-1")
	relate := func(who int, f staff.FacilityID, by staff.Actor, until, now time.Time) error {
		r, err := d.MayRelate(keeper.Relation{Person: identity.PersonID(who), Facility: f, Until: until}, by, now)
		if err == nil {
			d.Related(r, now)
		}
		return err
	}
	day := 24 * time.Hour
	for name, tc := range map[string]struct {
		err   error
		f     staff.FacilityID
		by    staff.Actor
		until time.Duration
	}{
		"too long":               {keeper.ErrRelation, "rs-99-001", system, desk.MaxRelation + time.Second},
		"over":                   {keeper.ErrRelation, "rs-99-001", system, 0},
		"of another facility":    {keeper.ErrActor, "rs-99-002", system, day},
		"by a clinician":         {keeper.ErrActor, "rs-99-001", clinician, day},
		"by somebody not known":  {keeper.ErrActor, "rs-99-001", staff.Actor{ID: "client-7", Role: staff.RoleClient, Facility: "rs-99-001"}, day},
		"as long as it may last": {nil, "rs-99-001", system, desk.MaxRelation},
	} {
		if err := relate(1, tc.f, tc.by, start.Add(tc.until), start); !errors.Is(err, tc.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for who, want := range []error{1: nil, 2: nil, 3: nil, 4: keeper.ErrBudget} { // 1 is there already
		if who == 0 {
			continue
		}
		if err := relate(who, "rs-99-001", system, start.Add(day), start); !errors.Is(err, want) {
			t.Errorf("person %d: %v, want %v", who, err, want)
		}
	}
	if !d.Treats("rs-99-001", 1, start.Add(day-time.Second)) || d.Treats("rs-99-001", 1, start.Add(day)) || d.Treats("rs-99-002", 1, start) || d.Treats("rs-99-001", 4, start) {
		t.Error("a relation is not what was entered last")
	}
	if err := relate(4, "rs-99-001", system, start.Add(day), start.Add(time.Hour)); err != nil {
		t.Errorf("an hour later: %v", err)
	}
}

// TestAsEver: whatever was asked, a desk that is told again what was journaled
// decides as the one that lived through it.
func TestAsEver(t *testing.T) {
	people := []staff.Actor{
		actor(t, "staff-1", "rs-99-001", staff.RoleClinician), actor(t, "staff-2", "rs-99-001", staff.RoleClinician),
		actor(t, "client-1", "rs-99-001", staff.RoleClient),
	}
	norms := desk.Norms{Clinician: 14, Client: 20, Relations: 8, All: 40}
	rapid.Check(t, func(rt *rapid.T) {
		var journal []func(d *desk.Desk, now time.Time)
		again := func(now time.Time) *desk.Desk {
			d := desk.New(norms)
			for _, f := range journal {
				f(d, now)
			}
			return d
		}
		for _, a := range people {
			journal = append(journal, func(d *desk.Desk, _ time.Time) { enrol(t, d, a) })
		}
		now := start
		d := again(now)
		for range rapid.IntRange(1, 150).Draw(rt, "steps") {
			by := people[rapid.IntRange(0, 2).Draw(rt, "actor")]
			who := identity.PersonID(rapid.IntRange(1, 60).Draw(rt, "who"))
			switch rapid.IntRange(0, 9).Draw(rt, "step") {
			case 0:
				now = now.Add(time.Duration(rapid.IntRange(1, 4000).Draw(rt, "seconds")) * time.Second)
			case 1:
				if a, err := d.MayApprove(by.ID, people[0], now); err == nil {
					journal = append(journal, func(d *desk.Desk, _ time.Time) { d.Approved(a) })
					d.Approved(a)
				}
			case 2:
				until := now.Add(time.Duration(rapid.IntRange(1, 100).Draw(rt, "hours")) * time.Hour)
				r, err := d.MayRelate(keeper.Relation{Person: who, Facility: by.Facility, Until: until}, by, now)
				if _, err2 := again(now).MayRelate(keeper.Relation{Person: who, Facility: by.Facility, Until: until}, by, now); !errors.Is(err2, err) {
					rt.Fatalf("relation: %v, told again %v", err, err2)
				}
				if err == nil {
					journal = append(journal, func(d *desk.Desk, now time.Time) { d.Related(r, now) })
					d.Related(r, now)
				}
			default:
				emergency := rapid.IntRange(0, 5).Draw(rt, "emergency") == 0
				o, err := d.MayOpen(by.ID, who, emergency, now)
				o2, err2 := again(now).MayOpen(by.ID, who, emergency, now)
				if o != o2 || !errors.Is(err2, err) {
					rt.Fatalf("%s opens %d: %+v %v, told again %+v %v", by.ID, who, o, err, o2, err2)
				}
				if err == nil {
					journal = append(journal, func(d *desk.Desk, now time.Time) { d.Opened(o, now) })
					d.Opened(o, now)
				}
			}
		}
	})
}
