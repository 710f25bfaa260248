package storetest

import (
	"errors"
	"time"

	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

// ledgerCase is a table of the ledger: its row is put, moved on, edited, and read.
type ledgerCase struct {
	table, edit string // what an editor does to its rows
	put         func(s store.Stores) error
	move        func(s store.Stores) error // nil when rows never change
	read        func(s store.Stores) (served bool, err error)
	lacks       lack
}

// lack is what may look as if it had never been.
type lack uint8

const (
	nothing lack = 0
	leftOut lack = 1 << iota // a row that was altered is left out, and others are served
	removed                  // one that was removed does nobody any good
)

// served is whether something was returned.
func served(n int, err error) (bool, error) { return n > 0, err }

func ledgerCases() []ledgerCase {
	return append(append(personCases(), partnerCases()...), officeCases()...)
}

func personCases() []ledgerCase {
	count := func(n int, err error) error { return err }
	attempt := func(version uint64, used bool) identity.Authorization {
		return identity.Authorization{ID: id16(3), Partner: 1, Version: version, Code: id32(4), Used: used, Sealed: sealed(1, 40), Expires: at(60)}
	}
	guesses := func(n int) identity.Guesses { return identity.Guesses{Day: 9, Wrong: n, Sent: n} }
	ended, revoked, moved := link(7), card(1), binding(2)
	ended.Ended, revoked.Revoked, moved.Phone, moved.Version = at(9), at(9), spread(900), 3
	guardian := guardianship(1, 2)
	guardian.Ended = at(99)
	aside := identity.Quarantined{ID: 3, Against: 4, Version: 3, Sealed: sealed(1, 90), Reason: "birth", Arrived: at(1)}
	released := aside
	released.Released = true
	return []ledgerCase{
		{"identity_link", "SET ended = 0, partner_id = 9", func(s store.Stores) error { return s.Links.Put(link(7)) },
			func(s store.Stores) error { return s.Links.Put(ended) },
			func(s store.Stores) (bool, error) {
				l, err := s.Links.Get([]identity.LinkID{ended.ID})
				if err == nil && l[0].Altered {
					err = store.ErrAltered
				}
				return l[0].ID == ended.ID, err
			}, nothing},
		{"identity_refresh", "SET generation = 1", func(s store.Stores) error { return s.Refresh.Advance(id16(1), 1) },
			func(s store.Stores) error { return s.Refresh.Advance(id16(1), 2) },
			func(s store.Stores) (bool, error) { g, err := s.Refresh.Generation(id16(1)); return g > 0, err }, nothing},
		{"identity_authorization", "SET used = 0", func(s store.Stores) error { return s.Authorizations.Put(attempt(1, false)) },
			func(s store.Stores) error { return s.Authorizations.Put(attempt(2, true)) },
			func(s store.Stores) (bool, error) { z, err := s.Authorizations.Get(id16(3)); return z.Version > 0, err }, nothing},
		{"identity_guess", "SET wrong = 0", func(s store.Stores) error { return s.Guesses.Put(id16(1), guesses(1)) },
			func(s store.Stores) error { return s.Guesses.Put(id16(1), guesses(2)) },
			func(s store.Stores) (bool, error) { g, err := s.Guesses.Get(id16(1)); return g.Day > 0, err }, nothing},
		{"identity_pin_try", "SET tries = 0", func(s store.Stores) error { return count(s.PINs.Count(id16(1), 9, 1)) },
			func(s store.Stores) error { return count(s.PINs.Count(id16(1), 9, 2)) },
			func(s store.Stores) (bool, error) { return true, count(s.PINs.Count(id16(1), 9, 0)) }, nothing},
		{"identity_pin", "SET tag = (SELECT nik FROM identity_pin_try LIMIT 1)", func(s store.Stores) error { return s.PINs.Put(2, id16(1)) },
			func(s store.Stores) error { return s.PINs.Put(2, id16(2)) },
			func(s store.Stores) (bool, error) { tag, err := s.PINs.Get(2); return tag != identity.Tag{}, err }, nothing},
		{"identity_card", "SET revoked = 0, person_id = 2", func(s store.Stores) error { return s.Cards.Put(card(1)) },
			func(s store.Stores) error { return s.Cards.Put(revoked) },
			func(s store.Stores) (bool, error) { c, err := s.Cards.Get(revoked.ID); return c.Person > 0, err }, nothing},
		{"identity_binding", "SET version = 9", func(s store.Stores) error { return s.Bindings.Put(binding(2)) },
			func(s store.Stores) error { return s.Bindings.Put(moved) },
			func(s store.Stores) (bool, error) { b, err := s.Bindings.Get(2); return b.Person > 0, err }, nothing},
		{"identity_guardian", "SET ended = 0, office = 'x'", func(s store.Stores) error { return s.Guardians.Put(guardianship(1, 2)) }, nil,
			func(s store.Stores) (bool, error) { g, err := s.Guardians.Of(1); return served(len(g), err) }, removed},
		{"identity_quarantine", "SET against = 9", func(s store.Stores) error { return s.People.Quarantine([]identity.Quarantined{aside}) },
			func(s store.Stores) error { return s.People.Quarantine([]identity.Quarantined{released}) },
			func(s store.Stores) (bool, error) { q, err := s.People.Quarantined(0, 9); return served(len(q), err) }, removed},
		{"identity_progress", "SET taken = 9", func(s store.Stores) error { return s.Progress.SetProgress(identity.Progress{Source: "a", Offset: 1}) },
			func(s store.Stores) error { return s.Progress.SetProgress(identity.Progress{Source: "a", Offset: 2}) },
			func(s store.Stores) (bool, error) { p, err := s.Progress.Progress("a"); return p.Source != "", err }, nothing},
		{"notice_waiting", "SET due = due + 99", func(s store.Stores) error { return s.Notices.Put([]uint64{7}, at(5)) }, nil,
			func(s store.Stores) (bool, error) { n, err := s.Notices.Due(at(900), 9); return served(len(n), err) }, leftOut},
		{"dispute_count", "SET last = last + 7", func(s store.Stores) error {
			_, err := s.Disputes.File(filed(1))
			_, err2 := s.Disputes.File(filed(2))
			return errors.Join(err, err2)
		}, nil,
			func(s store.Stores) (bool, error) { n, err := s.Disputes.File(filed(3)); return n.Count > 0, err }, nothing},
		{"dispute_dispute", "SET outcome = 1", nil, func(s store.Stores) error {
			d, err := s.Disputes.Get(id16(1))
			return errors.Join(err, s.Disputes.Answer(answered(d)))
		}, func(s store.Stores) (bool, error) { d, err := s.Disputes.Get(id16(1)); return d.Person > 0, err }, nothing},
	}
}

func partnerCases() []ledgerCase {
	count := func(n int, err error) error { return err }
	p := partner.Partner{ID: 4, Name: "a", Relay: id32(1), State: partner.Live, Joined: at(1), Stage: 1}
	suspended := p
	suspended.State = partner.Suspended
	v := venue.Venue{ID: 5, Name: "x", Category: venue.Mall, Declared: 9, Doors: 1}
	larger := v
	larger.Declared = 90
	signed := func(version int) func(s store.Stores) error {
		return func(s store.Stores) error {
			return errors.Join(s.Agreements.Offer(agreement(4, version)), s.Agreements.Countersign(4, version, countersignature(version)))
		}
	}
	return []ledgerCase{
		{"partner_agreement", "SET until = until + 99", signed(1), signed(2),
			func(s store.Stores) (bool, error) { a, err := s.Agreements.Current(at(60)); return served(len(a), err) }, leftOut},
		{"partner_partner", "SET stage = 7", func(s store.Stores) error { return s.Partners.Put(p) },
			func(s store.Stores) error { return s.Partners.Put(suspended) },
			func(s store.Stores) (bool, error) { all, err := s.Partners.All(); return served(len(all), err) }, leftOut | removed},
		{"partner_step", "SET who = 'x'", func(s store.Stores) error { return s.Partners.Log(step(4, 1)) },
			nil, func(s store.Stores) (bool, error) { all, err := s.Partners.Steps(4); return served(len(all), err) }, removed},
		{"partner_linked", "SET people = 1", func(s store.Stores) error { return s.Links.Put(link(11)) },
			func(s store.Stores) error { l := link(14); l.Scope = 0; return s.Links.Put(l) },
			func(s store.Stores) (bool, error) { return served(s.Links.Linked(3)) }, nothing},
		{"partner_decision", "SET told = 0", func(s store.Stores) error { return count(s.Journeys.Count(1, 9, 1)) },
			func(s store.Stores) error { return count(s.Journeys.Count(1, 9, 2)) },
			func(s store.Stores) (bool, error) { return true, count(s.Journeys.Count(1, 9, 0)) }, nothing},
		{"venue_journey", "SET decision = 1", func(s store.Stores) error {
			_, err := s.Journeys.Put(venue.Journey{ID: id16(1), Asked: 9, Decision: venue.Refuse})
			return err
		}, nil, func(s store.Stores) (bool, error) { j, err := s.Journeys.Get(id16(1)); return j.Asked > 0, err }, nothing},
		{"venue_lookup", "SET used = 0", func(s store.Stores) error {
			return errors.Join(s.Venues.Put(venue.Venue{ID: 1, Name: "x", Category: venue.Mall, Declared: 9, Doors: 1}), s.Lookups.Put(venue.Lookups{Venue: 1, Hour: 5, Used: 1}))
		}, func(s store.Stores) error { return s.Lookups.Put(venue.Lookups{Venue: 1, Hour: 5, Used: 2}) },
			func(s store.Stores) (bool, error) { l, err := s.Lookups.Get(1); return l.Hour > 0, err }, nothing},
		{"venue_venue", "SET declared = 99999, category = 'office'", func(s store.Stores) error { return s.Venues.Put(v) },
			func(s store.Stores) error { return s.Venues.Put(larger) },
			func(s store.Stores) (bool, error) { all, err := s.Venues.All(); return served(len(all)-1, err) }, leftOut | removed},
		{"accesslog_end", "SET seq = 0", func(s store.Stores) error { return s.Log.Put([]accesslog.Leaf{leaf(1, 0, 3)}) }, nil, nil, removed},
		{"venue_counted", "SET shelf = 9", func(s store.Stores) error { return s.Venues.Add([]venue.Delta{{Venue: 1, By: 1}}) }, nil, nil, removed},
	}
}

func officeCases() []ledgerCase {
	a, f := clinician(0), staff.Facility{ID: "rs-99-001", Name: "RS Uji", Since: at(1)}
	left, closed := a, f
	left.Ended, closed.Ended = at(9), at(9)
	invited := staff.Invitation{Code: id32(1), Actor: "staff-a", Facility: "rs-99-001", Role: staff.RoleOfficer, By: "officer-1", Made: at(1), Until: at(100)}
	used := invited
	used.Used = at(3)
	session := staff.Session{Token: id32(1), Actor: "staff-a", Browser: id32(40), Endorsement: sealed(1, 300), Began: at(1), Until: at(60)}
	out := session
	out.Ended = at(5)
	whole := at(0).Truncate(time.Second)
	ask := staff.Request{Kind: staff.AskExport, By: "officer-1", Place: "dinkes-99", Purpose: "audit", Body: sealed(1, 50), Asked: whole, Until: whole.Add(time.Hour)}
	approval := staff.Approval{Request: ask.ID(), Actor: "officer-b", At: at(5), Assertion: staff.Assertion{AuthData: sealed(1, 37), ClientData: sealed(2, 120), Signature: sealed(3, 70)}}
	sent := record.Sent{Ref: record.Ref{Person: 7, Number: record.Entered}, Version: 1, To: identity.Tag{1}, From: identity.Tag{2}, At: at(1), Until: at(50), Digest: id32(1), Size: 9}
	attached := record.Step{To: record.Attached, Against: 8, Version: 3, By: "staff-1", Why: "same-person", At: at(50)}
	steps := func(s store.Stores) (bool, error) {
		c, err := s.Aside.Get(10)
		if errors.Is(err, record.ErrCase) {
			err = nil
		}
		return len(c.Steps) > 0, err
	}
	return []ledgerCase{
		{"staff_facility", "SET ended = 0, name = 'x'", func(s store.Stores) error { return s.Staff.PutFacility(f) },
			func(s store.Stores) error { return s.Staff.PutFacility(closed) },
			func(s store.Stores) (bool, error) { all, err := s.Staff.Facilities(); return served(len(all), err) }, leftOut | removed},
		{"staff_member", "SET ended = 0, rights = 255", func(s store.Stores) error { return s.Staff.Put(a) },
			func(s store.Stores) error { return s.Staff.Put(left) },
			func(s store.Stores) (bool, error) { m, err := s.Staff.Get(a.ID); return m.ID != "", err }, nothing},
		{"staff_invitation", "SET used = 0", func(s store.Stores) error { return s.Invitations.Put(invited) },
			func(s store.Stores) error { return s.Invitations.Put(used) },
			func(s store.Stores) (bool, error) { i, err := s.Invitations.Get(id32(1)); return i.Actor != "", err }, nothing},
		{"staff_session", "SET ended = 0, actor = 'x'", func(s store.Stores) error { return s.SignIns.Put(session) },
			func(s store.Stores) error { return s.SignIns.Put(out) },
			func(s store.Stores) (bool, error) { i, err := s.SignIns.Get(id32(1)); return i.Actor != "", err }, nothing},
		{"staff_request", "SET until = until + 1000000", func(s store.Stores) error { return s.Requests.Put(ask) }, nil,
			func(s store.Stores) (bool, error) {
				all, err := s.Requests.Since(whole, 9)
				return served(len(all), err)
			}, removed},
		{"staff_approval", "SET actor = 'officer-c'", func(s store.Stores) error { return s.Requests.Approve(approval) }, nil,
			func(s store.Stores) (bool, error) {
				all, err := s.Requests.Approvals(ask.ID())
				return served(len(all), err)
			}, removed},
		{"record_sent", "SET fetched = 1", func(s store.Stores) error { return s.Sent.Put(sent) },
			func(s store.Stores) error { return s.Sent.Received(sent.Ref, at(9)) },
			func(s store.Stores) (bool, error) { x, err := s.Sent.Get(sent.Ref); return x.Size > 0, err }, nothing},
		{"record_follow", "SET number = number + 1", func(s store.Stores) error { return enter(s, 2) }, nil,
			func(s store.Stores) (bool, error) {
				all, err := s.Records.Following(0, 9)
				return served(len(all), err)
			}, leftOut},
		{"record_aside", "SET state = 1, reason = 'x'", func(s store.Stores) error { return s.Aside.Set(caseOf(10)) },
			func(s store.Stores) error { return s.Aside.Step(10, record.Waiting, attached) }, steps, nothing},
		{"record_aside_step", "SET who = 'x'", nil, nil, steps, removed},
	}
}
