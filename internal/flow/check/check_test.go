package check_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	zs "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/dispute"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/flow/check"
	"github.com/amanah-project/amanah/internal/flow/evidence"
	"github.com/amanah-project/amanah/internal/keeper"
	keeperclient "github.com/amanah-project/amanah/internal/keeper/client"
	"github.com/amanah-project/amanah/internal/keeper/keepertest"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/sqlite"
)

// site is a real keeper and a database with a little of everything. Its people are
// invented, their NIKs of province 99.
type site struct {
	dir   string
	k     *keeperclient.Client
	keys  keeper.ServiceKeys
	older string // SQL that puts person 1's evidence back to what it was before
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{dir: t.TempDir()}
	s.k = keepertest.Serve(t, durable.OS(filepath.Join(s.dir, "keeper")))
	var err error
	s.keys, err = s.k.ServiceKeys(t.Context())
	must(t, err)
	db, err := sqlite.Open(s.template(), sqlite.Options{Limit: time.Minute})
	must(t, err)
	defer db.Close()
	rules, err := status.Builtin()
	must(t, err)
	flow := &evidence.Flow{DB: db, Keeper: s.k, Rules: rules, Now: time.Now, Actor: "test", Budget: keeper.BudgetImport}
	s.people(t, db, flow)
	s.gate(t, db)
	s.dispute(t, db)
	return s
}

func (s *site) template() string { return filepath.Join(s.dir, "template.db") }

// people registers four, sets one aside, and gives person 1 evidence twice.
func (s *site) people(t *testing.T, db *sqlite.DB, flow *evidence.Flow) {
	t.Helper()
	var rows []evidence.Newcomer
	for i, line := range []string{
		"9901011508900001 Siti-Kenari 1990-08-15 +628110000001", "9901025509850002 Budi-Kenari 1985-09-15 +628110000002",
		"9901011201900003 Ani-Kenari 1990-01-12 +628110000003", "9901010203900004 Tono-Kenari 1990-03-02",
		"9901011508900001 Orang-Lain 1990-08-15",
	} {
		f := strings.Fields(line)
		p := identity.Person{}
		var err error
		p.NIK, err = identity.ParseNIK(f[0])
		must(t, err)
		p.Name, err = identity.ParseName(strings.ReplaceAll(f[1], "-", " "))
		must(t, err)
		p.Birth, err = day.Parse(f[2])
		must(t, err)
		if len(f) > 3 {
			p.Phone, err = identity.ParsePhone(f[3])
			must(t, err)
		}
		p.Sex = p.NIK.Sex()
		rows = append(rows, evidence.Newcomer{Line: int64(i + 1), Person: p})
	}
	tally, err := flow.People(t.Context(), rows, identity.Progress{Source: "people"})
	must(t, err)
	if tally.Added != 4 || tally.Set != 1 {
		t.Fatalf("%+v", tally)
	}
	for round := range 2 {
		for i := range 2 {
			item := status.Evidence{Doses: []status.Dose{{On: day.Of(time.Now()).Add(-90 + 30*round), Vaccine: "sinovac", Ref: fmt.Sprint("d", round)}}}
			tally, err := flow.Facts(t.Context(), []evidence.Fact{{Line: 1, NIK: rows[i].Person.NIK, Item: item}}, identity.Progress{Source: "facts"})
			must(t, err)
			if tally.Added != 1 {
				t.Fatalf("%+v", tally)
			}
		}
		if round == 0 {
			must(t, db.View(t.Context(), func(st store.Stores) error {
				e, err := st.Status.Evidence([]identity.PersonID{1})
				if err != nil {
					return err
				}
				c, err := st.Status.Colours([]identity.PersonID{1})
				s.older = fmt.Sprintf("UPDATE status_evidence SET version=%d, sealed=x'%x' WHERE person_id=1;UPDATE status_colour SET version=%d, sealed=x'%x' WHERE person_id=1",
					e[0].Version, e[0].Sealed, c[0].Version, c[0].Sealed)
				return err
			}))
		}
	}
}

// gate stores a partner, a link, two leaves and a visit.
func (s *site) gate(t *testing.T, db *sqlite.DB) {
	t.Helper()
	gate, _, err := s.k.OpenGate(t.Context())
	must(t, err)
	tag, err := s.k.Index(t.Context(), keeper.KindSubject, [][]byte{binary.BigEndian.AppendUint64(nil, 1)})
	must(t, err)
	var leaves []accesslog.Leaf
	for n := range 3 {
		r, err := s.k.Gate(t.Context(), gate, []keeper.GateItem{{Event: [16]byte{byte(n + 1)}, Instant: time.Now()}, {Event: [16]byte{9, byte(n)}, Instant: time.Now()}})
		must(t, err)
		leaves = append(leaves, r.Leaf)
	}
	must(t, db.Update(t.Context(), func(st store.Stores) error {
		for _, err := range []error{
			st.Partners.Put(partner.Partner{ID: 1, Name: "Mitra", Joined: time.Now()}),
			st.Links.Put(identity.Link{ID: identity.LinkID{1}, Partner: 1, Subject: tag[0], Created: time.Now()}),
			st.Venues.Put(venue.Venue{ID: 1, Name: "Pasar", Category: "market", District: "9901", Level: 1, Declared: 10, Doors: 1}),
			st.Log.Put(leaves),
			st.Visits.Put([]venue.Visit{{ID: venue.VisitID{1}, Venue: 1, Door: 1, Day: day.Of(time.Now()), Entered: time.Now(), LeavesBy: time.Now(), Party: 1, Decision: venue.Admit, Leaf: venue.LeafRef{Gate: gate}}}),
			st.Venues.Add([]venue.Delta{{Venue: 1, By: 1, Entered: 1}}),
		} {
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

func (s *site) dispute(t *testing.T, db *sqlite.DB) {
	t.Helper()
	for n := range 2 {
		d := dispute.Dispute{ID: dispute.ID{byte(n + 1)}, Person: identity.PersonID(n + 1), Filed: time.Now(), Due: time.Now()}
		sealed, err := s.k.SealNotes(t.Context(), []keeper.Note{{Person: d.Person, Matter: d.ID, Part: keeper.NoteFiled, Text: []byte("x")}})
		must(t, err)
		d.Filing = sealed[0]
		must(t, db.Update(t.Context(), func(st store.Stores) error {
			_, err := st.Disputes.File(d)
			return err
		}))
	}
}

// edited is the database as somebody with its file left it.
func (s *site) edited(t *testing.T, sql string) *sqlite.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	conn, err := zs.OpenConn(s.template(), zs.OpenReadWrite)
	must(t, err)
	must(t, sqlitex.ExecuteTransient(conn, "VACUUM INTO '"+path+"'", nil))
	must(t, conn.Close())
	must(t, os.Chmod(path, 0o600))
	conn, err = zs.OpenConn(path, zs.OpenReadWrite)
	must(t, err)
	must(t, sqlitex.ExecuteScript(conn, "PRAGMA foreign_keys=OFF;"+sql, nil))
	must(t, conn.Close())
	db, err := sqlite.Open(path, sqlite.Options{})
	must(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

func (s *site) check(t *testing.T, db *sqlite.DB) (check.Report, []check.Finding) {
	t.Helper()
	var out []check.Finding
	c := check.Check{DB: db, Keeper: s.k, Log: s.keys.Log[:], Actor: "test", Found: func(f check.Finding) error { out = append(out, f); return nil }}
	r, err := c.Run(t.Context())
	must(t, err)
	if int(r.Findings) != len(out) {
		t.Errorf("%d findings reported, %d handed on", r.Findings, len(out))
	}
	return r, out
}

func TestNothingIsFoundInWhatIsWhole(t *testing.T) {
	s := newSite(t)
	r, found := s.check(t, s.edited(t, ""))
	if len(found) != 0 || r.Unstored != 0 || r.Erased != 0 {
		t.Errorf("%+v %+v", r, found)
	}
	for table, want := range map[string]int64{
		"identity_person": 4, "identity_nik": 4, "identity_phone": 3, "status_colour": 4, "status_evidence": 2, "identity_quarantine": 1,
		"identity_link": 1, "accesslog_leaf": 3, "venue_visit": 1, "dispute_dispute": 2,
	} {
		if r.Rows[table] != want {
			t.Errorf("%s: %d rows looked at, want %d", table, r.Rows[table], want)
		}
	}
}

// TestEveryEditIsNamed is somebody with the database's file and no key.
func TestEveryEditIsNamed(t *testing.T) {
	s := newSite(t)
	swap := func(table, key string) string {
		return fmt.Sprintf("CREATE TABLE t AS SELECT %[2]s AS k, sealed FROM %[1]s;UPDATE %[1]s SET sealed=(SELECT sealed FROM t WHERE k=3-%[1]s.%[2]s) WHERE %[2]s IN (1,2);DROP TABLE t", table, key)
	}
	flip := func(table, column, where string) string {
		return fmt.Sprintf("UPDATE %[1]s SET %[2]s=CAST(substr(%[2]s,1,20)||x'00'||substr(%[2]s,22) AS BLOB) WHERE %[3]s AND substr(%[2]s,21,1)<>x'00';UPDATE %[1]s SET %[2]s=CAST(substr(%[2]s,1,21)||x'01'||substr(%[2]s,23) AS BLOB) WHERE %[3]s", table, column, where)
	}
	for _, tc := range []struct {
		name, sql, table, row string
		what                  check.What
	}{
		{"a person's row flipped", flip("identity_person", "sealed", "id=3"), "identity_person", "3", check.Altered},
		{"two people swapped", swap("identity_person", "id"), "identity_person", "1", check.Altered},
		{"a person deleted", "DELETE FROM status_colour WHERE person_id=4;DELETE FROM identity_nik WHERE person_id=4;DELETE FROM identity_person WHERE id=4", "identity_person", "4", check.Missing},
		{"a person made up", "INSERT INTO identity_person (id,version,sealed,synthetic) VALUES (77,1,x'00',1)", "identity_person", "77", check.Foreign},
		{"a person of a later version", "UPDATE identity_person SET version=9 WHERE id=3", "identity_person", "3", check.Foreign},
		{"a person said to be real", "UPDATE identity_person SET synthetic=0 WHERE id=3", "identity_person", "3", check.Altered},
		{"a NIK pointed to another", "UPDATE identity_nik SET person_id=7-person_id WHERE person_id IN (3,4)", "identity_nik", "3", check.Altered},
		{"a NIK deleted", "DELETE FROM identity_nik WHERE person_id=2", "identity_nik", "2", check.Missing},
		{"a NIK more", "INSERT INTO identity_nik (tag, person_id) VALUES (x'00112233445566778899aabbccddeeff',2)", "identity_nik", "2", check.Foreign},
		{"a phone deleted", "DELETE FROM identity_phone WHERE person_id=2", "identity_phone", "2", check.Missing},
		{"a phone for who has none", "INSERT INTO identity_phone (tag, person_id) VALUES (x'00112233445566778899aabbccddeeff',4)", "identity_phone", "4", check.Foreign},
		{"evidence flipped", flip("status_evidence", "sealed", "person_id=1"), "status_evidence", "1", check.Altered},
		{"evidence swapped", swap("status_evidence", "person_id"), "status_evidence", "1", check.Altered},
		{"evidence rolled back", s.older, "status_evidence", "1", check.RolledBack},
		{"evidence deleted", "DELETE FROM status_evidence WHERE person_id=1", "status_evidence", "1", check.Missing},
		{"evidence of nobody", "INSERT INTO status_evidence VALUES (5,1,x'00')", "status_evidence", "5", check.Foreign},
		{"a colour flipped", flip("status_colour", "sealed", "person_id=2"), "status_colour", "2", check.Altered},
		{"a colour swapped", swap("status_colour", "person_id"), "status_colour", "2", check.Altered},
		{"a colour rolled back", strings.Split(s.older, ";")[1], "status_colour", "1", check.RolledBack},
		{"a colour deleted", "DELETE FROM status_colour WHERE person_id=3", "status_colour", "3", check.Missing},
		{"a record in quarantine flipped", flip("identity_quarantine", "sealed", "id=5"), "identity_quarantine", "5", check.Altered},
		{"a record in quarantine deleted", "DELETE FROM identity_quarantine", "identity_person", "5", check.Missing},
		{"a link for nobody", "UPDATE identity_link SET subject=x'00112233445566778899aabbccddeeff'", "identity_link", "", check.Foreign},
		{"a link of no partner", "DELETE FROM partner_partner", "identity_link", "", check.Foreign},
		{"a card for nobody", "INSERT INTO identity_card VALUES (x'01',5,1,1,0)", "identity_card", "01", check.Foreign},
		{"a leaf's event altered", flip("accesslog_leaf", "events", "seq=1"), "accesslog_leaf", "", check.Altered},
		{"a leaf's time altered", "UPDATE accesslog_leaf SET at=at+1000000 WHERE seq=1", "accesslog_leaf", "", check.Altered},
		{"the first leaf deleted", "DELETE FROM accesslog_leaf WHERE seq=0", "accesslog_leaf", "", check.Missing},
		{"a leaf deleted between", "DELETE FROM accesslog_leaf WHERE seq=1", "accesslog_leaf", "", check.Missing},
		{"a count rolled back", "INSERT INTO venue_counted VALUES (0, x'0109')", "venue_occupancy", "1", check.RolledBack},
		{"a count deleted", "UPDATE venue_visit SET left_at=1;DELETE FROM venue_occupancy", "venue_occupancy", "1", check.Missing},
		{"a visit made up", "UPDATE venue_visit SET id=x'0a000000000000000000000000000000'", "venue_visit", "", check.Foreign},
		{"a visit of another leaf", "UPDATE venue_visit SET seq=1", "venue_visit", "", check.Foreign},
		{"a visit of no leaf", "UPDATE venue_visit SET gate=x'00112233445566778899aabbccddeeff'", "venue_visit", "", check.Foreign},
		{"a dispute flipped", flip("dispute_dispute", "filing", "count=1"), "dispute_dispute", "", check.Altered},
		{"a dispute given to another", "UPDATE dispute_dispute SET person_id=3 WHERE count=1", "dispute_dispute", "", check.Altered},
		{"a colour's version beyond any", "UPDATE status_colour SET version=version+4294967296 WHERE person_id=2", "status_colour", "2", check.Altered},
		{"a dispute deleted", "DELETE FROM dispute_dispute WHERE count=1", "dispute_dispute", "", check.Missing},
		{"a dispute's number in the billions", "UPDATE dispute_dispute SET count=4000000000000 WHERE count=2", "dispute_dispute", "", check.Missing},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, found := s.check(t, s.edited(t, tc.sql))
			for _, f := range found {
				if f.Table == tc.table && (tc.row == "" || f.Row == tc.row) && (f.What == tc.what) {
					return
				}
			}
			t.Errorf("found %+v, want %s %s %s", found, tc.table, tc.row, tc.what)
		})
	}
}

// TestWhoIsErasedIsNotMissing: their rows are left over until they are removed, and
// then nothing is to be found.
func TestWhoIsErasedIsNotMissing(t *testing.T) {
	s := newSite(t)
	one, two := keepertest.Officers(t, s.k, keepertest.Desk)
	_, err := s.k.Erase(t.Context(), keepertest.Erasure(keepertest.Desk, one, two, 4))
	must(t, err)
	_, found := s.check(t, s.edited(t, ""))
	if len(found) == 0 || found[0].What != check.LeftOver || found[0].Row != "4" {
		t.Errorf("rows of who is erased: %+v", found)
	}
	db := s.edited(t, "")
	subject, err := s.k.Index(t.Context(), keeper.KindSubject, [][]byte{binary.BigEndian.AppendUint64(nil, 4)})
	must(t, err)
	must(t, db.Forget(t.Context(), 4, subject[0]))
	must(t, db.Forget(t.Context(), 4, subject[0])) // again
	r, found := s.check(t, db)
	found = slices.DeleteFunc(found, func(f check.Finding) bool { return f.Table == "staff_member" }) // the officers are the keeper's alone here
	if len(found) != 0 || r.Erased != 1 {
		t.Errorf("after their removal: %+v %+v", r, found)
	}
}

// TestARegistrationThatCameToNothingIsNoFinding: the keeper gave a number, and the
// database never had a row.
func TestARegistrationThatCameToNothingIsNoFinding(t *testing.T) {
	s := newSite(t)
	_, err := s.k.Register(t.Context(), 3)
	must(t, err)
	r, found := s.check(t, s.edited(t, ""))
	if len(found) != 0 || r.Unstored != 3 {
		t.Errorf("%+v %+v", r, found)
	}
}

func TestACheckThatCannotGoOnSaysSo(t *testing.T) {
	s := newSite(t)
	db := s.edited(t, "DELETE FROM status_colour")
	mine := fmt.Errorf("mine")
	c := check.Check{DB: db, Keeper: s.k, Log: s.keys.Log[:], Actor: "test", Found: func(check.Finding) error { return mine }}
	if _, err := c.Run(t.Context()); err != mine {
		t.Errorf("Found's error became %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.Found = func(check.Finding) error { return nil }
	if _, err := c.Run(ctx); err == nil {
		t.Error("a check went on after its context")
	}
}

// unbare keeps a ledger and is not to be had without it.
type unbare struct{ *sqlite.DB }

func (u unbare) Bare() store.DB { return struct{ store.DB }{u.DB} }

func TestACheckThatWouldBeHeldSaysSo(t *testing.T) {
	s := newSite(t)
	c := check.Check{Keeper: s.k, Log: s.keys.Log[:], Actor: "test", Found: func(check.Finding) error { return nil }}
	db := s.edited(t, "")
	c.DB = db
	if _, err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.DB = unbare{db}
	if r, err := c.Run(t.Context()); err == nil || len(r.Rows) > 0 {
		t.Errorf("rows were held against the ledger before they were looked at: %v %v", err, r.Rows)
	}
}
