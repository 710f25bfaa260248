package response_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/indexing"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// conditions are the newest versions of all records that are corrected.
func (s *stand) conditions() map[record.Ref]uint64 {
	s.T.Helper()
	newest := map[record.Ref]uint64{}
	for _, nik := range s.niks {
		ref, err := s.Care.Find(s.T.Context(), nik)
		if err != nil {
			s.T.Fatal(err)
		}
		var have []record.Version
		if err := s.DB.View(s.T.Context(), func(st store.Stores) (err error) {
			have, err = st.Records.Versions(ref.Person)
			return err
		}); err != nil {
			s.T.Fatal(err)
		}
		for _, v := range have {
			if v.Number != record.Patient && v.Number != record.Standing {
				of := record.RefOf(ref.Person, v.Number)
				newest[of] = max(newest[of], v.Version)
			}
		}
	}
	return newest
}

// TestSnapshotWithinADay: records are corrected for ten days before a copy and for ten days
// after it, 24 a day; the trace of that copy, its tokens taken out, says when it was taken to
// within a day, from the versions alone.
func TestSnapshotWithinADay(t *testing.T) {
	s := open(t, 24)
	began := time.Now()
	at := began
	s.Care.Now = func() time.Time { return at }
	hospital := care.Caller{Actor: "client-1", Facility: "rs-99-001", Role: staff.RoleClient, Rights: staff.Enter | staff.Correct | staff.View}
	newest, rng := s.conditions(), rand.New(rand.NewPCG(6, 1))
	all := slices.SortedFunc(maps.Keys(newest), func(a, b record.Ref) int {
		return cmp.Or(cmp.Compare(a.Person, b.Person), cmp.Compare(a.Number, b.Number))
	})
	days := func(n int) {
		t.Helper()
		for range n * 24 {
			at = at.Add(time.Hour)
			ref := all[rng.IntN(len(all))]
			changed := s.Site.Read(fmt.Sprintf(`{"resourceType":"Condition","subject":{"reference":"Patient/%d"},"code":{"text":"batuk hari %d"}}`, ref.Person, at.YearDay()))
			done, err := s.Care.Correct(t.Context(), hospital, ref, newest[ref], changed)
			if err != nil {
				t.Fatal(err)
			}
			newest[ref] = done.Version
		}
	}
	days(10)
	taken := at.Add(30 * time.Minute)
	_, text := s.copy(staff.FormCSV)
	days(10)
	feed := indexing.Flow{DB: s.DB, Keeper: s.Keeper, Index: s.index, State: s.fed, Actor: "test", Budget: keeper.BudgetImport, Page: 100}
	if _, err := feed.Drain(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	c := s.trace("sample.csv", withoutTokens(t, text))
	if len(c.Snapshots) != 1 {
		t.Fatalf("%d snapshots\n%s", len(c.Snapshots), c.Table())
	}
	got := c.Snapshots[0]
	t.Logf("taken at %s of %s to %s, in truth %s; %d agree", got.Best.From.Sub(began), got.Window.From.Sub(began), got.Window.To.Sub(began), taken.Sub(began), got.Support)
	if off := got.Best.From.Sub(taken).Abs(); off > 24*time.Hour || got.Width() == 0 || got.Width() > 48*time.Hour || taken.Before(got.Window.From) || taken.After(got.Window.To) {
		t.Errorf("the date is off by %s, in a window of %s", off, got.Width())
	}
	_, later := s.copy(staff.FormCSV) // the control: ten days later
	c = s.trace("later.csv", withoutTokens(t, later))
	if len(c.Snapshots) != 1 || c.Snapshots[0].Best.From.Sub(taken) < 9*24*time.Hour {
		t.Errorf("the control is dated as the copy before it: %+v", c.Snapshots)
	}
}
