package status_test

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	. "github.com/amanah-project/amanah/internal/domain/status"
)

func TestBuiltinSets(t *testing.T) {
	var got []string
	for _, set := range shipped(t).Sets() {
		got = append(got, fmt.Sprintf("%d %s %s", set.Number(), set.ID(), set.ValidFrom().Format(time.RFC3339)))
		for _, r := range set.Reasons() {
			if !strings.HasSuffix(r.English, ".") || !strings.HasSuffix(r.Indonesian, ".") || r.English == r.Indonesian {
				t.Errorf("set %s, reason %s: no sentence in both languages", set.ID(), r.Code)
			}
		}
	}
	want := []string{
		"1 2021-08-30 2021-08-29T17:00:00Z",
		"2 2021-12-01 2021-11-30T17:00:00Z",
		"3 2022-02-15 2022-02-14T17:00:00Z",
		"4 2022-02-22 2022-02-22T16:59:00Z",
		"5 2022-07-17 2022-07-16T17:00:00Z",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// TestReasonNumbersAreForEver lists what sealed rows and policies rely on.
func TestReasonNumbersAreForEver(t *testing.T) {
	for n, code := range []string{"", "no_data", "unvaccinated", "too_young", "exempt", "case", "contact", "arrival",
		"arrival_cleared", "one_dose", "complete", "booster", "recovered", "recovered_one_dose", "recovered_complete", "booster_due"} {
		if got := shipped(t).Reason(ReasonNumber(n)); got.Code != code || got.Number != ReasonNumber(n) {
			t.Errorf("reason %d is %q, not %q", n, got.Code, code)
		}
	}
	if r := shipped(t).Reason(9999); r != (Reason{}) {
		t.Errorf("reason 9999 is %v", r)
	}
}

// line writes a timeline for people: the rule set, then each step.
func line(t testing.TB, s *Schedule, e Evidence, when string) []string {
	t.Helper()
	tl, err := MakeTimeline(e, s, at(t, when))
	if err != nil {
		t.Fatal(err)
	}
	out := []string{fmt.Sprint("set ", tl.Set)}
	for _, step := range tl.Steps() {
		out = append(out, fmt.Sprintf("%s %v %s", step.From.In(at(t, when).Location()).Format("2006-01-02 15:04"), step.Colour, s.Reason(step.Reason).Code))
	}
	return out
}

// TestHistory follows people through the changes of rules, which are in the
// timelines made before them.
func TestHistory(t *testing.T) {
	born := date(t, "1990-05-01")
	two := []Dose{{date(t, "2021-06-01"), "sinovac", false, "d1"}, {date(t, "2021-06-29"), "sinovac", false, "d2"}}
	for _, c := range []struct {
		name, when string
		e          Evidence
		want       []string
	}{
		{"positive five days before one test was enough", "2022-02-22 12:00",
			Evidence{Birth: born, Doses: two, Tests: []Test{{at(t, "2022-02-16 09:00"), PCR, true, "t1"}, {at(t, "2022-02-21 09:00"), PCR, false, "t2"}}},
			[]string{"set 3", "2022-02-22 12:00 black case", "2022-02-22 23:59 green complete", "2022-07-17 00:00 yellow booster_due"}},
		{"the same, asked a minute after", "2022-02-23 00:00",
			Evidence{Birth: born, Doses: two, Tests: []Test{{at(t, "2022-02-16 09:00"), PCR, true, "t1"}, {at(t, "2022-02-21 09:00"), PCR, false, "t2"}}},
			[]string{"set 4", "2022-02-23 00:00 green complete", "2022-07-17 00:00 yellow booster_due"}},
		{"one dose, grown-up and child", "2022-07-01 12:00",
			Evidence{Birth: born, Doses: two[:1]},
			[]string{"set 4", "2022-07-01 12:00 yellow one_dose", "2022-07-17 00:00 red one_dose"}},
		{"one dose, child", "2022-07-01 12:00",
			Evidence{Birth: date(t, "2010-05-01"), Doses: two[:1]},
			[]string{"set 4", "2022-07-01 12:00 yellow one_dose"}},
		{"a contact when the days were cut", "2022-02-10 12:00",
			Evidence{Birth: born, Contacts: []Contact{{date(t, "2022-02-04"), "c"}}},
			[]string{"set 2", "2022-02-10 12:00 black contact", "2022-02-15 00:00 red no_data"}},
		{"an arrival when arrivals turned black", "2021-11-28 12:00",
			Evidence{Birth: born, Doses: two, Arrivals: []Arrival{{date(t, "2021-11-27"), true, date(t, "2021-12-04"), "a"}}},
			[]string{"set 1", "2021-11-28 12:00 green complete", "2021-12-01 00:00 black arrival", "2021-12-04 00:00 green complete"}},
		{"exempt, between two letters", "2022-03-01 12:00",
			Evidence{Birth: born, Exemptions: []Exemption{{date(t, "2022-01-01"), date(t, "2022-03-31"), "x1"}, {date(t, "2022-05-01"), date(t, "2022-12-31"), "x2"}}},
			[]string{"set 4", "2022-03-01 12:00 red exempt", "2022-04-01 00:00 red no_data", "2022-05-01 00:00 red exempt"}},
		{"born on 29 February", "2022-01-10 12:00",
			Evidence{Birth: date(t, "2016-02-29")},
			[]string{"set 2", "2022-01-10 12:00 red too_young", "2022-03-01 00:00 red no_data"}},
	} {
		if d := cmp.Diff(c.want, line(t, shipped(t), c.e, c.when)); d != "" {
			t.Errorf("%s (-want +got)\n%s", c.name, d)
		}
	}
}

func TestDecisionNamesItsRecords(t *testing.T) {
	e := full(t)
	e.Tests = append(e.Tests, Test{at(t, "2022-02-19 08:00"), PCR, true, "t0"})
	for _, c := range []struct {
		when, rule string
		because    []string
	}{
		{"2022-02-24 12:00", "case", []string{"t1"}},
		{"2022-02-19 07:00", "contact", []string{"c1"}},
		{"2022-03-10 12:00", "complete", []string{"d1", "d2"}},
		{"2022-02-02 12:00", "arrival", []string{"a2"}},
		{"2022-08-01 12:00", "exempt_lesser", []string{"x1", "d1", "d2", "r1"}},
	} {
		d, err := Decide(e, shipped(t), at(t, c.when))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.because, d.Because); d.Rule != c.rule || diff != "" {
			t.Errorf("%s: rule %s, want %s; records (-want +got)\n%s", c.when, d.Rule, c.rule, diff)
		}
	}
	d, err := Decide(Evidence{Inquiries: []Inquiry{{date(t, "2022-01-01"), "i1"}, {date(t, "2022-01-05"), "i2"}}}, shipped(t), at(t, "2022-08-01 12:00"))
	if err != nil || d.Reason.Code != "unvaccinated" || !slices.Equal(d.Because, []string{"i2"}) {
		t.Errorf("%v %v %v", d.Reason, d.Because, err)
	}
	d, err = Decide(Evidence{}, shipped(t), at(t, "2022-08-01 12:00"))
	if err != nil || d.Reason.Code != "no_data" || d.Because != nil {
		t.Errorf("%v %v %v", d.Reason, d.Because, err)
	}
}

func TestScheduleRefuses(t *testing.T) {
	set := func(changes ...string) *RuleSet {
		s := minimal
		for i := 0; i < len(changes); i += 2 {
			s = strings.ReplaceAll(s, changes[i], changes[i+1])
		}
		r, err := ParseRuleSet("x", []byte(s))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	later := []string{"test-1", "test-2", "900", "901", "2022-01-01 00:00", "2022-01-02 00:00"}
	if _, err := NewSchedule(set(), set(later...)); err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]*RuleSet{
		"number":          set(later[0], later[1], later[4], later[5]),
		"name":            set(later[2:]...),
		"date":            set(later[:4]...),
		"reason's number": set(append(later, "number: 5", "number: 6")...),
		"reason's code":   set(append(later, "code: case", "code: ill", "reason: case", "reason: ill", "black case", "black ill")...),
	} {
		if _, err := NewSchedule(set(), other); !errors.Is(err, ErrSchedule) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewSchedule(); !errors.Is(err, ErrSchedule) {
		t.Error("no set makes a schedule")
	}
}

func TestPublishAndRollBack(t *testing.T) {
	draft, err := ParseRuleSet("x", []byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	e := Evidence{Birth: date(t, "1990-05-01"), Doses: []Dose{{date(t, "2021-06-01"), "janssen", false, "d"}}}
	before := shipped(t)
	after, err := before.With(draft)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"set 2", "2021-12-30 12:00 green complete", "2022-01-01 00:00 red no_data", "2022-02-15 00:00 green complete"}
	if d := cmp.Diff(want, line(t, after, e, "2021-12-30 12:00")); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	back, err := after.Without(900)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(line(t, before, e, "2021-12-30 12:00"), line(t, back, e, "2021-12-30 12:00")); d != "" {
		t.Errorf("rolling back leaves a difference\n%s", d)
	}
	again, err := after.With(draft)
	if err != nil || len(again.Sets()) != len(after.Sets()) {
		t.Errorf("publishing twice: %v", err)
	}
}

func TestDiffCounts(t *testing.T) {
	s := shipped(t)
	july, err := NewSchedule(s.Sets()[4])
	if err != nil {
		t.Fatal(err)
	}
	june, err := s.Without(5)
	if err != nil {
		t.Fatal(err)
	}
	born, dose := date(t, "1990-05-01"), func(ref string) Dose {
		return Dose{date(t, "2021-06-01").Add(30 * int(ref[0]-'a')), "sinovac", false, ref}
	}
	people := []Evidence{
		{Birth: born},
		{Birth: born, Doses: []Dose{dose("a")}},
		{Birth: born, Doses: []Dose{dose("a"), dose("b")}},
		{Birth: born, Doses: []Dose{dose("a"), dose("b")}},
		{Birth: born, Doses: []Dose{dose("a"), dose("b"), dose("c")}},
		{Birth: born, Tests: []Test{{at(t, "2022-07-30 08:00"), PCR, true, "t"}}},
	}
	got, err := Diff(june, july, all(people, nil), at(t, "2022-08-01 12:00"))
	if err != nil {
		t.Fatal(err)
	}
	want := Changes{People: 6, Changed: 3, Reason: 1}
	want.Counts[Red][Red], want.Counts[Yellow][Red], want.Counts[Green][Yellow] = 1, 1, 2
	want.Counts[Green][Green], want.Counts[Black][Black] = 1, 1
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if got.Count(Green, Yellow) != 2 || got.Count(9, 1) != 0 {
		t.Error("Count counts otherwise")
	}
	broken := errors.New("disk")
	if _, err := Diff(june, july, all(people, broken), at(t, "2022-08-01 12:00")); !errors.Is(err, broken) {
		t.Errorf("a failing reader gives %v", err)
	}
	if _, err := Diff(june, july, all(people, nil), at(t, "2022-07-01 12:00")); !errors.Is(err, ErrNoRules) {
		t.Errorf("a time without rules gives %v", err)
	}
}

func all(people []Evidence, end error) iter.Seq2[Evidence, error] {
	return func(yield func(Evidence, error) bool) {
		for _, p := range people {
			if !yield(p, nil) {
				return
			}
		}
		if end != nil {
			yield(Evidence{}, end)
		}
	}
}

// TestShared decides in many goroutines by one schedule.
func TestShared(t *testing.T) {
	s, e, when := shipped(t), full(t), at(t, "2022-02-24 12:00")
	want, err := MakeTimeline(e, s, when)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if got, err := MakeTimeline(e, s, when); err != nil || got != want {
					t.Errorf("otherwise: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
}
