package partner_test

import (
	"errors"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/partner"
)

// TestEveryMove holds each (from, to) cell, numbers that are no state included.
func TestEveryMove(t *testing.T) {
	const (
		no = iota
		yes
		back // from Suspended: only to what the partner was
	)
	states := []partner.State{0, partner.Applied, partner.Sandbox, partner.Certified, partner.Live, partner.Suspended, partner.Ended, 7}
	table := map[partner.State][8]int{ // columns as in states
		0:                 {no, no, no, no, no, no, no, no},
		partner.Applied:   {no, no, yes, no, no, no, yes, no},
		partner.Sandbox:   {no, no, no, yes, no, yes, yes, no},
		partner.Certified: {no, no, no, no, yes, yes, yes, no},
		partner.Live:      {no, no, no, no, yes, yes, yes, no},
		partner.Suspended: {no, no, back, back, back, no, yes, no},
		partner.Ended:     {no, no, no, no, no, no, no, no},
		7:                 {no, no, no, no, no, no, no, no},
	}
	for _, from := range states {
		for i, to := range states {
			for _, held := range states {
				s := partner.Standing{State: from, Held: held, Stage: 1}
				cell := table[from][i]
				want := cell == yes || cell == back && held == to
				got, err := s.Move(to, 3)
				if want != (err == nil) {
					t.Errorf("%v (held %v) to %v: %v", from, held, to, err)
				}
				if err != nil && (!errors.Is(err, partner.ErrMove) || got != s) {
					t.Errorf("%v to %v: %v, %v", from, to, got, err)
				}
				if err == nil && got.State != to {
					t.Errorf("%v to %v ends in %v", from, to, got.State)
				}
			}
		}
	}
}

func TestStages(t *testing.T) {
	s := partner.Standing{State: partner.Certified}
	step := func(to partner.State, want partner.Standing, wantErr error) {
		t.Helper()
		got, err := s.Move(to, 2)
		if got != want || !errors.Is(err, wantErr) {
			t.Fatalf("%+v to %v: %+v, %v", s, to, got, err)
		}
		s = got
	}
	step(partner.Live, partner.Standing{State: partner.Live, Stage: 1}, nil)
	step(partner.Suspended, partner.Standing{State: partner.Suspended, Stage: 1, Held: partner.Live}, nil)
	step(partner.Live, partner.Standing{State: partner.Live, Stage: 1}, nil) // resuming is no promotion
	step(partner.Live, partner.Standing{State: partner.Live, Stage: 2}, nil)
	step(partner.Live, s, partner.ErrStages)
	if _, err := (partner.Standing{State: partner.Certified}).Move(partner.Live, 0); !errors.Is(err, partner.ErrStages) {
		t.Errorf("live without a stage: %v", err)
	}
	// A new version with fewer stages lets nobody back into one that it lacks.
	held := partner.Standing{State: partner.Suspended, Stage: 3, Held: partner.Live}
	if _, err := held.Move(partner.Live, 2); !errors.Is(err, partner.ErrStages) {
		t.Errorf("resumed in a stage that is gone: %v", err)
	}
}

func TestRoom(t *testing.T) {
	terms := partner.Terms{Stages: []int{10, 100}}
	for _, c := range []struct{ stage, linked, want int }{
		{1, 0, 10}, {1, 9, 1}, {1, 10, 0}, {1, 11, 0}, {2, 10, 90}, {2, 100, 0},
		{0, 0, 0}, {-1, 0, 0}, {3, 0, 0}, {1, -1, 0},
	} {
		if got := terms.Room(c.stage, c.linked); got != c.want {
			t.Errorf("stage %d with %d linked: %d", c.stage, c.linked, got)
		}
	}
}

// TestServes: real people are served by a live partner alone.
func TestServes(t *testing.T) {
	for n := range 256 {
		s := partner.State(n)
		var real, synthetic error = partner.ErrUnknown, partner.ErrUnknown
		switch s {
		case partner.Live:
			real, synthetic = nil, nil
		case partner.Sandbox, partner.Certified:
			real, synthetic = partner.ErrSynthetic, nil
		case partner.Suspended:
			real, synthetic = partner.ErrSuspended, partner.ErrSuspended
		}
		if err := s.Serves(false); !errors.Is(err, real) {
			t.Errorf("%d serves real people: %v", n, err)
		}
		if err := s.Serves(true); !errors.Is(err, synthetic) {
			t.Errorf("%d serves synthetic people: %v", n, err)
		}
	}
}
