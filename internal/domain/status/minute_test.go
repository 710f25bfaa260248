package status

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/day"
)

func TestMinutesAndDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-2_300_000_000, 5_600_000_000).Draw(t, "unix"), 0)
		m := minuteOf(at)
		if start := m.time(); start.After(at) || at.Sub(start) >= time.Minute {
			t.Fatalf("%v lies in the minute of %v", at, start)
		}
		if m.day() != day.Of(at) {
			t.Fatalf("%v is on %v, not %v", at, day.Of(at), m.day())
		}
		d := day.Of(at)
		if !startOf(d).time().Equal(d.Start()) {
			t.Fatalf("%v starts at %v", d, startOf(d).time())
		}
	})
}

func TestAges(t *testing.T) {
	drawDay := rapid.Int32Range(int32(firstDay), int32(lastDay))
	rapid.Check(t, func(t *rapid.T) {
		birth, d := day.Day(drawDay.Draw(t, "birth")), day.Day(drawDay.Draw(t, "day"))
		if got, want := ageOn(birth, d), max(0, d.Age(birth)); got != int64(want) {
			t.Fatalf("born %v, on %v: %d, not %d", birth, d, got, want)
		}
		n := rapid.IntRange(0, 120).Draw(t, "years")
		b := birthday(birth, n)
		if b.Age(birth) != n || n > 0 && b.Add(-1).Age(birth) != n-1 {
			t.Fatalf("born %v, %d years on %v", birth, n, b)
		}
	})
}
