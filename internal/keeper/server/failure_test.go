package server

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
)

// told is what a keeper acknowledged: every pointer or slice is set only by a call
// that returned no error.
type told struct {
	people  []keeper.Registered
	head    []keeper.Version // of person 1, as a database that obeys would hold it
	key     keeper.Secret    // of the version written
	settled bool
	entered []keeper.Version // health records of person 2, likewise
	sealed  keeper.Secret    // of the one entered
	kept    bool             // and settled
	actors  int              // enrolled
	treats  bool             // the hospital treats person 2
	asked   *keeper.Ask      // opened person 2
	rows    []status.SealedColour
	day     day.Day
	event   *accesslog.Event
	service *keeper.ServiceKeys
	cert    *keeper.Certificate
	erased  *keeper.Erased // person 4's
}

// script is a keeper's life in one go: it does each step although others fail, as
// callers do. It returns what was acknowledged; the keeper is nil when it did not
// open.
func script(t *testing.T, d *durabletest.Disk, c *clock) (a told) {
	k, err := Open(options(d, c))
	if err != nil {
		if k, err = Open(options(d, c)); err != nil { // a supervisor tries again
			return a
		}
	}
	defer k.Close()
	if out, err := k.people.Register(4); err == nil {
		a.people, a.head = out, person1()
	}
	if w, err := write(k, 1, keeper.RecordEvidence, person1()); err == nil {
		a.head, a.key = after(person1(), keeper.RecordEvidence, w.Version), w.Key
		a.settled = k.people.Settle([]keeper.Settled{{Person: 1, Version: w.Version}}) == nil
	}
	if e, err := writeRecords(k, 2, nil, keeper.FirstRecord, keeper.FirstRecord+1); err == nil {
		a.entered, a.sealed = with(nil, []keeper.Record{keeper.FirstRecord, keeper.FirstRecord + 1}, e.Version), e.Keys[1]
		a.kept = k.people.SettleRecords([]keeper.Settled{{Person: 2, Version: e.Version}}) == nil
	}
	if rows, err := k.PutColours([]keeper.Decided{{Person: 1, Timeline: timeline(1)}, {Person: 3, Timeline: timeline(3)}}); err == nil {
		a.rows = rows
	}
	for range 2 { // the server asks until it has them
		if s, err := k.ServiceKeys(); err == nil {
			a.service = &s
			break
		}
	}
	a.day = c.today()
	if id, _, err := k.OpenGate(); err == nil {
		it := keeper.GateItem{Event: [16]byte{5}, Detail: []byte("x"), Asks: true, Instant: c.now()}
		if a.rows != nil {
			it.Colour = a.rows[0]
		}
		r, err := k.Gate(keeper.RoleServe, id, []keeper.GateItem{it})
		if err == nil {
			a.event = &r.Leaf.Events[0]
		}
	}
	officer := a.officers(t, k, c)
	c.pass(31 * 24 * time.Hour)
	_ = k.Tend()
	for range 2 { // the job comes again after a failure
		if cert, err := k.days.DestroyDay(a.day); err == nil {
			a.cert = &cert
		}
	}
	if officer != nil {
		a.staff(t, k, c, officer)
	}
	return a
}

// officers enrols two, who have person 4 erased.
func (a *told) officers(t *testing.T, k *Keeper, c *clock) *colleague {
	one, two := newColleague(t, c, "officer-1", "dinas", staff.RoleOfficer), newColleague(t, c, "officer-2", "dinas", staff.RoleOfficer)
	if k.Enrol(keeper.RoleAdmin, keeper.Enrolment{Actor: one.Actor}) != nil {
		return nil
	}
	a.actors = 1
	if k.Enrol(keeper.RoleAdmin, one.enrols(two.Actor)) != nil {
		return one
	}
	a.actors = 2
	if e, err := k.Erase(keeper.RoleAdmin, erasing(t, one, two, 4)); err == nil {
		a.erased = &e
	}
	return one
}

// staff enrols a hospital's system, which says that it treats person 2 and opens their
// records.
func (a *told) staff(t *testing.T, k *Keeper, c *clock, officer *colleague) {
	h := house{Keeper: k, c: c, have: a.entered, officer: officer}
	officer.signIn() // a month went by
	h.system = newColleague(t, c, "client-1", "rs-99-001", staff.RoleClient)
	if k.Enrol(keeper.RoleServe, h.officer.enrols(h.system.Actor)) != nil {
		return
	}
	a.actors++
	a.treats = h.relate(2, 1) == nil
	ask := h.system.ask("GET", patient(2))
	if _, out, err := k.OpenRecords(ask, h.all(2)); err == nil && out[0].Err == nil {
		a.asked = &ask
	}
}

func TestAnyCallMayFail(t *testing.T) {
	probe := durabletest.New(0)
	probe.Fail(durabletest.Failure{})
	if a := script(t, probe, newClock()); a.cert == nil || a.event == nil || a.service == nil || !a.settled || !a.kept || a.actors != 3 || !a.treats || a.asked == nil || a.erased == nil {
		t.Fatalf("the script does not run without failures: %+v", a)
	}
	calls := probe.Calls()
	if calls < 50 {
		t.Fatalf("the script made %d calls that change something: too few to be all its steps", calls)
	}
	for n := 1; n <= calls; n++ {
		for mode := range 4 {
			for seed := range uint64(4) {
				f := durabletest.Failure{N: n, Effect: mode&1 == 1, Stop: mode&2 == 2}
				d, c := durabletest.New(seed), newClock()
				d.Fail(f)
				a := script(t, d, c)
				cut(d, nil)
				k, err := Open(options(d, c))
				if err != nil {
					t.Fatalf("%+v seed %d: reopen: %v", f, seed, err)
				}
				if err := a.check(k); err != nil {
					t.Errorf("%+v seed %d: %v", f, seed, err)
				}
				if err := k.Close(); err != nil {
					t.Errorf("%+v seed %d: close: %v", f, seed, err)
				}
			}
		}
	}
	t.Logf("%d calls, each failing in 4 ways over 4 crashes", calls)
}

// check returns what is wrong with a keeper opened after the crash.
func (a told) check(k *Keeper) error {
	h, err := k.Health()
	if err != nil {
		return err
	}
	if h.People%4 != 0 || h.People < uint64(len(a.people)) {
		return fmt.Errorf("%d people of %d registered", h.People, len(a.people))
	}
	if all, err := k.people.Erasures(); err != nil || a.erased != nil && (len(all) != 1 || all[0] != *a.erased) {
		return fmt.Errorf("the certificate of erasure given out is not the one held: %+v %w", all, err)
	}
	return errors.Join(a.checkHeads(k), a.checkRecords(k), a.checkStaff(k), a.checkColours(k, int(h.People)), a.checkKeys(k), a.checkDay(k))
}

func (a told) checkHeads(k *Keeper) error {
	for _, p := range a.people {
		if p.ID == 1 {
			continue
		}
		got, err := read(k, p.ID, person1())
		if p.ID == 4 && (a.erased != nil || errors.Is(got.Err, keeper.ErrErased)) {
			if !errors.Is(got.Err, keeper.ErrErased) {
				return fmt.Errorf("the erased person: %v", got.Err)
			}
			continue
		}
		if err := errors.Join(err, got.Err); err != nil {
			return fmt.Errorf("person %d: %w", p.ID, err)
		}
		if !slices.Equal(got.Keys[0], p.Key) {
			return fmt.Errorf("person %d has another key", p.ID)
		}
	}
	if a.head == nil {
		return nil
	}
	got, err := read(k, 1, a.head)
	if err := errors.Join(err, got.Err); err != nil {
		return fmt.Errorf("the head that was acknowledged: %w", err)
	}
	if a.key != nil && !slices.Equal(got.Keys[1], a.key) {
		return errors.New("the version written has another key")
	}
	old, err := read(k, 1, person1())
	if err != nil {
		return err
	}
	if a.settled && !errors.Is(old.Err, keeper.ErrHead) {
		return fmt.Errorf("the head before a settled write: %v", old.Err)
	}
	return nil
}

func (a told) checkRecords(k *Keeper) error {
	if a.entered == nil {
		return nil
	}
	got, err := read(k, 2, a.entered)
	if err := errors.Join(err, got.Err); err != nil {
		return fmt.Errorf("the health records that were acknowledged: %w", err)
	}
	if !slices.Equal(got.Keys[1], a.sealed) {
		return errors.New("the health record written has another key")
	}
	none, err := readNone(k, 2)
	if err != nil {
		return err
	}
	if a.kept && !errors.Is(none.Err, keeper.ErrHead) {
		return fmt.Errorf("no health records, of somebody whose write is settled: %v", none.Err)
	}
	return nil
}

func (a told) checkStaff(k *Keeper) error {
	if all, err := k.Actors(); err != nil || len(all) < a.actors {
		return fmt.Errorf("%d actors of %d enrolled, %w", len(all), a.actors, err)
	}
	if a.treats && !k.desk.Treats("rs-99-001", 2, k.now()) {
		return errors.New("a relation that was acknowledged is gone")
	}
	if a.asked == nil {
		return nil
	}
	if o, err := k.desk.MayOpen("client-1", 2, false, k.now()); err != nil || !o.Again {
		return fmt.Errorf("a person opened is not counted: %+v, %w", o, err)
	}
	if _, _, err := k.OpenRecords(*a.asked, []keeper.Read{{Person: 2, Have: a.entered}}); !errors.Is(err, keeper.ErrUsed) {
		return fmt.Errorf("a proof that was taken: %w", err)
	}
	return nil
}

func (a told) checkColours(k *Keeper, people int) error {
	if people == 0 {
		return nil
	}
	current, err := k.people.ColourVersions(personIDs(1, 2, 3))
	if err != nil {
		return err
	}
	if current[0] != current[2] || current[1] != 0 {
		return fmt.Errorf("colours of one call moved apart: %v", current)
	}
	id, _, err := k.OpenGate()
	if err != nil {
		return err
	}
	for i, row := range a.rows {
		r, err := k.Gate(keeper.RoleServe, id, []keeper.GateItem{{Colour: row, Asks: true, Instant: k.now()}})
		if err != nil {
			return err
		}
		if res := r.Results[0]; res.Outcome != keeper.GateOpened || res.Behind || res.Timeline[0] != byte(1+2*i) {
			return fmt.Errorf("colour of person %d: outcome %d, behind %v", row.Person, res.Outcome, res.Behind)
		}
	}
	return nil
}

func (a told) checkKeys(k *Keeper) error {
	if a.service == nil {
		return nil
	}
	s, err := k.ServiceKeys()
	if err != nil {
		return err
	}
	if s.Pin != a.service.Pin || s.Log != a.service.Log {
		return errors.New("the keeper has another identity")
	}
	for _, old := range a.service.Token {
		if !slices.ContainsFunc(s.Token, func(n keeper.TokenKey) bool { return n.ID == old.ID && slices.Equal(n.Key, old.Key) }) {
			return fmt.Errorf("token key %d was handed out and is gone", old.ID)
		}
	}
	return nil
}

func (a told) checkDay(k *Keeper) error {
	certs, err := k.days.Certificates()
	if err != nil {
		return err
	}
	if a.cert != nil && (len(certs) != 1 || certs[0] != *a.cert) {
		return fmt.Errorf("the certificate given out is not the one held: %+v", certs)
	}
	if _, held := k.days.Held(a.day); held && len(certs) > 0 {
		return errors.New("the day has a certificate and a key")
	}
	if a.event == nil {
		return nil
	}
	got, err := k.OpenEvents(keeper.Intent{Actor: "a", Purpose: "b", Budget: keeper.BudgetSelf}, a.day, []keeper.SealedEvent{{ID: a.event.ID, Sealed: a.event.Sealed}})
	if len(certs) > 0 {
		if !errors.Is(err, keeper.ErrDay) {
			return fmt.Errorf("an event of a destroyed day: %v", err)
		}
		return nil
	}
	if err != nil || string(got[0].Detail) != "x" {
		return fmt.Errorf("an event that was answered: %w", err)
	}
	return nil
}
