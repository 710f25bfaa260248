package check_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/dispute"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/notice"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/flow/check"
	"github.com/amanah-project/amanah/internal/store"
)

// named is a row by which things are asked for.
type named func(column string) value

func (n named) number(c string) int64 { v, _ := n(c).(int64); return v }

func (n named) text(c string) string { v, _ := n(c).(string); return v }

func (n named) id(c string) (id [16]byte) { b, _ := n(c).([]byte); copy(id[:], b); return id }

func (n named) hash(c string) (id [32]byte) { b, _ := n(c).([]byte); copy(id[:], b); return id }

// asked returns what a store answers; nothing when it has nothing.
func asked[T any](got T, err error, not ...error) (any, error) {
	for _, e := range not {
		if errors.Is(err, e) {
			return nil, nil
		}
	}
	var none T
	if text := fmt.Sprintf("%+v", got); err == nil && text != fmt.Sprintf("%+v", none) && text != "[]" {
		return text, nil
	}
	return nil, err
}

var long = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

// uses are what flows ask the stores for, of each table whose rows say who may do what:
// by the names in a row, whether that is there or not.
func uses() map[string]func(s store.Stores, n named) (any, error) {
	of := func(n named, c string) identity.PersonID { return identity.PersonID(n.number(c)) }
	return map[string]func(s store.Stores, n named) (any, error){
		"dispute_dispute": func(s store.Stores, n named) (any, error) { d, err := s.Disputes.Get(n.id("id")); return asked(d, err) },
		"identity_authorization": func(s store.Stores, n named) (any, error) {
			z, err := s.Authorizations.Get(n.id("id"))
			return asked(z, err)
		},
		"identity_binding": func(s store.Stores, n named) (any, error) {
			b, err := s.Bindings.Get(of(n, "person_id"))
			return asked(b, err)
		},
		"identity_card": func(s store.Stores, n named) (any, error) { c, err := s.Cards.Get(n.id("id")); return asked(c, err) },
		"identity_guardian": func(s store.Stores, n named) (any, error) {
			all, err := s.Guardians.Of(of(n, "guardian_id"))
			return asked(slices.DeleteFunc(all, func(g identity.Guardianship) bool { return g.Child != of(n, "child_id") }), err)
		},
		"identity_guess": func(s store.Stores, n named) (any, error) { g, err := s.Guesses.Get(n.id("nik")); return asked(g, err) },
		"identity_link": func(s store.Stores, n named) (any, error) {
			l, err := s.Links.Get([]identity.LinkID{n.id("id")})
			if err == nil && l[0].Altered {
				err = store.ErrAltered
			}
			return asked(l[0], err)
		},
		"identity_pin": func(s store.Stores, n named) (any, error) {
			p, err := s.PINs.Get(of(n, "person_id"))
			return asked(p, err)
		},
		"identity_pin_try": func(s store.Stores, n named) (any, error) {
			c, err := s.PINs.Count(n.id("nik"), day.Day(n.number("day")), 0)
			return asked(c, err)
		},
		"identity_progress": func(s store.Stores, n named) (any, error) {
			p, err := s.Progress.Progress(n.text("source"))
			return asked(p, err)
		},
		"identity_quarantine": func(s store.Stores, n named) (any, error) {
			q, err := s.People.Quarantined(of(n, "id")-1, 1)
			return asked(slices.DeleteFunc(q, func(q identity.Quarantined) bool { return q.ID != of(n, "id") }), err)
		},
		"identity_refresh": func(s store.Stores, n named) (any, error) {
			g, err := s.Refresh.Generation(n.id("link_id"))
			return asked(g, err)
		},
		"notice_waiting": func(s store.Stores, n named) (any, error) {
			all, err := s.Notices.Due(long, 999)
			return asked(slices.DeleteFunc(all, func(w notice.Waiting) bool { return int64(w.Place) != n.number("place") }), err)
		},
		"partner_agreement": func(s store.Stores, n named) (any, error) {
			all, err := s.Agreements.Of(partner.ID(n.number("partner_id")))
			return asked(all, err)
		},
		"partner_decision": func(s store.Stores, n named) (any, error) {
			c, err := s.Journeys.Count(partner.ID(n.number("partner_id")), day.Day(n.number("day")), 0)
			return asked(c, err)
		},
		"partner_linked": func(s store.Stores, n named) (any, error) {
			c, err := s.Links.Linked(partner.ID(n.number("partner_id")))
			return asked(c, err)
		},
		"partner_partner": func(s store.Stores, n named) (any, error) {
			all, err := s.Partners.All()
			return asked(slices.DeleteFunc(all, func(p partner.Partner) bool { return int64(p.ID) != n.number("id") }), err)
		},
		"record_aside": func(s store.Stores, n named) (any, error) {
			c, err := s.Aside.Get(of(n, "id"))
			return asked(c, err, record.ErrCase)
		},
		"record_sent": func(s store.Stores, n named) (any, error) {
			x, err := s.Sent.Get(record.Ref{Person: of(n, "person_id"), Number: record.Number(n.number("number"))})
			return asked(x, err, record.ErrNone)
		},
		"staff_facility": func(s store.Stores, n named) (any, error) {
			all, err := s.Staff.Facilities()
			return asked(slices.DeleteFunc(all, func(f staff.Facility) bool { return string(f.ID) != n.text("id") }), err)
		},
		"staff_invitation": func(s store.Stores, n named) (any, error) {
			i, err := s.Invitations.Get(n.hash("code"))
			return asked(i, err)
		},
		"staff_member": func(s store.Stores, n named) (any, error) {
			m, err := s.Staff.Get(staff.ActorID(n.text("id")))
			return asked(m, err)
		},
		"staff_request": func(s store.Stores, n named) (any, error) {
			r, err := s.Requests.Get(n.hash("id"))
			return asked(r, err, staff.ErrNoRequest)
		},
		"staff_session": func(s store.Stores, n named) (any, error) {
			i, err := s.SignIns.Get(n.hash("token"))
			return asked(i, err)
		},
		"venue_journey": func(s store.Stores, n named) (any, error) { j, err := s.Journeys.Get(n.id("id")); return asked(j, err) },
		"venue_lookup": func(s store.Stores, n named) (any, error) {
			l, err := s.Lookups.Get(venue.ID(n.number("venue_id")))
			if l.Hour == 0 {
				return nil, err
			}
			return asked(l, err)
		},
		"venue_occupancy": func(s store.Stores, n named) (any, error) {
			all, err := s.Venues.Inside([]venue.ID{venue.ID(n.number("venue_id"))})
			if err == nil && all[0] == venue.AlteredCount {
				return nil, nil
			}
			return asked(all, err)
		},
		"venue_venue": func(s store.Stores, n named) (any, error) {
			all, err := s.Venues.All()
			return asked(slices.DeleteFunc(all, func(v venue.Venue) bool { return int64(v.ID) != n.number("id") }), err)
		},
		// Of several rows: what is left of them when one is removed is less than there was.
		"dispute_count": func(s store.Stores, n named) (any, error) {
			_, err := s.Disputes.File(dispute.Dispute{ID: dispute.ID{9}, Person: 1, Filed: time.Date(int(n.number("year")), 6, 1, 0, 0, 0, 0, time.UTC), Due: long, Filing: []byte{1}})
			if errors.Is(err, store.ErrConstraint) { // nobody's number twice
				err = store.ErrAltered
			}
			return nil, err
		},
		"partner_step": func(s store.Stores, n named) (any, error) {
			all, err := s.Partners.Steps(partner.ID(n.number("partner_id")))
			return asked(slices.DeleteFunc(all, func(p partner.Step) bool { return int64(p.Number) != n.number("number") }), err)
		},
		"record_aside_step": func(s store.Stores, n named) (any, error) {
			c, err := s.Aside.Get(of(n, "id"))
			if i := int(n.number("count")) - 1; err == nil && i >= 0 && i < len(c.Steps) {
				return asked(c.Steps[i], nil)
			}
			return asked(record.Step{}, err, record.ErrCase)
		},
		"record_follow": func(s store.Stores, n named) (any, error) {
			all, err := s.Records.Following(uint64(n.number("seq"))-1, 1)
			return asked(slices.DeleteFunc(all, func(f record.Follow) bool { return int64(f.Seq) != n.number("seq") }), err)
		},
		"staff_approval": func(s store.Stores, n named) (any, error) {
			all, err := s.Requests.Approvals(n.hash("request_id"))
			return asked(slices.DeleteFunc(all, func(a staff.Approval) bool { return string(a.Actor) != n.text("actor") }), err)
		},
	}
}

var errUndo = errors.New("undo")

// use asks for what a row names, and returns what is answered, nil for nothing.
func use(db store.DB, t *testing.T, ask func(s store.Stores, n named) (any, error), n named) (got any, err error) {
	err = db.Update(t.Context(), func(s store.Stores) (err error) {
		if got, err = ask(s, n); err == nil {
			err = errUndo
		}
		return err
	})
	if errors.Is(err, errUndo) {
		err = nil
	}
	return got, err
}

// TestEditsServed is the administrator of the database against a server that runs: edits
// drawn uniformly over every table whose rows say who may do what, of venues' counts, and of
// the ledger with it; then everything is asked for that the row names before and after. What is answered is
// what was written, or that nothing is there, or an error. The control is a server that
// keeps no ledger.
func TestEditsServed(t *testing.T) {
	n := 250
	if os.Getenv("SOAK") == "1" {
		n = 10_000
	}
	s := newTown(t)
	ask := uses()
	for _, name := range store.LedgerTables() {
		if ask[name] == nil && name != "accesslog_end" && name != "venue_counted" { // that is asked for with venue_occupancy
			t.Errorf("nobody asks for %s", name)
		}
	}
	for name, kept := range map[string]bool{"kept": true, "control": false} {
		t.Run(name, func(t *testing.T) {
			e, n := newEditor(t, s, 6), n
			if !kept {
				n = 250
			}
			c := newSQLiteCopy(t, s)
			if kept {
				must(t, c.db.KeepLedger(t.Context(), []byte(s.keys.Ledger), false))
				must(t, c.db.FollowLedger(t.Context()))
			}
			tried, through := map[string]int{}, map[string]int{}
			for all := 0; all < n; {
				ed := e.next(t)
				if ask[ed.table] == nil {
					continue
				}
				if e.rnd.IntN(3) == 0 { // and what the ledger says of that table with it
					of := ed.table
					if of == "venue_occupancy" {
						of = "venue_counted"
						ed.do = append(ed.do, statement{sql: "DELETE FROM venue_counted"})
					}
					ed.do = append(ed.do, statement{sql: "DELETE FROM store_ledger WHERE name = ?", args: []any{of}})
				}
				if got := e.served(t, c, ed, ask[ed.table]); got == "" {
					continue
				} else if got == "through" {
					through[ed.table+"."+ed.column+" "+ed.op]++
				}
				tried[ed.table]++
				all++
			}
			t.Logf("%d edits of %d tables; got through: %v", n, len(tried), through)
			sum := 0
			for _, n := range through {
				sum += n
			}
			if t.Logf("%d of them got through", sum); kept && sum > 0 || !kept && sum < n/4 {
				t.Errorf("%d got through", sum)
			}
		})
	}
}

// served makes an edit and asks: "through" when something is answered that was not written,
// "" when the database refused the edit.
func (e *editor) served(t *testing.T, c *sqliteCopy, ed edit, ask func(s store.Stores, n named) (any, error)) string {
	t.Helper()
	rows := func(all [][]value) map[string]named {
		out := map[string]named{}
		for _, row := range all {
			out[e.key(ed.table, row)] = func(column string) value { return e.at(ed.table, row, column) }
		}
		return out
	}
	names := rows(e.now[ed.table])
	if err := c.with(t, ed.do, func(check.Database) error {
		maps.Copy(names, rows(rowsIn(t, c.conn, ed.table, e.shapes[ed.table])))
		return nil
	}); errors.Is(err, errEngine) {
		return ""
	}
	was := map[string]any{}
	for key, n := range names {
		got, err := use(c.db, t, ask, n)
		must(t, err)
		was[key] = got
	}
	out := "refused"
	err := c.with(t, ed.do, func(check.Database) error {
		for key, n := range names {
			if got, err := use(c.db, t, ask, n); err == nil && got != nil && got != was[key] {
				out = "through"
			}
		}
		return nil
	})
	must(t, err)
	return out
}
