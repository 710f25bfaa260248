package check_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	zs "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/notice"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/domain/vault"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/care/caretest"
	"github.com/amanah-project/amanah/internal/flow/check"
	"github.com/amanah-project/amanah/internal/flow/document"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/disk"
	"github.com/amanah-project/amanah/internal/store/sqlite"
)

// town is an installation in which every table has rows and some of them have changed:
// its database as it is and as it was, its documents, and its keeper.
type town struct {
	*site
	care     *caretest.Site
	mark     keeper.Ledger
	entered  []venue.Visit
	passkeys map[staff.ActorID]*stafftest.Authenticator
}

var (
	deskSite = staff.Site{ID: "amanah.example", Origin: stafftest.Origin}
	clinic   = care.Caller{Actor: "client-rs-99-001", Facility: "rs-99-001", Role: staff.RoleClient, Rights: staff.Enter | staff.Correct | staff.View, Ask: keeper.Ask{Proof: "signed"}}
)

func (s *town) older() string     { return filepath.Join(s.dir, "older.db") }
func (s *town) documents() string { return filepath.Join(s.dir, "documents") }

func newTown(t *testing.T) *town {
	t.Helper()
	s := &town{site: &site{dir: t.TempDir()}, passkeys: map[staff.ActorID]*stafftest.Authenticator{}}
	db, err := sqlite.Open(s.template(), sqlite.Options{Limit: time.Minute})
	must(t, err)
	s.care = caretest.Over(t, db, durabletest.New(1))
	s.k = s.care.Keeper
	s.keys, err = s.k.ServiceKeys(t.Context())
	must(t, err)
	must(t, check.KeepLedger(t.Context(), db, s.k, s.keys.Ledger))
	blobs, err := disk.Open(durable.OS(s.documents()))
	must(t, err)
	s.care.Care.Documents = &document.Vault{DB: db, Blobs: blobs, Keeper: s.k, Now: time.Now, Spool: func() (document.Spooled, error) { return disk.Spool(t.TempDir()), nil }}
	s.people(t, db, s.care.Evidence)
	s.gate(t, db)
	s.dispute(t, db)
	s.records(t, &document.Flow{Vault: s.care.Care.Documents.(*document.Vault), Records: s.care.Care})
	s.staff(t, db)
	s.links(t, db)
	s.visits(t, db)
	s.counts(t, db)
	must(t, check.MarkLedger(t.Context(), db, s.k))
	must(t, db.Close())
	s.copyTo(t, s.template(), s.older())

	db, err = sqlite.Open(s.template(), sqlite.Options{Limit: time.Minute})
	must(t, err)
	must(t, check.KeepLedger(t.Context(), db, s.k, s.keys.Ledger))
	s.care.DB, s.care.Care.DB, s.care.Evidence.DB = db, db, db
	s.care.Care.Documents = &document.Vault{DB: db, Blobs: blobs, Keeper: s.k, Now: time.Now, Spool: func() (document.Spooled, error) { return disk.Spool(t.TempDir()), nil }}
	s.moveOn(t, db)
	must(t, check.MarkLedger(t.Context(), db, s.k))
	must(t, errors.Join(db.Close(), blobs.Close()))
	s.mark, err = s.k.Ledger(t.Context())
	must(t, err)
	return s
}

// counts fills the tables of attempts, guesses and decisions.
func (s *town) counts(t *testing.T, db *sqlite.DB) {
	t.Helper()
	now := time.Now().Truncate(time.Second)
	today := day.Of(now)
	must(t, db.Update(t.Context(), func(st store.Stores) error {
		var err error
		for n := range 2 {
			b := byte(n + 1)
			_, e1 := st.PINs.Count(identity.Tag{b}, today, 1+n)
			_, e2 := st.Journeys.Count(partner.ID(b), today, 7+n)
			_, e3 := st.Journeys.Put(venue.Journey{ID: venue.JourneyID{b}, Asked: today, Decision: venue.Decision(b)})
			a := identity.Authorization{ID: identity.AuthorizationID{b}, Partner: partner.ID(b), Version: 1, Sealed: []byte{0xaa, b}, Expires: now.Add(time.Hour)}
			err = errors.Join(err, e1, e2, e3, st.Authorizations.Put(a),
				st.Guesses.Put(identity.Tag{b, 9}, identity.Guesses{Day: today, Wrong: 1 + n, Sent: 2 + n}),
				st.Lookups.Put(venue.Lookups{Venue: venue.ID(b), Hour: 480_000, Used: 3, Mark: 5, Before: 4}),
				st.Refresh.Advance(identity.LinkID{b}, 1), st.Refresh.Advance(identity.LinkID{b}, 2),
				st.Uploads.Begin([32]byte{b, 31: 5}, now), st.Notices.Put([]uint64{1_000_000 + uint64(b)}, now))
		}
		return err
	}))
}

// countOn moves what counts fills.
func (s *town) countOn(t *testing.T, st store.Stores, now time.Time) error {
	t.Helper()
	today := day.Of(now)
	_, e1 := st.PINs.Count(identity.Tag{1}, today, 1)
	_, e2 := st.Journeys.Count(1, today, 1)
	a, e3 := st.Authorizations.Get(identity.AuthorizationID{1})
	a.Version, a.Tries, a.Code = a.Version+1, a.Tries+1, [32]byte{5, 1}
	b, e4 := st.Authorizations.Get(identity.AuthorizationID{2})
	b.Version, b.Used, b.Link, b.Code = b.Version+1, true, identity.LinkID{2}, [32]byte{5, 2}
	return errors.Join(e1, e2, e3, e4, st.Notices.Move(notice.Waiting{Place: 1_000_001, Due: now.Add(time.Minute), Tries: 1}), st.Authorizations.Put(a), st.Authorizations.Put(b),
		st.Guesses.Put(identity.Tag{1, 9}, identity.Guesses{Day: today, Wrong: 3, Sent: 4}),
		st.Lookups.Put(venue.Lookups{Venue: 1, Hour: 480_000, Used: 4, Mark: 5, Before: 4}), st.Refresh.Advance(identity.LinkID{1}, 3))
}

// copyTo copies a database that nobody has open.
func (s *town) copyTo(t *testing.T, from, to string) {
	t.Helper()
	conn, err := zs.OpenConn(from, zs.OpenReadWrite)
	must(t, err)
	_ = os.Remove(to)
	must(t, errors.Join(sqlitex.ExecuteTransient(conn, "VACUUM INTO '"+to+"'", nil), conn.Close(), os.Chmod(to, 0o600)))
}

func shot(who identity.PersonID, on string) string {
	return fmt.Sprintf(`{"resourceType":"Immunization","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"208"}]},"patient":{"reference":"Patient/%d"},"occurrenceDateTime":"%s"}`, who, on)
}

func (s *town) enter(t *testing.T, who identity.PersonID, source, on string) {
	t.Helper()
	done, err := s.care.Care.Enter(t.Context(), clinic, []care.Entry{{Person: who, Items: []care.Item{{Resource: s.care.Read(shot(who, on)), Source: source}}}})
	must(t, err)
	must(t, done[0].Err)
}

func (s *town) records(t *testing.T, docs *document.Flow) {
	t.Helper()
	for who := identity.PersonID(1); who <= 3; who++ {
		s.enter(t, who, fmt.Sprint("a", who), "2021-07-01")
		s.enter(t, who, fmt.Sprint("b", who), "2021-08-01")
		_, err := docs.Put(t.Context(), clinic, document.Incoming{
			Person: who, Kind: record.ReferralLetter, ContentType: record.Bytes, Source: fmt.Sprint("letter", who),
			From: io.LimitReader(rand.Reader, 40_000+int64(who)),
		})
		must(t, err)
	}
	_, err := s.care.Care.Drain(t.Context())
	must(t, err)
	nik, err := identity.ParseNIK("9901011508900001")
	must(t, err)
	birth, err := day.Parse("1990-08-15")
	must(t, err)
	for _, name := range []string{"Orang Lain Sekali", "Orang Lain Lagi"} { // not whose NIK it is
		called, err := identity.ParseName(name)
		must(t, err)
		done, err := s.care.Care.Enter(t.Context(), clinic, []care.Entry{{
			Claim: &record.Claim{NIK: nik, Names: []identity.Name{called}, Birth: birth}, Items: []care.Item{{Resource: s.care.Read(shot(1, "2021-09-01")), Source: name}},
		}})
		must(t, err)
		if must(t, done[0].Err); done[0].Aside == 0 {
			t.Fatalf("%+v", done[0])
		}
	}
	s.enter(t, 1, "follows", "2021-10-01") // of which the colour has to follow yet
	s.enter(t, 2, "follows", "2021-10-01")
}

func (s *town) staff(t *testing.T, db *sqlite.DB) {
	t.Helper()
	now := time.Now().Truncate(time.Second)
	first, second := stafftest.Passkey(t), stafftest.Passkey(t)
	s.passkeys["officer-1"], s.passkeys["officer-2"] = first, second
	one := staff.Actor{ID: "officer-1", Facility: "dinkes-99", Role: staff.RoleOfficer, Key: first.JWK()}
	two := staff.Actor{ID: "officer-2", Facility: "dinkes-99", Role: staff.RoleOfficer, Key: second.JWK()}
	browser := stafftest.EC(t)
	by := keeper.Ask{
		Proof:       browser.Proof(t, stafftest.Request("POST", stafftest.Origin+"/v1/actors/officer-2/"+two.Digest(), time.Now())),
		Endorsement: first.Endorses(deskSite, "officer-1", browser.Thumbprint(), time.Now().Add(time.Hour)).Encode(),
	}
	must(t, s.k.Enrol(t.Context(), keeper.Enrolment{Actor: one}))
	must(t, s.k.Enrol(t.Context(), keeper.Enrolment{Actor: two, By: by}))
	must(t, db.Update(t.Context(), func(st store.Stores) error {
		err := errors.Join(
			st.Staff.PutFacility(staff.Facility{ID: "dinkes-99", Name: "Dinas", Since: now}), st.Staff.PutFacility(staff.Facility{ID: "rs-99-001", Name: "RS", Since: now}),
			st.Staff.Put(staff.Member{Actor: staff.Actor{ID: "client-x", Facility: "rs-99-001", Role: staff.RoleClient, Rights: staff.Enter, Since: now}, Credential: []byte("hash of a secret"), Registered: now}),
		)
		for i, a := range []staff.Actor{one, two} {
			a.Since = now
			err = errors.Join(err,
				st.Staff.Put(staff.Member{Actor: a, Credential: []byte{byte(i + 1), 9}, Registered: now}),
				st.Invitations.Put(staff.Invitation{Code: staff.Hash{byte(i)}, Actor: staff.ActorID(fmt.Sprint("staff-", i)), Facility: "rs-99-001", Role: staff.RoleClinician, Rights: staff.View, By: a.ID, Made: now, Until: now.Add(time.Hour)}),
				st.SignIns.Put(staff.Session{Token: staff.Hash{7, byte(i)}, Actor: a.ID, Browser: staff.Hash{8, byte(i)}, Endorsement: []byte("word"), Began: now, Until: now.Add(time.Hour)}))
			r := staff.Request{Kind: staff.AskElevate, By: a.ID, Place: "dinkes-99", Purpose: "enrol", Asked: now, Until: now.Add(time.Hour)}
			err = errors.Join(err, st.Requests.Put(r))
			other := []staff.ActorID{"officer-2", "officer-1"}[i]
			err = errors.Join(err, st.Requests.Approve(s.passkeys[other].Approve(deskSite, other, r.ID(), now)))
		}
		return err
	}))
}

// key is the key of a person's attributes, as a job of the platform's is given it.
func (s *town) key(t *testing.T, p identity.Stored, e uint64) keeper.Secret {
	t.Helper()
	i := keeper.Intent{Actor: "test", Purpose: "test", Budget: keeper.BudgetImport}
	rand.Read(i.ID[:])
	r := keeper.Read{Person: p.ID, Have: []keeper.Version{{Record: keeper.RecordPerson, Version: p.Version}}, Want: []keeper.Version{{Record: keeper.RecordPerson, Version: p.Version}}}
	if e > 0 {
		r.Have = append(r.Have, keeper.Version{Record: keeper.RecordEvidence, Version: e})
	}
	_, opened, err := s.k.Read(t.Context(), i, []keeper.Read{r})
	must(t, err)
	must(t, opened[0].Err)
	return opened[0].Keys[0]
}

func (s *town) links(t *testing.T, db *sqlite.DB) {
	t.Helper()
	now := time.Now().Truncate(time.Second)
	var people []identity.Stored
	var evidence []uint64
	must(t, db.View(t.Context(), func(st store.Stores) (err error) {
		if people, err = st.People.Walk(0, 4); err != nil {
			return err
		}
		e, err := st.Status.Evidence([]identity.PersonID{1, 2, 3, 4})
		for _, one := range e {
			evidence = append(evidence, one.Version)
		}
		return err
	}))
	phone, err := identity.ParsePhone("+628110000009")
	must(t, err)
	tags, err := s.k.Index(t.Context(), keeper.KindPhone, [][]byte{[]byte(phone.Reveal())})
	must(t, err)
	must(t, db.Update(t.Context(), func(st store.Stores) error {
		err := errors.Join(
			st.Partners.Put(partner.Partner{ID: 2, Name: "Mitra Dua", State: partner.Sandbox, Joined: now}),
			st.Agreements.Offer(partner.Agreement{Partner: 1, Version: 1, Terms: []byte("{}"), Signature: "e30..1", Offered: now, Until: now.Add(time.Hour)}),
			st.Agreements.Offer(partner.Agreement{Partner: 2, Version: 1, Terms: []byte("{2}"), Signature: "e30..2", Offered: now, Until: now.Add(time.Hour)}),
			st.Partners.Log(partner.Step{Partner: 1, Who: "desk", From: 1, To: 2, Stage: 1, Reason: "asked", At: now}),
			st.Partners.Log(partner.Step{Partner: 2, Who: "desk", From: 1, To: 2, Stage: 1, Reason: "asked too", At: now}),
			st.Venues.Put(venue.Venue{ID: 2, Name: "Toko", Category: "mall", District: "9902", Level: 2, Declared: 20, Doors: 2}),
			st.Guardians.Put(identity.Guardianship{Guardian: 1, Child: 4, Proof: identity.FamilyCard, Office: "rs-99-001", Recorded: now}),
			st.Guardians.Put(identity.Guardianship{Guardian: 2, Child: 3, Proof: identity.BirthCertificate, Office: "rs-99-001", Recorded: now}),
			st.Sent.Put(record.Sent{Ref: record.Ref{Person: 1, Number: record.Entered}, Version: 1, To: identity.Tag{1}, From: identity.Tag{2}, At: now, Until: now.Add(time.Hour), Digest: [32]byte{1}, Size: 9}),
			st.Sent.Put(record.Sent{Ref: record.Ref{Person: 2, Number: record.Entered}, Version: 1, To: identity.Tag{3}, From: identity.Tag{2}, At: now, Until: now.Add(time.Hour), Digest: [32]byte{2}, Size: 8}),
			st.PINs.Put(1, identity.Tag{1, 1}), st.PINs.Put(2, identity.Tag{2, 2}),
		)
		for i := range 2 {
			p := people[i+1]
			raw, e := identity.Number{Phone: phone, From: now}.AppendBinary(nil)
			sealed, e2 := vault.SealRecord(s.key(t, p, evidence[i+1]), vault.Binding{Table: vault.Bindings, Person: p.ID, Record: uint64(keeper.RecordPerson), Version: p.Version}, raw)
			err = errors.Join(err, e, e2,
				st.Bindings.Put(identity.StoredBinding{Binding: identity.Binding{Person: p.ID, Phone: tags[0]}, Version: p.Version, Bound: sealed}),
				st.Cards.Put(identity.Card{ID: identity.CardID{byte(i + 1)}, Person: p.ID, Issued: now.Truncate(time.Minute), Expires: now.Truncate(time.Minute).Add(time.Hour)}))
		}
		subject, e := s.k.Index(t.Context(), keeper.KindSubject, [][]byte{{0, 0, 0, 0, 0, 0, 0, 2}})
		return errors.Join(err, e, st.Links.Put(identity.Link{ID: identity.LinkID{2}, Partner: 2, Subject: subject[0], Device: [32]byte{9}, Created: now, Scope: 1}))
	}))
}

// visits stores visits, asks and passes of leaves as a gate does.
func (s *town) visits(t *testing.T, db *sqlite.DB) {
	t.Helper()
	gate, _, err := s.k.OpenGate(t.Context())
	must(t, err)
	var colours []keeper.GateItem
	must(t, db.View(t.Context(), func(st store.Stores) error {
		rows, err := st.Status.Colours([]identity.PersonID{1, 2, 3, 4})
		for _, c := range rows {
			it := keeper.GateItem{Colour: c, Instant: time.Now()}
			rand.Read(it.Event[:])
			colours = append(colours, it)
		}
		return err
	}))
	r, err := s.k.Gate(t.Context(), gate, colours)
	must(t, err)
	today, now := day.Of(time.Now()), time.Now().Truncate(time.Second)
	leaf := func(i int) venue.LeafRef { return venue.LeafRef{Gate: gate, Seq: r.Leaf.Seq, Index: i} }
	visit := func(i int, at venue.ID) venue.Visit {
		return venue.Visit{ID: venue.VisitID(colours[i].Event), Venue: at, Door: 1, Day: today, Who: r.Results[i].Who, Entered: now, LeavesBy: now.Add(time.Hour), Party: 2, Decision: venue.Admit, Leaf: leaf(i)}
	}
	pass := func(i int) venue.Pass {
		id := venue.VisitID(colours[i].Event)
		return venue.Pass{ID: id, Serial: id, Day: today, Who: r.Results[i].Who, Category: "mall", Level: 2, Issued: now, Expires: now.Add(time.Hour), Party: 1, Decision: venue.Admit, Leaf: leaf(i)}
	}
	r.Leaf.Asks, r.Leaf.Passes = 2, 2
	s.entered = []venue.Visit{visit(0, 1), visit(1, 2)}
	must(t, db.Update(t.Context(), func(st store.Stores) error {
		return errors.Join(
			st.Log.Put([]accesslog.Leaf{r.Leaf}),
			st.Visits.Put(s.entered), st.Venues.Add([]venue.Delta{{Venue: 1, By: 2, Entered: 1}, {Venue: 2, By: 2, Entered: 1}}),
			st.Passes.Put([]venue.Pass{pass(2), pass(3)}),
			st.Asks.Put([]venue.Ask{
				{Day: today, Who: r.Results[2].Who, ID: colours[2].Event, At: now, Outcome: venue.AskGiven, Times: 1, Leaf: leaf(2)},
				{Day: today, Who: r.Results[3].Who, ID: colours[3].Event, At: now, Outcome: venue.AskGiven, Times: 1, Leaf: leaf(3)},
			}))
	}))
}

// moveOn changes what may change, so that there is something to roll back.
func (s *town) moveOn(t *testing.T, db *sqlite.DB) {
	t.Helper()
	now := time.Now().Truncate(time.Second)
	s.enter(t, 1, "later", "2021-11-01")
	s.enter(t, 3, "later", "2021-11-01")
	_, err := s.care.Evidence.Facts(t.Context(), nil, identityProgress("facts"))
	must(t, err)
	must(t, db.Update(t.Context(), func(st store.Stores) error {
		links, err := st.Links.Get([]identity.LinkID{{2}})
		if err != nil {
			return err
		}
		links[0].Ended = now
		members, err := st.Staff.All()
		if err != nil {
			return err
		}
		for _, m := range members {
			if m.Role == staff.RoleClient {
				m.Rights, m.Ended = m.Rights|staff.Correct, now
				if err := st.Staff.Put(m); err != nil {
					return err
				}
			}
		}
		sessions, err := st.SignIns.Of("officer-1")
		if err != nil {
			return err
		}
		sessions[0].Ended = now
		card, err := st.Cards.Get(identity.CardID{1})
		if err != nil {
			return err
		}
		card.Revoked = now.Truncate(time.Minute)
		if _, err := st.Visits.Leave([]venue.Leaving{{ID: s.entered[0].ID, At: now}}); err != nil {
			return err
		}
		return errors.Join(
			s.countOn(t, st, now), st.Venues.Add([]venue.Delta{{Venue: 1, By: -s.entered[0].Party}, {Venue: 2, Entered: 1}}),
			st.Sent.Fetched(record.Ref{Person: 1, Number: record.Entered}, now), st.Links.Put(links[0]), st.SignIns.Put(sessions[0]), st.Cards.Put(card), st.PINs.Put(1, identity.Tag{1, 3}),
			st.Partners.Put(partner.Partner{ID: 2, Name: "Mitra Dua", State: partner.Suspended, Held: partner.Sandbox, Joined: now}),
			st.Venues.Put(venue.Venue{ID: 1, Name: "Pasar", Category: "market", District: "9901", Level: 3, Declared: 30, Doors: 1}),
			st.Guardians.Put(identity.Guardianship{Guardian: 1, Child: 4, Proof: identity.FamilyCard, Office: "rs-99-001", Recorded: now.Add(-0), Ended: now}),
			st.Staff.PutFacility(staff.Facility{ID: "rs-99-001", Name: "RS", Since: now, Ended: now}),
		)
	}))
}

func identityProgress(source string) identity.Progress { return identity.Progress{Source: source} }

// cloneDocuments copies the folder of documents.
func (s *town) cloneDocuments(t *testing.T, to string) {
	t.Helper()
	must(t, os.CopyFS(to, os.DirFS(s.documents())))
}

// noted prints findings.
func noted(all []check.Finding) string {
	var b bytes.Buffer
	for _, f := range all {
		fmt.Fprintf(&b, "%s %s %s: %s\n", f.Table, f.Row, f.What, f.Why)
	}
	return strings.TrimSpace(b.String())
}
