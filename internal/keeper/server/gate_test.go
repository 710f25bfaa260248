package server

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

func TestOnlyTheRowAsItWasSealedOpens(t *testing.T) {
	k, c := fresh(t, 2)
	gate := openGate(t, k)
	old, other := colour(t, k, 1, 1), colour(t, k, 2, 2)
	row := colour(t, k, 1, 3)
	with := func(change func(*status.SealedColour)) status.SealedColour {
		r := row
		r.Sealed = bytes.Clone(row.Sealed)
		change(&r)
		return r
	}
	for _, tc := range []struct {
		name   string
		row    status.SealedColour
		want   keeper.GateOutcome
		behind bool
	}{
		{"as it is", row, keeper.GateOpened, false},
		{"rolled back", old, keeper.GateOpened, true},
		{"another person's", with(func(r *status.SealedColour) { r.Sealed = other.Sealed }), keeper.GateCorrupt, false},
		{"given to another person", with(func(r *status.SealedColour) { r.Person = 2 }), keeper.GateCorrupt, false},
		{"rolled back under the new version", with(func(r *status.SealedColour) { r.Sealed = old.Sealed }), keeper.GateCorrupt, false},
		{"of a version to come", with(func(r *status.SealedColour) { r.Version++ }), keeper.GateCorrupt, false},
		{"cut", with(func(r *status.SealedColour) { r.Sealed = r.Sealed[:20] }), keeper.GateCorrupt, false},
		{"emptied", with(func(r *status.SealedColour) { r.Sealed = nil }), keeper.GateCorrupt, false},
		{"no row", status.SealedColour{Person: 1}, keeper.GateAbsent, true},
		{"nobody", status.SealedColour{}, keeper.GateAbsent, false},
		{"a stranger", with(func(r *status.SealedColour) { r.Person = 3 }), keeper.GateAbsent, false},
	} {
		got := ask(t, k, gate, tc.row)
		if got.Outcome != tc.want || got.Behind != tc.behind {
			t.Errorf("%s: outcome %d, behind %v; want %d, %v", tc.name, got.Outcome, got.Behind, tc.want, tc.behind)
		}
		if opened := got.Timeline != [64]byte{}; opened != (tc.want == keeper.GateOpened) {
			t.Errorf("%s: timeline % x", tc.name, got.Timeline[:4])
		}
	}
	for i := range row.Sealed {
		c.pass(24 * time.Hour) // the budget is not what is tried here
		altered := with(func(r *status.SealedColour) { r.Sealed[i] ^= 1 })
		if got := ask(t, k, gate, altered); got.Outcome != keeper.GateCorrupt {
			t.Fatalf("byte %d altered: outcome %d", i, got.Outcome)
		}
	}
}

func TestColoursOfOneCallMoveTogether(t *testing.T) {
	k, _ := fresh(t, 1)
	row := colour(t, k, 1, 1)
	_, err := k.PutColours([]keeper.Decided{{Person: 1}, {Person: 2}})
	wants(t, "a stranger among them", err, keeper.ErrPerson)
	if got := ask(t, k, openGate(t, k), row); got.Behind {
		t.Error("a call that failed moved a version: the row that is current seems rolled back")
	}
}

// TestTheServerCannotChooseTheDay: a check-in's instant says under which day it is
// sealed. Did it say which day's colours are counted, each day would have twelve.
func TestTheServerCannotChooseTheDay(t *testing.T) {
	k, c := fresh(t, 1)
	gate, row := openGate(t, k), colour(t, k, 1, 1)
	told := 0
	for i := range 60 {
		at := c.now().AddDate(0, 0, i%3-1)
		r, err := k.Gate(keeper.RoleServe, gate, []keeper.GateItem{{Colour: row, Asks: i%2 == 0, Instant: at}})
		if err != nil {
			t.Fatal(err)
		}
		if r.Results[0].Timeline != [64]byte{} {
			told++
		}
	}
	if told != 12 {
		t.Errorf("over yesterday, today and tomorrow %d colours were told, want 12", told)
	}
	for _, days := range []int{-2, 2} {
		_, err := k.Gate(keeper.RoleServe, gate, []keeper.GateItem{{Colour: row, Instant: c.now().AddDate(0, 0, days)}})
		wants(t, fmt.Sprint("in ", days, " days"), err, keeper.ErrDay)
	}
}

// TestWhatDoesNotAskIsNotTold: a check-out needs the person's name of the day, not
// their colour. Its event holds the colour all the same.
func TestWhatDoesNotAskIsNotTold(t *testing.T) {
	k, c := fresh(t, 1)
	gate, row := openGate(t, k), colour(t, k, 1, 5)
	for role, want := range map[keeper.Role][64]byte{keeper.RoleServe: {}, keeper.RoleAdmin: timeline(5)} {
		r, err := k.Gate(role, gate, []keeper.GateItem{{Event: [16]byte{1}, Colour: row, Instant: c.now()}})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Results[0]; got.Outcome != keeper.GateOpened || got.Timeline != want || got.Left != 12 {
			t.Errorf("role %d: %+v", role, got)
		}
		e := r.Leaf.Events[0]
		events, err := k.OpenEvents(importerOf(keeper.BudgetSelf), c.today(), []keeper.SealedEvent{{ID: e.ID, Sealed: e.Sealed}})
		if err != nil || events[0].Timeline != timeline(5) {
			t.Errorf("role %d: the event: %v", role, err)
		}
	}
}

func importerOf(b keeper.Budget) keeper.Intent {
	return keeper.Intent{ID: [16]byte{2}, Actor: "test", Purpose: "test", Budget: b}
}

func TestLeavesAreChained(t *testing.T) {
	k, c := fresh(t, 1)
	id, prev, err := k.OpenGate()
	if err != nil {
		t.Fatal(err)
	}
	for seq := range uint64(4) {
		items := make([]keeper.GateItem, 1+seq*85) // 256 at the last
		for i := range items {
			items[i] = keeper.GateItem{Event: [16]byte{byte(i), byte(seq)}, Instant: c.now()}
		}
		r, err := k.Gate(keeper.RoleServe, id, items)
		if err != nil {
			t.Fatal(err)
		}
		l := r.Leaf
		if l.Gate != id || l.Seq != seq || l.Prev != prev || len(l.Events) != len(items) || !l.At.Equal(c.now()) {
			t.Errorf("leaf %d: gate %x seq %d prev %x", seq, l.Gate, l.Seq, l.Prev)
		}
		if err := l.Check(logPublic(k)); err != nil {
			t.Errorf("leaf %d: %v", seq, err)
		}
		prev = l.Hash()
		l.Seq++
		wants(t, "a leaf moved along", l.Check(logPublic(k)), accesslog.ErrLeaf)
	}
}

// TestARefusedBatchCountsNothing: one bad item must not use up the colours of the
// people beside it.
func TestARefusedBatchCountsNothing(t *testing.T) {
	k, c := fresh(t, 1)
	gate, row := openGate(t, k), colour(t, k, 1, 1)
	good := keeper.GateItem{Colour: row, Asks: true, Instant: c.now()}
	many := make([]keeper.GateItem, keeper.MaxBatch+1)
	for i := range many {
		many[i] = good
	}
	long, far := good, good
	long.Detail, far.Instant = make([]byte, keeper.MaxDetail+1), c.now().AddDate(1, 0, 0)
	for name, tc := range map[string]struct {
		gate  accesslog.GateID
		items []keeper.GateItem
		want  error
	}{
		"no items":        {gate, nil, keeper.ErrTooMany},
		"257 items":       {gate, many, keeper.ErrTooMany},
		"a long detail":   {gate, []keeper.GateItem{good, long}, keeper.ErrTooMany},
		"a day far off":   {gate, []keeper.GateItem{good, far}, keeper.ErrDay},
		"unknown session": {accesslog.GateID{1}, []keeper.GateItem{good}, keeper.ErrSession},
	} {
		_, err := k.Gate(keeper.RoleServe, tc.gate, tc.items)
		wants(t, name, err, tc.want)
	}
	if got := ask(t, k, gate, row); got.Left != 11 {
		t.Errorf("%d left after one colour", got.Left)
	}
}

func TestASessionEndsWithTheKeeper(t *testing.T) {
	c := newClock()
	k := start(t, durabletest.New(1), c)
	gate := openGate(t, k)
	k = restart(t, k, c)
	defer k.Close()
	_, err := k.Gate(keeper.RoleServe, gate, []keeper.GateItem{{Instant: c.now()}})
	wants(t, "a session of before the restart", err, keeper.ErrSession)
}

func TestEventsOpenAgainForTheirSubject(t *testing.T) {
	k, c := fresh(t, 2)
	gate, row := openGate(t, k), colour(t, k, 2, 4)
	items := []keeper.GateItem{
		{Event: [16]byte{1}, Colour: row, Asks: true, Detail: []byte("in"), Instant: c.now()},
		{Event: [16]byte{2}, Colour: status.SealedColour{Person: 1}, Instant: c.now()},
		{Event: [16]byte{3}, Colour: row, Detail: bytes.Repeat([]byte("x"), keeper.MaxDetail), Instant: c.now()},
	}
	r, err := k.Gate(keeper.RoleServe, gate, items)
	if err != nil {
		t.Fatal(err)
	}
	var sealed []keeper.SealedEvent
	for i, e := range r.Leaf.Events {
		if len(e.Sealed) != len(r.Leaf.Events[0].Sealed) {
			t.Errorf("event %d is told by its length, %d", i, len(e.Sealed))
		}
		sealed = append(sealed, keeper.SealedEvent{ID: e.ID, Sealed: e.Sealed})
	}
	before := len(records(k, journal.KindIntent))
	got, err := k.OpenEvents(importerOf(keeper.BudgetSelf), c.today(), sealed)
	if err != nil {
		t.Fatal(err)
	}
	want := []keeper.Event{{Person: 2, Timeline: timeline(4), Detail: []byte("in")}, {Person: 1, Detail: []byte{}}, {Person: 2, Timeline: timeline(4), Detail: items[2].Detail}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if n := len(records(k, journal.KindIntent)); n != before+1 {
		t.Errorf("%d intents journaled for it", n-before)
	}
	sealed[0], sealed[1] = keeper.SealedEvent{ID: sealed[0].ID, Sealed: sealed[1].Sealed}, sealed[2]
	_, err = k.OpenEvents(importerOf(keeper.BudgetSelf), c.today(), sealed[:1])
	wants(t, "an event under another's id", err, keeper.ErrSealed)
	_, err = k.OpenEvents(importerOf(keeper.BudgetSelf), c.today().Add(1), sealed[1:2])
	wants(t, "an event of another day", err, keeper.ErrDay)
	_, err = k.OpenEvents(importer(), c.today(), sealed[1:2])
	wants(t, "under the operator's budget", err, keeper.ErrRole)
	_, err = k.OpenEvents(importerOf(keeper.BudgetStaff), c.today(), make([]keeper.SealedEvent, 11))
	wants(t, "eleven by staff", err, keeper.ErrBudget)
}

func TestNamesOfTheDay(t *testing.T) {
	k, c := fresh(t, 2)
	gate := openGate(t, k)
	seen := map[[16]byte]bool{}
	var days []day.Day
	for range 2 {
		for p := range uint64(2) {
			it := keeper.GateItem{Colour: status.SealedColour{Person: personIDs(1, 2)[p]}, Instant: c.now()}
			r, err := k.Gate(keeper.RoleServe, gate, []keeper.GateItem{it, it})
			if err != nil {
				t.Fatal(err)
			}
			if r.Results[0].Who != r.Results[1].Who || r.Leaf.Events[0].Tag != r.Results[0].Who {
				t.Error("one person has two names on a day")
			}
			seen[r.Results[0].Who] = true
		}
		days = append(days, c.today())
		c.pass(24 * time.Hour)
	}
	if len(seen) != 4 {
		t.Errorf("2 people on 2 days have %d names", len(seen))
	}
	names, err := k.Pseudonyms(2, append(days, c.today()))
	if err != nil || !seen[names[0]] || !seen[names[1]] || names[0] == names[1] || names[2] != [16]byte{} {
		t.Errorf("%x %v", names, err)
	}
}
