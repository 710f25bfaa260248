package day_test

import (
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"pgregory.net/rapid"
)

func TestOfCountsInWesternIndonesianTime(t *testing.T) {
	for _, c := range []struct{ at, want string }{
		{"2022-02-22T16:59:59Z", "2022-02-22"},
		{"2022-02-22T17:00:00Z", "2022-02-23"},
		{"1969-12-31T16:59:59Z", "1969-12-31"},
		{"1969-12-31T17:00:00Z", "1970-01-01"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := day.Of(at).String(); got != c.want {
			t.Errorf("Of(%s) = %s, want %s", c.at, got, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, s := range []string{"", "2021-02-29", "2021-13-01", "2021-1-01", "21-01-01", "2021-01-01T00:00:00Z", " 2021-01-01"} {
		if d, err := day.Parse(s); err == nil {
			t.Errorf("Parse(%q) = %v", s, d)
		}
	}
}

func TestAge(t *testing.T) {
	for _, c := range []struct {
		birth, on string
		want      int
	}{
		{"2010-06-15", "2022-06-14", 11},
		{"2010-06-15", "2022-06-15", 12},
		{"2004-02-29", "2022-02-28", 17},
		{"2004-02-29", "2022-03-01", 18},
	} {
		b, _ := day.Parse(c.birth)
		d, _ := day.Parse(c.on)
		if got := d.Age(b); got != c.want {
			t.Errorf("born %s, on %s: %d, want %d", c.birth, c.on, got, c.want)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := day.Day(rapid.Int32Range(-50_000, 80_000).Draw(t, "day"))
		if got := day.Of(d.Start()); got != d {
			t.Fatalf("Of(Start(%d)) = %d", d, got)
		}
		if got, err := day.Parse(d.String()); err != nil || got != d {
			t.Fatalf("Parse(String(%d)) = %d, %v", d, got, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("2021-08-30")
	f.Add("0000-00-00")
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := day.Parse(s); err == nil && d.String() != s {
			t.Errorf("Parse(%q) prints %q", s, d)
		}
	})
}
