package server

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
)

func TestHeadsSayWhatTheKeeperKnows(t *testing.T) {
	c, d := newClock(), durabletest.New(1)
	k := start(t, d, c)
	defer func() { k.Close() }()
	register(t, k, 5)
	if err := k.people.Settle([]keeper.Settled{{Person: 2, Version: 1}, {Person: 4, Version: 1}}); err != nil {
		t.Fatal(err)
	}
	w, err := write(k, 3, keeper.RecordEvidence, person1())
	if err != nil {
		t.Fatal(err)
	}
	colour(t, k, 2, 1)
	erase(t, k, 4)
	want := []keeper.Head{
		{Known: true, Version: 1},
		{Known: true, Stored: true, Version: 1, Colour: 1},
		{Known: true, Stored: true, Pending: true, Version: w.Version},
		{Known: true, Erased: true, Stored: true, Version: 1},
		{Known: true, Version: 1},
		{}, {},
	}
	for range 2 { // before a restart and after it
		got, err := k.people.Heads(keeper.RoleAdmin, personIDs(1, 2, 3, 4, 5, 6, 0))
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s %v", d, err)
		}
		k = restart(t, k, c)
	}
	_, err = k.people.Heads(keeper.RoleServe, personIDs(1))
	wants(t, "the server asks for heads", err, keeper.ErrRole)
}

func TestChecksTellWhatOpens(t *testing.T) {
	k, _ := fresh(t, 3)
	old, row := colour(t, k, 1, 1), colour(t, k, 1, 2)
	other, gone := colour(t, k, 2, 3), colour(t, k, 3, 4)
	note, err := k.people.SealNotes([]keeper.Note{{Person: 1, Text: []byte("x")}, {Person: 3}})
	if err != nil {
		t.Fatal(err)
	}
	erase(t, k, 3)
	swapped, ahead, torn := other, row, row
	swapped.Person = 1
	ahead.Version++
	torn.Sealed = slices.Clone(row.Sealed)
	torn.Sealed[5] ^= 1
	rows := []status.SealedColour{row, old, other, swapped, ahead, torn, gone, {Person: 9, Version: 1, Sealed: row.Sealed}}
	got, err := k.CheckColours(keeper.RoleAdmin, rows)
	want := []keeper.Seal{
		keeper.SealHolds, keeper.SealOld, keeper.SealHolds, keeper.SealBroken, keeper.SealBroken, keeper.SealBroken, keeper.SealErased, keeper.SealNobody,
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("colours: %s %v", d, err)
	}
	got, err = k.people.CheckNotes(keeper.RoleAdmin, []keeper.Note{
		{Person: 1, Text: note[0]}, {Person: 2, Text: note[0]}, {Person: 1, Part: 1, Text: note[0]}, {Person: 3, Text: note[1]},
	})
	if d := cmp.Diff([]keeper.Seal{keeper.SealHolds, keeper.SealBroken, keeper.SealBroken, keeper.SealErased}, got); d != "" || err != nil {
		t.Errorf("notes: %s %v", d, err)
	}
	_, err = k.CheckColours(keeper.RoleServe, rows)
	wants(t, "the server checks colours", err, keeper.ErrRole)
	_, err = k.people.CheckNotes(keeper.RoleServe, nil)
	wants(t, "the server checks notes", err, keeper.ErrRole)
}
