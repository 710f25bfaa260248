package server

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/format/jose"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

// officerKeys are the passkeys of officer-1 and officer-2 in all keepers of these tests
// that are no house.
var officerKeys struct {
	once     sync.Once
	one, two *stafftest.Signer
}

// office are two officers whom the keeper knows, enrolled now if they are not yet.
func office(t testing.TB, k *Keeper) (one, two *colleague) {
	t.Helper()
	o := &officerKeys
	o.once.Do(func() { o.one, o.two = stafftest.EC(t), stafftest.EC(t) })
	c := &clock{}
	c.at.Store(k.now().UnixNano())
	one, two = newColleague(t, c, "officer-1", "dinas", staff.RoleOfficer), newColleague(t, c, "officer-2", "dinas", staff.RoleOfficer)
	for m, key := range map[*colleague]*stafftest.Signer{one: o.one, two: o.two} {
		m.own, m.Key = key, key.JWK()
		m.signIn()
	}
	if _, _, err := k.Named(two.ID); err == nil {
		return one, two
	}
	if err := errors.Join(k.Enrol(keeper.RoleAdmin, keeper.Enrolment{Actor: one.Actor}), k.Enrol(keeper.RoleAdmin, one.enrols(two.Actor))); err != nil {
		t.Fatal(err)
	}
	return one, two
}

// erasing is an erasure of somebody that one officer asks for and both sign.
func erasing(t testing.TB, one, two *colleague, p identity.PersonID) keeper.Erase {
	t.Helper()
	now := one.c.now().Truncate(time.Second)
	e := keeper.Erase{Request: staff.Request{
		Kind: staff.AskErase, By: one.ID, Place: one.Facility, Purpose: "letter 12", Asked: now, Until: now.Add(time.Hour),
		Body: staff.Erasure{Person: p, Reason: "asked"}.Body(),
	}}
	e.Approvals = []staff.Approval{signs(t, one, e), signs(t, two, e)}
	return e
}

func signs(t testing.TB, by *colleague, e keeper.Erase) staff.Approval {
	t.Helper()
	return stafftest.Hold(t, by.own).Approve(exportSite, by.ID, e.Request.ID(), by.c.now())
}

func erase(t testing.TB, k *Keeper, p identity.PersonID) keeper.Erased {
	t.Helper()
	one, two := office(t, k)
	c, err := k.Erase(keeper.RoleAdmin, erasing(t, one, two, p))
	if err != nil {
		t.Fatalf("erase: %v", err)
	}
	return c
}

// opening is everything that may be asked of a person, by name.
func opening(t *testing.T, k *Keeper, row status.SealedColour, note []byte, event keeper.SealedEvent) map[string]error {
	t.Helper()
	out := map[string]error{}
	got, err := read(k, 1, person1())
	out["a read"] = errors.Join(err, got.Err)
	_, out["a write"] = write(k, 1, keeper.RecordEvidence, person1())
	entered, err := k.WriteRecords([]keeper.Enter{{Person: 1, Records: []keeper.Record{keeper.FirstRecord}}})
	if err == nil {
		err = entered[0].Err
	}
	out["a health record"] = err
	_, out["a colour"] = k.PutColours([]keeper.Decided{{Person: 1, Timeline: timeline(2)}})
	_, out["a note sealed"] = k.people.SealNotes([]keeper.Note{{Person: 1, Text: []byte("x")}})
	_, out["a note opened"] = k.OpenNotes(keeper.RoleAdmin, importer(), []keeper.Note{{Person: 1, Text: note}})
	_, out["an event"] = k.OpenEvents(importerOf(keeper.BudgetSelf), day.Of(k.now()), []keeper.SealedEvent{event})
	_, out["names of days"] = k.Pseudonyms(1, []day.Day{day.Of(k.now())})
	out["at the gate"] = nil
	if ask(t, k, openGate(t, k), row).Outcome == keeper.GateAbsent {
		out["at the gate"] = keeper.ErrErased // as for somebody of whom nothing is known
	}
	return out
}

func TestNothingOfTheErasedOpens(t *testing.T) {
	c, d := newClock(), durabletest.New(1)
	k := start(t, d, c)
	defer func() { k.Close() }()
	register(t, k, 2)
	row, other := colour(t, k, 1, 1), colour(t, k, 2, 2)
	note, err := k.people.SealNotes([]keeper.Note{{Person: 1, Text: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := k.Gate(keeper.RoleServe, openGate(t, k), []keeper.GateItem{{Event: [16]byte{3}, Colour: row, Asks: true, Instant: k.now()}})
	if err != nil {
		t.Fatal(err)
	}
	event := keeper.SealedEvent{ID: [16]byte{3}, Sealed: r.Leaf.Events[0].Sealed}
	hash := personHash(keyNow(t, k, 1))
	cert := erase(t, k, 1)
	if cert.Person != 1 || cert.KeyHash != hash || cert.Reason != "asked" || !cert.At.Equal(c.now()) || !cert.Holds(logPublic(k)) {
		t.Errorf("certificate %+v", cert)
	}
	if want := wrapKeyOf(t, k).Made.Add(wrapLife + tendLate); !cert.Unreadable.Equal(want) {
		t.Errorf("unreadable from %s, want %s", cert.Unreadable, want)
	}
	for range 2 { // before a restart and after it
		for what, err := range opening(t, k, row, note[0], event) {
			wants(t, what, err, keeper.ErrErased)
		}
		_, err := k.Pseudonyms(1, make([]day.Day, 401))
		wants(t, "names of more days than may be asked for", err, keeper.ErrErased)
		if v, err := k.people.ColourVersions(personIDs(1, 2)); err != nil || v[0] != 0 || v[1] != 1 {
			t.Errorf("colours' versions %v %v", v, err)
		}
		if err := k.people.Settle([]keeper.Settled{{Person: 1, Version: 1}}); err != nil {
			t.Errorf("settling what is too late: %v", err)
		}
		if got := ask(t, k, openGate(t, k), other); got.Outcome != keeper.GateOpened {
			t.Errorf("somebody else's colour: %d", got.Outcome)
		}
		again := erase(t, k, 1)
		all, err := k.people.Erasures()
		if again != cert || err != nil || len(all) != 1 || all[0] != cert {
			t.Errorf("asked again: %+v, listed %+v %v", again, all, err)
		}
		k = restart(t, k, c)
	}
	if p := register(t, k, 1); p[0].ID != 3 {
		t.Errorf("a new person got number %d", p[0].ID)
	}
}

// TestTheControlOfErasing shows that each of those openings works for the living.
func TestTheControlOfErasing(t *testing.T) {
	k, _ := fresh(t, 1)
	row := colour(t, k, 1, 1)
	note, err := k.people.SealNotes([]keeper.Note{{Person: 1, Text: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := k.Gate(keeper.RoleServe, openGate(t, k), []keeper.GateItem{{Event: [16]byte{3}, Colour: row, Asks: true, Instant: k.now()}})
	if err != nil {
		t.Fatal(err)
	}
	for what, err := range opening(t, k, row, note[0], keeper.SealedEvent{ID: [16]byte{3}, Sealed: r.Leaf.Events[0].Sealed}) {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestErasuresNobodyApproved: whoever holds the server, or the operator's socket too,
// destroys nobody's key without two officers' passkeys over that very person. Everything
// right but one thing; the good one is a control, and a keeper that believes whatever
// signature, made for this test, is the other.
func TestErasuresNobodyApproved(t *testing.T) {
	h := newHouse(t, durabletest.New(1), 3)
	third := newColleague(t, h.c, "officer-3", "dinas", staff.RoleOfficer)
	wants(t, "a third officer", h.Enrol(keeper.RoleAdmin, h.officer.enrols(third.Actor)), keeper.ErrSecond)
	wants(t, "and again", h.Enrol(keeper.RoleAdmin, h.second.enrols(third.Actor)), nil)
	good := erasing(t, h.officer, h.second, 1)
	forged := signs(t, h.second, good)
	forged.Signature = slices.Clone(forged.Signature)
	forged.Signature[len(forged.Signature)-1] ^= 1
	named := signs(t, h.officer, good)
	named.Actor = h.second.ID
	export := h.export(t, 1)
	attacks := map[string]func(e *keeper.Erase){
		"nobody signed":           func(e *keeper.Erase) { e.Approvals = nil },
		"who asked alone":         func(e *keeper.Erase) { e.Approvals = e.Approvals[:1] },
		"who asked, twice":        func(e *keeper.Erase) { e.Approvals[1] = signs(t, h.officer, good) },
		"not who asked":           func(e *keeper.Erase) { e.Approvals[0] = signs(t, third, good) },
		"under another's name":    func(e *keeper.Erase) { e.Approvals[1] = named },
		"a forged signature":      func(e *keeper.Erase) { e.Approvals[1] = forged },
		"a clinician approved":    func(e *keeper.Erase) { e.Approvals[1] = signs(t, h.doctor, good) },
		"of somebody else":        func(e *keeper.Erase) { e.Request.Body = staff.Erasure{Person: 2, Reason: "asked"}.Body() },
		"for another reason":      func(e *keeper.Erase) { e.Request.Body = staff.Erasure{Person: 1, Reason: "other"}.Body() },
		"for another purpose":     func(e *keeper.Erase) { e.Request.Purpose = "letter 13" },
		"asked by another":        func(e *keeper.Erase) { e.Request.By = third.ID },
		"asked by nobody":         func(e *keeper.Erase) { e.Request.By = "" },
		"for longer":              func(e *keeper.Erase) { e.Request.Until = e.Request.Until.Add(time.Hour) },
		"an elevation":            func(e *keeper.Erase) { e.Request.Kind = staff.AskElevate },
		"an export that two sign": func(e *keeper.Erase) { e.Request, e.Approvals = export.Request, export.Approvals },
		"of another installation": func(e *keeper.Erase) {
			e.Approvals[1] = stafftest.Hold(t, h.second.own).Approve(staff.Site{ID: "evil.example", Origin: "https://evil.example"}, h.second.ID, good.Request.ID(), h.c.now())
		},
	}
	for name, change := range attacks {
		e := good
		e.Approvals = slices.Clone(good.Approvals)
		change(&e)
		_, err := h.Erase(keeper.RoleAdmin, e)
		wants(t, name, err, keeper.ErrErase)
	}
	_, err := h.Erase(keeper.RoleServe, good)
	wants(t, "the server, with all that is true", err, keeper.ErrRole)
	for _, p := range personIDs(4, 1<<40) {
		_, err := h.Erase(keeper.RoleAdmin, erasing(t, h.officer, h.second, p))
		wants(t, "a stranger", err, keeper.ErrPerson)
	}
	if n := len(records(h.Keeper, journal.KindErase)); n != 0 || h.open(h.doctor, 1) != nil {
		t.Fatalf("%d refused erasures are in the journal, and %v", n, h.open(h.doctor, 1))
	}
	if _, err := h.Erase(keeper.RoleAdmin, good); err != nil || !errors.Is(h.open(h.doctor, 1), keeper.ErrErased) {
		t.Errorf("as approved: %v", err)
	}
	late := erasing(t, h.officer, h.second, 2)
	h.c.pass(time.Hour)
	_, err = h.Erase(keeper.RoleAdmin, late)
	wants(t, "when it is over", err, keeper.ErrErase)
	h.believes = func(staff.Approval, staff.Site, jose.Key) error { return nil }
	unsigned := erasing(t, h.officer, h.second, 3)
	for i := range unsigned.Approvals {
		unsigned.Approvals[i].Assertion = staff.Assertion{}
	}
	if _, err := h.Erase(keeper.RoleAdmin, unsigned); err != nil {
		t.Errorf("the control: a keeper that looks at no signature erases nobody either: %v", err)
	}
}

// TestAnErasureIsSignedByWhoIsEnrolled: an officer who ended approves nothing any more.
func TestAnErasureIsSignedByWhoIsEnrolled(t *testing.T) {
	h := newHouse(t, durabletest.New(1), 1)
	e := erasing(t, h.officer, h.second, 1)
	gone := h.second.Actor
	gone.Ended = h.c.now()
	wants(t, "end", h.Enrol(keeper.RoleAdmin, h.officer.enrols(gone)), nil)
	_, err := h.Erase(keeper.RoleAdmin, e)
	wants(t, "one has ended", err, keeper.ErrErase)
}

func TestErasureCertificatesHoldForWhatTheySay(t *testing.T) {
	k, _ := fresh(t, 1)
	cert := erase(t, k, 1)
	for n, alter := range []func(*keeper.Erased){
		func(c *keeper.Erased) { c.Person++ },
		func(c *keeper.Erased) { c.Reason = "other" },
		func(c *keeper.Erased) { c.At = c.At.Add(time.Second) },
		func(c *keeper.Erased) { c.Unreadable = c.Unreadable.Add(time.Second) },
		func(c *keeper.Erased) { c.KeyHash[0] ^= 1 },
		func(c *keeper.Erased) { c.Seq++ },
		func(c *keeper.Erased) { c.Signature[63] ^= 1 },
	} {
		altered := cert
		if alter(&altered); altered.Holds(logPublic(k)) {
			t.Errorf("altered field %d: the certificate holds", n)
		}
	}
}

// TestNoErasureIsCertifiedBeforeEveryFileIsRid: each call of an erasure fails, in
// four ways. Whoever has a certificate finds no wrap on the disk; who was not told
// asks again and is.
func TestNoErasureIsCertifiedBeforeEveryFileIsRid(t *testing.T) {
	failed := 0
	for n := 1; ; n++ {
		done := false
		for mode := range 4 {
			c, d := newClock(), durabletest.New(uint64(n))
			k := start(t, d, c)
			register(t, k, 2)
			key := keyNow(t, k, 1)
			cred := options(d, c).Credential
			one, two := office(t, k)
			asked := erasing(t, one, two, 1)
			d.Fail(durabletest.Failure{N: n, Effect: mode&1 == 1, Stop: mode&2 == 2})
			cert, err := k.Erase(keeper.RoleAdmin, asked)
			if done = err == nil; !done {
				failed++
				wants(t, fmt.Sprint("call ", n), err, keeper.ErrUnavailable)
			}
			if done != (cert != keeper.Erased{}) {
				t.Errorf("call %d mode %d: %v with certificate %+v", n, mode, err, cert)
			}
			cut(d, k)
			k = start(t, d, c)
			all, err := k.people.Erasures()
			if err != nil || done && (len(all) != 1 || all[0] != cert) {
				t.Errorf("call %d mode %d: certificates %+v %v", n, mode, all, err)
			}
			held := thief(t, files(t, d, ""), files(t, d, ""), cred, 1, key)
			if gone := len(all) == 1; gone != (len(held) == 0) {
				t.Errorf("call %d mode %d: certified %v, the key is in %v", n, mode, gone, held)
			}
			erase(t, k, 1)
			if held := thief(t, files(t, d, ""), files(t, d, ""), cred, 1, key); len(held) != 0 {
				t.Errorf("call %d mode %d, asked again: the key is in %v", n, mode, held)
			}
			k.Close()
		}
		if done {
			break
		}
	}
	if failed < 24 {
		t.Errorf("only %d calls failed: an erasure journals, writes, syncs, names and syncs the folder", failed)
	}
}
