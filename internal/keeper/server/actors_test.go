package server

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/desk"
)

// TestWhoseRequestsAreBelieved alters one thing at a time of requests that are
// otherwise good; each is tried by a system and by a person.
func TestWhoseRequestsAreBelieved(t *testing.T) {
	h := newHouse(t, durabletest.New(1), 3)
	const path = "/fhir/R4/Patient/1/$everything"
	reads := h.all(1)
	for _, m := range []*colleague{h.system, h.doctor} {
		good := m.claims("GET", path)
		says := func(name string, v any) keeper.Ask {
			c := maps.Clone(good)
			c["jti"] = "another"
			c[name] = v
			return m.sign(c)
		}
		now := h.c.now().Unix()
		for _, tc := range []struct {
			name string
			ask  keeper.Ask
			want error
		}{
			{"another method", says("htm", "POST"), keeper.ErrActor},
			{"another host", says("htu", "https://sandbox.example"+path), keeper.ErrActor},
			{"another scheme", says("htu", "http://amanah.example"+path), keeper.ErrActor},
			{"another person", says("htu", stafftest.Origin+"/fhir/R4/Patient/2"), keeper.ErrActor},
			{"a record of another's", says("htu", stafftest.Origin+"/fhir/R4/Observation/2-65536"), keeper.ErrActor},
			{"one record, and all are read", says("htu", stafftest.Origin+"/fhir/R4/Observation/1-65536"), keeper.ErrActor},
			{"nobody", says("htu", stafftest.Origin+"/v1/venues/1"), keeper.ErrActor},
			{"an unknown purpose", says("purpose", "research"), keeper.ErrActor},
			{"too old", says("iat", now-301), keeper.ErrActor},
			{"of the future", says("iat", now+301), keeper.ErrActor},
			{"no proof", keeper.Ask{}, keeper.ErrActor},
			{"an access token", keeper.Ask{Proof: m.own.JWS(t, map[string]any{"typ": "at+jwt", "alg": "EdDSA"}, good)}, keeper.ErrActor},
			{"somebody not enrolled", keeper.Ask{Proof: stafftest.Ed(t).Proof(t, good)}, keeper.ErrActor},
			{"as old as may be", says("iat", now-300), nil},
			{"as new as may be, used already", says("iat", now+300), keeper.ErrUsed},
		} {
			receipt, out, err := h.OpenRecords(tc.ask, reads)
			wants(t, string(m.ID)+", "+tc.name, err, tc.want)
			if err != nil && (out != nil || receipt != keeper.Receipt{}) {
				t.Errorf("%s: keys came with the refusal", tc.name)
			}
		}
	}
}

// TestHowRecordsStandGoesWithEach: whoever may open a record learns whether the
// person's are restricted.
func TestHowRecordsStandGoesWithEach(t *testing.T) {
	h := newHouse(t, durabletest.New(1), 1)
	out, err := h.WriteRecords([]keeper.Enter{{Person: 1, Have: h.have, Records: []keeper.Record{keeper.Record(record.Standing)}}})
	if err != nil || out[0].Err != nil {
		t.Fatal(err, out[0].Err)
	}
	have := with(h.have, []keeper.Record{keeper.Record(record.Standing)}, out[0].Version)
	one, stand := keeper.Version{Record: keeper.FirstRecord, Version: 1}, keeper.Version{Record: keeper.Record(record.Standing), Version: out[0].Version}
	for _, tc := range []struct {
		want keeper.Version
		err  error
	}{{stand, nil}, {h.have[1], keeper.ErrActor}} {
		_, _, err := h.OpenRecords(h.doctor.ask("GET", "/fhir/R4/Observation/1-65536"), []keeper.Read{{Person: 1, Have: have, Want: []keeper.Version{one, tc.want}}})
		wants(t, "one record and another", err, tc.err)
	}
}

func TestEndorsementsAreOfOnesOwn(t *testing.T) {
	h := newHouse(t, durabletest.New(1), 1)
	d, now := h.doctor, h.c.now()
	end := func(by time.Duration) []byte { return d.own.Endorse(t, d.ID, d.browser.Thumbprint(), now.Add(by)) }
	for name, tc := range map[string]struct {
		by   *stafftest.Signer
		with []byte
		want error
	}{
		"none":                              {d.browser, nil, keeper.ErrActor},
		"the passkey's own key":             {d.own, nil, keeper.ErrActor},
		"a nurse's":                         {d.browser, h.nurse.endorsed, keeper.ErrActor},
		"signed by a nurse for the doctor":  {d.browser, h.nurse.own.Endorse(t, d.ID, d.browser.Thumbprint(), now.Add(time.Hour)), keeper.ErrActor},
		"in a system's name":                {d.browser, d.own.Endorse(t, "client-1", d.browser.Thumbprint(), now.Add(time.Hour)), keeper.ErrActor},
		"in nobody's name":                  {d.browser, d.own.Endorse(t, "staff-3", d.browser.Thumbprint(), now.Add(time.Hour)), keeper.ErrActor},
		"of another site":                   {d.browser, d.own.Assert(t, d.ID, d.browser.Thumbprint(), now.Add(time.Hour), "https://phish.example", 5).Encode(), keeper.ErrActor},
		"nobody verified":                   {d.browser, d.own.Assert(t, d.ID, d.browser.Thumbprint(), now.Add(time.Hour), stafftest.Origin, 1).Encode(), keeper.ErrActor},
		"for another browser":               {stafftest.EC(t), d.endorsed, keeper.ErrActor},
		"cut short":                         {d.browser, d.endorsed[:len(d.endorsed)-1], keeper.ErrActor},
		"over":                              {d.browser, end(0), keeper.ErrActor},
		"for longer than a shift":           {d.browser, end(staff.MaxEndorsed + time.Second), keeper.ErrActor},
		"a moment left":                     {d.browser, end(time.Second), nil},
		"a whole shift, by another browser": {h.nurse.browser, d.own.Endorse(t, d.ID, h.nurse.browser.Thumbprint(), now.Add(staff.MaxEndorsed)), nil},
	} {
		ask := keeper.Ask{Proof: tc.by.Proof(t, d.claims("GET", patient(1))), Endorsement: tc.with}
		_, _, err := h.OpenRecords(ask, h.all(1))
		wants(t, name, err, tc.want)
	}
	h.c.pass(staff.MaxEndorsed)
	wants(t, "after the shift", h.open(d, 1), keeper.ErrActor)
	d.signIn()
	wants(t, "signed in again", h.open(d, 1), nil)
}

func TestWithoutAnOriginNobodyIsBelieved(t *testing.T) {
	c := newClock()
	opt := options(durabletest.New(1), c)
	opt.Origin = ""
	k, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	o := newColleague(t, c, "officer-1", "dinas", staff.RoleOfficer)
	wants(t, "the first officer", k.Enrol(keeper.RoleAdmin, keeper.Enrolment{Actor: o.Actor}), nil)
	for _, origin := range []string{stafftest.Origin, "", "https://"} {
		o.signsFrom = origin
		wants(t, "signed for "+origin, k.Enrol(keeper.RoleAdmin, o.enrols(newColleague(t, c, "officer-2", "dinas", staff.RoleOfficer).Actor)), keeper.ErrActor)
	}
}

// TestASignedRequestIsTakenOnce, for whatever it asks, over a restart too; and is not taken
// when nothing came of it.
func TestASignedRequestIsTakenOnce(t *testing.T) {
	h := newHouse(t, durabletest.New(1), 2)
	opens := h.doctor.ask("GET", patient(1))
	_, out, err := h.OpenRecords(opens, []keeper.Read{{Person: 1, Have: h.have[1:], Want: h.have[1:]}})
	if err != nil || out[0].Err != keeper.ErrHead {
		t.Fatalf("a list that is not the head: %v %v", err, out)
	}
	until := h.c.today().Add(3)
	relates := h.system.ask("POST", "/v1/Patient/1/relation/"+until.String())
	approves := h.nurse.ask("POST", "/v1/actors/staff-1/approval")
	a := newColleague(t, h.c, "staff-3", "rs-99-001", staff.RoleClinician)
	enrols := h.officer.enrols(a.Actor)
	calls := map[string]func() error{
		"open": func() error { _, _, err := h.OpenRecords(opens, h.all(1)); return err },
		"relate": func() error {
			return h.Relate(relates, keeper.Relation{Person: 1, Facility: "rs-99-001", Until: until.Add(1).Start()})
		},
		"approve": func() error { return h.Approve(approves) },
		"enrol":   func() error { return h.Enrol(keeper.RoleServe, enrols) },
	}
	for round, want := range []error{nil, keeper.ErrUsed, keeper.ErrUsed} {
		for name, call := range calls {
			wants(t, name, call(), want)
		}
		if round == 1 {
			h.restart(t)
		}
	}
	h.c.pass(2 * desk.AskLife)
	for name, call := range calls {
		wants(t, name+", long after", call(), keeper.ErrActor)
	}
}

func TestEnrolmentsLast(t *testing.T) {
	d := durabletest.New(1)
	h := newHouse(t, d, 1)
	third := newColleague(t, h.c, "officer-3", "dinas", staff.RoleOfficer)
	wants(t, "a third officer by one", h.Enrol(keeper.RoleServe, h.officer.enrols(third.Actor)), keeper.ErrSecond)
	h.restart(t)
	wants(t, "by the same one", h.Enrol(keeper.RoleServe, h.officer.enrols(third.Actor)), keeper.ErrSecond)
	wants(t, "by the other", h.Enrol(keeper.RoleServe, h.second.enrols(third.Actor)), nil)
	over := h.doctor.Actor
	over.Ended = h.c.now()
	wants(t, "a doctor's end, signed by a nurse", h.Enrol(keeper.RoleServe, h.nurse.enrols(over)), keeper.ErrActor)
	changed := h.officer.enrols(over)
	changed.Actor.ID = "staff-2"
	changed.Actor.Key = h.nurse.Key
	wants(t, "another's end than was signed", h.Enrol(keeper.RoleServe, changed), keeper.ErrActor)
	wants(t, "before the end", h.open(h.doctor, 1), nil)
	wants(t, "the doctor's end", h.Enrol(keeper.RoleServe, h.officer.enrols(over)), nil)
	for range 2 {
		wants(t, "the doctor", h.open(h.doctor, 1), keeper.ErrActor)
		wants(t, "the nurse", h.open(h.nurse, 1), nil)
		all, err := h.Actors()
		ended := slices.DeleteFunc(slices.Clone(all), func(a staff.Actor) bool { return a.Ended.IsZero() })
		if err != nil || len(all) != 7 || len(ended) != 1 || ended[0].ID != "staff-1" {
			t.Errorf("%d actors, ended %+v, %v", len(all), ended, err)
		}
		h.restart(t)
	}
}

func TestRelationsAreTheFacilitysOwnWord(t *testing.T) {
	h := newHouse(t, durabletest.New(1), 30)
	until := h.c.today().Add(3)
	good := keeper.Relation{Person: 1, Facility: "rs-99-001", Until: until.Add(1).Start()}
	path := "/v1/Patient/1/relation/" + until.String()
	for name, tc := range map[string]struct {
		ask   keeper.Ask
		alter func(*keeper.Relation)
		want  error
	}{
		"by a clinician":       {h.doctor.ask("POST", path), nil, keeper.ErrActor},
		"another facility":     {h.system.ask("POST", path), func(r *keeper.Relation) { r.Facility = "rs-99-002" }, keeper.ErrActor},
		"another person":       {h.system.ask("POST", path), func(r *keeper.Relation) { r.Person = 2 }, keeper.ErrActor},
		"a day longer":         {h.system.ask("POST", path), func(r *keeper.Relation) { r.Until = r.Until.Add(24 * time.Hour) }, keeper.ErrActor},
		"a request to read":    {h.system.ask("GET", path), nil, keeper.ErrActor},
		"no such path":         {h.system.ask("POST", "/fhir/R4/Patient/1"), nil, keeper.ErrActor},
		"somebody not there":   {h.system.ask("POST", "/v1/Patient/99/relation/"+until.String()), func(r *keeper.Relation) { r.Person = 99 }, keeper.ErrPerson},
		"as it was signed for": {h.system.ask("POST", path), nil, nil},
	} {
		r := good
		if tc.alter != nil {
			tc.alter(&r)
		}
		wants(t, name, h.Relate(tc.ask, r), tc.want)
	}
	for p := identity.PersonID(1); p <= 30; p++ {
		wants(t, "relate", h.relate(p, 3), nil)
	}
	for range 2 {
		if n, err := h.walk(h.doctor, 1, 30); n != 30 {
			t.Errorf("%d patients, %v", n, err)
		}
		if n, err := h.walk(h.other, 1, 30); n != 10 {
			t.Errorf("%d people of another facility's, %v", n, err)
		}
		h.restart(t)
		h.c.pass(time.Hour)
	}
}

func TestTheDeskOverTheSocket(t *testing.T) {
	h := newHouse(t, durabletest.New(1), 2)
	s := serveOn(t, h.Keeper, h.c, t.TempDir(), true)
	h.served = true
	ctx := t.Context()
	a := newColleague(t, h.c, "staff-3", "rs-99-001", staff.RoleClinician)
	wants(t, "the first officer, by the server", s.serve.Enrol(ctx, keeper.Enrolment{Actor: h.officer.Actor}), keeper.ErrRole)
	wants(t, "enrol", s.serve.Enrol(ctx, h.officer.enrols(a.Actor)), nil)
	all, err := s.serve.Actors(ctx)
	if err != nil || len(all) != 7 || all[5].ID != "staff-3" || !slices.Equal(all[5].Key, a.Key) || !all[5].Since.Equal(h.c.now()) {
		t.Errorf("actors %+v, %v", all, err)
	}
	until := h.c.today().Add(1)
	wants(t, "relate", s.serve.Relate(ctx, h.system.ask("POST", "/v1/Patient/2/relation/"+until.String()),
		keeper.Relation{Person: 2, Facility: "rs-99-001", Until: until.Add(1).Start()}), nil)
	wants(t, "approve", s.serve.Approve(ctx, a.ask("POST", "/v1/actors/staff-1/approval")), nil)
	receipt, out, err := s.serve.OpenRecords(ctx, a.emergency(patient(2)), append(h.all(2), keeper.Read{Person: 2, Have: person1()[:0]}))
	if err != nil || !receipt.Loud || !receipt.Holds(logPublic(h.Keeper)) || len(out) != 2 || len(out[0].Keys) != 2 || out[1].Err != keeper.ErrHead {
		t.Errorf("open: %+v %+v %v", receipt, out, err)
	}
	_, _, err = s.serve.OpenRecords(ctx, keeper.Ask{}, h.all(2))
	wants(t, "open by nobody", err, keeper.ErrActor)
}
