package server

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/desk"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

func TestWhatARequestOpens(t *testing.T) {
	h := newHouse(t, durabletest.New(1), 2)
	want, err := read(h.Keeper, 1, h.have)
	if err != nil {
		t.Fatal(err)
	}
	ask := h.doctor.ask("GET", "/fhir/R4/Observation/1-65538")
	receipt, out, err := h.OpenRecords(ask, []keeper.Read{{Person: 1, Have: h.have, Want: h.have[1:]}})
	if err != nil || len(out) != 1 || out[0].Err != nil || len(out[0].Keys) != 1 || !slices.Equal(out[0].Keys[0], want.Keys[1]) {
		t.Fatalf("one record: %+v %v", out, err)
	}
	if !receipt.Holds(logPublic(h.Keeper)) || receipt.Loud || !receipt.At.Equal(h.c.now()) || receipt.Seq != h.journal.Durable().Seq {
		t.Errorf("the receipt %+v", receipt)
	}
	all := records(h.Keeper, journal.KindOpened)
	b := all[len(all)-1]
	if [16]byte(b) != receipt.Intent || desk.Class(b[24]) != desk.Stranger || binary.BigEndian.Uint64(b[26:]) != 1 ||
		string(b[35:35+int(b[34])]) != "staff-1" || binary.BigEndian.Uint64(b[42:]) != 65538 || binary.BigEndian.Uint64(b[50:]) != 1 || len(b) != 58 {
		t.Errorf("the record % x", b)
	}
	// The person's own path opens all there is of them, their name too.
	_, out, err = h.OpenRecords(h.doctor.ask("GET", "/fhir/R4/Patient/1"), append(h.all(1), keeper.Read{Person: 1, Have: person1(), Want: person1()}))
	if err != nil || len(out) != 2 || out[0].Err != nil || out[1].Err != nil || len(out[1].Keys) != 1 {
		t.Fatalf("person and records: %+v %v", out, err)
	}
	for name, reads := range map[string][]keeper.Read{
		"another person beside":     append(h.all(1), h.all(2)...),
		"the person, by a record":   {{Person: 1, Have: person1(), Want: person1()}},
		"another record beside":     {{Person: 1, Have: h.have, Want: h.have}},
		"whether there are records": {{Person: 2, Records: true}},
	} {
		_, _, err := h.OpenRecords(h.doctor.ask("GET", "/fhir/R4/Observation/1-65538"), reads)
		wants(t, name, err, keeper.ErrActor)
	}
	_, _, err = h.OpenRecords(h.doctor.ask("GET", "/fhir/R4/Patient/1"), nil)
	wants(t, "nothing", err, keeper.ErrTooMany)
	_, out, err = h.OpenRecords(h.doctor.ask("GET", "/fhir/R4/Patient/9"), []keeper.Read{{Person: 9, Records: true}})
	if err != nil || out[0].Err != keeper.ErrPerson {
		t.Errorf("somebody who is not: %+v %v", out, err)
	}
}

func TestRightsToView(t *testing.T) {
	h := newHouse(t, durabletest.New(1), 1)
	clerk := newColleague(t, h.c, "staff-3", "rs-99-001", staff.RoleClinician)
	clerk.Rights = staff.Enter | staff.Correct
	wants(t, "enrol", h.Enrol(keeper.RoleServe, h.officer.enrols(clerk.Actor)), nil)
	wants(t, "who enters and corrects", h.open(clerk, 1), keeper.ErrActor)
	wants(t, "an officer", h.open(h.officer, 1), keeper.ErrActor)
	clerk.Rights |= staff.View
	wants(t, "enrol again", h.Enrol(keeper.RoleServe, h.officer.enrols(clerk.Actor)), nil)
	wants(t, "with the right to view", h.open(clerk, 1), nil)
}

func TestEmergenciesAreLoud(t *testing.T) {
	h := newHouse(t, durabletest.New(1), 9)
	for p := identity.PersonID(1); p <= 4; p++ {
		receipt, _, err := h.OpenRecords(h.doctor.emergency(patient(p)), h.all(p))
		if p == 4 {
			wants(t, "a fourth within the hour", err, keeper.ErrBudget)
			break
		}
		if err != nil || !receipt.Loud {
			t.Fatalf("emergency %d: loud %t, %v", p, receipt.Loud, err)
		}
	}
	for _, b := range records(h.Keeper, journal.KindOpened) {
		if desk.Class(b[24]) != desk.Glass {
			t.Errorf("journaled as %d", b[24])
		}
	}
	h.restart(t)
	_, _, err := h.OpenRecords(h.doctor.emergency(patient(5)), h.all(5))
	wants(t, "after a restart", err, keeper.ErrBudget)
	wants(t, "in the ordinary way", h.open(h.doctor, 5), nil)
}

// TestARestartGivesNobodyMore: of each budget, half before and half after.
func TestARestartGivesNobodyMore(t *testing.T) {
	h := newHouse(t, durabletest.New(1), 120)
	n, err := h.walk(h.doctor, 1, 6)
	wants(t, "half", err, nil)
	h.restart(t)
	m, err := h.walk(h.doctor, 7, 100)
	if n+m != 10 || err != keeper.ErrBudget {
		t.Errorf("%d and %d strangers, %v", n, m, err)
	}
	for p := identity.PersonID(1); p <= 120; p++ {
		wants(t, "relate", h.relate(p, 1), nil)
	}
	n, err = h.walk(h.nurse, 1, 30)
	wants(t, "half of the rush", err, nil)
	h.restart(t)
	m, err = h.walk(h.nurse, 31, 120)
	if n+m != 50 || err != keeper.ErrSecond {
		t.Errorf("%d and %d patients, %v", n, m, err)
	}
	wants(t, "their own approval", h.approve(h.nurse, "staff-2"), keeper.ErrActor)
	wants(t, "a system's", h.approve(h.system, "staff-2"), keeper.ErrActor)
	wants(t, "another facility's", h.approve(h.other, "staff-2"), keeper.ErrActor)
	wants(t, "the doctor's", h.approve(h.doctor, "staff-2"), nil)
	h.restart(t)
	if m, err = h.walk(h.nurse, 51, 120); m != 10 || err != keeper.ErrBudget {
		t.Errorf("%d more approved, %v", m, err)
	}
	for i := range 10 {
		wants(t, fmt.Sprint("a name looked up, ", i), spend(h.Keeper, keeper.BudgetStaff, "desk-1", 1), nil)
	}
	h.restart(t)
	wants(t, "an eleventh", spend(h.Keeper, keeper.BudgetStaff, "desk-1", 1), keeper.ErrBudget)
	h.c.pass(time.Hour)
	h.restart(t)
	wants(t, "an hour later", spend(h.Keeper, keeper.BudgetStaff, "desk-1", 10), nil)
	if n, err := h.walk(h.other, 1, 120); n != 10 {
		t.Errorf("%d, %v", n, err)
	}
}
