package check_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/flow/check"
	"github.com/amanah-project/amanah/internal/flow/document"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/disk"
)

// sealed are the tables of what is sealed and of what leads there, and the documents.
var sealed = []string{"identity_nik", "identity_phone", "identity_person", "record_source", "record_version", "status_colour", "status_evidence", documents}

// sealedUse asks for what is sealed by the flows that serve it.
type sealedUse struct {
	*town
	db   store.DB
	gate accesslog.GateID
	// phones are the tags of numbers that somebody is registered under.
	phones []identity.Tag
}

// answers are what each question is answered; one that is refused, or has nothing, is not
// among them.
type answers map[string]string

func (a answers) put(question, answer string, err error) {
	if err == nil && answer != "" {
		a[question] = answer
	}
}

// all asks everything of these people, with documents in a folder.
func (u *sealedUse) all(t *testing.T, papers string, people []identity.PersonID) answers {
	t.Helper()
	ctx, out := t.Context(), answers{}
	blobs, err := disk.Open(durable.OS(papers))
	must(t, err)
	defer blobs.Close()
	u.care.Care.DB, u.care.Evidence.DB = u.db, u.db
	u.care.Care.Documents = &document.Vault{DB: u.db, Blobs: blobs, Keeper: u.k, Now: time.Now}
	for _, who := range people {
		u.records(ctx, who, out)
		said, err := u.colour(ctx, who)
		out.put(fmt.Sprint("colour of ", who), said, err)
	}
	for i, c := range claims(t) {
		found, reason, err := u.care.Care.Match(ctx, c)
		if reason != "" {
			found = 0 // it waits in quarantine: nothing is attached
		}
		out.put(fmt.Sprint("claim ", i), numbered64(found), err)
		ref, err := u.care.Care.Find(ctx, c.NIK)
		out.put(fmt.Sprint("NIK ", i), numbered64(ref.Person), err)
	}
	for _, facility := range []string{"a", "b", "letter"} {
		for who := range 3 {
			name := fmt.Sprint(facility, who+1)
			refs, err := u.care.Care.Sources(ctx, clinic.Facility, []string{name})
			if err == nil && refs[0].Person != 0 {
				out.put("source "+name, refs[0].String(), nil)
			}
		}
	}
	for i, tag := range u.phones {
		who, err := u.claimants(ctx, tag)
		out.put(fmt.Sprint("number ", i), who, err)
	}
	out.evidence(u.care.Evidence.Each(ctx, "test"))
	return out
}

func numbered64(who identity.PersonID) string {
	if who == 0 {
		return ""
	}
	return strconv.FormatInt(int64(who), 10)
}

// records asks for everything that a person has, and reads each document to its end.
func (u *sealedUse) records(ctx context.Context, who identity.PersonID, out answers) {
	all, err := u.care.Care.Everything(ctx, clinic, who)
	said := ""
	for _, r := range all {
		content, e := json.Marshal(r.Content)
		err = errors.Join(err, e)
		said += fmt.Sprintf("%v %d %s %x\n", r.Ref, r.Version, content, r.Body)
		if r.Content.Document == nil {
			continue
		}
		c, e := u.care.Care.Document(ctx, r)
		if e != nil {
			continue
		}
		sum := sha256.New()
		_, e = io.Copy(sum, io.NewSectionReader(c, 0, c.Size()))
		out.put(fmt.Sprint("document ", r.Ref), fmt.Sprintf("%x", sum.Sum(nil)), errors.Join(e, c.Close()))
	}
	out.put(fmt.Sprint("records of ", who), said, err)
}

// claimants are who may be sent a code at a number.
func (u *sealedUse) claimants(ctx context.Context, phone identity.Tag) (said string, err error) {
	return said, u.db.View(ctx, func(s store.Stores) error {
		who, err := s.Bindings.Claimants(phone)
		if err == nil && len(who) > 0 {
			said = fmt.Sprint(who)
		}
		return err
	})
}

// colour has the keeper's gate open a person's stored colour, as a check-in does.
func (u *sealedUse) colour(ctx context.Context, who identity.PersonID) (string, error) {
	var rows []status.SealedColour
	err := u.db.View(ctx, func(s store.Stores) (err error) {
		rows, err = s.Status.Colours([]identity.PersonID{who})
		return err
	})
	if err != nil {
		return "", err
	}
	item := keeper.GateItem{Colour: rows[0], Instant: time.Now()}
	item.Colour.Person = who
	rand.Read(item.Event[:])
	reply, err := u.k.Gate(ctx, u.gate, []keeper.GateItem{item})
	if err != nil || reply.Results[0].Outcome != keeper.GateOpened {
		return "", err
	}
	return fmt.Sprintf("%x", reply.Results[0].Timeline), nil
}

// evidence is everybody's, one answer for each who has any; it goes no further than to the
// first that does not open.
func (a answers) evidence(each func(yield func(status.Evidence, error) bool)) {
	for e, err := range each {
		raw, err2 := e.MarshalBinary()
		if err != nil || err2 != nil {
			return
		}
		if len(e.Doses) > 0 {
			a[fmt.Sprintf("evidence %x", raw)] = "there"
		}
	}
}

// claims are those of the people who are registered.
func claims(t *testing.T) (out []record.Claim) {
	t.Helper()
	for _, c := range [][3]string{
		{"9901011508900001", "Siti Kenari", "1990-08-15"}, {"9901025509850002", "Budi Kenari", "1985-09-15"},
		{"9901011201900003", "Ani Kenari", "1990-01-12"}, {"9901010203900004", "Tono Kenari", "1990-03-02"},
	} {
		nik, e1 := identity.ParseNIK(c[0])
		name, e2 := identity.ParseName(c[1])
		birth, e3 := day.Parse(c[2])
		must(t, errors.Join(e1, e2, e3))
		out = append(out, record.Claim{NIK: nik, Names: []identity.Name{name}, Birth: birth})
	}
	return out
}

// people are those to ask about: those there are, and whom rows name since.
func (e *editor) people(t *testing.T, c *sqliteCopy) []identity.PersonID {
	t.Helper()
	out := []identity.PersonID{1, 2, 3, 4, 5, 6, 7}
	for _, table := range []string{"identity_person", "record_version", "status_colour"} {
		column := "person_id"
		if table == "identity_person" {
			column = "id"
		}
		for _, row := range rowsIn(t, c.conn, table, e.shapes[table]) {
			if n, ok := e.at(table, row, column).(int64); ok && n > 7 {
				out = append(out, identity.PersonID(n))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// sealedServed makes n edits of what is sealed, those that it wants, each against a server's
// flows that run, over a database that keeps a ledger or none, and counts those after which something is answered that was not written.
func sealedServed(t *testing.T, n int, kept bool, wants func(edit) bool) (through, tried map[string]int) {
	t.Helper()
	s := newTown(t)
	e, c := newEditor(t, s, 7), newSQLiteCopy(t, s)
	if kept {
		must(t, c.db.KeepLedger(t.Context(), []byte(s.keys.Ledger), false))
		must(t, c.db.FollowLedger(t.Context()))
	}
	gate, _, err := s.k.OpenGate(t.Context())
	must(t, err)
	u := &sealedUse{town: s, db: c.db, gate: gate}
	must(t, c.db.View(t.Context(), func(st store.Stores) error {
		all, err := st.People.Walk(0, 100)
		for _, p := range all {
			if p.Phone != (identity.Tag{}) {
				u.phones = append(u.phones, p.Phone)
			}
		}
		return err
	}))
	was := u.all(t, s.documents(), e.people(t, c))
	if len(was) < 23+4+len(u.phones) || len(u.phones) < 2 {
		t.Fatalf("before any edit only %d questions are answered: %v", len(was), was)
	}
	through, tried = map[string]int{}, map[string]int{}
	for all := 0; all < n; {
		ed := e.next(t)
		if !slices.Contains(sealed, ed.table) || !wants(ed) {
			continue
		}
		papers := s.documents()
		if ed.files != nil {
			dir, err := os.MkdirTemp(s.dir, "papers")
			must(t, err)
			papers = filepath.Join(dir, "documents")
			s.cloneDocuments(t, papers)
			must(t, ed.files(papers))
		}
		var got answers
		err := c.with(t, ed.do, func(check.Database) error {
			got = u.all(t, papers, e.people(t, c))
			return nil
		})
		if ed.files != nil {
			must(t, os.RemoveAll(filepath.Dir(papers)))
		}
		if errors.Is(err, errEngine) {
			continue
		}
		must(t, err)
		all++
		tried[ed.table]++
		for question, answer := range got {
			if answer != was[question] {
				through[ed.table+"."+ed.column+" "+ed.op]++
				if through[ed.table+"."+ed.column+" "+ed.op] < 3 {
					t.Logf("%s.%s %s: %s: %.200q, was %.200q", ed.table, ed.column, ed.op, question, answer, was[question])
				}
				break
			}
		}
	}
	return through, tried
}

// TestSealedServed is TestEditsServed for what is sealed: edits drawn uniformly over people,
// evidence, colours, records, the indexes that lead to them, and documents, against flows
// that run; then everything is asked for, of everybody, by the flows that serve it. What is
// answered is what was written, or that nothing is there, or an error; a list is answered
// whole. The control is a build without associated data and heads (TestEditsUnbound).
func TestSealedServed(t *testing.T) {
	n := 100
	if os.Getenv("SOAK") == "1" {
		n = 10_000
	}
	through, tried := sealedServed(t, n, true, func(edit) bool { return true })
	if t.Logf("%d edits, of %v; got through: %v", n, tried, through); len(through) > 0 {
		t.Errorf("got through: %v", through)
	}
}

// TestTagsServed is TestSealedServed for whose a NIK or a telephone number is, alone.
func TestTagsServed(t *testing.T) {
	if through, tried := sealedServed(t, 60, true, ofTags); len(through) > 0 {
		t.Errorf("of %v got through: %v", tried, through)
	}
}

// TestTagsServedControl: where no ledger is kept, and so no MAC held, the same edits lead to
// other people.
func TestTagsServedControl(t *testing.T) {
	through, tried := sealedServed(t, 60, false, ofTags)
	sum := map[bool]int{}
	for what, n := range through {
		sum[strings.HasPrefix(what, "identity_phone")] += n
	}
	if t.Logf("of %v got through: %v", tried, through); sum[false] < 3 || sum[true] < 3 {
		t.Errorf("of %v got through: %v: the other trial proves little", tried, through)
	}
}

func ofTags(ed edit) bool {
	return ed.table == "identity_nik" || ed.table == "identity_phone"
}
