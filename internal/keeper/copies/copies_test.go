package copies_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/copies"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func know(t *testing.T, l *copies.Book, all ...copies.Made) {
	t.Helper()
	for i, m := range all {
		raw, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var back copies.Made
		if err := json.Unmarshal(raw, &back); err != nil || !l.Know(back, uint64(100+i)) {
			t.Fatalf("%d: %s %v", i, raw, err)
		}
	}
}

// TestCopies: a copy counts from when it was given a code, delivered or not, and is
// committed to by what was said of it alone.
func TestCopies(t *testing.T) {
	l := copies.New()
	one, two := copies.CopyOf(staff.RequestID{1}), copies.CopyOf(staff.RequestID{2})
	if err := l.Committed(one); !errors.Is(err, keeper.ErrUncommitted) {
		t.Errorf("unknown: %v", err)
	}
	know(t, l, copies.Made{At: noon, Coded: &one}, copies.Made{At: noon, Coded: &two}, copies.Made{At: noon, Coded: &one})
	if err := l.Committed(one); !errors.Is(err, keeper.ErrUncommitted) {
		t.Errorf("coded: %v", err)
	}
	know(t, l, copies.Made{At: noon, Delivery: &keeper.Delivery{Copy: one, Manifest: [32]byte{1}}})
	if err := l.Committed(one); err != nil {
		t.Errorf("delivered: %v", err)
	}
	d, known, err := l.Delivered(one, [32]byte{1})
	if !known || err != nil || d.Seq != 100 || !d.At.Equal(noon) {
		t.Errorf("the same manifest: %+v %v %v", d, known, err)
	}
	if _, known, err := l.Delivered(one, [32]byte{2}); known || err != nil {
		t.Errorf("another: %v %v", known, err)
	}
	var names []leak.Copy
	page, all := l.Copies(0, 10)
	for _, c := range page {
		names = append(names, c.Copy)
	}
	if diff := cmp.Diff([]leak.Copy{one, two}, names); diff != "" || all != 2 {
		t.Errorf("%d copies: %s", all, diff)
	}
	if page, _ := l.Copies(1, 10); len(page) != 1 || page[0].Copy != two {
		t.Errorf("from the second: %v", page)
	}
	if page, _ := l.Copies(3, 10); len(page) != 0 {
		t.Errorf("past the end: %v", page)
	}
	if l.Know(copies.Made{Delivery: &keeper.Delivery{Copy: leak.Copy{9}}}, 1) {
		t.Error("a copy without a code was delivered")
	}
}

// TestTraces: traces are counted, and each freezes one observation before codes open.
func TestTraces(t *testing.T) {
	l := copies.New()
	a, b := staff.RequestID{1}, staff.RequestID{2}
	if l.Begins() != 1 {
		t.Error("traces there never were")
	}
	know(t, l, copies.Made{At: noon, Began: &copies.Began{Trace: a, N: 1}}, copies.Made{At: noon, Began: &copies.Began{Trace: b, N: 2}})
	if l.Begins() != 3 {
		t.Error("not counted")
	}
	for name, m := range map[string]copies.Made{
		"twice": {Began: &copies.Began{Trace: a, N: 3}}, "a gap": {Began: &copies.Began{Trace: staff.RequestID{3}, N: 5}}, "nothing": {},
		"of no trace": {Froze: &copies.Froze{Trace: staff.RequestID{9}}}, "names of no trace": {Named: &copies.Named{Trace: staff.RequestID{9}}},
	} {
		if l.Know(m, 1) {
			t.Errorf("%s: known", name)
		}
	}
	if err := l.Opens(a); !errors.Is(err, keeper.ErrUnfrozen) {
		t.Errorf("before: %v", err)
	}
	if fresh, err := l.MayFreeze(a, [32]byte{7}); !fresh || err != nil {
		t.Errorf("freeze: %v %v", fresh, err)
	}
	know(t, l, copies.Made{Froze: &copies.Froze{Trace: a, Hash: [32]byte{7}}})
	if err := l.Opens(a); err != nil {
		t.Errorf("after: %v", err)
	}
	if err := l.Opens(b); !errors.Is(err, keeper.ErrUnfrozen) {
		t.Errorf("another's: %v", err)
	}
	if fresh, err := l.MayFreeze(a, [32]byte{7}); fresh || err != nil {
		t.Errorf("the same again: %v %v", fresh, err)
	}
	if _, err := l.MayFreeze(a, [32]byte{8}); !errors.Is(err, keeper.ErrFrozen) {
		t.Errorf("another observation: %v", err)
	}
	if _, err := l.MayFreeze(b, [32]byte{}); !errors.Is(err, keeper.ErrTrace) {
		t.Errorf("nothing: %v", err)
	}
}
