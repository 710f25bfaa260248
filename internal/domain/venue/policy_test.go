package venue_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/verify"
)

func shippedPolicy(t testing.TB) *venue.Policy {
	t.Helper()
	p, err := venue.ShippedPolicy()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func on(t testing.TB, s string) time.Time {
	t.Helper()
	d, err := day.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return d.Start()
}

func person(c status.Colour, age int) venue.Visitor {
	return venue.Visitor{Colour: c, Age: age, Linked: true}
}

func because(c status.Colour, age int, reason string) venue.Visitor {
	return venue.Visitor{Colour: c, Age: age, Reason: reason, Linked: true}
}

// asked is one question to the shipped policies and its answer.
type asked struct {
	fact  string
	on    string
	c     venue.Category
	level venue.Level
	party []venue.Visitor
	extra int
	want  venue.Decision
	code  venue.Code
}

func people(v ...venue.Visitor) []venue.Visitor { return v }

func ask(t *testing.T, all []asked) {
	t.Helper()
	p := shippedPolicy(t)
	for _, x := range all {
		t.Run(x.fact, func(t *testing.T) {
			got := p.Admit(x.c, x.level, on(t, x.on), x.party, x.extra)
			if got.Decision != x.want || got.Code != x.code {
				t.Errorf("got %v %s, want %v %s", got.Decision, got.Code, x.want, x.code)
			}
			if got.Text.ID == "" || got.Text.EN == "" {
				t.Error("an outcome without text")
			}
		})
	}
}

// TestHistory2021 asks what the press reported of 2021; sources as numbered in
// background/pedulilindungi.md.
func TestHistory2021(t *testing.T) {
	ask(t, []asked{
		{"[15][30] mall trial bars under 12", "2021-08-12", venue.Mall, 4, people(person(status.Green, 11)), 0, venue.Refuse, venue.CodeAge},
		{"[15][30] mall trial bars over 70", "2021-08-12", venue.Mall, 4, people(person(status.Green, 71)), 0, venue.Refuse, venue.CodeAge},
		{"[14] green enters", "2021-08-12", venue.Mall, 4, people(person(status.Green, 30)), 0, venue.Admit, venue.CodeOK},
		{"[14] yellow: staff verify again", "2021-08-12", venue.Mall, 4, people(person(status.Yellow, 30)), 0, venue.Check, venue.CodeYellow},
		{"[14] red refused", "2021-08-12", venue.Mall, 4, people(person(status.Red, 30)), 0, venue.Refuse, venue.CodeRed},
		{"[23a] cinema green only", "2021-09-20", venue.Cinema, 3, people(person(status.Yellow, 30)), 0, venue.Refuse, venue.CodeYellow},
		{"[23a] cinema green and yellow", "2021-09-21", venue.Cinema, 3, people(person(status.Yellow, 30)), 0, venue.Admit, venue.CodeOK},
		{"[23a] cinema bars under 12", "2021-09-21", venue.Cinema, 3, people(person(status.Green, 40), person(status.Green, 11)), 0, venue.Refuse, venue.CodeAge},
		{"[24] supermarket not yet", "2021-09-13", venue.Supermarket, 3, people(person(status.Red, 30)), 0, venue.Check, venue.CodeRed},
		{"[24] supermarket mandatory", "2021-09-14", venue.Supermarket, 3, people(person(status.Red, 30)), 0, venue.Refuse, venue.CodeRed},
		{"[23] child the day before", "2021-09-20", venue.Mall, 3, people(person(status.Green, 35), person(status.Red, 7)), 0, venue.Refuse, venue.CodeAge},
		{"[23] child with green parent", "2021-09-21", venue.Mall, 3, people(person(status.Green, 35), person(status.Red, 7)), 0, venue.Admit, venue.CodeOK},
		{"[23] child without", "2021-09-21", venue.Mall, 3, people(person(status.Red, 7)), 0, venue.Refuse, venue.CodeAdult},
		{"[23] child with unlinked adult", "2021-09-21", venue.Mall, 3, people(person(status.Red, 7)), 1, venue.Check, venue.CodeAdult},
		{"[23b] hotel asks a child's test", "2021-09-27", venue.Hotel, 3, people(person(status.Green, 35), person(status.Red, 7)), 0, venue.Check, venue.CodeTest},
		{"[25] exemption letter on rail", "2021-10-26", venue.Transport, 2, people(because(status.Red, 35, "exempt")), 0, venue.Check, venue.CodeExempt},
		{"[25] rail checks the test", "2021-10-26", venue.Transport, 2, people(person(status.Yellow, 35)), 0, venue.Check, venue.CodeTest},
		{"[26] arrival in quarantine", "2021-12-10", venue.Mall, 2, people(because(status.Black, 35, "arrival")), 0, venue.Refuse, venue.CodeArrival},
		{"[48] arrival with temporary green", "2021-12-10", venue.Mall, 2, people(because(status.Green, 35, "arrival.cleared")), 0, venue.Admit, venue.CodeOK},
		{"[62] market takes the card", "2021-10-01", venue.Market, 3, people(because(status.Red, 50, "no_data")), 0, venue.Check, venue.CodeNoData},
		{"[22d] office for the vaccinated", "2022-01-10", venue.Office, 2, people(person(status.Red, 35)), 0, venue.Refuse, venue.CodeRed},
		{"[28] hospital takes black", "2021-11-20", venue.Health, 3, people(person(status.Black, 35)), 0, venue.Check, venue.CodePatient},
		{"[28] hospital takes red", "2021-11-20", venue.Health, 3, people(person(status.Red, 35)), 0, venue.Admit, venue.CodePatient},
	})
}

// TestHistory2022 asks what the press reported of 2022.
func TestHistory2022(t *testing.T) {
	ask(t, []asked{
		{"[21] Omicron mall green only", "2022-02-08", venue.Mall, 3, people(person(status.Yellow, 35)), 0, venue.Refuse, venue.CodeYellow},
		{"[21] but medical exemptions", "2022-02-08", venue.Mall, 3, people(because(status.Red, 35, "exempt")), 0, venue.Admit, venue.CodeExempt},
		{"[21] child with one dose", "2022-02-08", venue.Mall, 3, people(person(status.Green, 35), person(status.Yellow, 8)), 0, venue.Admit, venue.CodeOK},
		{"[21] child without a dose", "2022-02-08", venue.Mall, 3, people(person(status.Green, 35), person(status.Red, 8)), 0, venue.Refuse, venue.CodeRed},
		{"Feb 2022 cinema green only", "2022-02-08", venue.Cinema, 3, people(person(status.Yellow, 35)), 0, venue.Refuse, venue.CodeYellow},
		{"[22a] restaurant green only", "2022-02-08", venue.Restaurant, 3, people(person(status.Yellow, 35)), 0, venue.Refuse, venue.CodeYellow},
		{"Apr 2022 cinema green and yellow", "2022-04-01", venue.Cinema, 1, people(person(status.Yellow, 35)), 0, venue.Admit, venue.CodeOK},
		{"[22] mall green only at level 1", "2022-05-24", venue.Mall, 1, people(person(status.Yellow, 35)), 0, venue.Refuse, venue.CodeYellow},
		{"[22] child of 12 with one dose", "2022-05-24", venue.Mall, 1, people(person(status.Green, 35), person(status.Yellow, 12)), 0, venue.Admit, venue.CodeOK},
		{"under 6 with a parent", "2022-07-17", venue.Mall, 1, people(person(status.Green, 35), because(status.Red, 5, "no_data")), 0, venue.Admit, venue.CodeOK},
		{"[6a] PCR for travel", "2022-07-17", venue.Transport, 1, people(person(status.Red, 35)), 0, venue.Check, venue.CodeTest},
	})
}

// TestParty asks what holds at any time.
func TestParty(t *testing.T) {
	ask(t, []asked{
		{"last policy stays", "2026-01-01", venue.Mall, 1, people(person(status.Yellow, 35)), 0, venue.Refuse, venue.CodeYellow},
		{"unlinked makes check", "2026-01-01", venue.Mall, 1, people(person(status.Green, 35)), 1, venue.Check, venue.CodeUnlinked},
		{"unlinked does not soften a refusal", "2026-01-01", venue.Mall, 1, people(person(status.Black, 35)), 3, venue.Refuse, venue.CodeBlack},
		{"age unknown", "2026-01-01", venue.Mall, 1, people(person(status.Green, -1)), 0, venue.Check, venue.CodeAge},
		{"no colour at all", "2026-01-01", venue.Mall, 1, people(person(0, 30)), 0, venue.Check, venue.CodeUnlinked},
		{"nobody", "2026-01-01", venue.Mall, 1, nil, 0, venue.Check, venue.CodeUnlinked},
	})
}

func TestHistoryCapacity(t *testing.T) {
	p := shippedPolicy(t)
	for _, x := range []struct {
		fact           string
		on             string
		c              venue.Category
		level          venue.Level
		declared, want int
	}{
		{"[15][30] mall 25 %", "2021-08-12", venue.Mall, 4, 1000, 250},
		{"[16] mall 50 %", "2021-08-31", venue.Mall, 4, 1000, 500},
		{"[18] restaurant level 4", "2021-09-07", venue.Restaurant, 4, 100, 25},
		{"[18] restaurant level 3", "2021-09-07", venue.Restaurant, 3, 100, 50},
		{"[24] supermarket", "2021-09-14", venue.Supermarket, 3, 100, 50},
		{"[22c] cinema", "2021-10-23", venue.Cinema, 1, 100, 70},
		{"Jan 2022 mall level 2", "2022-01-10", venue.Mall, 2, 1000, 500},
		{"[22d] office level 2", "2022-01-10", venue.Office, 2, 100, 50},
		{"[22e] school", "2022-01-10", venue.School, 3, 100, 50},
		{"[22e] worship 50 %", "2022-01-10", venue.Worship, 3, 60, 30},
		{"[22e] worship at most 50", "2022-01-10", venue.Worship, 3, 1000, 50},
		{"[21] mall 60 %", "2022-02-08", venue.Mall, 3, 1000, 600},
		{"Feb 2022 cinema", "2022-02-08", venue.Cinema, 3, 100, 50},
		{"Apr 2022 cinema", "2022-04-01", venue.Cinema, 1, 100, 100},
		{"[22] mall full", "2022-05-24", venue.Mall, 1, 140238, 140238},
		{"rounded down", "2021-08-31", venue.Mall, 4, 3, 1},
		{"at least one", "2021-08-12", venue.Mall, 4, 1, 1},
		{"nothing declared", "2021-08-31", venue.Mall, 4, 0, 0},
		{"nonsense declared", "2021-08-31", venue.Mall, 4, -5, 0},
		{"no overflow", "2022-05-24", venue.Mall, 1, 1<<62 + 7, 1<<62 + 7},
	} {
		if got := p.Capacity(x.c, x.level, on(t, x.on), x.declared); got != x.want {
			t.Errorf("%s: got %d, want %d", x.fact, got, x.want)
		}
	}
}

// A policy begins at midnight in Jakarta, not in Greenwich.
func TestTableUntil(t *testing.T) {
	p := shippedPolicy(t)
	change := on(t, "2021-09-21")
	before, until := p.Table(venue.Cinema, 3, change.Add(-time.Nanosecond))
	after, _ := p.Table(venue.Cinema, 3, change)
	if !until.Equal(change) || !change.Equal(time.Date(2021, 9, 20, 17, 0, 0, 0, time.UTC)) {
		t.Errorf("valid until %v, want %v", until, change)
	}
	v := person(status.Yellow, 30)
	if a, b := before.Decide(v, venue.Company{}), after.Decide(v, venue.Company{}); a.Decision != venue.Refuse || b.Decision != venue.Admit {
		t.Errorf("got %v then %v", a.Decision, b.Decision)
	}
	if _, until := p.Table(venue.Cinema, 3, on(t, "2030-01-01")); until.Year() != 9999 {
		t.Errorf("the last policy ends %v", until)
	}
	starts := p.Starts()
	if _, until := p.Table(venue.Mall, 1, starts[0].Add(-time.Hour)); !until.Equal(starts[0]) {
		t.Errorf("before the first policy: until %v", until)
	}
}

// What no policy covers is never an open door.
func TestNoPolicy(t *testing.T) {
	p := shippedPolicy(t)
	at := on(t, "2022-01-01")
	early := p.Starts()[0].Add(-time.Second)
	tables := map[string]venue.Table{"zero": {}}
	tables["category"], _ = p.Table("casino", 1, at)
	tables["level 0"], _ = p.Table(venue.Mall, 0, at)
	tables["level 5"], _ = p.Table(venue.Mall, 5, at)
	tables["too early"], _ = p.Table(venue.Mall, 1, early)
	for name, table := range tables {
		got := map[status.Colour]venue.Decision{}
		for _, c := range status.Colours() {
			got[c] = table.Admit([]venue.Visitor{person(c, 30)}, 0).Decision
		}
		want := map[status.Colour]venue.Decision{
			status.Green: venue.Check, status.Yellow: venue.Check, status.Red: venue.Check, status.Black: venue.Refuse,
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if n := table.Capacity(1000); n != 0 {
			t.Errorf("%s: holds %d", name, n)
		}
	}
}

func TestWords(t *testing.T) {
	if len(venue.Categories()) != 12 {
		t.Error("a category is missing from the list")
	}
	sectors := map[venue.Sector]bool{}
	for _, c := range venue.Categories() {
		if got, err := venue.ParseCategory(string(c)); err != nil || got != c {
			t.Errorf("%s: %v", c, err)
		}
		sectors[c.Sector()] = true
	}
	if sectors[""] || len(sectors) != 7 {
		t.Errorf("want the six sectors and health, got %v", sectors)
	}
	for _, l := range venue.Levels() {
		if got, err := venue.ParseLevel(l.String()); err != nil || got != l {
			t.Errorf("level %s: %v", l, err)
		}
	}
	for _, s := range []string{"", "0", "5", "01", "1 ", "x"} {
		if _, err := venue.ParseLevel(s); err == nil {
			t.Errorf("level %q read", s)
		}
	}
	for _, d := range []venue.Decision{venue.Admit, venue.Check, venue.Refuse} {
		b, _ := d.MarshalText()
		var got venue.Decision
		if err := got.UnmarshalText(b); err != nil || got != d {
			t.Errorf("%v: %v", d, err)
		}
	}
	var d venue.Decision
	var c venue.Category
	if d.UnmarshalText([]byte("none")) == nil || c.UnmarshalText([]byte("Mall")) == nil {
		t.Error("a word that is none was read")
	}
	if uint8(venue.Admit) != uint8(verify.Admit) || uint8(venue.Check) != uint8(verify.Check) {
		t.Error("decisions differ from those of tickets")
	}
}

func TestStay(t *testing.T) {
	p := shippedPolicy(t)
	for _, c := range venue.Categories() {
		if d := p.Stay(c); d < 15*time.Minute || d > 24*time.Hour {
			t.Errorf("%s stays %v", c, d)
		}
	}
	if p.Stay(venue.Restaurant) >= p.Stay(venue.Office) {
		t.Error("a meal outlasts a day at work")
	}
	if p.Stay("casino") != 24*time.Hour {
		t.Error("no category must not be checked out early")
	}
}
