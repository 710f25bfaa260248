package venue_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
)

func reasons() []string { return []string{"", "exempt", "no_data", "arrival"} }

// Every cell of every policy is defined, and no worse colour fares better: for
// each category, level, date, reason, age, and adult.
func TestMonotoneAndWhole(t *testing.T) {
	p := shippedPolicy(t)
	decided := 0
	for _, at := range p.Starts() {
		for _, c := range venue.Categories() {
			for _, l := range venue.Levels() {
				table, _ := p.Table(c, l, at)
				if table.Source() == "no policy" || table.Source() == "" {
					t.Fatalf("%s level %s on %v is not defined", c, l, at)
				}
				if n := table.Capacity(1000); n < 1 || n > 1000 {
					t.Errorf("%s level %s on %v holds %d of 1000", c, l, at, n)
				}
				decided += monotone(t, table, c)
			}
		}
	}
	if want := len(p.Starts()) * 12 * 4 * 4 * 102 * 5 * 2 * 4; decided != want {
		t.Errorf("%d decisions seen, want %d", decided, want)
	}
}

// monotone walks the whole domain of one table.
func monotone(t *testing.T, table venue.Table, c venue.Category) (decided int) {
	for _, reason := range reasons() {
		for age := -1; age <= 100; age++ {
			for adult := range status.Black + 1 {
				for unlinked := range 2 {
					last := venue.Decision(0)
					for _, colour := range status.Colours() {
						v := because(colour, age, reason)
						got := table.Decide(v, venue.Company{Adult: adult, Unlinked: unlinked})
						decided++
						if got.Decision < last || got.Decision < venue.Admit || got.Text.ID == "" {
							t.Fatalf("%s: %v %d %q: %v after %v", c, colour, age, reason, got, last)
						}
						if colour == status.Black && got.Decision == venue.Admit {
							t.Fatalf("%s admits black", c)
						}
						if c == venue.Health && got.Decision == venue.Refuse {
							t.Fatal("a health facility refuses a patient")
						}
						last = got.Decision
					}
				}
			}
		}
	}
	return decided
}

func drawVisitor(t *rapid.T) venue.Visitor {
	return venue.Visitor{
		Colour: rapid.SampledFrom(status.Colours()).Draw(t, "colour"),
		Reason: rapid.SampledFrom(reasons()).Draw(t, "reason"),
		Age:    rapid.IntRange(-1, 90).Draw(t, "age"),
		Linked: rapid.IntRange(0, 9).Draw(t, "linked") > 0,
	}
}

func drawTable(t *rapid.T, p *venue.Policy) venue.Table {
	at := rapid.SampledFrom(p.Starts()).Draw(t, "at")
	at = at.Add(time.Duration(rapid.IntRange(0, 1000).Draw(t, "hours")) * time.Hour)
	c := rapid.SampledFrom(venue.Categories()).Draw(t, "category")
	table, _ := p.Table(c, rapid.SampledFrom(venue.Levels()).Draw(t, "level"), at)
	return table
}

// A party whose member's colour worsens never fares better, whoever it is: an
// adult's colour also decides over the children.
func TestPartyMonotone(t *testing.T) {
	p := shippedPolicy(t)
	rapid.Check(t, func(t *rapid.T) {
		table := drawTable(t, p)
		party := rapid.SliceOfN(rapid.Custom(drawVisitor), 1, 6).Draw(t, "party")
		extra := rapid.IntRange(0, 2).Draw(t, "extra")
		before := table.Admit(party, extra)
		i := rapid.IntRange(0, len(party)-1).Draw(t, "who")
		if party[i].Colour == status.Black {
			return
		}
		party[i].Colour++
		if after := table.Admit(party, extra); after.Decision < before.Decision {
			t.Fatalf("worse colour, better answer: %v then %v", before, after)
		}
	})
}

// A party's answer is no better than that of any member in its company, does not
// depend on the order, and is never Admit with somebody unlinked in it.
func TestPartyIsItsWorst(t *testing.T) {
	p := shippedPolicy(t)
	rapid.Check(t, func(t *rapid.T) {
		table := drawTable(t, p)
		party := rapid.SliceOfN(rapid.Custom(drawVisitor), 1, 6).Draw(t, "party")
		extra := rapid.IntRange(0, 2).Draw(t, "extra")
		got := table.Admit(party, extra)
		with := venue.CompanyOf(party, extra)
		worst := venue.Decision(0)
		for _, v := range party {
			worst = max(worst, table.Decide(v, with).Decision)
		}
		if extra > 0 {
			worst = max(worst, venue.Check)
		}
		if got.Decision != worst {
			t.Fatalf("party %v, worst member %v", got.Decision, worst)
		}
		if with.Unlinked > 0 && got.Decision == venue.Admit {
			t.Fatal("admitted with somebody unlinked")
		}
		shuffled := rapid.Permutation(party).Draw(t, "order")
		if again := table.Admit(shuffled, extra); again.Decision != got.Decision {
			t.Fatalf("another order, another answer: %v then %v", got, again)
		}
	})
}

func TestTableAllocatesNothing(t *testing.T) {
	p := shippedPolicy(t)
	at := on(t, "2022-07-20")
	party := []venue.Visitor{person(status.Green, 35), because(status.Red, 4, "no_data")}
	if n := testing.AllocsPerRun(100, func() {
		table, _ := p.Table(venue.Mall, 1, at)
		if table.Admit(party, 0).Decision != venue.Admit {
			t.Error("not admitted")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDecide(b *testing.B) {
	table, _ := shippedPolicy(b).Table(venue.Mall, 1, on(b, "2022-07-20"))
	v, with := because(status.Green, 35, "dose.booster"), venue.Company{}
	b.ReportAllocs()
	for b.Loop() {
		if table.Decide(v, with).Decision != venue.Admit {
			b.Fatal("not admitted")
		}
	}
}

func BenchmarkTable(b *testing.B) {
	p, at := shippedPolicy(b), on(b, "2022-07-20")
	b.ReportAllocs()
	for b.Loop() {
		if table, _ := p.Table(venue.Mall, 1, at); table.Source() == "" {
			b.Fatal("no table")
		}
	}
}

func BenchmarkAdmitParty4(b *testing.B) {
	table, _ := shippedPolicy(b).Table(venue.Mall, 1, on(b, "2022-07-20"))
	party := []venue.Visitor{person(status.Green, 35), person(status.Green, 36), person(status.Yellow, 8), person(status.Red, 3)}
	b.ReportAllocs()
	for b.Loop() {
		if table.Admit(party, 0).Decision != venue.Admit {
			b.Fatal("not admitted")
		}
	}
}
