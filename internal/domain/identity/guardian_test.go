package identity_test

import (
	"errors"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"pgregory.net/rapid"
)

func born(t testing.TB, s string) day.Day {
	t.Helper()
	d, err := day.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestGuardianshipEndsToTheMinute(t *testing.T) {
	for _, c := range []struct{ name, birth, end string }{
		{"an ordinary birthday", "2008-11-25", "2026-11-25T00:00:00+07:00"},
		{"a leap day, and no leap year", "2008-02-29", "2026-03-01T00:00:00+07:00"},
		{"28 February of a leap year", "2008-02-28", "2026-02-28T00:00:00+07:00"},
		{"1 March of a leap year", "2008-03-01", "2026-03-01T00:00:00+07:00"},
		{"the year's last day", "2008-12-31", "2026-12-31T00:00:00+07:00"},
		{"the year's first day, still the old year in UTC", "2009-01-01", "2026-12-31T17:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			end, err := time.Parse(time.RFC3339, c.end)
			if err != nil {
				t.Fatal(err)
			}
			birth := born(t, c.birth)
			for _, before := range []time.Duration{time.Nanosecond, time.Minute, 24 * time.Hour} {
				until, err := identity.Guard(1, 2, birth, end.Add(-before))
				if err != nil || !until.Equal(end) {
					t.Errorf("%v before: until %v, %v", before, until, err)
				}
			}
			for _, after := range []time.Duration{0, time.Minute, 50 * 365 * 24 * time.Hour} {
				if until, err := identity.Guard(1, 2, birth, end.Add(after)); !errors.Is(err, identity.ErrOfAge) || !until.IsZero() {
					t.Errorf("%v after: until %v, %v", after, until, err)
				}
			}
		})
	}
}

func TestNobodyGuardsThemselves(t *testing.T) {
	at := born(t, "2026-11-25").Start()
	if _, err := identity.Guard(7, 7, born(t, "2015-01-01"), at); !errors.Is(err, identity.ErrOneself) {
		t.Errorf("a child of themselves: %v", err)
	}
	if _, err := identity.Guard(7, 7, born(t, "1980-01-01"), at); !errors.Is(err, identity.ErrOneself) {
		t.Errorf("an adult of themselves: %v", err)
	}
}

// A guardianship ends on the day whose Age is eighteen, in every zone of the asker.
func TestOfAgeAgreesWithAge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		birth := day.Day(rapid.IntRange(-25_567, 30_000).Draw(t, "birth"))
		end := identity.OfAge(birth)
		if d := day.Of(end); d.Age(birth) != 18 || d.Add(-1).Age(birth) != 17 || !d.Start().Equal(end) {
			t.Fatalf("born %v, of age %v", birth, end)
		}
	})
}
