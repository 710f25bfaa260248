package pace_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/web/pace"
)

var begin = time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)

func TestLanes(t *testing.T) {
	l := pace.New(2, 3)
	take := func(name string, after time.Duration, want error) {
		t.Helper()
		if err := l.Take(name, begin.Add(after)); !errors.Is(err, want) {
			t.Errorf("%s after %v: %v", name, after, err)
		}
	}
	for range 3 {
		take("a", 0, nil)
	}
	take("a", 0, pace.ErrPace)
	take("b", 0, nil) // another's lane
	take("a", 499*time.Millisecond, pace.ErrPace)
	take("a", 500*time.Millisecond, nil)
	take("a", 500*time.Millisecond, pace.ErrPace)
	take("a", 0, pace.ErrPace) // a clock set back gives nothing
	for range 3 {
		take("a", time.Hour, nil)
	}
	take("a", time.Hour, pace.ErrPace)
}

// TestBounded: names that never come again do not fill the memory, and who is held
// back stays so while theirs are forgotten.
func TestBounded(t *testing.T) {
	l := pace.New(1, 1)
	for i := range 200_000 {
		if err := l.Take(strconv.Itoa(i), begin.Add(time.Duration(i)*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
	}
	at := begin.Add(200 * time.Second)
	if l.Take("x", at) != nil || l.Take("x", at) == nil {
		t.Error("a lane of its own is not kept")
	}
}
