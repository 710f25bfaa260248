package consent_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/consenttest"
	"github.com/amanah-project/amanah/internal/flow/consent"
)

// TestLanes: whoever asks a lot stops themselves before they stop others, and the
// keeper's meter keeps what is not the pages'.
func TestLanes(t *testing.T) {
	at := time.Date(2026, 11, 25, 5, 0, 0, 0, time.UTC)
	lanes := consent.NewLanes(consent.Limits{PerHour: 1000, PerNetwork: 60, PerNIK: 5, Burst: 1 << 30})
	next := 1
	admitted := func(from string, n int) (got int) {
		for range n {
			next++
			if lanes.Admit(from, consenttest.NIK(next, grown), at) == nil {
				got++
			}
		}
		return got
	}
	if n := admitted("one", 500); n != 60 {
		t.Errorf("one network was let ask %d times", n)
	}
	if n := admitted("another", 5); n != 5 {
		t.Errorf("another was let ask %d times", n)
	}
	for n := range 6 {
		err := lanes.Admit(fmt.Sprint("asks for one ", n), consenttest.NIK(0, grown), at)
		if (err == nil) != (n < 5) {
			t.Errorf("one NIK, asked for %d times before: %v", n, err)
		}
	}
	// Many networks get less and less each, and together no more than all.
	all := 60 + 5 + 5
	for i := range 400 {
		n := admitted(fmt.Sprint("network ", i), 60)
		if all > 500 && n > 15 || all > 750 && n > 6 || all > 900 && n > 1 {
			t.Fatalf("after %d, one network more was let ask %d times", all, n)
		}
		all += n
	}
	if all != 1000 {
		t.Errorf("%d in one hour", all)
	}
	at = at.Add(time.Hour)
	if n := admitted("one", 70); n != 60 {
		t.Errorf("in the next hour: %d", n)
	}
}

func TestLanesBurst(t *testing.T) {
	at := time.Date(2026, 11, 25, 5, 0, 0, 0, time.UTC)
	lanes := consent.NewLanes(consent.Limits{PerHour: 1 << 30, PerNetwork: 1 << 30, PerNIK: 1 << 30, Burst: 100})
	at = at.Add(time.Second)
	for range 100 {
		if err := lanes.Enter("here", at); err != nil {
			t.Fatal(err)
		}
	}
	if err := lanes.Enter("here", at); err == nil {
		t.Error("more at once")
	}
	if err := lanes.Enter("here", at.Add(time.Second)); err != nil {
		t.Error("a second later: ", err)
	}
}
