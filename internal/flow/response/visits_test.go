package response_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/indexing"
	"github.com/amanah-project/amanah/internal/keeper"
)

// TestVisitsAreOurs: a dump of NIKs with the facility and the day of each visit, without a
// name, a number of ours or a mark, is ours: nobody else has these together. Of the same
// people and places on other days nothing is. A dump of NIKs and addresses matches those who
// live there, and is no proof, since others have addresses too.
func TestVisitsAreOurs(t *testing.T) {
	s := open(t, 8)
	hospital := care.Caller{Actor: "client-1", Facility: "rs-99-001", Role: staff.RoleClient, Rights: staff.Enter}
	var visits, others, homes, wrong strings.Builder
	for i, n := range s.niks {
		who, err := s.Care.Find(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		var items []care.Item
		for k := range 5 { // of fewer one decoy that is met by chance makes it "cannot tell"
			items = append(items, care.Item{Resource: s.Site.Read(fmt.Sprintf(`{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/%d"},"period":{"start":"2021-0%d-1%dT08:00:00+07:00"}}`, who.Person, k+1, i))})
			fmt.Fprintf(&visits, "%s;RS-99-001;1%d/0%d/2021\n", n.Reveal(), i, k+1)
		}
		for k := range 3 {
			fmt.Fprintf(&others, "%s;RS-99-001;2%d/0%d/2020\n", n.Reveal(), i%8, k+4)
		}
		if done, err := s.Care.Enter(t.Context(), hospital, []care.Entry{{Person: who.Person, Items: items}}); err != nil || done[0].Err != nil {
			t.Fatal(err, done)
		}
		fmt.Fprintf(&homes, "%s;JL. KENANGA NO %d RT 1 RW 8\n", n.Reveal(), i+1)
		fmt.Fprintf(&wrong, "%s;JL. MAWAR NO %d RT 2 RW 3\n", n.Reveal(), i+1)
	}
	feed := indexing.Flow{DB: s.DB, Keeper: s.Keeper, Index: s.index, State: s.fed, Actor: "test", Budget: keeper.BudgetImport, Page: 100}
	if _, err := feed.Drain(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if c := s.trace("visits.csv", visits.String()); c.Ours.Finding != leak.Proven || c.Counts.OnVisit != 40 || c.Counts.Records != 40 {
		t.Errorf("visits: %v, %d of %d rows on visits, %d records\n%s", c.Ours.Finding, c.Counts.OnVisit, c.Counts.Rows, c.Counts.Records, c.Table())
	}
	// A trait has fifteen bits, so that a job's tags meet some by chance: two in one job of a
	// hundred. No two jobs have the same tags.
	met := int64(others.Len())
	for range 2 {
		c := s.trace("others.csv", others.String())
		if met = min(met, c.Counts.OnVisit); c.Ours.Finding == leak.Proven {
			t.Errorf("other days: %v\n%s", c.Ours.Finding, c.Table())
		}
	}
	if met > 1 {
		t.Errorf("other days: %d rows on visits in each of two jobs", met)
	}
	if c := s.trace("homes.csv", homes.String()); c.Ours.Finding == leak.Proven || c.Counts.OnAddress != 8 || c.Counts.Matched != 8 {
		t.Errorf("addresses: %v, %d of %d rows\n%s", c.Ours.Finding, c.Counts.OnAddress, c.Counts.Rows, c.Table())
	}
	if c := s.trace("wrong.csv", wrong.String()); c.Counts.Matched != 0 {
		t.Errorf("other addresses: %d rows match", c.Counts.Matched)
	}
}
