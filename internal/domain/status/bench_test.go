package status

import (
	"fmt"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
)

func BenchmarkTimeline(b *testing.B) {
	s, err := Builtin()
	if err != nil {
		b.Fatal(err)
	}
	at := time.Date(2022, 2, 20, 9, 30, 17, 0, day.Zone()) // three rule sets within the horizon
	birth, today := day.Of(at).Add(-32*365), day.Of(at)
	typical := Evidence{
		Birth: birth,
		Doses: []Dose{{today.Add(-400), "sinovac", false, "0190a5c47be2f113"}, {today.Add(-370), "sinovac", false, "0190a5c47be2f114"}},
		Tests: []Test{{today.Add(-30).Start().Add(9 * time.Hour), PCR, false, "0190a5c47be2f115"}},
	}
	isolated := typical
	isolated.Tests = append(isolated.Tests, Test{today.Add(-2).Start().Add(8 * time.Hour), PCR, true, "0190a5c47be2f116"})
	largest := Evidence{Birth: birth} // as dear as evidence can be: everything counts, nothing releases
	for i := range MaxItems {
		largest.Tests = append(largest.Tests, Test{today.Add(-3).Start().Add(time.Duration(i) * time.Hour), PCR, i%2 == 0, fmt.Sprint("t", i)})
	}
	for _, c := range []struct {
		name string
		e    Evidence
	}{
		{"NoEvidence", Evidence{Birth: birth}},
		{"Unvaccinated", Evidence{Birth: birth, Inquiries: []Inquiry{{today.Add(-3), "0190a5c47be2f117"}}}},
		{"Typical", typical},
		{"Isolated", isolated},
		{"Largest", largest},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := MakeTimeline(c.e, s, at); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseTimelineAt(b *testing.B) {
	s, err := Builtin()
	if err != nil {
		b.Fatal(err)
	}
	at := time.Date(2022, 8, 1, 9, 30, 17, 0, day.Zone())
	t, err := MakeTimeline(Evidence{Birth: day.Of(at).Add(-20 * 365)}, s, at)
	if err != nil {
		b.Fatal(err)
	}
	row := t.Marshal()
	b.ReportAllocs()
	for b.Loop() {
		t, err := ParseTimeline(row)
		if err != nil {
			b.Fatal(err)
		}
		t.At(at)
	}
}

func BenchmarkBuiltin(b *testing.B) {
	for b.Loop() {
		if _, err := loadBuiltin(); err != nil {
			b.Fatal(err)
		}
	}
}
