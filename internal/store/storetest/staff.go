package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/store"
)

// clinician is the n-th member of staff.
func clinician(n int) staff.Member {
	id := staff.ActorID("staff-" + string(rune('a'+n)))
	return staff.Member{
		Actor:      staff.Actor{ID: id, Facility: "rs-99-001", Role: staff.RoleClinician, Rights: staff.View | staff.Enter, Key: sealed(n, 100)},
		Credential: sealed(n+50, 32), Registered: at(n),
	}
}

func testFacilities(t *testing.T, db store.DB) {
	a := staff.Facility{ID: "rs-99-001", Name: "RS Uji", Since: at(1)}
	b := staff.Facility{ID: "lab-99-002", Name: "Lab Uji", Since: at(2)}
	update(t, db, func(s store.Stores) error {
		return errors.Join(s.Staff.PutFacility(a), s.Staff.PutFacility(b))
	})
	a.Name, a.Ended = "RS Uji Baru", at(9)
	update(t, db, func(s store.Stores) error { return s.Staff.PutFacility(a) })
	view(t, db, func(s store.Stores) error {
		got, err := s.Staff.Facilities()
		same(t, "by name", got, []staff.Facility{b, a})
		return err
	})
}

func testMembers(t *testing.T, db store.DB) {
	b, a, system := clinician(1), clinician(0), clinician(2)
	system.Credential, system.Role = nil, staff.RoleClient
	other := system
	other.ID = "client-z"
	update(t, db, func(s store.Stores) error {
		return errors.Join(s.Staff.Put(b), s.Staff.Put(a), s.Staff.Put(system), s.Staff.Put(other))
	})
	thief := clinician(3)
	thief.Credential = a.Credential
	wantErr(t, db, staff.ErrKnown, func(s store.Stores) error { return s.Staff.Put(thief) })
	a.Since, a.Ended = at(5), at(9)
	old := b.Credential
	b.Credential = sealed(99, 40) // another passkey
	update(t, db, func(s store.Stores) error { return errors.Join(s.Staff.Put(a), s.Staff.Put(b)) })
	view(t, db, func(s store.Stores) error {
		all, err1 := s.Staff.All()
		same(t, "all", all, []staff.Member{other, a, b, system})
		got, err2 := s.Staff.Get(a.ID)
		same(t, "one", got, a)
		nobody, err3 := s.Staff.Get("nobody")
		same(t, "unknown", nobody, staff.Member{})
		whose, err4 := s.Staff.ByCredential(b.Credential)
		same(t, "by passkey", whose, b)
		gone, err5 := s.Staff.ByCredential(old)
		same(t, "by the passkey before", gone, staff.Member{})
		none, err6 := s.Staff.ByCredential(nil)
		same(t, "by none", none, staff.Member{})
		return errors.Join(err1, err2, err3, err4, err5, err6)
	})
}

func testInvitations(t *testing.T, db store.DB) {
	invited := func(n int) staff.Invitation {
		return staff.Invitation{
			Code: id32(n), Actor: "staff-a", Facility: "rs-99-001", Role: staff.RoleOfficer, By: "officer-1", Made: at(n), Until: at(n + 100),
		}
	}
	one, two := invited(1), invited(2)
	two.Actor = "staff-b"
	update(t, db, func(s store.Stores) error { return errors.Join(s.Invitations.Put(one), s.Invitations.Put(two)) })
	one.Challenge, one.Used, one.Until = id32(7), at(3), at(300)
	update(t, db, func(s store.Stores) error { return s.Invitations.Put(one) })
	view(t, db, func(s store.Stores) error {
		got, err1 := s.Invitations.Get(id32(1))
		same(t, "used", got, one)
		none, err2 := s.Invitations.Get(id32(9))
		same(t, "unknown", none, staff.Invitation{})
		of, err3 := s.Invitations.Of("staff-b")
		same(t, "of a name", of, []staff.Invitation{two})
		return errors.Join(err1, err2, err3)
	})
	update(t, db, func(s store.Stores) error {
		n, err := s.Invitations.Forget(at(200), 10)
		same(t, "forgotten", n, 1)
		return err
	})
	view(t, db, func(s store.Stores) error {
		none, err1 := s.Invitations.Get(id32(2))
		same(t, "forgotten", none, staff.Invitation{})
		got, err2 := s.Invitations.Get(id32(1))
		same(t, "left", got, one)
		return errors.Join(err1, err2)
	})
}

func testSessions(t *testing.T, db store.DB) {
	session := func(n int) staff.Session {
		return staff.Session{Token: id32(n), Actor: "staff-a", Browser: id32(n + 40), Endorsement: sealed(n, 300), Began: at(n), Until: at(n + 60)}
	}
	late, early := session(2), session(1)
	update(t, db, func(s store.Stores) error { return errors.Join(s.SignIns.Put(late), s.SignIns.Put(early)) })
	ended := early
	ended.Ended, ended.Actor, ended.Until = at(5), "staff-b", at(9999) // only the end is taken
	again := ended
	again.Ended = at(6)
	update(t, db, func(s store.Stores) error { return s.SignIns.Put(ended) })
	update(t, db, func(s store.Stores) error { return s.SignIns.Put(again) })
	early.Ended = at(5)
	view(t, db, func(s store.Stores) error {
		got, err1 := s.SignIns.Get(id32(1))
		same(t, "ended once", got, early)
		of, err2 := s.SignIns.Of("staff-a")
		same(t, "of somebody", of, []staff.Session{early, late})
		none, err3 := s.SignIns.Get(id32(9))
		same(t, "unknown", none, staff.Session{})
		return errors.Join(err1, err2, err3)
	})
	update(t, db, func(s store.Stores) error {
		n, err := s.SignIns.Forget(at(62), 10)
		same(t, "forgotten", n, 1)
		return err
	})
	view(t, db, func(s store.Stores) error {
		of, err := s.SignIns.Of("staff-a")
		same(t, "left", of, []staff.Session{late})
		return err
	})
}

func testRequests(t *testing.T, db store.DB) {
	whole := at(0).Truncate(time.Second)
	ask := func(n int) staff.Request {
		return staff.Request{
			Kind: staff.AskExport, By: "officer-1", Place: "dinkes-99", Purpose: "audit", Body: sealed(n, 50),
			Asked: whole.Add(time.Duration(n) * time.Second), Until: whole.Add(time.Hour),
		}
	}
	one, two := ask(1), ask(2)
	update(t, db, func(s store.Stores) error {
		return errors.Join(s.Requests.Put(one), s.Requests.Put(two), s.Requests.Put(one))
	})
	malformed := one
	malformed.Purpose = ""
	wantErr(t, db, store.ErrConstraint, func(s store.Stores) error { return s.Requests.Put(malformed) })
	approve := func(who staff.ActorID, n int) staff.Approval {
		return staff.Approval{Request: one.ID(), Actor: who, At: at(n), Assertion: staff.Assertion{
			AuthData: sealed(n, 37), ClientData: sealed(n+1, 120), Signature: sealed(n+2, 70),
		}}
	}
	b, a := approve("officer-b", 5), approve("officer-a", 6)
	update(t, db, func(s store.Stores) error { return errors.Join(s.Requests.Approve(a), s.Requests.Approve(b)) })
	update(t, db, func(s store.Stores) error {
		if err := s.Requests.Approve(approve("officer-a", 9)); !errors.Is(err, staff.ErrApproved) {
			t.Errorf("approved twice: %v", err)
		}
		return nil
	})
	view(t, db, func(s store.Stores) error {
		got, err1 := s.Requests.Get(one.ID())
		same(t, "one", got, one)
		since, err2 := s.Requests.Since(two.Asked, 9)
		same(t, "since", since, []staff.Request{two})
		all, err3 := s.Requests.Since(time.Time{}, 9)
		same(t, "newest first", all, []staff.Request{two, one})
		newest, err4 := s.Requests.Since(time.Time{}, 1)
		same(t, "the newest", newest, []staff.Request{two})
		had, err5 := s.Requests.Approvals(one.ID())
		same(t, "approvals, earliest first", had, []staff.Approval{b, a})
		none, err6 := s.Requests.Approvals(two.ID())
		same(t, "none", none, nil)
		if _, err := s.Requests.Get(staff.RequestID{9}); !errors.Is(err, staff.ErrNoRequest) {
			t.Errorf("unknown: %v", err)
		}
		return errors.Join(err1, err2, err3, err4, err5, err6)
	})
}
