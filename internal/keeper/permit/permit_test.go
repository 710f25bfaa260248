package permit

import (
	"errors"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

// clock is the time as a test sets it.
type clock struct{ at time.Time }

func (c *clock) now() time.Time        { return c.at }
func (c *clock) pass(by time.Duration) { c.at = c.at.Add(by) }

func newPermits() (*Permits, *clock) {
	c := &clock{time.Date(2026, 3, 10, 5, 0, 0, 0, time.UTC)}
	return New(Config{Now: c.now}), c
}

// TestFiftyInTenMinutes: the hour's ten are the narrower limit, so the other one is
// looked at by itself: what holds when an hour's allowance is ever raised.
func TestFiftyInTenMinutes(t *testing.T) {
	p, c := newPermits()
	allowed, _ := p.allowanceOf(keeper.BudgetStaff)
	if allowed.perHour > 10 || allowed.per10Min > 50 || allowed.per10Min == 0 || allowed.global {
		t.Errorf("a member of staff may open %+v", allowed)
	}
	s := &spender{opens: []opened{{c.now(), 30}}}
	c.pass(9 * time.Minute)
	s.opens = append(s.opens, opened{c.now(), 20})
	if n := s.within(c.now(), 10*time.Minute); n != 50 {
		t.Errorf("%d within ten minutes, want 50", n)
	}
	c.pass(time.Minute)
	if n := s.within(c.now(), 10*time.Minute); n != 20 {
		t.Errorf("%d within ten minutes of a minute later, want 20", n)
	}
}

// TestABusyJobIsRememberedInLittle: jobs open a country's people one at a time.
func TestABusyJobIsRememberedInLittle(t *testing.T) {
	p, c := newPermits()
	for range 20_000 {
		if err := p.spend(keeper.Intent{Actor: "a", Purpose: "b", Budget: keeper.BudgetJob}, 1, 0); err != nil {
			t.Fatal(err)
		}
		c.pass(time.Millisecond)
	}
	s := p.spent["02"]
	if s == nil || len(s.opens) > 21 || s.within(c.now(), time.Hour) != 20_000 {
		t.Errorf("20,000 opens of 20 seconds are remembered as %d", len(s.opens))
	}
}

// TestNoEntryIsTooLargeForTheJournal: with as many versions as may be.
func TestNoEntryIsTooLargeForTheJournal(t *testing.T) {
	if 128+24*maxWants > journal.MaxRecord {
		t.Error("the versions of one intent do not fit a record")
	}
}

// TestALongEntryIsReadInLittle: what a record names is looked at under the lock of permits,
// and twice at replay. Of one with as many versions as may be, reading makes no more than of
// one with none.
func TestALongEntryIsReadInLittle(t *testing.T) {
	p, c := newPermits()
	long := []keeper.Read{{Person: 7, Want: make([]keeper.Version, maxWants)}}
	own := intent{budget: keeper.BudgetSelf, at: c.now(), actor: "a", purpose: keeper.PurposeOwn, n: 1}
	late := own
	late.at = c.now().Add(-time.Hour)
	out := exporting{people: []identity.PersonID{7}}
	for name, tc := range map[string]struct {
		encode func([]keeper.Read) []byte
		read   func(b []byte)
	}{
		"what is told":        {own.encode, func(b []byte) { noticeOf(journal.KindIntent, b) }},
		"an intent, replayed": {late.encode, func(b []byte) { wants(t, p.replayIntent(b)) }},
		"an export":           {out.encode, func(b []byte) { parseExporting(b) }},
	} {
		none, much := tc.encode(nil), tc.encode(long)
		if len(much)-len(none) != 24*maxWants {
			t.Fatalf("%s: the control: %d bytes and %d", name, len(none), len(much))
		}
		few, many := testing.AllocsPerRun(10, func() { tc.read(none) }), testing.AllocsPerRun(10, func() { tc.read(much) })
		if few != many {
			t.Errorf("%s: %v allocations with no version, %v with %d", name, few, many, maxWants)
		}
	}
	n, ok := noticeOf(journal.KindIntent, own.encode(long))
	if o, read := Read(journal.KindIntent, own.encode(long)); !ok || !read || n.Person != 7 || len(o.Versions) != maxWants || o.Versions[maxWants-1].Person != 7 {
		t.Errorf("%+v, and %d versions", n, len(o.Versions))
	}
}

// TestAnExportsBatchIsCountedFirst: each read is held against those before it, so how many
// there are is looked at before any of them is: one more than may be, none of which is on the
// list, is refused for their number, and as many as may be for the list.
func TestAnExportsBatchIsCountedFirst(t *testing.T) {
	p, _ := newPermits()
	x := &Export{permits: p}
	for n, want := range map[int]error{0: keeper.ErrTooMany, 1: keeper.ErrExport, keeper.MaxBatch: keeper.ErrExport, keeper.MaxBatch + 1: keeper.ErrTooMany} {
		if _, e, err := x.Open(make([]keeper.Read, n)); !errors.Is(err, want) || e.Opens() {
			t.Errorf("%d people: %v", n, err)
		}
	}
}

func wants(t *testing.T, err error) {
	if err != nil {
		t.Error(err)
	}
}

func FuzzNotice(f *testing.F) {
	f.Add(byte(journal.KindIntent), []byte("0123456789abcdef"))
	f.Add(byte(journal.KindOpened), make([]byte, signedHead))
	f.Fuzz(func(t *testing.T, kind byte, payload []byte) {
		if n, ok := noticeOf(kind, payload); ok && n.Kind == 0 {
			t.Error("a notice of nothing")
		}
	})
}

// FuzzRead: whatever is in a record, reading it neither fails nor makes more versions than it
// has bytes for.
func FuzzRead(f *testing.F) {
	reads := []keeper.Read{{Person: 1, Want: []keeper.Version{{Record: keeper.FirstRecord, Version: 1}}}}
	f.Add(byte(journal.KindIntent), intent{actor: "a", purpose: "b", n: 1}.encode(reads))
	f.Add(byte(journal.KindOpened), signed{}.encode(reads))
	f.Add(byte(journal.KindExported), exporting{}.encode(reads))
	f.Fuzz(func(t *testing.T, kind byte, payload []byte) {
		if o, _ := Read(kind, payload); 16*len(o.Versions) > len(payload) {
			t.Errorf("%d versions in %d bytes", len(o.Versions), len(payload))
		}
	})
}
