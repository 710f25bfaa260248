package server

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
)

func TestHeadsTellARolledBackDatabase(t *testing.T) {
	k, _ := fresh(t, 1)
	first := person1()
	w, err := write(k, 1, keeper.RecordEvidence, first)
	if err != nil {
		t.Fatal(err)
	}
	second := after(first, keeper.RecordEvidence, w.Version)
	// Until the write is settled the database may be on either side of it.
	for _, tc := range []struct {
		name   string
		settle bool
		have   []keeper.Version
		err    error
		behind bool
	}{
		{"the new versions", false, second, nil, false},
		{"the old ones, unsettled", false, first, nil, true},
		{"nothing", false, nil, keeper.ErrHead, false},
		{"the new versions, settled", true, second, nil, false},
		{"the old ones, settled", true, first, keeper.ErrHead, false},
		{"a record left out", true, second[1:], keeper.ErrHead, false},
		{"a record too many", true, append(slices.Clone(second), keeper.Version{Record: 9, Version: 3}), keeper.ErrHead, false},
		{"another order", true, []keeper.Version{second[1], second[0]}, keeper.ErrHead, false},
	} {
		if tc.settle {
			if err := k.people.Settle([]keeper.Settled{{Person: 1, Version: w.Version}}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := read(k, 1, tc.have)
		if err != nil || !errors.Is(got.Err, tc.err) || got.Behind != tc.behind {
			t.Errorf("%s: %v, behind %v, error %v", tc.name, err, got.Behind, got.Err)
		}
		if tc.err != nil && got.Keys != nil {
			t.Errorf("%s: keys were released", tc.name)
		}
	}
	if _, err := write(k, 1, keeper.RecordEvidence, first); !errors.Is(err, keeper.ErrHead) {
		t.Errorf("a write over rolled-back versions: %v", err)
	}
}

func TestOnlyVersionsThatTheDatabaseHoldsAreOpened(t *testing.T) {
	k, _ := fresh(t, 1)
	_, out, err := k.Read(keeper.RoleAdmin, importer(), []keeper.Read{
		{Person: 1, Have: person1(), Want: []keeper.Version{{Record: keeper.RecordEvidence, Version: 1}}},
		{Person: 2, Have: person1()}, {Person: 0, Have: person1()},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{keeper.ErrHead, keeper.ErrPerson, keeper.ErrPerson} {
		wants(t, fmt.Sprint("read ", i), out[i].Err, want)
	}
}

func TestALateSettleDoesNotHideTheWriteAfterIt(t *testing.T) {
	k, _ := fresh(t, 1)
	w1, _ := write(k, 1, 7, person1())
	have := after(person1(), 7, w1.Version)
	if _, err := write(k, 1, 8, have); err != nil {
		t.Fatal(err)
	}
	if err := k.people.Settle([]keeper.Settled{{Person: 1, Version: w1.Version}}); err != nil {
		t.Fatal(err)
	}
	if got, err := read(k, 1, have); err != nil || got.Err != nil || !got.Behind {
		t.Errorf("the database before an unsettled write: %+v %v", got, err)
	}
}

// TestHeadsFollowAnyHistory compares the keeper with what a database would hold:
// writes that commit or do not, settles, restarts, and every older state put back.
func TestHeadsFollowAnyHistory(t *testing.T) {
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
		have := person1()
		var old [][]keeper.Version // what the database held and no longer does
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			record := keeper.Record(rapid.IntRange(1, 4).Draw(t, "record"))
			w, err := write(k, 1, record, have)
			if err != nil {
				t.Fatalf("write over %v: %v", have, err)
			}
			if rapid.Bool().Draw(t, "commits") {
				old = append(old, have)
				have = after(have, record, w.Version)
				if err := k.people.Settle([]keeper.Settled{{Person: 1, Version: w.Version}}); err != nil {
					t.Fatal(err)
				}
			}
			if rapid.IntRange(0, 3).Draw(t, "restart") == 0 {
				if err := k.Close(); err != nil {
					t.Fatal(err)
				}
				if k, err = Open(options(d, c)); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := read(k, 1, have); err != nil || got.Err != nil {
				t.Fatalf("the database as it is: %v %v", err, got.Err)
			}
			for _, back := range old {
				if got, err := read(k, 1, back); err != nil || !errors.Is(got.Err, keeper.ErrHead) {
					t.Fatalf("rolled back to %v: %v %v", back, err, got.Err)
				}
			}
		}
	})
}

func TestVersionKeysDifferAndStay(t *testing.T) {
	c, d := newClock(), durabletest.New(1)
	k := start(t, d, c)
	defer func() { k.Close() }()
	people := register(t, k, 2)
	seen := map[string]string{}
	add := func(what string, key keeper.Secret) {
		if other, ok := seen[string(key)]; ok || len(key) != 32 {
			t.Errorf("%s has the key of %q", what, other)
		}
		seen[string(key)] = what
	}
	have := person1()
	for _, p := range people {
		add(fmt.Sprint("person ", p.ID), p.Key)
	}
	var keys []keeper.Secret
	for i, r := range []keeper.Record{keeper.RecordEvidence, keeper.RecordEvidence, 1<<16 - 1, keeper.RecordPerson} {
		w, err := write(k, 1, r, have)
		if err != nil {
			t.Fatal(err)
		}
		have = after(have, r, w.Version)
		add(fmt.Sprint("write ", i), w.Key)
		keys = append(keys, w.Key)
	}
	w2, err := write(k, 2, keeper.RecordEvidence, person1())
	if err != nil {
		t.Fatal(err)
	}
	add("the other person's evidence", w2.Key)
	for range 2 { // before a restart and after it
		got, err := read(k, 1, have)
		if err != nil || got.Err != nil || len(got.Keys) != 3 {
			t.Fatalf("%v %v", err, got.Err)
		}
		for i, want := range []keeper.Secret{keys[3], keys[1], keys[2]} { // ascending by record
			if !bytes.Equal(got.Keys[i], want) {
				t.Errorf("version %+v is read with another key than it was written with", have[i])
			}
		}
		k = restart(t, k, c)
	}
}

func TestIndexTags(t *testing.T) {
	c, d := newClock(), durabletest.New(1)
	k := start(t, d, c)
	defer func() { k.Close() }()
	seen := map[identity.Tag]bool{}
	var before []identity.Tag
	for range 2 {
		var all []identity.Tag
		for _, kind := range []keeper.Kind{keeper.KindNIK, keeper.KindPhone, keeper.KindSubject, keeper.KindPIN, keeper.KindSource, keeper.KindBlob} {
			tags, err := k.Index(keeper.RoleAdmin, kind, [][]byte{[]byte("3171000000000001"), []byte("3171000000000002")})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, tags...)
		}
		for _, tag := range all {
			seen[tag] = true
		}
		if len(seen) != 12 || before != nil && !slices.Equal(all, before) {
			t.Errorf("%d tags of 2 values in 6 kinds, over a restart", len(seen))
		}
		before, k = all, restart(t, k, c)
	}
	for _, kind := range []keeper.Kind{0, keeper.KindBlob + 1} {
		_, err := k.Index(keeper.RoleAdmin, kind, nil)
		wants(t, fmt.Sprint("kind ", kind), err, keeper.ErrRole)
	}
}

func TestTheServerCannotEnumerateTheCountry(t *testing.T) {
	k, c := fresh(t, 0)
	nik := func(i int) []byte { return fmt.Appendf(nil, "%016d", i) }
	got := 0
	for i := range 100_000 { // evenly over an hour
		if _, err := k.Index(keeper.RoleServe, keeper.KindNIK, [][]byte{nik(i)}); err == nil {
			got++
		} else if !errors.Is(err, keeper.ErrBudget) {
			t.Fatal(err)
		}
		c.pass(time.Hour / 100_000)
	}
	if got < 4800 || got > 5200 {
		t.Errorf("an hour gave %d tags of 100,000", got)
	}
	if _, err := k.Index(keeper.RoleServe, keeper.KindNIK, slices.Repeat([][]byte{nik(1)}, 1000)); !errors.Is(err, keeper.ErrBudget) {
		t.Errorf("1,000 at once: %v", err)
	}
	blobs := slices.Repeat([][]byte{nik(1)}, keeper.MaxBulk)
	for range 10 { // which name content, and nobody
		if _, err := k.Index(keeper.RoleServe, keeper.KindBlob, blobs); err != nil {
			t.Fatalf("names of documents: %v", err)
		}
	}
	if h, err := k.Health(); err != nil || h.Blobs != 10*keeper.MaxBulk {
		t.Errorf("%d names of documents counted, %v", h.Blobs, err)
	}
	if _, err := k.Index(keeper.RoleServe, keeper.KindSource, blobs); err != nil {
		t.Errorf("an hour's records from their source: %v", err)
	}
	if _, err := k.Index(keeper.RoleServe, keeper.KindSource, blobs); !errors.Is(err, keeper.ErrBudget) {
		t.Errorf("as many again at once: %v", err)
	}
	for i := 0; i < 100_000; i += keeper.MaxBulk {
		values := make([][]byte, keeper.MaxBulk)
		for n := range values {
			values[n] = nik(i + n)
		}
		if _, err := k.Index(keeper.RoleAdmin, keeper.KindNIK, values); err != nil {
			t.Fatalf("the operator's import: %v", err)
		}
	}
}
