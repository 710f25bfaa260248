package status_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/day"
	. "github.com/amanah-project/amanah/internal/domain/status"
)

// The time in which random evidence mostly lies: around the shipped rule sets.
const (
	firstDrawn day.Day = 18600 // 2020-12-04
	lastDrawn  day.Day = 19400 // 2023-02-12
)

func drawDay(t *rapid.T, label string) day.Day {
	return day.Day(rapid.Int32Range(int32(firstDrawn), int32(lastDrawn)).Draw(t, label))
}

// drawNear draws days close to each other, so that items meet.
func drawNear(t *rapid.T, d day.Day, label string) day.Day {
	return d.Add(rapid.IntRange(-30, 30).Draw(t, label))
}

func drawTest(t *rapid.T, on day.Day, ref string) Test {
	return Test{
		At:       on.Start().Add(time.Duration(rapid.IntRange(0, 1439).Draw(t, "minute")) * time.Minute),
		Kind:     rapid.SampledFrom([]TestKind{PCR, Antigen}).Draw(t, "kind"),
		Positive: rapid.Bool().Draw(t, "positive"),
		Ref:      ref,
	}
}

func drawDose(t *rapid.T, ref string) Dose {
	return Dose{
		On:      drawDay(t, "dose"),
		Vaccine: rapid.SampledFrom([]string{"sinovac", "janssen", "pfizer"}).Draw(t, "vaccine"),
		Abroad:  rapid.Bool().Draw(t, "abroad"),
		Ref:     ref,
	}
}

func drawArrival(t *rapid.T, on day.Day, ref string) Arrival {
	a := Arrival{On: on, Ref: ref}
	if rapid.Bool().Draw(t, "cleared") {
		a.Cleared, a.ClearedOn = true, on.Add(rapid.IntRange(0, 20).Draw(t, "clearedOn"))
	}
	return a
}

// drawEvidence draws valid evidence whose items lie near each other, with ages
// around the bounds of the rules.
func drawEvidence(t *rapid.T) Evidence {
	mid := drawDay(t, "mid")
	years := rapid.SampledFrom([]int{0, 4, 5, 6, 11, 12, 17, 18, 30, 80}).Draw(t, "years")
	e := Evidence{Birth: mid.Add(-years*365 - rapid.IntRange(100, 465).Draw(t, "days"))}
	n := func(label string, most int) []string {
		refs := make([]string, rapid.IntRange(0, most).Draw(t, label))
		for i := range refs {
			refs[i] = fmt.Sprintf("%s-%d", label, i)
		}
		return refs
	}
	for _, ref := range n("dose", 4) {
		e.Doses = append(e.Doses, drawDose(t, ref))
	}
	for _, ref := range n("test", 5) {
		e.Tests = append(e.Tests, drawTest(t, drawNear(t, mid, "test"), ref))
	}
	for _, ref := range n("recovery", 2) {
		e.Recoveries = append(e.Recoveries, Recovery{drawNear(t, mid, "recovery"), ref})
	}
	for _, ref := range n("contact", 2) {
		e.Contacts = append(e.Contacts, Contact{drawNear(t, mid, "contact"), ref})
	}
	for _, ref := range n("exemption", 2) {
		from := drawNear(t, mid, "exemption")
		e.Exemptions = append(e.Exemptions, Exemption{from, from.Add(rapid.IntRange(0, 60).Draw(t, "until")), ref})
	}
	for _, ref := range n("arrival", 2) {
		e.Arrivals = append(e.Arrivals, drawArrival(t, drawNear(t, mid, "arrival"), ref))
	}
	for _, ref := range n("inquiry", 2) {
		e.Inquiries = append(e.Inquiries, Inquiry{drawNear(t, mid, "inquiry"), ref})
	}
	return notBeforeBirth(e)
}

// notBeforeBirth moves the birth of an infant before all items.
func notBeforeBirth(e Evidence) Evidence {
	for _, d := range e.Doses {
		e.Birth = min(e.Birth, d.On)
	}
	for _, x := range e.Tests {
		e.Birth = min(e.Birth, day.Of(x.At))
	}
	for _, x := range e.Recoveries {
		e.Birth = min(e.Birth, x.On)
	}
	for _, x := range e.Contacts {
		e.Birth = min(e.Birth, x.On)
	}
	for _, x := range e.Exemptions {
		e.Birth = min(e.Birth, x.From)
	}
	for _, x := range e.Arrivals {
		e.Birth = min(e.Birth, x.On)
	}
	for _, x := range e.Inquiries {
		e.Birth = min(e.Birth, x.On)
	}
	return e
}

// drawTime draws a time when rules are in force, mostly soon after an item.
func drawTime(t *rapid.T, e Evidence) time.Time {
	d := day.Day(rapid.Int32Range(18869, int32(lastDrawn)).Draw(t, "at")) // from 2021-08-30
	var near []day.Day
	for _, x := range e.Tests {
		near = append(near, day.Of(x.At))
	}
	for _, x := range e.Contacts {
		near = append(near, x.On)
	}
	for _, x := range e.Arrivals {
		near = append(near, x.On)
	}
	if len(near) > 0 && rapid.IntRange(0, 3).Draw(t, "near") > 0 {
		d = max(18869, rapid.SampledFrom(near).Draw(t, "item").Add(rapid.IntRange(-2, 20).Draw(t, "after")))
	}
	return d.Start().Add(time.Duration(rapid.IntRange(0, 86399).Draw(t, "second")) * time.Second)
}

// check is rapid.Check so many times over.
func check(t *testing.T, times int, f func(*rapid.T)) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		for range times {
			f(t)
		}
	})
}

func shuffled(t *rapid.T, e Evidence) Evidence {
	return Evidence{
		Birth:      e.Birth,
		Doses:      permuted(t, e.Doses),
		Tests:      permuted(t, e.Tests),
		Recoveries: permuted(t, e.Recoveries),
		Contacts:   permuted(t, e.Contacts),
		Exemptions: permuted(t, e.Exemptions),
		Arrivals:   permuted(t, e.Arrivals),
		Inquiries:  permuted(t, e.Inquiries),
	}
}

func permuted[T any](t *rapid.T, items []T) []T {
	if len(items) < 2 {
		return slices.Clone(items)
	}
	return rapid.Permutation(items).Draw(t, "order")
}
