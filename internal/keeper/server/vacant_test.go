package server

import (
	"slices"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
)

// TestVacantNumbers: some numbers are given to nobody, here and there, and a keeper that
// starts again knows which; without the option there are none.
func TestVacantNumbers(t *testing.T) {
	disk, c := durabletest.New(1), newClock()
	opt := options(disk, c)
	opt.Vacant = 4
	k, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	given := map[identity.PersonID]bool{}
	for range 10 {
		some, err := k.people.Register(40)
		if err != nil || len(some) != 40 {
			t.Fatalf("%d numbers: %v", len(some), err)
		}
		for _, r := range some {
			given[r.ID] = true
		}
	}
	vacant := k.people.VacantNear(personIDs(1))
	if len(vacant) < 60 || len(vacant) > 220 || len(given) != 400 {
		t.Errorf("%d of %d numbers are vacant", len(vacant), len(given)+len(vacant))
	}
	for i, v := range vacant {
		if given[v] || i > 0 && vacant[i-1] >= v || int(v) > len(given)+len(vacant) {
			t.Errorf("%d is somebody's, or not in its place", v)
		}
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	again := start(t, disk, c) // without the option: what is vacant stays so
	defer again.Close()
	if !slices.Equal(again.people.VacantNear(personIDs(1)), vacant) {
		t.Errorf("after a restart: %v", again.people.VacantNear(personIDs(1)))
	}
	some, err := again.people.Register(100)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range some {
		if slices.Contains(vacant, r.ID) {
			t.Errorf("%d is given after all", r.ID)
		}
	}
	if len(again.people.VacantNear(personIDs(1))) != len(vacant) {
		t.Error("new vacant numbers without the option")
	}
}
