package response_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/indexing"
	"github.com/amanah-project/amanah/internal/flow/response"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/copies"
	"github.com/amanah-project/amanah/internal/store"
)

// altered is a database of which somebody who writes it has taken something away.
type altered struct {
	store.DB
	request staff.RequestID // this one
	person  identity.PersonID
}

type requests struct {
	staff.RequestStore
	gone staff.RequestID
}

func (r requests) Get(id staff.RequestID) (staff.Request, error) {
	if id == r.gone {
		return staff.Request{}, staff.ErrNoRequest
	}
	return r.RequestStore.Get(id)
}

type versions struct {
	record.Store
	of identity.PersonID
}

func (v versions) Walk(after uint64, n int) ([]record.Row, error) {
	rows, err := v.Store.Walk(after, n)
	return slices.DeleteFunc(rows, func(r record.Row) bool { return r.Person == v.of }), err
}

// View implements store.DB.
func (a altered) View(ctx context.Context, fn func(store.Stores) error) error {
	return a.DB.View(ctx, func(s store.Stores) error {
		s.Requests, s.Records = requests{s.Requests, a.request}, versions{s.Records, a.person}
		return fn(s)
	})
}

// TestWhoOpenedTheseVersions: the record is held against the versions that a sample shows: who
// was given an earlier version of a record was not given this one. Where journal and database
// disagree, the answer says so.
func TestWhoOpenedTheseVersions(t *testing.T) {
	s := open(t, 6)
	before, _ := s.copy(staff.FormCSV)
	now := time.Now()
	s.Care.Now = func() time.Time { return now.Add(5 * time.Minute) }
	hospital := care.Caller{Actor: "client-1", Facility: "rs-99-001", Role: staff.RoleClient, Rights: staff.Enter | staff.Correct | staff.View}
	var first identity.PersonID
	for _, nik := range s.niks {
		ref, err := s.Care.Find(t.Context(), nik)
		if err != nil {
			t.Fatal(err)
		}
		first = max(first, ref.Person)
		var all []record.Version
		if err := s.DB.View(t.Context(), func(st store.Stores) (err error) {
			all, err = st.Records.Versions(ref.Person)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for _, v := range all {
			if v.Number == record.Patient || v.Number == record.Standing {
				continue
			}
			changed := s.Site.Read(fmt.Sprintf(`{"resourceType":"Condition","subject":{"reference":"Patient/%d"},"code":{"text":"sembuh"}}`, ref.Person))
			if _, err := s.Care.Correct(t.Context(), hospital, record.RefOf(ref.Person, v.Number), v.Version, changed); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.Care.Now = func() time.Time { return now.Add(10 * time.Minute) }
	feed := indexing.Flow{DB: s.DB, Keeper: s.Keeper, Index: s.index, State: s.fed, Actor: "test", Budget: keeper.BudgetImport, Page: 100}
	if _, err := feed.Drain(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	after, text := s.copy(staff.FormCSV)
	dir, body := s.evidence(withoutTokens(t, text))
	id := s.approved(body)
	run := func(db store.DB) *response.Case {
		t.Helper()
		f := response.Flow{DB: db, Keeper: s.Keeper, Index: s.index, Case: durabletest.New(7), Workers: 1, Version: "test"}
		c, err := f.Run(t.Context(), id, []string{dir}, body)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	opened := func(c *response.Case, of leak.Copy) *response.Opened {
		t.Helper()
		for _, f := range c.Found {
			if f.Copy == hex.EncodeToString(of[:]) {
				return f.Opened
			}
		}
		t.Fatalf("no word of %x", of)
		return nil
	}
	c := run(s.DB)
	r := c.Record
	if r.Shown < 12 || r.Unopened != 0 || r.Unstored != 0 || r.Missing != 0 || len(r.Unapproved) != 0 {
		t.Errorf("the record as it is: %+v %+v\n%s", r, c.Counts, text[:1500])
	}
	if o := opened(c, after); o == nil || o.Versions != r.Shown || strings.Join(o.Doors, " ") != "export" {
		t.Errorf("the copy that shows these versions opened %v of %d", o, r.Shown)
	}
	if o := opened(c, before); o != nil && o.Versions > r.Shown-12 {
		t.Errorf("a copy from before they were corrected opened %v of them", o)
	}

	request := func(of leak.Copy) staff.RequestID {
		all, err := exportsOf(t, s.DB)
		if err != nil {
			t.Fatal(err)
		}
		return all[of]
	}
	gone := run(altered{s.DB, request(before), 0})
	if d := gone.Record.Unapproved; len(d) != 1 || d[0] != request(before).String() || !strings.Contains(gone.Table(), "DISAGREE") {
		t.Errorf("an export whose request somebody removed: %v", d)
	}
	cut := run(altered{s.DB, staff.RequestID{}, first})
	if cut.Record.Missing < 3 || cut.Record.Unstored < 2 {
		t.Errorf("records that somebody removed: %+v", cut.Record)
	}
	if strings.Contains(c.Table(), "DISAGREE") {
		t.Errorf("the control: %s", c.Table())
	}
}

// exportsOf are the requests that made copies.
func exportsOf(t *testing.T, db store.DB) (out map[leak.Copy]staff.RequestID, err error) {
	out = map[leak.Copy]staff.RequestID{}
	err = db.View(t.Context(), func(s store.Stores) error {
		all, err := s.Requests.Since(time.Time{}, 1000)
		for _, r := range all {
			out[copies.CopyOf(r.ID())] = r.ID()
		}
		return err
	})
	return out, err
}
