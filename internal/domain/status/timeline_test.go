package status_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	. "github.com/amanah-project/amanah/internal/domain/status"
)

func TestTimelineRoundTrip(t *testing.T) {
	s := shipped(t)
	rapid.Check(t, func(t *rapid.T) {
		e := drawEvidence(t)
		line, err := MakeTimeline(e, s, drawTime(t, e))
		if err != nil {
			t.Fatal(err)
		}
		b := line.Marshal()
		got, err := ParseTimeline(b)
		if err != nil || got != line {
			t.Fatalf("read back otherwise: %v", err)
		}
		if got.Birth != e.Birth {
			t.Fatal("the birth is lost")
		}
	})
}

// steps makes a timeline of n steps, two days apart, by contacts of 30 days.
func steps(t *testing.T, n int) (Timeline, time.Time) {
	t.Helper()
	begin := at(t, "2022-08-01 12:00")
	var when []string
	for i := range n - 1 {
		when = append(when, "since_contact == "+string(rune('0'+i+1)))
	}
	// One day each: reason by the day, the last one for what is left.
	set, err := Conditions(begin, append([]string{"since_contact == 0"}, when...)...)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSchedule(set)
	if err != nil {
		t.Fatal(err)
	}
	line, err := MakeTimeline(Evidence{Contacts: []Contact{{date(t, "2022-08-01"), "c"}}}, s, begin)
	if err != nil {
		t.Fatal(err)
	}
	return line, begin
}

func TestTimelineKeepsEightSteps(t *testing.T) {
	seven, begin := steps(t, 6) // and one step for what is left
	if n := len(seven.Steps()); n != 7 {
		t.Fatalf("%d steps", n)
	}
	if got, want := seven.Until(), begin.Add(Horizon); !got.Equal(want) {
		t.Errorf("a whole timeline ends %v, not %v", got, want)
	}
	nine, begin := steps(t, 9)
	if n := len(nine.Steps()); n != MaxSteps {
		t.Fatalf("%d steps", n)
	}
	end := date(t, "2022-08-09").Start()
	if !nine.Until().Equal(end) || nine.Covers(end) || !nine.Covers(end.Add(-time.Minute)) || !nine.Covers(begin) || nine.Covers(begin.Add(-time.Minute)) {
		t.Errorf("a timeline cut short ends %v, not %v", nine.Until(), end)
	}
}

func TestTimelineAt(t *testing.T) {
	line, begin := steps(t, 3)
	all := line.Steps()
	for _, c := range []struct {
		at   time.Time
		want int
	}{
		{begin.Add(-time.Hour), 0}, {begin, 0}, {begin.Add(59 * time.Second), 0},
		{all[1].From.Add(-time.Second), 0}, {all[1].From, 1}, {all[2].From, 2}, {all[3].From, 3}, {begin.Add(2 * Horizon), 3},
	} {
		now, next := line.At(c.at)
		if now != all[c.want] {
			t.Errorf("at %v: %v, want step %d", c.at, now, c.want)
		}
		var want *Step
		if c.want < 3 {
			want = &all[c.want+1]
		}
		if d := cmp.Diff(want, next); d != "" {
			t.Errorf("at %v, next (-want +got)\n%s", c.at, d)
		}
	}
	if now, next := (Timeline{}).At(begin); now != (Step{}) || next != nil || (Timeline{}).Covers(begin) {
		t.Error("the zero timeline says something")
	}
}

func TestTimelineRefuses(t *testing.T) {
	line, _ := steps(t, 3)
	good := line.Marshal()
	if _, err := ParseTimeline(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*[TimelineSize]byte){
		"version":          func(b *[TimelineSize]byte) { b[0]++ },
		"no step":          func(b *[TimelineSize]byte) { b[1] = 0 },
		"nine steps":       func(b *[TimelineSize]byte) { b[1] = 9 },
		"a step too many":  func(b *[TimelineSize]byte) { b[1]++ },
		"a step too few":   func(b *[TimelineSize]byte) { b[1]-- },
		"no rule set":      func(b *[TimelineSize]byte) { b[2], b[3] = 0, 0 },
		"ends before":      func(b *[TimelineSize]byte) { b[9] = 0 },
		"descending":       func(b *[TimelineSize]byte) { copy(b[12:16], b[18:22]) },
		"no reason":        func(b *[TimelineSize]byte) { b[16], b[17] = 0, 0 },
		"same step again":  func(b *[TimelineSize]byte) { copy(b[22:24], b[16:18]) },
		"after the steps":  func(b *[TimelineSize]byte) { b[12+4*6] = 1 },
		"in the last four": func(b *[TimelineSize]byte) { b[63] = 1 },
	} {
		b := good
		spoil(&b)
		if _, err := ParseTimeline(b); !errors.Is(err, ErrTimeline) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ParseTimeline([TimelineSize]byte{}); !errors.Is(err, ErrTimeline) {
		t.Errorf("zeros: %v", err)
	}
	if _, err := json.Marshal(line); err == nil {
		t.Error("a timeline has a JSON form")
	}
}

func TestTimelineNeedsRulesInForce(t *testing.T) {
	for _, when := range []string{"2019-12-31 12:00", "2021-08-29 23:59"} {
		if _, err := MakeTimeline(Evidence{}, shipped(t), at(t, when)); !errors.Is(err, ErrNoRules) {
			t.Errorf("%s: %v", when, err)
		}
		if _, err := Decide(Evidence{}, shipped(t), at(t, when)); !errors.Is(err, ErrNoRules) {
			t.Errorf("%s: %v", when, err)
		}
	}
	if _, err := MakeTimeline(Evidence{}, shipped(t), at(t, "2021-08-30 00:00")); err != nil {
		t.Error(err)
	}
	if _, err := MakeTimeline(Evidence{Doses: []Dose{{}}}, shipped(t), at(t, "2022-08-30 00:00")); !errors.Is(err, ErrVaccine) {
		t.Error(err)
	}
}

func FuzzParseTimeline(f *testing.F) {
	s := shipped(f)
	for _, when := range []string{"2021-09-01 00:00", "2022-02-22 20:00", "2022-08-01 12:00"} {
		line, err := MakeTimeline(full(f), s, at(f, when))
		if err != nil {
			f.Fatal(err)
		}
		b := line.Marshal()
		f.Add(b[:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != TimelineSize {
			return
		}
		row := [TimelineSize]byte(b)
		line, err := ParseTimeline(row)
		if err != nil {
			if !errors.Is(err, ErrTimeline) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		if line.Marshal() != row {
			t.Fatal("accepted bytes are not the one spelling")
		}
		for _, step := range line.Steps() {
			now, _ := line.At(step.From)
			if now != step || step.Colour < Green || step.Colour > Black || step.Reason == 0 || step.Reason > MaxReason {
				t.Fatalf("step %v reads as %v", step, now)
			}
		}
	})
}
