package indexing_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/care/caretest"
	"github.com/amanah-project/amanah/internal/flow/indexing"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/keepertest"
	"github.com/amanah-project/amanah/internal/store/memory"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// stand is a place with people, and an index of them.
type stand struct {
	*caretest.Site
	t     *testing.T
	flow  *indexing.Flow
	store *index.Store
	n     int
}

func open(t *testing.T) *stand {
	s := &stand{Site: caretest.New(t, memory.New()), t: t}
	s.fresh()
	return s
}

// fresh begins an index of nothing.
func (s *stand) fresh() {
	s.t.Helper()
	var err error
	if s.store, err = index.OpenStore(durabletest.New(1)); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { s.store.Close() })
	s.flow = &indexing.Flow{DB: s.DB, Keeper: s.Keeper, Index: s.store, State: durabletest.New(2), Actor: "test", Budget: keeper.BudgetImport, Page: 2}
}

func nik(i int) string { return fmt.Sprintf("99010104039%05d", i) }

// add registers somebody with records.
func (s *stand) add(records int) identity.PersonID {
	s.t.Helper()
	s.n++
	who := s.Register(nik(s.n), fmt.Sprint("Warga ", string(rune('A'+s.n))), "1990-03-04")
	for range records {
		s.record(who)
	}
	return who
}

func (s *stand) record(who identity.PersonID) {
	s.t.Helper()
	s.enter(who, record.Ref{}, 0, fmt.Sprintf(`{"resourceType":"Condition","subject":{"reference":"Patient/%d"},"code":{"text":"batuk"}}`, who))
}

// enter enters a record, or corrects the one of that name and version.
func (s *stand) enter(who identity.PersonID, of record.Ref, at uint64, text string) care.Placed {
	s.t.Helper()
	hospital := care.Caller{Actor: "client-1", Facility: "rs-99-001", Role: staff.RoleClient, Rights: staff.Enter | staff.Correct | staff.View}
	done, err := s.Care.Enter(s.t.Context(), hospital, []care.Entry{{Person: who, Items: []care.Item{{Resource: s.Read(text), Of: of, IfMatch: at}}}})
	if err != nil || done[0].Err != nil {
		s.t.Fatal(err, done)
	}
	return done[0].Placed[0]
}

// patient is the i-th person's own record, with an address.
func patient(i int, line string) string {
	return fmt.Sprintf(`{"resourceType":"Patient","identifier":[{"system":"https://fhir.kemkes.go.id/id/nik","value":%q}],"name":[{"text":"Warga B"}],"birthDate":"1990-03-04","address":[{"line":[%q]}]}`, nik(i), line)
}

// between drains, and does something after people were fed and before records are.
func (s *stand) between(do func()) {
	s.t.Helper()
	at, err := s.flow.Where()
	if err != nil {
		s.t.Fatal(err)
	}
	was, done := at.People, false
	if _, err := s.flow.Drain(s.t.Context(), func(at indexing.Fed) {
		if at.People == was && !done {
			done = true
			do()
		}
		was = at.People
	}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stand) drain() indexing.Fed {
	s.t.Helper()
	at, err := s.flow.Drain(s.t.Context(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return at
}

func (s *stand) set() *index.Set {
	s.t.Helper()
	if err := s.store.Merge(); err != nil {
		s.t.Fatal(err)
	}
	set, err := s.store.Load()
	if err != nil {
		s.t.Fatal(err)
	}
	return set
}

// full is somebody's tag.
func (s *stand) full(i int) index.Tag {
	s.t.Helper()
	n, _ := norm.ParseNIK([]byte(nik(i)))
	out, err := s.Keeper.Tags(s.t.Context(), []keeper.TagAsk{{Facts: index.Facts{NIK: n}}})
	if err != nil {
		s.t.Fatal(err)
	}
	return out[0].Full
}

func (s *stand) holds(i int) bool {
	want := s.full(i)
	for _, p := range s.set().People {
		if p.Full == want {
			return true
		}
	}
	return false
}

// TestTheIndexFollows: whoever is registered and whatever is entered is in the index, once,
// however often it is fed; one made again from nothing is the same.
func TestTheIndexFollows(t *testing.T) {
	s := open(t)
	for range 3 {
		s.add(2)
	}
	at := s.drain()
	if at.People != 3 || at.Records != 6 {
		t.Errorf("fed %+v", at)
	}
	if set := s.set(); len(set.People) != 3 || len(set.Versions) != 6 || set.People[0].Row == 0 || set.People[0].Born == 0 {
		t.Errorf("%d people, %d versions", len(set.People), len(set.Versions))
	}
	if again := s.drain(); again != at {
		t.Errorf("again: %+v, then %+v", at, again)
	}
	who := s.add(0)
	s.record(who)
	s.record(1)
	if at := s.drain(); at.People != 4 || at.Records != 8 || at.Stuck != 0 {
		t.Errorf("after more: %+v", at)
	}
	followed := s.set()
	s.fresh()
	s.drain()
	if diff := cmp.Diff(followed, s.set()); diff != "" {
		t.Errorf("made again: %s", diff)
	}
}

// TestVisitsAndAddressesFollow: of a record that is dated the index has facility and day, of a
// patient where they live, and from when on they lived elsewhere; made again from nothing it
// has the same. A record without a day has no visit.
func TestVisitsAndAddressesFollow(t *testing.T) {
	s := open(t)
	who := s.add(1)
	s.drain() // known by name before anything of theirs came
	first := s.enter(who, record.Ref{}, 0, patient(1, "Jalan Kenanga No. 7"))
	s.enter(who, record.Ref{}, 0, fmt.Sprintf(`{"resourceType":"Condition","subject":{"reference":"Patient/%d"},"code":{"text":"batuk"},"recordedDate":"2021-07-03"}`, who))
	s.drain()
	set := s.set()
	if len(set.People) != 1 || set.People[0].Address == 0 || set.People[0].Born == 0 || set.People[0].From != 0 {
		t.Fatalf("where somebody lives: %d, %+v", len(set.People), set.People)
	}
	dated := 0
	for _, v := range set.Versions {
		if v.Visit != 0 {
			dated++
		}
	}
	if dated != 1 || len(set.Versions) != 3 {
		t.Errorf("%d of %d versions have a visit", dated, len(set.Versions))
	}
	again := s.enter(who, first.Ref, first.Version, patient(1, "Jl Kenanga no 7")) // the same, otherwise spelled
	s.Care.Now = func() time.Time { return time.Now().Add(48 * time.Hour) }
	s.enter(who, first.Ref, again.Version, patient(1, "Jalan Mawar No. 1"))
	s.drain()
	moved := s.set()
	if len(moved.People) != 2 || moved.People[0].Address != set.People[0].Address || moved.People[1].Address == moved.People[0].Address || moved.People[1].From == 0 {
		t.Errorf("who moved once: %+v", moved.People)
	}
	s.fresh()
	s.drain()
	if diff := cmp.Diff(moved, s.set()); diff != "" {
		t.Errorf("made again: %s", diff)
	}
}

// TestAddressesStay: of whoever is registered after people were fed and before their records are,
// the index keeps where they live when they are fed among people later.
func TestAddressesStay(t *testing.T) {
	s := open(t)
	s.between(func() {
		s.enter(s.add(0), record.Ref{}, 0, patient(1, "Jalan Kenanga No. 7"))
	})
	before := s.set()
	if len(before.People) != 1 || before.People[0].Address == 0 {
		t.Fatalf("not there before: %+v", before.People) // the control
	}
	if at := s.drain(); at.People != 1 {
		t.Fatalf("not fed among people: %+v", at)
	}
	if diff := cmp.Diff(before, s.set()); diff != "" {
		t.Error(diff)
	}
}

// TestWhoIsErasedIsForgotten: nothing of them is left, and nothing comes back; of whom records
// alone were fed, too.
func TestWhoIsErasedIsForgotten(t *testing.T) {
	s := open(t)
	gone := []identity.PersonID{s.add(2)}
	s.add(1)
	s.between(func() { gone = append(gone, s.add(1)) })
	if at, err := s.flow.Where(); err != nil || at.People != 2 || !s.holds(1) || !s.holds(3) {
		t.Fatal("not there before, or fed among people", at, err) // the control
	}
	one, two := keepertest.Officers(t, s.Keeper, keepertest.Desk)
	for _, who := range gone {
		if _, err := s.Keeper.Erase(t.Context(), keepertest.Erasure(keepertest.Desk, one, two, who)); err != nil {
			t.Fatal(err)
		}
		for range 2 { // an erasure that was interrupted runs again
			if err := s.flow.Forget(t.Context(), who); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.record(2)
	s.drain()
	if s.holds(1) || !s.holds(2) || s.holds(3) {
		t.Error("after it was forgotten")
	}
	s.fresh()
	s.drain()
	if s.holds(1) || !s.holds(2) || s.holds(3) {
		t.Error("made again")
	}
}

// TestAServerIsMetered: what is over the server's tags of the hour waits, and none is lost.
func TestAServerIsMetered(t *testing.T) {
	s := open(t)
	for range 5 {
		s.add(1)
	}
	s.flow.Keeper, s.flow.Budget = metered{s.Keeper, new(int)}, keeper.BudgetImport
	at, err := s.flow.Drain(t.Context(), nil)
	if !errors.Is(err, keeper.ErrBudget) || at.People != 4 {
		t.Errorf("%+v %v", at, err)
	}
	s.flow.Keeper = s.Keeper
	if at := s.drain(); at.People != 5 || at.Records != 5 {
		t.Errorf("later: %+v", at)
	}
}

// metered lets two calls through.
type metered struct {
	indexing.Keeper
	n *int
}

func (m metered) Tags(ctx context.Context, asks []keeper.TagAsk) ([]keeper.Tagged, error) {
	if *m.n++; *m.n > 2 {
		return nil, keeper.ErrBudget
	}
	return m.Keeper.Tags(ctx, asks)
}
