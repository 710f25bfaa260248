package evidence_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak/canary"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/flow/evidence"
	"github.com/amanah-project/amanah/internal/keeper"
	keeperclient "github.com/amanah-project/amanah/internal/keeper/client"
	"github.com/amanah-project/amanah/internal/keeper/keepertest"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/sqlite"
)

// site is a real keeper behind its socket and a real database.
type site struct {
	*testing.T
	dir  string
	db   store.DB
	k    *keeperclient.Client
	flow *evidence.Flow
}

func newSite(t *testing.T) *site {
	t.Helper()
	dir := t.TempDir()
	c := keepertest.Serve(t, durable.OS(filepath.Join(dir, "keeper")))
	db, err := sqlite.Open(filepath.Join(dir, "x.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	rules, err := status.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return &site{t, dir, db, c, &evidence.Flow{DB: db, Keeper: c, Rules: rules, Now: time.Now, Actor: "test", Budget: keeper.BudgetImport}}
}

func newcomer(t *testing.T, line int64, nik, name, birth string) evidence.Newcomer {
	t.Helper()
	n, err := identity.ParseNIK(nik)
	if err != nil {
		t.Fatal(err)
	}
	who, err := identity.ParseName(name)
	if err != nil {
		t.Fatal(err)
	}
	born, err := day.Parse(birth)
	if err != nil {
		t.Fatal(err)
	}
	p := identity.Person{NIK: n, Name: who, Birth: born, Sex: n.Sex()}
	if err := p.Check(day.Of(time.Now())); err != nil {
		t.Fatal(err)
	}
	return evidence.Newcomer{Line: line, Person: p}
}

const (
	nikA = "9901011508900001"
	nikB = "9901025509850002"
)

func (s *site) people(rows ...evidence.Newcomer) evidence.Tally {
	s.Helper()
	t, err := s.flow.People(s.Context(), rows, identity.Progress{Source: "people", Offset: int64(len(rows))})
	if err != nil {
		s.Fatal(err)
	}
	return t
}

func (s *site) facts(facts ...evidence.Fact) evidence.Tally {
	s.Helper()
	t, err := s.flow.Facts(s.Context(), facts, identity.Progress{Source: "facts", Offset: int64(len(facts))})
	if err != nil {
		s.Fatal(err)
	}
	return t
}

func dose(t *testing.T, line int64, nik, ref string, ago int) evidence.Fact {
	t.Helper()
	n, err := identity.ParseNIK(nik)
	if err != nil {
		t.Fatal(err)
	}
	return evidence.Fact{Line: line, NIK: n, Item: status.Evidence{Doses: []status.Dose{{On: day.Of(time.Now()).Add(-ago), Vaccine: "sinovac", Ref: ref}}}}
}

// colour opens a person's stored colour through the gate, as a check-in would.
func (s *site) colour(id identity.PersonID) status.Step {
	s.Helper()
	var rows []status.SealedColour
	if err := s.db.View(s.Context(), func(st store.Stores) (err error) {
		rows, err = st.Status.Colours([]identity.PersonID{id})
		return err
	}); err != nil {
		s.Fatal(err)
	}
	gate, _, err := s.k.OpenGate(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	reply, err := s.k.Gate(s.Context(), gate, []keeper.GateItem{{Event: [16]byte{1}, Colour: rows[0], Instant: time.Now()}})
	if err != nil {
		s.Fatal(err)
	}
	if reply.Results[0].Outcome != keeper.GateOpened || reply.Results[0].Behind {
		s.Fatalf("the colour does not open: %+v", reply.Results[0].Outcome)
	}
	timeline, err := status.ParseTimeline(reply.Results[0].Timeline)
	if err != nil {
		s.Fatal(err)
	}
	step, _ := timeline.At(time.Now())
	return step
}

func TestPeopleOnceEachAndContradictionsAside(t *testing.T) {
	s := newSite(t)
	a := newcomer(t, 2, nikA, "Siti Kenari", "1990-08-15")
	got := s.people(a, newcomer(t, 3, nikB, "Budi Kenari", "1985-09-15"), newcomer(t, 4, nikA, "SITI  KENARI", "1990-08-15"), newcomer(t, 5, nikA, "Orang Lain", "1990-08-15"))
	if diff := cmp.Diff(evidence.Tally{Added: 2, Known: 1, Set: 1}, got); diff != "" {
		t.Errorf("first import (-want +got):\n%s", diff)
	}
	got = s.people(a, newcomer(t, 3, nikB, "Orang Asing", "1985-09-15"))
	if diff := cmp.Diff(evidence.Tally{Known: 1, Set: 1}, got); diff != "" {
		t.Errorf("second import (-want +got):\n%s", diff)
	}
	var set []identity.Quarantined
	var p identity.Progress
	if err := s.db.View(t.Context(), func(st store.Stores) (err error) {
		if set, err = st.People.Quarantined(0, 10); err != nil {
			return err
		}
		p, err = st.Progress.Progress("people")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(set) != 2 || set[0].Against != 1 || set[1].Against != 2 || set[0].Reason != evidence.ReasonDiffers {
		t.Errorf("quarantine: %+v", set)
	}
	if p.Offset != 2 {
		t.Errorf("progress: %+v", p)
	}
	if step := s.colour(1); step.Colour != status.Red && step.Colour != status.Yellow {
		t.Errorf("without evidence the colour is %s", step.Colour)
	}
}

// TestReservedNIKs: nobody is registered under a NIK that is given to nobody, and nothing of
// it is stored; without a range they are (the control).
func TestReservedNIKs(t *testing.T) {
	s := newSite(t)
	rows := []evidence.Newcomer{newcomer(t, 2, nikA, "Siti Kenari", "1990-08-15"), newcomer(t, 3, "9901514101900031", "Palsu Kenari", "1990-01-01")}
	flow := *s.flow
	flow.Reserved = canary.Range{Regions: []uint32{990151}, From: 31, To: 60}
	got, err := flow.People(t.Context(), rows, identity.Progress{Source: "people"})
	if err != nil || got.Added != 1 || len(got.Refusals) != 1 || got.Refusals[0].Line != 3 || !errors.Is(got.Refusals[0].Reason, canary.ErrReserved) {
		t.Fatalf("%+v %v", got, err)
	}
	if strings.Contains(got.Refusals[0].Reason.Error(), "9901514101900031") {
		t.Error("the refusal repeats the NIK")
	}
	if got, err := flow.People(t.Context(), rows[1:], identity.Progress{Source: "people"}); err != nil || got.Added != 0 || len(got.Refusals) != 1 {
		t.Errorf("alone: %+v %v", got, err)
	}
	if got := s.people(rows...); got.Added != 1 || got.Known != 1 || len(got.Refusals) != 0 {
		t.Errorf("without a range: %+v", got)
	}
}

// TestAsideOnce: a contradiction that is set aside already is known, in the same
// batch and in a later one; another contradiction of the same person is not, nor is
// the same name against somebody else.
func TestAsideOnce(t *testing.T) {
	s := newSite(t)
	a, b := newcomer(t, 2, nikA, "Siti Kenari", "1990-08-15"), newcomer(t, 3, nikB, "Budi Kenari", "1985-09-15")
	other := newcomer(t, 4, nikA, "Orang Lain", "1990-08-15")
	third := newcomer(t, 5, nikA, "Orang Ketiga", "1990-08-15")
	elsewhere := newcomer(t, 6, nikB, "Orang Lain", "1985-09-15")
	for n, batch := range []struct {
		rows []evidence.Newcomer
		want evidence.Tally
	}{
		{[]evidence.Newcomer{a, other, other, b}, evidence.Tally{Added: 2, Known: 1, Set: 1}},
		{[]evidence.Newcomer{a, other, other, b}, evidence.Tally{Known: 4}},
		{[]evidence.Newcomer{third, other}, evidence.Tally{Known: 1, Set: 1}},
		{[]evidence.Newcomer{elsewhere}, evidence.Tally{Set: 1}},
		{[]evidence.Newcomer{a, b, other, third, elsewhere}, evidence.Tally{Known: 5}},
	} {
		if diff := cmp.Diff(batch.want, s.people(batch.rows...)); diff != "" {
			t.Errorf("batch %d (-want +got):\n%s", n, diff)
		}
	}
	var set []identity.Quarantined
	if err := s.db.View(t.Context(), func(st store.Stores) (err error) {
		set, err = st.People.Quarantined(0, 10)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(set) != 3 {
		t.Errorf("%d records in quarantine, want 3", len(set))
	}
}

func TestFactsDecideColours(t *testing.T) {
	s := newSite(t)
	s.people(newcomer(t, 2, nikA, "Siti Kenari", "1990-08-15"), newcomer(t, 3, nikB, "Budi Kenari", "1985-09-15"))
	before := s.colour(1)
	stranger := dose(t, 9, "9901030101700003", "x", 3)
	facts := []evidence.Fact{dose(t, 1, nikA, "d1", 300), dose(t, 2, nikA, "d2", 270), dose(t, 3, nikA, "d3", 100), stranger}
	got := s.facts(facts...)
	if got.Added != 1 || got.Known != 0 || len(got.Refusals) != 1 || got.Refusals[0].Line != 9 || !errors.Is(got.Refusals[0].Reason, evidence.ErrNobody) {
		t.Errorf("%+v", got)
	}
	if after := s.colour(1); after.Colour != status.Green || before.Colour == status.Green {
		t.Errorf("before %s, after three doses %s", before.Colour, after.Colour)
	}
	if again := s.facts(facts[:3]...); again.Known != 3 || again.Added != 0 {
		t.Errorf("the same facts again: %+v", again)
	}
	// One at a time, over several versions.
	if got := s.facts(dose(t, 1, nikB, "e1", 200)); got.Added != 1 {
		t.Errorf("%+v", got)
	}
	if got := s.facts(dose(t, 1, nikB, "e2", 170), dose(t, 2, nikB, "e3", 20)); got.Added != 1 {
		t.Errorf("%+v", got)
	}
	if c := s.colour(2).Colour; c != status.Green {
		t.Errorf("three doses in two imports: %s", c)
	}
}

// lossy fails a database's n-th write, without its effect or, as when a connection
// is lost after COMMIT, with it.
type lossy struct {
	store.DB
	n      int
	effect bool
	met    bool
}

func (l *lossy) Bulk(ctx context.Context, fn func(store.Stores) error) error {
	if l.n--; l.n != 0 {
		return l.DB.Bulk(ctx, fn)
	}
	l.met = true
	if l.effect {
		if err := l.DB.Bulk(ctx, fn); err != nil {
			return err
		}
	}
	return store.ErrUnavailable
}

func TestInterruptedImportGoesOnAndLosesNothing(t *testing.T) {
	for _, effect := range []bool{false, true} {
		for n := 1; n <= 3; n++ {
			s := newSite(t)
			weak := &lossy{DB: s.db, n: n, effect: effect}
			s.flow.DB = weak
			rows := []evidence.Newcomer{newcomer(t, 2, nikA, "Siti Kenari", "1990-08-15")}
			run := func() error {
				if _, err := s.flow.People(t.Context(), rows, identity.Progress{Source: "p"}); err != nil {
					return err
				}
				for i, ago := range []int{300, 270} {
					f := []evidence.Fact{dose(t, 1, nikA, "d"+string(rune('0'+i)), ago)}
					if _, err := s.flow.Facts(t.Context(), f, identity.Progress{Source: "f"}); err != nil {
						return err
					}
				}
				return nil
			}
			if err := run(); !errors.Is(err, store.ErrUnavailable) || !weak.met {
				t.Fatalf("call %d did not fail: %v", n, err)
			}
			if err := run(); err != nil {
				t.Fatalf("call %d failed %v its effect; the second run: %v", n, map[bool]string{true: "with", false: "without"}[effect], err)
			}
			found := 0
			for e, err := range s.flow.Each(t.Context(), "test") {
				if err != nil {
					t.Fatal(err)
				}
				found++
				if len(e.Doses) != 2 {
					t.Errorf("doses: %d", len(e.Doses))
				}
			}
			if found != 1 {
				t.Errorf("%d people", found)
			}
			_, swept, err := s.flow.Sweep(t.Context(), 0, 100, false)
			if err != nil || swept.Closed != 0 {
				t.Errorf("sweep: %+v, %v", swept, err)
			}
			if _, swept, err = s.flow.Sweep(t.Context(), 0, 100, false); err != nil || swept.Odd != 0 {
				t.Errorf("after one sweep colours still differ from their heads: %+v, %v", swept, err)
			}
		}
	}
}

func TestSweepFindsRolledBackColours(t *testing.T) {
	s := newSite(t)
	s.people(newcomer(t, 2, nikA, "Siti Kenari", "1990-08-15"))
	s.facts(dose(t, 1, nikA, "d1", 300), dose(t, 2, nikA, "d2", 270), dose(t, 3, nikA, "d3", 100))
	if _, swept, err := s.flow.Sweep(t.Context(), 0, 10, false); err != nil || swept.Odd != 0 || swept.Decided != 0 {
		t.Fatalf("an honest database: %+v, %v", swept, err)
	}
	// The thief puts back an old copy of the whole database but not of the keeper.
	if _, err := s.k.PutColours(t.Context(), []keeper.Decided{{Person: 1}}); err != nil {
		t.Fatal(err)
	}
	_, swept, err := s.flow.Sweep(t.Context(), 0, 10, false)
	if err != nil || swept.Odd != 1 || swept.Decided != 1 {
		t.Errorf("sweep: %+v, %v", swept, err)
	}
	if c := s.colour(1).Colour; c != status.Green {
		t.Errorf("after the sweep: %s", c)
	}
	if _, swept, err := s.flow.Sweep(t.Context(), 0, 10, true); err != nil || swept.Decided != 1 {
		t.Errorf("deciding all anew: %+v, %v", swept, err)
	}
}

func TestNothingReadableInTheDatabase(t *testing.T) {
	s := newSite(t)
	s.people(newcomer(t, 2, nikA, "Siti Kenari Terbang", "1990-08-15"))
	s.facts(dose(t, 1, nikA, "batch-canary-77", 300))
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
	found, hit := 0, 0
	for _, name := range []string{"x.db", "x.db-wal"} {
		raw, err := os.ReadFile(filepath.Join(s.dir, name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		found++
		for _, canary := range []string{nikA, "Kenari Terbang", "sinovac", "batch-canary-77"} {
			if bytes.Contains(bytes.ToLower(raw), []byte(strings.ToLower(canary))) {
				hit++
			}
		}
		if !bytes.Contains(raw, []byte("identity_person")) && name == "x.db" {
			t.Error("the search does not find what is in clear")
		}
	}
	if found == 0 || hit != 0 {
		t.Errorf("%d files, %d canaries", found, hit)
	}
}
