package care_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/care/caretest"
	"github.com/amanah-project/amanah/internal/format/fhir"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/memory"
	"github.com/amanah-project/amanah/internal/store/sqlite"
)

// bundles is where transaction bundles lie; by default those of the repository.
var bundles = flag.String("bundles", "../../format/fhir/testdata/valid", "folder of transaction bundles, .json or .json.gz")

func newSite(t *testing.T) *caretest.Site { return caretest.New(t, memory.New()) }

func onDisk(t *testing.T) *caretest.Site {
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "x.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return caretest.New(t, db)
}

var (
	hospital = care.Caller{Actor: "client-rs-99-001", Facility: "rs-99-001", Role: staff.RoleClient, Rights: staff.Enter | staff.Correct | staff.View, Ask: keeper.Ask{Proof: "signed"}}
	office   = care.Caller{Actor: "staff-1", Facility: "dinkes-99", Role: staff.RoleOfficer, Ask: keeper.Ask{Proof: "signed"}}
)

const (
	nikA   = "9901015703840001"
	nikB   = "9901011508900001"
	nameA  = "Ani Contoh"
	birthA = "1984-03-17"
)

func immunization(who identity.PersonID, on, cvx string) string {
	return fmt.Sprintf(`{"resourceType":"Immunization","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":%q}]},"patient":{"reference":"Patient/%d"},"occurrenceDateTime":%q}`, cvx, who, on)
}

func enter(s *caretest.Site, c care.Caller, e care.Entry) care.Done {
	s.Helper()
	done, err := s.Care.Enter(s.Context(), c, []care.Entry{e})
	if err != nil {
		s.Fatal(err)
	}
	return done[0]
}

func must(s *caretest.Site, who identity.PersonID, resources ...string) care.Done {
	s.Helper()
	e := care.Entry{Person: who}
	for _, r := range resources {
		e.Items = append(e.Items, care.Item{Resource: s.Read(r)})
	}
	d := enter(s, hospital, e)
	if d.Err != nil {
		s.Fatal(d.Err)
	}
	return d
}

// TestImmunizationToColour: what is posted is what the next check-in shows, and what
// is taken back is gone from it.
func TestImmunizationToColour(t *testing.T) {
	s := onDisk(t)
	who := s.Register(nikA, nameA, birthA)
	before := s.Colour(who)
	if before.Colour == status.Green {
		t.Fatal("green without a dose")
	}
	ago := func(days int) string { return time.Now().AddDate(0, 0, -days).Format(time.DateOnly) }
	d := must(s, who, immunization(who, ago(400), "511"), immunization(who, ago(370), "511"), immunization(who, ago(100), "208"))
	if got := s.Colour(who); got != before {
		t.Error("the colour moved before it was let follow")
	}
	if done, err := s.Care.Drain(t.Context()); err != nil || done != (care.Followed{Versions: 3}) {
		t.Fatalf("%+v %v", done, err)
	}
	if got := s.Colour(who); got.Colour != status.Green {
		t.Errorf("three doses make %s", got.Colour)
	}
	for _, p := range d.Placed {
		if _, err := s.Care.Withdraw(t.Context(), hospital, p.Ref, p.Version, "entered-in-error"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Care.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.Colour(who); got.Colour != before.Colour || got.Reason != before.Reason {
		t.Errorf("after all doses were withdrawn: %s", got.Colour)
	}
	positive := `{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"94500-6"}]},"subject":{"reference":"Patient/1"},"effectiveDateTime":"` +
		time.Now().Add(-2*time.Hour).UTC().Format(time.RFC3339) + `","valueCodeableConcept":{"coding":[{"system":"http://snomed.info/sct","code":"10828004"}]}}`
	must(s, who, positive)
	if _, err := s.Care.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.Colour(who); got.Colour != status.Black {
		t.Errorf("a positive test makes %s", got.Colour)
	}
}

// TestColourFollowsAfterACrash: what was entered and not told opens again from what is
// stored.
func TestColourFollowsAfterACrash(t *testing.T) {
	s := newSite(t)
	who := s.Register(nikA, nameA, birthA)
	must(s, who, immunization(who, "2021-07-01", "511"), immunization(who, "2021-08-01", "511"), immunization(who, "2022-03-01", "208"))
	again := s.Care // as another process would have it: the memory of the first is lost
	fresh := care.Flow{DB: again.DB, Keeper: again.Keeper, Documents: again.Documents, Colours: again.Colours, Reader: again.Reader, Now: again.Now, Actor: again.Actor, Budget: again.Budget}
	for range 2 {
		if _, err := fresh.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.Colour(who); got.Colour != status.Green {
			t.Errorf("three doses make %s", got.Colour)
		}
	}
	if done, err := s.Care.Drain(t.Context()); err != nil || done.Versions != 0 {
		t.Errorf("done twice: %+v %v", done, err)
	}
}

// TestFollowLeavesOthers: a server does not open again what an importer beside it is about to
// let follow, and takes what nobody did for a minute.
func TestFollowLeavesOthers(t *testing.T) {
	s := newSite(t)
	who := s.Register(nikA, nameA, birthA)
	var clock atomic.Int64 // nanoseconds
	clock.Store(time.Now().Add(-time.Minute).UnixNano())
	looks := make(chan bool)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	own := s.Care
	server := care.Flow{DB: own.DB, Keeper: own.Keeper, Documents: own.Documents, Colours: own.Colours, Reader: own.Reader, Actor: own.Actor, Budget: own.Budget, Now: func() time.Time {
		select {
		case looks <- true: // after every pass
		case <-ctx.Done():
		}
		return time.Unix(0, clock.Load())
	}}
	opened := make(chan int)
	var wait sync.WaitGroup
	wait.Go(func() {
		server.Follow(ctx, time.Millisecond, func(done care.Followed, err error) {
			select {
			case opened <- done.Versions:
			case <-ctx.Done():
			}
		})
	})
	<-looks // nothing was there before it came
	must(s, who, immunization(who, "2021-07-01", "511"))
	for range 3 {
		select {
		case <-looks:
		case n := <-opened:
			t.Fatalf("%d opened that another process has just entered", n)
		}
	}
	clock.Store(time.Now().Add(time.Hour).UnixNano())
	for waits := true; waits; {
		select {
		case <-looks:
		case n := <-opened:
			if waits = false; n != 1 {
				t.Errorf("%d opened of one that nobody let follow", n)
			}
		}
	}
	cancel()
	wait.Wait()
}

// TestCorrectAndHistory: a correction is a version, over the version that was read.
func TestCorrectAndHistory(t *testing.T) {
	s := newSite(t)
	who := s.Register(nikA, nameA, birthA)
	d := must(s, who, immunization(who, "2021-07-01", "208"))
	ref, first := d.Placed[0].Ref, d.Placed[0].Version
	second, err := s.Care.Correct(t.Context(), hospital, ref, first, s.Read(immunization(who, "2021-07-02", "208")))
	if err != nil || second.Ref != ref || second.Version <= first {
		t.Fatalf("%+v %v", second, err)
	}
	if _, err := s.Care.Correct(t.Context(), hospital, ref, first, s.Read(immunization(who, "2021-07-03", "208"))); !errors.Is(err, record.ErrVersion) {
		t.Errorf("a correction of an old version: %v", err)
	}
	if _, err := s.Care.Correct(t.Context(), hospital, record.Ref{Person: who, Number: 70000}, 1, s.Read(immunization(who, "2021-07-03", "208"))); !errors.Is(err, record.ErrNone) {
		t.Errorf("a correction of nothing: %v", err)
	}
	enters := hospital
	enters.Rights = staff.Enter | staff.View
	if _, err := s.Care.Correct(t.Context(), enters, ref, second.Version, s.Read(immunization(who, "2021-07-03", "208"))); !errors.Is(err, staff.ErrRight) {
		t.Errorf("a correction without the right: %v", err)
	}
	all, err := s.Care.History(t.Context(), hospital, ref)
	if err != nil || len(all) != 2 || all[0].Version != second.Version || all[1].Version != first {
		t.Fatalf("%d versions, %v", len(all), err)
	}
	for i, want := range []string{"2021-07-02", "2021-07-01"} {
		raw, err := all[i].Resource()
		if err != nil || !strings.Contains(string(raw), want) || !strings.Contains(string(raw), `"id":"`+ref.String()+`"`) {
			t.Errorf("version %d: %s %v", i, raw, err)
		}
	}
	old, err := s.Care.Open(t.Context(), hospital, ref, first)
	if err != nil || old.Version != first || old.Kind != record.Other || old.Facility != "rs-99-001" {
		t.Errorf("%+v %v", old.Meta, err)
	}
	if _, err := s.Care.Open(t.Context(), hospital, ref, 99); !errors.Is(err, record.ErrNone) {
		t.Errorf("no such version: %v", err)
	}
	unsigned := hospital
	unsigned.Ask = keeper.Ask{}
	if _, err := s.Care.Open(t.Context(), unsigned, ref, 0); !errors.Is(err, care.ErrOpenless) {
		t.Errorf("opened unsigned: %v", err)
	}
}

// TestRestricted: restricted records are entered and not viewed, and whoever takes the
// restriction out of the database opens nothing.
func TestRestricted(t *testing.T) {
	s := newSite(t)
	who := s.Register(nikA, nameA, birthA)
	d := must(s, who, immunization(who, "2021-07-01", "208"))
	ref := d.Placed[0].Ref
	if err := s.Care.Restrict(t.Context(), hospital, who, true, "asked-by-the-person"); !errors.Is(err, care.ErrOffice) {
		t.Errorf("a hospital restricts: %v", err)
	}
	if err := s.Care.Restrict(t.Context(), office, who, true, "Asked by Ani"); !errors.Is(err, record.ErrReason) {
		t.Errorf("a reason in words: %v", err)
	}
	if err := s.Care.Restrict(t.Context(), office, who, true, "asked-by-the-person"); err != nil {
		t.Fatal(err)
	}
	must(s, who, immunization(who, "2021-08-01", "208"))
	if _, err := s.Care.Open(t.Context(), hospital, ref, 0); !errors.Is(err, record.ErrRestricted) {
		t.Errorf("viewed: %v", err)
	}
	if _, err := s.Care.Everything(t.Context(), hospital, who); !errors.Is(err, record.ErrRestricted) {
		t.Errorf("all viewed: %v", err)
	}
	emergency := hospital
	emergency.Emergency = true
	for c, want := range map[*care.Caller]error{&emergency: nil, &office: staff.ErrRight} {
		if _, err := s.Care.Open(t.Context(), *c, ref, 0); !errors.Is(err, want) {
			t.Errorf("%s: %v", c.Actor, err)
		}
	}
	if err := s.Care.Hold(t.Context(), office, who, true, "court-order"); err != nil {
		t.Fatal(err)
	}
	stand, err := s.Care.Stand(t.Context(), office, who)
	if err != nil || !stand.Hold.On || !stand.Restricted.On || stand.Restricted.Why != "asked-by-the-person" {
		t.Errorf("%+v %v", stand, err)
	}
	if err := s.Care.MayErase(t.Context(), office, who); !errors.Is(err, record.ErrHeld) {
		t.Errorf("erase under a hold: %v", err)
	}
	if err := s.Care.Restrict(t.Context(), office, who, false, "withdrawn-by-the-person"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Care.Open(t.Context(), hospital, ref, 0); err != nil {
		t.Errorf("after the restriction: %v", err)
	}
}

// TestMayErase: 25 years from the last visit, not from the last entry.
func TestMayErase(t *testing.T) {
	s := newSite(t)
	who := s.Register(nikA, nameA, birthA)
	visit := func(on string) string {
		return `{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/1"},"period":{"start":"` + on + `T08:00:00+07:00","end":"` + on + `T09:00:00+07:00"}}`
	}
	if err := s.Care.Hold(t.Context(), office, who, true, "court-order"); err != nil {
		t.Fatal(err)
	}
	if err := s.Care.MayErase(t.Context(), office, who); !errors.Is(err, record.ErrHeld) {
		t.Errorf("held, without a record: %v", err)
	}
	if err := s.Care.Hold(t.Context(), office, who, false, "court-order"); err != nil {
		t.Fatal(err)
	}
	must(s, who, visit("1999-01-01"))
	if err := s.Care.MayErase(t.Context(), office, who); err != nil {
		t.Errorf("a visit of 1999: %v", err)
	}
	must(s, who, visit(time.Now().AddDate(-24, 0, 0).Format(time.DateOnly)))
	if err := s.Care.MayErase(t.Context(), office, who); !errors.Is(err, record.ErrKept) {
		t.Errorf("a visit 24 years ago: %v", err)
	}
}

// load reads every bundle of a folder.
func load(t testing.TB, folder string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	names, err := filepath.Glob(filepath.Join(folder, "*.json*"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no bundles in %s", folder)
	}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err == nil && strings.HasSuffix(name, ".gz") {
			var z io.Reader
			if z, err = gzip.NewReader(bytes.NewReader(raw)); err == nil {
				raw, err = io.ReadAll(z)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(name)] = raw
	}
	return out
}

// withNIK gives the patient of a bundle that has none a NIK that nobody has, of their
// own birth date and sex.
func withNIK(t testing.TB, raw []byte, serial int) []byte {
	t.Helper()
	if bytes.Contains(raw, []byte(record.NIKSystem)) {
		return raw
	}
	var b map[string]any
	if err := json.Unmarshal(raw, &b); err != nil {
		t.Fatal(err)
	}
	for _, e := range b["entry"].([]any) {
		r := e.(map[string]any)["resource"].(map[string]any)
		if r["resourceType"] != "Patient" {
			continue
		}
		born, err := time.Parse(time.DateOnly, r["birthDate"].(string))
		if err != nil {
			t.Fatal(err)
		}
		d := born.Day()
		if r["gender"] == "female" {
			d += 40
		}
		nik := fmt.Sprintf("990101%02d%s%04d", d, born.Format("0106"), serial)
		ids, _ := r["identifier"].([]any)
		r["identifier"] = append(ids, map[string]any{"system": record.NIKSystem, "value": nik})
	}
	out, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestAllBundles: every bundle goes in whole, once however often it is taken, with no
// reference left that points into the bundle, and comes out as it went in.
func TestAllBundles(t *testing.T) {
	s := onDisk(t)
	s.Care.Newcomer = func(_ context.Context, p identity.Person) (identity.PersonID, error) {
		return s.Register(p.NIK.Reveal(), p.Name.Reveal(), p.Birth.String()), nil
	}
	serial, resources := 0, 0
	people := map[identity.PersonID]int{}
	for name, raw := range load(t, *bundles) {
		serial++
		raw = withNIK(t, raw, serial)
		for range 2 {
			b := s.Read(string(raw))
			e, err := care.Bundle(b, 0)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			e.Resumable()
			d := enter(s, hospital, e)
			if d.Err != nil || d.Person == 0 {
				t.Fatalf("%s: %+v", name, d)
			}
			if people[d.Person] == 0 {
				people[d.Person] = len(e.Items)
				resources += len(e.Items)
			}
		}
	}
	total := 0
	for who := range people {
		all, err := s.Care.Everything(t.Context(), hospital, who)
		if err != nil {
			t.Fatal(err)
		}
		total += len(all)
		for _, r := range all {
			raw, err := r.Resource()
			if err != nil {
				t.Fatal(err)
			}
			back, err := s.Care.Reader.Read(raw)
			if err != nil {
				t.Fatalf("%s %s: %v", r.Type, r.Ref, err)
			}
			for _, to := range back.References {
				if strings.HasPrefix(to.Target, "urn:") {
					t.Errorf("%s: a reference points into its bundle", r.Type)
				}
			}
		}
	}
	t.Logf("%d people, %d resources entered, %d there", len(people), resources, total)
	if total < resources {
		t.Errorf("%d resources were entered, %d are there", resources, total)
	}
}

// TestInvalid: what is no good resource does not reach the flow.
func TestInvalid(t *testing.T) {
	s := newSite(t)
	names, err := filepath.Glob("../../format/fhir/testdata/invalid/*")
	if err != nil || len(names) < 10 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var invalid *fhir.Invalid
		if _, err := s.Care.Reader.Read(raw); !errors.As(err, &invalid) {
			t.Errorf("%s: %v", filepath.Base(name), err)
		}
	}
}

func patientOf(nik, name, birth string) string {
	return fmt.Sprintf(`{"resourceType":"Patient","identifier":[{"system":%q,"value":%q}],"name":[{"text":%q}],"birthDate":%q}`, record.NIKSystem, nik, name, birth)
}

func bundle(entries ...string) string {
	var b strings.Builder
	b.WriteString(`{"resourceType":"Bundle","type":"transaction","entry":[`)
	for i, e := range entries {
		if i > 0 {
			b.WriteByte(',')
		}
		var r struct {
			Type string `json:"resourceType"`
		}
		_ = json.Unmarshal([]byte(e), &r)
		fmt.Fprintf(&b, `{"fullUrl":"urn:uuid:%s-%d","resource":%s,"request":{"method":"POST","url":%q}}`, r.Type, i, e, r.Type)
	}
	return b.String() + `]}`
}

// TestAside: near misses wait; what is attached can be taken back, and all of it is
// remembered.
func TestAside(t *testing.T) {
	s := newSite(t)
	who := s.Register(nikA, nameA, birthA)
	dose := `{"resourceType":"Immunization","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"208"}]},"patient":{"reference":"urn:uuid:Patient-0"},"occurrenceDateTime":"2021-07-01"}`
	set := func(p string) care.Done {
		t.Helper()
		e, err := care.Bundle(s.Read(bundle(p, dose)), 0)
		if err != nil {
			t.Fatal(err)
		}
		return enter(s, hospital, e)
	}
	if d := set(patientOf(nikA, "ANI  contoh", birthA)); d.Err != nil || d.Person != who || d.Aside != 0 {
		t.Fatalf("the same person: %+v", d)
	}
	if d := set(patientOf(nikB, nameA, "1990-08-15")); !errors.Is(d.Err, record.ErrNobody) {
		t.Errorf("a NIK of nobody: %+v", d)
	}
	var cases []identity.PersonID
	for _, c := range []struct {
		name, birth string
		want        record.Reason
	}{{"Ana Contoh", birthA, record.ReasonName}, {nameA, "1984-03-18", record.ReasonBirth}, {"Budi", "1984-03-18", record.ReasonBoth}} {
		d := set(patientOf(nikA, c.name, c.birth))
		if d.Err != nil || d.Person != 0 || d.Aside == 0 || d.Reason != c.want {
			t.Fatalf("%s: %+v", c.want, d)
		}
		cases = append(cases, d.Aside)
	}
	waiting, err := s.Care.Aside(t.Context(), office, 0, 10, false)
	if err != nil || len(waiting) != 3 || waiting[0].Steps[0].Against != who {
		t.Fatalf("%+v %v", waiting, err)
	}
	one, claim, records, err := s.Care.ShowAside(t.Context(), hospital, cases[0])
	if err != nil || claim.Names[0] != "Ana Contoh" || claim.NIK != nikA || len(records) != 2 || one.Reason != record.ReasonName {
		t.Fatalf("%+v %d %v", one, len(records), err)
	}
	if done, err := s.Care.Drain(t.Context()); err != nil || done.Versions != 1 {
		t.Errorf("what waits is no evidence: %+v %v", done, err)
	}
	d, err := s.Care.Attach(t.Context(), office, cases[0], who, "married-name")
	if err != nil || d.Person != who {
		t.Fatalf("%+v %v", d, err)
	}
	if _, err := s.Care.Attach(t.Context(), office, cases[0], who, "married-name"); !errors.Is(err, record.ErrSettled) {
		t.Errorf("attached twice: %v", err)
	}
	doses := func() int {
		t.Helper()
		all, err := s.Care.Compartment(t.Context(), hospital, who, record.Filter{Types: []string{"Immunization"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range all {
			raw, err := r.Resource()
			if err != nil || !strings.Contains(string(raw), fmt.Sprintf(`"reference":"Patient/%d"`, who)) {
				t.Errorf("%s %v", raw, err)
			}
		}
		return len(all)
	}
	if n := doses(); n != 2 {
		t.Errorf("%d doses, want 2", n)
	}
	if err := s.Care.Undo(t.Context(), office, cases[0], "another-person"); err != nil {
		t.Fatal(err)
	}
	if n := doses(); n != 1 {
		t.Errorf("%d doses after it was undone, want 1", n)
	}
	all, err := s.Care.Everything(t.Context(), hospital, who)
	void := slices.ContainsFunc(all, func(r care.Record) bool { return r.Withdrawn == "another-person" })
	if err != nil || !void {
		t.Errorf("the history is gone: %v", err)
	}
	if err := s.Care.Reject(t.Context(), office, cases[0], "nobody-here"); err != nil {
		t.Fatal(err)
	}
	if err := s.Care.Undo(t.Context(), office, cases[0], "looked-again"); err != nil {
		t.Fatal(err)
	}
	rest, err := s.Care.Aside(t.Context(), office, cases[0]-1, 1, true)
	if err != nil || rest[0].State != record.Waiting || len(rest[0].Steps) != 5 {
		t.Errorf("%+v %v", rest, err)
	}
	views := hospital
	views.Rights = staff.View
	if _, err := s.Care.Aside(t.Context(), views, 0, 10, false); !errors.Is(err, staff.ErrRight) {
		t.Errorf("listed by a viewer: %v", err)
	}
}

// TestLargeResource: a resource that outgrows its row is a document, and reads the
// same; one that was not stored leaves none behind.
func TestLargeResource(t *testing.T) {
	s := newSite(t)
	who := s.Register(nikA, nameA, birthA)
	text := strings.Repeat("YW1hbmFo", 20_000)
	doc := `{"resourceType":"DocumentReference","status":"current","type":{"coding":[{"system":"http://loinc.org","code":"57133-1"}]},"subject":{"reference":"Patient/1"},"content":[{"attachment":{"contentType":"application/octet-stream","data":"` + text + `"}}]}`
	d := must(s, who, doc)
	if s.Documents.Len() != 1 {
		t.Errorf("%d documents", s.Documents.Len())
	}
	r, err := s.Care.Open(t.Context(), hospital, d.Placed[0].Ref, 0)
	if err != nil || r.Kind != record.ReferralLetter || r.ContentType != "application/octet-stream" || !bytes.Contains(r.Body, []byte(text)) {
		t.Fatalf("%v %v", r.Kind, err)
	}
	if _, err := s.Care.Correct(t.Context(), hospital, d.Placed[0].Ref, 77, s.Read(doc)); !errors.Is(err, record.ErrVersion) || s.Documents.Len() != 1 {
		t.Errorf("%d documents after a refusal, %v", s.Documents.Len(), err)
	}
	scan := care.Entry{Person: who, Items: []care.Item{{Meta: record.Meta{Kind: record.Scan, ContentType: "application/dicom"}}}}
	e, err := s.Care.EnterDocument(t.Context(), hospital, scan, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r, err = s.Care.Open(t.Context(), hospital, e.Placed[0].Ref, 0)
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Care.Document(t.Context(), r)
	if err != nil || o.Size() != int64(len(text)) {
		t.Fatal(err)
	}
	near, err := record.ClaimOf(s.Read(patientOf(nikA, "Ana Contoh", birthA)))
	if err != nil {
		t.Fatal(err)
	}
	scan.Person, scan.Claim = 0, &near
	n, err := s.Care.EnterDocument(t.Context(), hospital, scan, strings.NewReader(text))
	if err != nil || n.Aside == 0 || n.Reason != record.ReasonName {
		t.Fatalf("a document of somebody else's name: %+v %v", n, err)
	}
	if d, err := s.Care.Attach(t.Context(), office, n.Aside, who, "married-name"); err != nil || d.Err != nil {
		t.Fatalf("attach a document: %v", err)
	}
	scans := record.Scan
	if all, err := s.Care.Compartment(t.Context(), hospital, who, record.Filter{Kind: &scans}); err != nil || len(all) != 2 {
		t.Errorf("%d scans, %v", len(all), err)
	} else if o, err := s.Care.Document(t.Context(), all[1]); err != nil || o.Size() != int64(len(text)) {
		t.Errorf("the attached document: %v", err)
	}
	part := make([]byte, 8)
	if _, err := o.ReadAt(part, 16*1024); err != nil || string(part) != "YW1hbmFo" {
		t.Errorf("%q %v", part, err)
	}
}

// TestForeign: a system's own names of records find them later, and a row that was
// pointed elsewhere is found out.
func TestForeign(t *testing.T) {
	s := newSite(t)
	who, other := s.Register(nikA, nameA, birthA), s.Register(nikB, "Budi Contoh", "1990-08-15")
	visit := `{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/p1"}}`
	a := enter(s, hospital, care.Entry{Person: who, Foreign: true, Items: []care.Item{
		{Resource: s.Read(patientOf(nikA, nameA, birthA)), Source: "Patient/p1"}, {Resource: s.Read(visit), Source: "Encounter/e1"},
	}})
	if a.Err != nil {
		t.Fatal(a.Err)
	}
	refs, err := s.Care.Sources(t.Context(), "rs-99-001", []string{"Patient/p1", "Encounter/e1", "Encounter/e2"})
	if err != nil || refs[0].Person != who || refs[0].Number != 0 || refs[1] != a.Placed[1].Ref || refs[2] != (record.Ref{}) {
		t.Fatalf("%v %v", refs, err)
	}
	if refs, err := s.Care.Sources(t.Context(), "rs-99-002", []string{"Patient/p1"}); err != nil || refs[0].Person != 0 {
		t.Errorf("another facility's: %v %v", refs, err)
	}
	note := `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"},"encounter":{"reference":"Encounter/e1"}}`
	b := enter(s, hospital, care.Entry{Person: who, Foreign: true, Items: []care.Item{{Resource: s.Read(note), Source: "Observation/o1"}}})
	r, err := s.Care.Open(t.Context(), hospital, b.Placed[0].Ref, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`"encounter":{"reference":"Encounter/%s"}`, a.Placed[1].Ref)
	if !strings.Contains(string(r.Body), want) || !strings.Contains(string(r.Body), fmt.Sprintf(`"Patient/%d"`, who)) {
		t.Errorf("%s", r.Body)
	}
	again := enter(s, hospital, care.Entry{Person: who, Foreign: true, Items: []care.Item{{Resource: s.Read(note), Source: "Observation/o1"}}})
	if again.Err != nil || !again.Placed[0].Known || again.Placed[0].Ref != b.Placed[0].Ref {
		t.Errorf("%+v", again)
	}
	// The thief of the database points the name to somebody else's record.
	theirs := must(s, other, visit)
	if err := s.DB.Update(t.Context(), func(st store.Stores) error {
		tags, err := s.Keeper.Index(t.Context(), keeper.KindSource, [][]byte{[]byte("rs-99-001\x00Encounter/e1")})
		if err != nil {
			return err
		}
		found, err := st.Records.Sources(tags)
		if err != nil || found[0].Ref.Person != who {
			t.Fatalf("%+v %v", found, err)
		}
		found[0].Ref = theirs.Placed[0].Ref
		w := record.Write{Person: 9, Rows: []record.Row{{Person: 9, Number: record.Entered, Version: 1, Sealed: []byte{1}}}, Sources: found}
		_, err = st.Records.Put([]record.Write{w})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if refs, err := s.Care.Sources(t.Context(), "rs-99-001", []string{"Encounter/e1"}); !errors.Is(err, care.ErrAltered) {
		t.Errorf("pointed elsewhere: %v %v", refs, err)
	}
}
