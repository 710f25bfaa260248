package status_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/day"
	. "github.com/amanah-project/amanah/internal/domain/status"
)

func date(t testing.TB, s string) day.Day {
	t.Helper()
	d, err := day.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func at(t testing.TB, s string) time.Time {
	t.Helper()
	v, err := time.ParseInLocation("2006-01-02 15:04", s, day.Zone())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// full has an item of every kind.
func full(t testing.TB) Evidence {
	return Evidence{
		Birth:      date(t, "1990-05-01"),
		Doses:      []Dose{{date(t, "2021-03-01"), "sinovac", false, "d1"}, {date(t, "2021-03-29"), "pfizer-x", true, "d2"}},
		Tests:      []Test{{at(t, "2022-02-20 08:01"), PCR, true, "t1"}, {at(t, "2022-02-25 09:00"), Antigen, false, "t2"}},
		Recoveries: []Recovery{{date(t, "2021-06-01"), "r1"}},
		Contacts:   []Contact{{date(t, "2022-02-18"), "c1"}},
		Exemptions: []Exemption{{date(t, "2022-01-01"), date(t, "2022-12-31"), "x1"}},
		Arrivals:   []Arrival{{date(t, "2022-01-01"), true, date(t, "2022-01-08"), "a1"}, {date(t, "2022-02-01"), false, 0, "a2"}},
		Inquiries:  []Inquiry{{date(t, "2021-01-01"), "i1"}},
	}
}

func sameEvidence(a, b Evidence) string {
	return cmp.Diff(a, b, cmpopts.EquateEmpty(), cmpopts.EquateComparable(day.Day(0)), cmp.Transformer("bare", func(e Evidence) any {
		type bare Evidence
		return bare(e)
	}))
}

func TestEvidenceRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEvidence(t)
		b, err := e.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseEvidence(b)
		if err != nil {
			t.Fatalf("own bytes refused: %v", err)
		}
		again, err := shuffled(t, e).MarshalBinary()
		if err != nil || !slices.Equal(again, b) {
			t.Fatalf("another order has other bytes (%v)", err)
		}
		if b2, _ := got.MarshalBinary(); !slices.Equal(b2, b) {
			t.Fatal("parsing and writing changes the bytes")
		}
		if got.Len() != e.Len() || got.Birth != e.Birth {
			t.Fatal("items were lost")
		}
	})
}

func TestEvidenceKeepsEveryField(t *testing.T) {
	b, err := full(t).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseEvidence(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := sameEvidence(full(t), got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestEvidenceValidate(t *testing.T) {
	for _, c := range []struct {
		name string
		want error
		with func(*Evidence)
	}{
		{"as it is", nil, func(*Evidence) {}},
		{"no birth is 1970", nil, func(e *Evidence) { e.Birth = 0 }},
		{"birth too early", ErrDates, func(e *Evidence) { e.Birth = date(t, "1899-12-31") }},
		{"before the birth", ErrDates, func(e *Evidence) { e.Contacts[0].On = e.Birth - 1 }},
		{"far future", ErrDates, func(e *Evidence) { e.Doses[0].On = date(t, "2150-01-01") }},
		{"exemption without end", ErrDates, func(e *Evidence) { e.Exemptions[0].Until = date(t, "2150-01-01") }},
		{"exemption ends first", ErrExemption, func(e *Evidence) { e.Exemptions[0].Until = e.Exemptions[0].From - 1 }},
		{"cleared first", ErrArrival, func(e *Evidence) { e.Arrivals[0].ClearedOn = e.Arrivals[0].On - 1 }},
		{"day of no clearance", ErrArrival, func(e *Evidence) { e.Arrivals[1].ClearedOn = e.Arrivals[1].On }},
		{"no reference", ErrRef, func(e *Evidence) { e.Inquiries[0].Ref = "" }},
		{"reference with space", ErrRef, func(e *Evidence) { e.Recoveries[0].Ref = "a b" }},
		{"long reference", ErrRef, func(e *Evidence) { e.Tests[0].Ref = strings.Repeat("x", MaxRef+1) }},
		{"same reference", ErrRefTwice, func(e *Evidence) { e.Doses[1].Ref = e.Doses[0].Ref }},
		{"same reference, other kind", nil, func(e *Evidence) { e.Doses[1].Ref = "t1" }},
		{"vaccine in capitals", ErrVaccine, func(e *Evidence) { e.Doses[0].Vaccine = "Sinovac" }},
		{"no vaccine", ErrVaccine, func(e *Evidence) { e.Doses[0].Vaccine = "" }},
		{"no kind of test", ErrTest, func(e *Evidence) { e.Tests[0].Kind = 0 }},
		{"seconds", ErrTest, func(e *Evidence) { e.Tests[0].At = e.Tests[0].At.Add(time.Second) }},
		{"65 items", ErrTooMuch, func(e *Evidence) {
			for i := range MaxItems - 9 {
				e.Inquiries = append(e.Inquiries, Inquiry{0, fmt.Sprint("more", i)})
			}
			e.Birth = 0
		}},
	} {
		e := full(t)
		c.with(&e)
		if err := e.Validate(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if _, err := e.MarshalBinary(); !errors.Is(err, c.want) {
			t.Errorf("%s: sealing gives %v, want %v", c.name, err, c.want)
		}
	}
}

func TestEvidenceOtherSpellingsRefused(t *testing.T) {
	b, err := full(t).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		if _, err := ParseEvidence(b[:i]); !errors.Is(err, ErrEvidence) {
			t.Fatalf("cut to %d bytes: %v", i, err)
		}
	}
	if _, err := ParseEvidence(append(slices.Clone(b), 0)); !errors.Is(err, ErrEvidence) {
		t.Errorf("a byte too many: %v", err)
	}
	one, _ := Evidence{Doses: []Dose{{1, "b", false, "x"}}}.MarshalBinary()
	two, _ := Evidence{Doses: []Dose{{1, "b", false, "x"}, {2, "b", false, "y"}}}.MarshalBinary()
	// Swap the two doses: the same evidence in another order.
	const head, size = 6, 4 + 1 + 2 + 2
	if len(two)-len(one) != size {
		t.Fatalf("a dose takes %d bytes, not %d", len(two)-len(one), size)
	}
	swapped := slices.Concat(two[:head], two[head+size:head+2*size], two[head:head+size], two[head+2*size:])
	if _, err := ParseEvidence(swapped); !errors.Is(err, ErrEvidence) {
		t.Errorf("another order: %v", err)
	}
	if _, err := ParseEvidence(two); err != nil {
		t.Errorf("the right order: %v", err)
	}
}

func TestMerge(t *testing.T) {
	e := full(t)
	corrected := Evidence{Doses: []Dose{{date(t, "2021-03-02"), "sinovac", false, "d1"}, {date(t, "2022-01-10"), "moderna", false, "d3"}}}
	got := e.Merge(corrected)
	want := full(t)
	want.Doses[0].On = date(t, "2021-03-02")
	want.Doses = append(want.Doses, corrected.Doses[1])
	if d := sameEvidence(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if d := sameEvidence(got, got.Merge(corrected)); d != "" {
		t.Errorf("merging twice changes: %s", d)
	}
	if d := sameEvidence(full(t), e); d != "" {
		t.Errorf("merging changed what was there: %s", d)
	}
}

func TestHealthDataDoesNotPrint(t *testing.T) {
	s, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	e := full(t)
	d, err := Decide(e, s, at(t, "2022-02-26 12:00"))
	if err != nil {
		t.Fatal(err)
	}
	line, err := MakeTimeline(e, s, at(t, "2022-02-26 12:00"))
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "e", e, "d", d, "t", line)
	j, _ := json.Marshal(map[string]any{"e": e})
	all := fmt.Sprintf("%v %+v %#v %s|%v %+v %#v|%v %+v %#v|", e, e, e, e, d, d, d, line, line, line) + log.String() + string(j)
	for _, secret := range []string{"sinovac", "black", "case", "t1", "1990"} {
		if strings.Contains(all, secret) {
			t.Errorf("%q is printed: %s", secret, all)
		}
	}
	if !strings.Contains(fmt.Sprintf("%+v", struct{ V string }{e.Doses[0].Vaccine}), "sinovac") {
		t.Error("the search finds nothing at all")
	}
}

func FuzzParseEvidence(f *testing.F) {
	b, err := full(f).MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{1, 0, 0, 0, 0, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := ParseEvidence(b)
		if err != nil {
			if !errors.Is(err, ErrEvidence) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		again, err := e.MarshalBinary()
		if err != nil || !slices.Equal(again, b) {
			t.Fatalf("accepted bytes are not the one spelling (%v)", err)
		}
	})
}
