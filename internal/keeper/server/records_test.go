package server

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

func TestRecordsHaveAHeadOfTheirOwn(t *testing.T) {
	k, _ := fresh(t, 2)
	a, err := writeRecords(k, 1, nil, keeper.FirstRecord, keeper.FirstRecord+1)
	if err != nil || a.Version != 1 || len(a.Keys) != 2 || slices.Equal(a.Keys[0], a.Keys[1]) {
		t.Fatalf("%+v %v", a, err)
	}
	settleRecords(t, k, 1, a.Version)
	have := with(nil, []keeper.Record{keeper.FirstRecord, keeper.FirstRecord + 1}, 1)
	// Writes of evidence and of records do not move each other.
	w, err := write(k, 1, keeper.RecordEvidence, person1())
	wants(t, "evidence", err, nil)
	b, err := writeRecords(k, 1, have, keeper.FirstRecord)
	wants(t, "records", err, nil)
	settleRecords(t, k, 1, b.Version)
	now := with(have, []keeper.Record{keeper.FirstRecord}, b.Version)
	if want := []keeper.Version{{Record: keeper.FirstRecord, Version: 1}, {Record: keeper.FirstRecord, Version: 2}, {Record: keeper.FirstRecord + 1, Version: 1}}; !slices.Equal(now, want) {
		t.Fatalf("after a correction %v", now)
	}
	for _, tc := range []struct {
		name string
		have []keeper.Version
		err  error
	}{
		{"all versions", now, nil},
		{"the superseded one put away", now[1:], keeper.ErrHead},
		{"the correction put away", have, keeper.ErrHead},
		{"the last left out", now[:2], keeper.ErrHead},
		{"another order", []keeper.Version{now[1], now[0], now[2]}, keeper.ErrHead},
		{"one twice", append(slices.Clone(now), now[2]), keeper.ErrHead},
	} {
		got, err := read(k, 1, tc.have)
		if err != nil || !errors.Is(got.Err, tc.err) || tc.err != nil && got.Keys != nil {
			t.Errorf("%s: %v %v", tc.name, err, got.Err)
		}
	}
	got, err := read(k, 1, after(person1(), keeper.RecordEvidence, w.Version))
	if err != nil || got.Err != nil {
		t.Errorf("the evidence's head: %v %v", err, got.Err)
	}
	none, err := readNone(k, 1)
	if err != nil || !errors.Is(none.Err, keeper.ErrHead) {
		t.Errorf("all put away: %v %v", err, none.Err)
	}
	none, err = readNone(k, 2)
	if err != nil || none.Err != nil {
		t.Errorf("somebody who has none: %v %v", err, none.Err)
	}
}

func TestAWriteOfRecordsKeepsTheNextWaiting(t *testing.T) {
	k, c := fresh(t, 1)
	next := func(have []keeper.Version, want error) uint64 {
		t.Helper()
		e, err := writeRecords(k, 1, have, keeper.FirstRecord)
		wants(t, "write", err, want)
		return e.Version
	}
	first := next(nil, nil)
	next(nil, keeper.ErrWriting)
	next([]keeper.Version{{Record: keeper.FirstRecord, Version: 9}}, keeper.ErrHead)
	// The first came to be although nobody said so: the next one's Have tells.
	have := with(nil, []keeper.Record{keeper.FirstRecord}, first)
	second := next(have, nil)
	next(nil, keeper.ErrHead)
	next(have, keeper.ErrWriting)
	c.pass(writingFor)
	third := next(have, nil) // the second may yet come to be, or this one
	if first >= second || second >= third {
		t.Errorf("versions %d, %d, %d", first, second, third)
	}
	for _, v := range []uint64{second, third} {
		got, err := read(k, 1, with(have, []keeper.Record{keeper.FirstRecord}, v))
		if err != nil || got.Err != nil || got.Behind {
			t.Errorf("version %d: %v %+v", v, err, got)
		}
	}
	settleRecords(t, k, 1, second)
	got, err := read(k, 1, with(have, []keeper.Record{keeper.FirstRecord}, third))
	if err != nil || !errors.Is(got.Err, keeper.ErrHead) {
		t.Errorf("the one that cannot have come to be: %v %v", err, got.Err)
	}
	next(with(have, []keeper.Record{keeper.FirstRecord}, second), nil) // at once: nothing is open
}

func TestWritesThatNeverCameToBeDoNotPileUp(t *testing.T) {
	k, c := fresh(t, 1)
	for i := range maxOpen {
		_, err := writeRecords(k, 1, nil, keeper.FirstRecord)
		wants(t, fmt.Sprint("write ", i), err, nil)
		c.pass(writingFor)
	}
	_, err := writeRecords(k, 1, nil, keeper.FirstRecord)
	wants(t, "one more of which nothing is known", err, keeper.ErrWriting)
	c.pass(openFor)
	for i := range 3 * maxOpen {
		_, err := writeRecords(k, 1, nil, keeper.FirstRecord)
		wants(t, fmt.Sprint("a minute later, ", i), err, nil)
		c.pass(openFor)
	}
	if h, err := k.people.Heads(keeper.RoleAdmin, personIDs(1)); err != nil || len(h[0].Bases) != 1+maxOpen {
		t.Errorf("%d heads may be, %v", len(h[0].Bases), err)
	}
	c.pass(-time.Hour)
	_, err = writeRecords(k, 1, nil, keeper.FirstRecord)
	wants(t, "after the clock was set back", err, nil)
}

// TestRecordHeadsFollowAnyHistory compares the keeper with a database that obeys:
// it stores a write only over exactly what the write was asked over, late or never,
// and settles or does not; both are restarted. What was settled once and is no longer
// there must not open.
func TestRecordHeadsFollowAnyHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, d := newClock(), durabletest.New(1)
		k, err := Open(options(d, c))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { k.Close() }()
		if _, err := k.people.Register(1); err != nil {
			t.Fatal(err)
		}
		type flying struct {
			over, makes []keeper.Version
			version     uint64
		}
		var have []keeper.Version
		var air []flying
		var gone [][]keeper.Version // settled, and superseded by what is settled too
		settled := have
		used := map[uint64]bool{}
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0, 1:
				r := []keeper.Record{keeper.FirstRecord + keeper.Record(rapid.IntRange(0, 2).Draw(t, "record"))}
				e, err := writeRecords(k, 1, have, r...)
				if errors.Is(err, keeper.ErrWriting) {
					c.pass(writingFor)
					continue
				}
				if err != nil || used[e.Version] {
					t.Fatalf("write over %v: version %d, %v", have, e.Version, err)
				}
				used[e.Version] = true
				air = append(air, flying{have, with(have, r, e.Version), e.Version})
			case 2, 3:
				if len(air) == 0 {
					continue
				}
				i := rapid.IntRange(0, len(air)-1).Draw(t, "lands")
				f := air[i]
				air = slices.Delete(air, i, i+1)
				if !slices.Equal(f.over, have) {
					continue // the database's fence
				}
				have = f.makes
				if rapid.Bool().Draw(t, "settles") {
					if err := k.people.SettleRecords([]keeper.Settled{{Person: 1, Version: f.version}}); err != nil {
						t.Fatal(err)
					}
					gone, settled = append(gone, settled), have
				}
			case 4:
				c.pass(writingFor)
			case 5:
				if err := k.Close(); err != nil {
					t.Fatal(err)
				}
				if k, err = Open(options(d, c)); err != nil {
					t.Fatal(err)
				}
			}
			_, got, err := k.Read(keeper.RoleAdmin, importer(), []keeper.Read{{Person: 1, Have: have, Want: have, Records: true}})
			if err != nil || got[0].Err != nil {
				t.Fatalf("the database as it is, %v: %v %v", have, err, got[0].Err)
			}
			for _, back := range gone {
				_, got, err := k.Read(keeper.RoleAdmin, importer(), []keeper.Read{{Person: 1, Have: back, Records: true}})
				if err != nil || !errors.Is(got[0].Err, keeper.ErrHead) {
					t.Fatalf("rolled back to %v: %v %v", back, err, got[0].Err)
				}
			}
		}
	})
}

func TestRecordKeysStay(t *testing.T) {
	c, d := newClock(), durabletest.New(1)
	k := start(t, d, c)
	defer func() { k.Close() }()
	register(t, k, healthChunk+1)
	var keys []keeper.Secret
	for _, p := range personIDs(1, healthChunk, healthChunk+1) {
		e, err := writeRecords(k, p, nil, keeper.FirstRecord, keeper.FirstRecord+9)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, e.Keys...)
	}
	for i, a := range keys {
		for _, b := range keys[i+1:] {
			if slices.Equal(a, b) {
				t.Error("two versions have one key")
			}
		}
	}
	k = restart(t, k, c)
	have := with(nil, []keeper.Record{keeper.FirstRecord, keeper.FirstRecord + 9}, 1)
	for i, p := range personIDs(1, healthChunk, healthChunk+1) {
		got, err := read(k, p, have)
		if err != nil || got.Err != nil || !slices.Equal(got.Keys[0], keys[2*i]) || !slices.Equal(got.Keys[1], keys[2*i+1]) {
			t.Errorf("person %d after a restart: %v %v", p, err, got.Err)
		}
	}
}

func TestWhatRecordsAreRefused(t *testing.T) {
	k, _ := fresh(t, 1)
	for name, records := range map[string][]keeper.Record{
		"none": nil, "evidence": {keeper.RecordEvidence}, "descending": {keeper.FirstRecord + 1, keeper.FirstRecord}, "twice": {keeper.FirstRecord, keeper.FirstRecord},
	} {
		_, err := writeRecords(k, 1, nil, records...)
		wants(t, name, err, keeper.ErrRecords)
	}
	_, err := write(k, 1, keeper.FirstRecord, person1())
	wants(t, "a health record as another", err, keeper.ErrRecords)
	if n := len(records(k, journal.KindEnters)); n != 0 {
		t.Errorf("%d refused writes in the journal", n)
	}
	e, err := writeRecords(k, 1, nil, keeper.FirstRecord)
	if err != nil {
		t.Fatal(err)
	}
	have := with(nil, []keeper.Record{keeper.FirstRecord}, e.Version)
	both := []keeper.Version{person1()[0], have[0]}
	for name, want := range map[string][]keeper.Version{"evidence first": both, "records first": {both[1], both[0]}} {
		_, _, err := k.Read(keeper.RoleAdmin, importer(), []keeper.Read{{Person: 1, Have: have, Want: want}})
		wants(t, "both in one read, "+name, err, keeper.ErrRecords)
	}
	for next := have[0].Record; len(have) < keeper.MaxVersions; {
		some := make([]keeper.Record, min(keeper.MaxBulk, keeper.MaxVersions-len(have)))
		for i := range some {
			next++
			some[i] = next
		}
		e, err = writeRecords(k, 1, have, some...)
		wants(t, "as many versions as may be", err, nil)
		settleRecords(t, k, 1, e.Version)
		have = with(have, some, e.Version)
	}
	_, err = writeRecords(k, 1, have, keeper.FirstRecord)
	wants(t, "one version too many", err, keeper.ErrTooMany)
}

// TestWhoMayOpenRecordsUnsigned: jobs, a person's own link and the operator; the
// first two within one ceiling when the server asks, whoever it says they are.
func TestWhoMayOpenRecordsUnsigned(t *testing.T) {
	c := newClock()
	opt := options(durabletest.New(1), c)
	opt.UnsignedPerHour = 10
	k, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	register(t, k, 1)
	e, err := writeRecords(k, 1, nil, keeper.FirstRecord)
	if err != nil {
		t.Fatal(err)
	}
	have := with(nil, []keeper.Record{keeper.FirstRecord}, e.Version)
	open := func(role keeper.Role, b keeper.Budget, actor string) error {
		_, _, err := k.Read(role, keeper.Intent{Actor: actor, Purpose: "test", Budget: b}, []keeper.Read{{Person: 1, Have: have, Want: have}})
		return err
	}
	wants(t, "staff", open(keeper.RoleServe, keeper.BudgetStaff, "staff-1"), keeper.ErrRole)
	wants(t, "staff on the operator's socket", open(keeper.RoleAdmin, keeper.BudgetStaff, "staff-1"), keeper.ErrRole)
	for i := range 10 {
		b := keeper.BudgetJob
		if i%2 == 0 {
			b = keeper.BudgetSelf
		}
		wants(t, fmt.Sprint("open ", i), open(keeper.RoleServe, b, fmt.Sprint("person ", i)), nil)
	}
	wants(t, "a job over the ceiling", open(keeper.RoleServe, keeper.BudgetJob, "colours"), keeper.ErrBudget)
	wants(t, "another person's link", open(keeper.RoleServe, keeper.BudgetSelf, "person 99"), keeper.ErrBudget)
	wants(t, "evidence, which is not under it", spend(k, keeper.BudgetJob, "colours", 50), nil)
	wants(t, "the operator's", open(keeper.RoleAdmin, keeper.BudgetImport, "operator"), nil)
	c.pass(time.Hour)
	wants(t, "an hour later", open(keeper.RoleServe, keeper.BudgetJob, "colours"), nil)
}
