package caretest

import (
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/keepertest"
)

// Sign lets the flow of care ask the keeper as a server does: on the server's socket,
// within its budgets, and records open for who signed alone. The first officer is
// enrolled.
func (s *Site) Sign() {
	s.Helper()
	s.Care.Keeper, s.Care.Actor, s.Care.Budget = s.Server, "serve", keeper.BudgetJob
	s.officer = &System{Site: s, ID: "officer-1", key: stafftest.EC(s.TB), browser: stafftest.EC(s.TB)}
	o := staff.Actor{ID: s.officer.ID, Facility: "dinkes-99", Role: staff.RoleOfficer, Key: s.officer.key.JWK()}
	if err := s.Keeper.Enrol(s.Context(), keeper.Enrolment{Actor: o}); err != nil {
		s.Fatal(err)
	}
}

// Erase destroys somebody's key, as two officers signed: the one of Sign, and another who is
// enrolled for it.
func (s *Site) Erase(who identity.PersonID) {
	s.Helper()
	second := &System{Site: s, ID: "officer-2", key: stafftest.EC(s.TB), browser: stafftest.EC(s.TB)}
	a := staff.Actor{ID: second.ID, Facility: "dinkes-99", Role: staff.RoleOfficer, Key: second.key.JWK()}
	if err := s.Keeper.Enrol(s.Context(), keeper.Enrolment{Actor: a, By: s.officer.ask("POST", "/v1/actors/officer-2/"+a.Digest(), "")}); err != nil {
		s.Fatal(err)
	}
	e := keepertest.Erasure(keepertest.Desk, stafftest.Hold(s, s.officer.key), stafftest.Hold(s, second.key), who)
	if _, err := s.Keeper.Erase(s.Context(), e); err != nil {
		s.Fatal(err)
	}
}

// System is somebody enrolled who signs: a facility's system, or the officer.
type System struct {
	*Site
	ID           staff.ActorID
	Facility     staff.FacilityID
	Rights       staff.Rights
	key, browser *stafftest.Signer
}

// Enrol enrols a facility's system.
func (s *Site) Enrol(id staff.ActorID, at staff.FacilityID, rights staff.Rights) *System {
	s.Helper()
	x := &System{Site: s, ID: id, Facility: at, Rights: rights, key: stafftest.Ed(s.TB)}
	a := staff.Actor{ID: id, Facility: at, Role: staff.RoleClient, Rights: rights, Key: x.key.JWK()}
	if err := s.Server.Enrol(s.Context(), keeper.Enrolment{Actor: a, By: s.officer.ask("POST", "/v1/actors/"+string(id)+"/"+a.Digest(), "")}); err != nil {
		s.Fatal(err)
	}
	return x
}

func (x *System) ask(method, path, purpose string) keeper.Ask {
	now := time.Now()
	c := stafftest.Request(method, stafftest.Origin+path, now)
	if purpose != "" {
		c["purpose"] = purpose
	}
	if x.browser == nil {
		return keeper.Ask{Proof: x.key.Proof(x.TB, c)}
	}
	return keeper.Ask{Proof: x.browser.Proof(x.TB, c), Endorsement: x.key.Endorse(x.TB, x.ID, x.browser.Thumbprint(), now.Add(time.Hour))}
}

// Get is the system with a signed request to read a path, such as /fhir/R4/Patient/1.
func (x *System) Get(path string) care.Caller { return x.get(path, "") }

// Emergency is Get that breaks the glass.
func (x *System) Emergency(path string) care.Caller {
	c := x.get(path, keeper.PurposeBreakGlass)
	c.Emergency = true
	return c
}

func (x *System) get(path, purpose string) care.Caller { return x.caller("GET", path, purpose) }

// Post is the system with a signed request to do something.
func (x *System) Post(path string) care.Caller { return x.caller("POST", path, "") }

func (x *System) caller(method, path, purpose string) care.Caller {
	return care.Caller{Actor: x.ID, Facility: x.Facility, Role: staff.RoleClient, Rights: x.Rights, Ask: x.ask(method, path, purpose)}
}
