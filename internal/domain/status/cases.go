package status

import (
	"fmt"
	"slices"
	"strings"

	"github.com/amanah-project/amanah/internal/day"
)

// cases runs every case of every rule, then holds the computed moments against a
// search of every midnight, and of every hour where a condition counts hours.
func (l *loader) cases() {
	if err := l.set.fillPlain(); err != nil {
		l.problem(0, oneLine(err.Error()), "report this as a defect")
		return
	}
	alone, err := NewSchedule(l.set)
	if err != nil {
		l.problem(0, err.Error(), "correct the set's head")
		return
	}
	for _, r := range l.doc.Rules {
		l.rule = r.Name.value
		for _, c := range r.Cases {
			e, ok := l.evidence(c)
			if !ok {
				continue
			}
			at, err := parseMinute(c.At.value)
			if err != nil || at < l.set.from {
				l.problem(c.At.line, "the case's at is no time from valid_from on", "write it in WIB like 2022-02-25 12:00")
				continue
			}
			l.run(alone, c, e, at)
		}
	}
	l.rule = ""
}

func (l *loader) run(alone *Schedule, c caseDoc, e Evidence, at minute) {
	d, err := Decide(e, alone, at.time())
	if err != nil {
		l.problem(c.At.line, "the case's evidence is refused: "+oneLine(err.Error()), "correct it")
		return
	}
	if got := d.Colour.String() + " " + d.Reason.Code; got != c.Gives.value || d.Rule != l.rule {
		l.problem(c.At.line, fmt.Sprintf("the case gives %s by rule %s, not %q by this one", got, d.Rule, c.Gives.value),
			"correct the condition or the order of the rules, or the case (gives: colour and reason)")
	}
	next := "never"
	if d.Next != nil {
		next = fmt.Sprintf("%s %s %s", minuteOf(d.Next.At), d.Next.Colour, d.Next.Reason.Code)
	}
	if next != c.Next.value {
		l.problem(c.At.line, fmt.Sprintf("the case changes next %q, not %q", next, c.Next.value),
			"correct the condition, or the case (next: never, or time, colour and reason)")
	}
	if missed, ok := l.search(alone, e, at); !ok {
		l.problem(c.At.line, "the moments computed miss a change at "+missed.String(), "report this as a defect")
	}
}

// search compares a timeline with decisions made afresh; it returns a minute at
// which they differ.
func (l *loader) search(alone *Schedule, e Evidence, at minute) (minute, bool) {
	t, err := MakeTimeline(e, alone, at.time())
	if err != nil {
		return at, false
	}
	h, err := newHistory(e)
	if err != nil {
		return at, false
	}
	stride := minute(dayMinutes)
	if len(l.set.thresholds[clockTestHours]) > 0 {
		stride = 60
	}
	for m := startOf(at.day()) + stride; m < minute(t.until); m += stride {
		for _, probe := range []minute{m - 1, m} {
			if probe < at {
				continue
			}
			i, err := l.set.evaluate(factsAt(h, l.set.single, probe))
			if err != nil {
				return probe, false
			}
			now, _ := t.At(probe.time())
			if r := l.set.rules[i]; r.colour != now.Colour || r.reason.Number != now.Reason {
				return probe, false
			}
		}
	}
	return 0, true
}

// evidence reads a case's evidence, naming its records dose-1, test-1 and so on.
func (l *loader) evidence(c caseDoc) (Evidence, bool) {
	r := &caseReader{loader: l}
	e := Evidence{Birth: r.day(c.Born, c.Born.value)}
	e.Doses = eachEntry(r, c.Doses, "2021-03-01 sinovac, with or without abroad", r.dose)
	e.Tests = eachEntry(r, c.Tests, "2022-02-20 08:00 pcr positive", r.test)
	e.Recoveries = eachEntry(r, c.Recoveries, "2022-01-15", func(t text, w []string, i int) (Recovery, bool) {
		return Recovery{r.day(t, w[0]), fmt.Sprintf("recovery-%d", i)}, len(w) == 1
	})
	e.Contacts = eachEntry(r, c.Contacts, "2022-01-15", func(t text, w []string, i int) (Contact, bool) {
		return Contact{r.day(t, w[0]), fmt.Sprintf("contact-%d", i)}, len(w) == 1
	})
	e.Exemptions = eachEntry(r, c.Exemptions, "2022-01-01..2022-12-31", r.exemption)
	e.Arrivals = eachEntry(r, c.Arrivals, "2022-01-01, or 2022-01-01 cleared 2022-01-08", r.arrival)
	e.Inquiries = eachEntry(r, c.Inquiries, "2022-01-15", func(t text, w []string, i int) (Inquiry, bool) {
		return Inquiry{r.day(t, w[0]), fmt.Sprintf("inquiry-%d", i)}, len(w) == 1
	})
	return e, !r.failed
}

type caseReader struct {
	*loader
	failed bool
}

// day reads a date, and blames the line of t when it is none.
func (r *caseReader) day(t text, s string) day.Day {
	d, err := day.Parse(s)
	if err != nil {
		r.failed = true
		r.problem(t.line, fmt.Sprintf("the case has no proper date: %q", s), "write born: and other dates like 1990-12-31")
	}
	return d
}

func eachEntry[T any](r *caseReader, entries []text, like string, one func(text, []string, int) (T, bool)) []T {
	var out []T
	for i, t := range entries {
		words := strings.Fields(t.value)
		if len(words) == 0 {
			words = []string{""}
		}
		item, ok := one(t, words, i+1)
		if !ok {
			r.failed = true
			r.problem(t.line, fmt.Sprintf("the case's entry %q cannot be read", t.value), "write it like "+like)
		}
		out = append(out, item)
	}
	return out
}

func (r *caseReader) dose(t text, w []string, i int) (Dose, bool) {
	if len(w) < 2 || len(w) > 3 || len(w) == 3 && w[2] != "abroad" {
		return Dose{}, false
	}
	return Dose{On: r.day(t, w[0]), Vaccine: w[1], Abroad: len(w) == 3, Ref: fmt.Sprintf("dose-%d", i)}, true
}

func (r *caseReader) test(t text, w []string, i int) (Test, bool) {
	if len(w) != 4 || !slices.Contains([]string{"positive", "negative"}, w[3]) {
		return Test{}, false
	}
	at, err := parseMinute(w[0] + " " + w[1])
	kind := PCR
	if w[2] == Antigen.String() {
		kind = Antigen
	}
	return Test{At: at.time(), Kind: kind, Positive: w[3] == "positive", Ref: fmt.Sprintf("test-%d", i)}, err == nil && kind.String() == w[2]
}

func (r *caseReader) exemption(t text, w []string, i int) (Exemption, bool) {
	from, until, ok := strings.Cut(w[0], "..")
	if !ok || len(w) != 1 {
		return Exemption{}, false
	}
	return Exemption{From: r.day(t, from), Until: r.day(t, until), Ref: fmt.Sprintf("exemption-%d", i)}, true
}

func (r *caseReader) arrival(t text, w []string, i int) (Arrival, bool) {
	a := Arrival{On: r.day(t, w[0]), Ref: fmt.Sprintf("arrival-%d", i)}
	switch {
	case len(w) == 1:
		return a, true
	case len(w) == 3 && w[1] == "cleared":
		a.Cleared, a.ClearedOn = true, r.day(t, w[2])
		return a, true
	}
	return a, false
}
