package server

import (
	"fmt"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/keeper"
)

// colleague is somebody who signs: a system by its own key, a person by a browser's
// that their passkey endorses.
type colleague struct {
	staff.Actor
	t         testing.TB
	own       *stafftest.Signer // enrolled
	browser   *stafftest.Signer // nil of a system
	endorsed  []byte
	c         *clock
	signsFrom string // origin
}

func newColleague(t testing.TB, c *clock, id staff.ActorID, f staff.FacilityID, role staff.Role) *colleague {
	t.Helper()
	m := &colleague{Actor: staff.Actor{ID: id, Facility: f, Role: role, Rights: staff.View | staff.Enter}, t: t, c: c, signsFrom: stafftest.Origin}
	switch role {
	case staff.RoleClient:
		m.own = stafftest.Ed(t)
	case staff.RoleOfficer:
		m.Rights = 0
		fallthrough
	default:
		m.own, m.browser = stafftest.EC(t), stafftest.EC(t)
		m.signIn()
	}
	m.Key = m.own.JWK()
	return m
}

// signIn endorses the browser's key for a shift from now.
func (m *colleague) signIn() {
	m.endorsed = m.own.Endorse(m.t, m.ID, m.browser.Thumbprint(), m.c.now().Add(staff.MaxEndorsed))
}

func (m *colleague) claims(method, path string) stafftest.Claims {
	return stafftest.Request(method, m.signsFrom+path, m.c.now())
}

// ask signs a request.
func (m *colleague) ask(method, path string) keeper.Ask { return m.sign(m.claims(method, path)) }

func (m *colleague) emergency(path string) keeper.Ask {
	c := m.claims("GET", path)
	c["purpose"] = keeper.PurposeBreakGlass
	return m.sign(c)
}

func (m *colleague) sign(c stafftest.Claims) keeper.Ask {
	m.t.Helper()
	if m.browser == nil {
		return keeper.Ask{Proof: m.own.Proof(m.t, c)}
	}
	return keeper.Ask{Proof: m.browser.Proof(m.t, c), Endorsement: m.endorsed}
}

func (m *colleague) enrols(a staff.Actor) keeper.Enrolment {
	return keeper.Enrolment{Actor: a, By: m.ask("POST", "/v1/actors/"+string(a.ID)+"/"+a.Digest())}
}

// house is a keeper with people who have records, and those who work with them.
type house struct {
	*Keeper
	c                    *clock
	have                 []keeper.Version // of each person's records
	officer, second      *colleague
	doctor, nurse, other *colleague // the other one at another facility
	system               *colleague
	served               bool // and closed by whoever serves it
}

func newHouse(t testing.TB, d durable.FS, people int) *house {
	t.Helper()
	c := newClock()
	k, err := Open(options(d, c))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{Keeper: k, c: c}
	t.Cleanup(func() {
		if !h.served {
			h.Close()
		}
	})
	h.officer = newColleague(t, c, "officer-1", "dinas", staff.RoleOfficer)
	h.second = newColleague(t, c, "officer-2", "dinas", staff.RoleOfficer)
	h.doctor = newColleague(t, c, "staff-1", "rs-99-001", staff.RoleClinician)
	h.nurse = newColleague(t, c, "staff-2", "rs-99-001", staff.RoleClinician)
	h.other = newColleague(t, c, "staff-9", "rs-99-002", staff.RoleClinician)
	h.system = newColleague(t, c, "client-1", "rs-99-001", staff.RoleClient)
	wants(t, "the first officer", k.Enrol(keeper.RoleAdmin, keeper.Enrolment{Actor: h.officer.Actor}), nil)
	wants(t, "the second", k.Enrol(keeper.RoleAdmin, h.officer.enrols(h.second.Actor)), nil)
	for _, m := range []*colleague{h.doctor, h.nurse, h.other, h.system} {
		wants(t, string(m.ID), k.Enrol(keeper.RoleServe, h.officer.enrols(m.Actor)), nil)
	}
	register(t, k, people)
	h.have = with(nil, []keeper.Record{keeper.FirstRecord, keeper.FirstRecord + 2}, 1)
	var enters []keeper.Enter
	var settled []keeper.Settled
	for p := range people {
		id := identity.PersonID(p + 1)
		enters, settled = append(enters, enter(id, nil, keeper.FirstRecord, keeper.FirstRecord+2)), append(settled, keeper.Settled{Person: id, Version: 1})
	}
	if _, err := k.WriteRecords(enters); err != nil {
		t.Fatal(err)
	}
	if err := k.people.SettleRecords(settled); err != nil {
		t.Fatal(err)
	}
	return h
}

// restart opens the house's keeper anew.
func (h *house) restart(t testing.TB) {
	t.Helper()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	k, err := Open(options(h.disk, h.c))
	if err != nil {
		t.Fatal(err)
	}
	h.Keeper = k
}

func patient(p identity.PersonID) string { return fmt.Sprint("/fhir/R4/Patient/", p, "/$everything") }

// all reads all of a person's records.
func (h *house) all(p identity.PersonID) []keeper.Read {
	return []keeper.Read{{Person: p, Have: h.have, Want: h.have}}
}

// open opens all of a person's records for somebody.
func (h *house) open(m *colleague, p identity.PersonID) error {
	_, out, err := h.OpenRecords(m.ask("GET", patient(p)), h.all(p))
	if err == nil {
		err = out[0].Err
	}
	return err
}

func (h *house) relate(p identity.PersonID, days int) error {
	until := h.c.today().Add(days)
	path := fmt.Sprint("/v1/Patient/", p, "/relation/", until)
	return h.Relate(h.system.ask("POST", path), keeper.Relation{Person: p, Facility: "rs-99-001", Until: until.Add(1).Start()})
}

func (h *house) approve(by *colleague, id staff.ActorID) error {
	return h.Approve(by.ask("POST", "/v1/actors/"+string(id)+"/approval"))
}

// walk opens one person after the other until it is refused.
func (h *house) walk(m *colleague, from, to identity.PersonID) (opened int, err error) {
	for p := from; p <= to; p++ {
		if err := h.open(m, p); err != nil {
			return opened, err
		}
		opened++
		h.c.pass(time.Second)
	}
	return opened, nil
}
