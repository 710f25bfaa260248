package status_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/day"
	. "github.com/amanah-project/amanah/internal/domain/status"
)

func shipped(t testing.TB) *Schedule {
	t.Helper()
	s, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// probes are the times at which a timeline is held against fresh decisions:
// every midnight and the minute before it, the minutes around every whole number
// of hours after a test for two weeks, the minutes around every step, and the
// starts of rule sets.
func probes(e Evidence, s *Schedule, line Timeline, at time.Time) []time.Time {
	var out []time.Time
	around := func(t time.Time) {
		out = append(out, t.Add(-time.Minute), t, t.Add(time.Minute))
	}
	for d := day.Of(at); d.Start().Before(at.Add(Horizon)); d++ {
		around(d.Start())
	}
	for _, x := range e.Tests {
		for h := range 15 * 24 {
			around(x.At.Add(time.Duration(h) * time.Hour))
		}
	}
	for _, step := range line.Steps() {
		around(step.From)
	}
	for _, set := range s.Sets() {
		around(set.ValidFrom())
	}
	return append(out, at)
}

// missed returns a time at which the timeline and a fresh decision differ.
func missed(e Evidence, s *Schedule, at time.Time) (string, error) {
	line, err := MakeTimeline(e, s, at)
	if err != nil {
		return "", err
	}
	for _, p := range probes(e, s, line, at) {
		if !line.Covers(p) {
			continue
		}
		c, r, err := Afresh(e, s, p)
		if err != nil {
			return "", err
		}
		if now, _ := line.At(p); now.Colour != c || now.Reason != r {
			return fmt.Sprintf("at %v: timeline says %v %d, a fresh decision %v %d", p, now.Colour, now.Reason, c, r), nil
		}
	}
	return "", nil
}

func TestTimelineIsEveryFreshDecision(t *testing.T) {
	s := shipped(t)
	check(t, 4, func(t *rapid.T) {
		e := drawEvidence(t)
		at := drawTime(t, e)
		if m, err := missed(e, s, at); err != nil || m != "" {
			t.Fatal(m, err)
		}
	})
}

// drawCondition draws an expression of the language.
func drawCondition(t *rapid.T, depth int) string {
	op := func() string { return rapid.SampledFrom([]string{"<", "<=", ">", ">=", "==", "!="}).Draw(t, "op") }
	n := func() int { return rapid.IntRange(0, 30).Draw(t, "n") }
	compare := func(name string, n int) string {
		if rapid.Bool().Draw(t, "mirror") {
			return fmt.Sprintf("%d %s %s", n, op(), name)
		}
		return fmt.Sprintf("%s %s %d", name, op(), n)
	}
	if depth > 0 && rapid.IntRange(0, 2).Draw(t, "deeper") > 0 {
		a, b := drawCondition(t, depth-1), drawCondition(t, depth-1)
		switch rapid.IntRange(0, 3).Draw(t, "join") {
		case 0:
			return "(" + a + " && " + b + ")"
		case 1:
			return "(" + a + " || " + b + ")"
		case 2:
			return "!(" + a + ")"
		}
		return "(" + a + " ? " + b + " : " + drawCondition(t, 0) + ")"
	}
	switch rapid.IntRange(0, 6).Draw(t, "atom") {
	case 0:
		return rapid.SampledFrom([]string{"primary", "booster", "exempt", "asked", "cleared", "dose_count == 2",
			"tests.size() > 2", "doses.filter(d, d.abroad).size() == 1", `doses.exists(d, d.vaccine in ["pfizer"])`,
			`tests.exists(a, tests.exists(b, b.at - a.at > duration("100h")))`, "tests.all(t, t.after_positive < 4)",
			"tests.exists(t, t.after_contact >= 3)"}).Draw(t, "still")
	case 1:
		return compare("age", rapid.SampledFrom([]int{0, 5, 6, 12, 18, 30}).Draw(t, "age"))
	case 2:
		m := day.Day(18900 + n()*10).Start().Add(time.Duration(n()) * time.Minute)
		return fmt.Sprintf("now %s timestamp(%q)", op(), m.Format(time.RFC3339))
	case 3:
		return "tests.exists(t, " + compare("t.hours", n()*7) + ")"
	case 4:
		return "tests.all(t, t.positive || " + compare("t.days", n()) + ")"
	case 5:
		return "doses.exists(d, " + compare("d.days", n()) + ")"
	}
	return compare(rapid.SampledFrom([]string{"since_dose", "since_positive", "since_contact", "since_recovery",
		"since_arrival", "since_clearance"}).Draw(t, "since"), n())
}

// TestNoConditionHidesAMoment draws rule sets, not only evidence: whatever the
// language lets pass must change at the computed moments alone.
func TestNoConditionHidesAMoment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		when := []string{drawCondition(t, 2), drawCondition(t, 1), drawCondition(t, 1)}
		set, err := Conditions(day.Day(18869).Start(), when...)
		if err != nil {
			t.Fatal(err)
		}
		s, err := NewSchedule(set)
		if err != nil {
			t.Fatal(err)
		}
		e := drawEvidence(t)
		at := drawTime(t, e)
		if m, err := missed(e, s, at); err != nil || m != "" {
			t.Fatalf("%s\n%s %v", strings.Join(when, "\n"), m, err)
		}
	})
}

// TestForgottenMomentsAreFound is the control of the two tests above and of the
// search at loading: without thresholds they must find what is missed.
func TestForgottenMomentsAreFound(t *testing.T) {
	set, _ := shipped(t).At(at(t, "2022-08-01 12:00"))
	e := full(t)
	e.Tests = []Test{{at(t, "2022-07-30 08:00"), PCR, true, "t"}}
	noon := at(t, "2022-08-01 12:00")
	if set.SearchFinds(e, noon) {
		t.Error("the search finds what is not missed")
	}
	if !set.Forgetful().SearchFinds(e, noon) {
		t.Error("the search at loading finds nothing without thresholds")
	}
	s, err := NewSchedule(set.Forgetful())
	if err != nil {
		t.Fatal(err)
	}
	if m, err := missed(e, s, noon); err != nil || m == "" {
		t.Error("the comparison finds nothing without thresholds", err)
	}
}

func colourAt(t *rapid.T, e Evidence, s *Schedule, at time.Time) Colour {
	d, err := Decide(e, s, at)
	if err != nil {
		t.Fatal(err)
	}
	return d.Colour
}

// TestOneMoreItem holds the shipped rules to common sense: what one more item of
// a kind may do to the colour of that minute.
func TestOneMoreItem(t *testing.T) {
	s := shipped(t)
	for _, c := range []struct {
		name   string
		better bool // it may only improve; otherwise it may only worsen
		same   bool // it may do neither
		add    func(*rapid.T, *Evidence, day.Day)
	}{
		{"positive test", false, false, func(t *rapid.T, e *Evidence, d day.Day) {
			x := drawTest(t, d, "more")
			x.Positive = true
			e.Tests = append(slices.Clone(e.Tests), x)
		}},
		{"contact", false, false, func(t *rapid.T, e *Evidence, d day.Day) {
			e.Contacts = append(slices.Clone(e.Contacts), Contact{d, "more"})
		}},
		{"arrival", false, false, func(t *rapid.T, e *Evidence, d day.Day) {
			e.Arrivals = append(slices.Clone(e.Arrivals), Arrival{On: d, Ref: "more"})
		}},
		{"negative test", true, false, func(t *rapid.T, e *Evidence, d day.Day) {
			x := drawTest(t, d, "more")
			x.Positive = false
			e.Tests = append(slices.Clone(e.Tests), x)
		}},
		{"dose", true, false, func(t *rapid.T, e *Evidence, d day.Day) {
			e.Doses = append(slices.Clone(e.Doses), drawDose(t, "more"))
		}},
		{"recovery", true, false, func(t *rapid.T, e *Evidence, d day.Day) {
			e.Recoveries = append(slices.Clone(e.Recoveries), Recovery{d, "more"})
		}},
		{"exemption", true, true, func(t *rapid.T, e *Evidence, d day.Day) {
			e.Exemptions = append(slices.Clone(e.Exemptions), Exemption{d, d.Add(40), "more"})
		}},
		{"inquiry", true, true, func(t *rapid.T, e *Evidence, d day.Day) {
			e.Inquiries = append(slices.Clone(e.Inquiries), Inquiry{d, "more"})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := 0
			check(t, 20, func(t *rapid.T) {
				e := drawEvidence(t)
				at := drawTime(t, e)
				more := e
				c.add(t, &more, day.Of(at).Add(rapid.IntRange(-25, 3).Draw(t, "ago")))
				more = notBeforeBirth(more)
				e.Birth = more.Birth
				before, after := colourAt(t, e, s, at), colourAt(t, more, s, at)
				if before != after {
					changed++
				}
				if before < after && c.better || before > after && !c.better || before != after && c.same {
					t.Fatalf("one more %s turns %v into %v", c.name, before, after)
				}
			})
			if changed == 0 && !c.same {
				t.Errorf("one more %s never changed anything: the test tests nothing", c.name)
			}
		})
	}
}

func TestDecideAndTimelineAgree(t *testing.T) {
	s := shipped(t)
	rapid.Check(t, func(t *rapid.T) {
		e := drawEvidence(t)
		at := drawTime(t, e)
		d, err := Decide(e, s, at)
		if err != nil {
			t.Fatal(err)
		}
		line, err := MakeTimeline(shuffled(t, e), s, at)
		if err != nil {
			t.Fatal(err)
		}
		now, next := line.At(at)
		if now.Colour != d.Colour || now.Reason != d.Reason.Number || line.Set != d.Set {
			t.Fatalf("timeline %v, decision %v %v", now, d.Colour, d.Reason.Code)
		}
		if (next == nil) != (d.Next == nil) || next != nil && (!next.From.Equal(d.Next.At) || next.Colour != d.Next.Colour || next.Reason != d.Next.Reason.Number) {
			t.Fatalf("timeline's next %v, decision's %v", next, d.Next)
		}
		if s.Reason(now.Reason).Code != d.Reason.Code {
			t.Fatal("the reason's number names another reason")
		}
	})
}
