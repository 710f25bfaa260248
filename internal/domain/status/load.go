package status

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/amanah-project/amanah/internal/day"
)

// ParseRuleSet reads a rule set from its YAML, named file in errors. It loads
// only when every condition is in the language, every case passes, every rule
// has one, and the last rule always holds; otherwise the error is a
// *RuleSetError with everything found.
func ParseRuleSet(file string, b []byte) (*RuleSet, error) {
	set, report := load(file, b)
	if len(report.Problems) > 0 {
		return nil, &RuleSetError{file, report.Problems}
	}
	return set, nil
}

// CheckFile reports on a rule set's YAML. The error is that of ParseRuleSet.
func CheckFile(file string, b []byte) (Report, error) {
	_, report := load(file, b)
	if len(report.Problems) > 0 {
		return report, &RuleSetError{file, report.Problems}
	}
	return report, nil
}

// load works in three stages: shape, meaning, cases. A stage with problems is
// finished, so that all of its problems are told, and is the last.
func load(file string, b []byte) (*RuleSet, Report) {
	report := Report{File: file}
	doc, problems := readDocument(b)
	if len(problems) > 0 {
		report.Problems = problems
		return nil, report
	}
	l := &loader{doc: &doc, set: &RuleSet{digest: sha256.Sum256(b)}}
	l.head()
	l.reasons()
	l.rules()
	if len(l.problems) == 0 {
		l.cases()
	}
	slices.SortStableFunc(l.problems, func(a, b Problem) int { return a.Line - b.Line })
	report.ID, report.Number, report.Rules, report.Problems = l.set.id, l.set.number, len(doc.Rules), l.problems
	for _, r := range doc.Rules {
		report.Cases += len(r.Cases)
	}
	return l.set, report
}

type loader struct {
	doc      *setDoc
	set      *RuleSet
	rule     string // being read
	problems []Problem
}

func (l *loader) problem(line int, what, mend string) {
	l.problems = append(l.problems, Problem{line, l.rule, what, mend})
}

func (l *loader) head() {
	d := l.doc
	l.set.id = d.ID.value
	if !isCode(d.ID.value, 32) {
		l.problem(d.ID.line, "the set has no proper id", "write id: with 1 to 32 lower-case letters, digits, hyphens and underscores, such as 2022-07-17")
	}
	l.set.number = SetNumber(l.numeral(d.Number, 1<<16-1, "the set's number"))
	at, err := parseMinute(d.ValidFrom.value)
	if err != nil {
		l.problem(d.ValidFrom.line, "valid_from is not a time from 2020 on", "write it in WIB like 2022-02-22 23:59")
	}
	l.set.from = at
	l.set.source = d.Source.value
	if n := utf8.RuneCountInString(d.Source.value); n < 10 || n > maxSource {
		l.problem(d.Source.line, "the set does not say on whose authority it stands", fmt.Sprintf("write source: with the decree and where the text was found, in 10 to %d characters", maxSource))
	}
	for _, v := range d.SingleDose {
		if !isCode(v.value, MaxVaccine) || slices.Contains(l.set.single, v.value) {
			l.problem(v.line, "single_dose names no vaccine, or one twice", "write each vaccine's code once, such as janssen")
		}
		l.set.single = append(l.set.single, v.value)
	}
}

// numeral reads a number of 1 to most.
func (l *loader) numeral(t text, most int, what string) int {
	n, err := strconv.Atoi(t.value)
	if err != nil || n < 1 || n > most || strconv.Itoa(n) != t.value {
		l.problem(t.line, what+" is missing or not a number of its range", fmt.Sprintf("write a whole number of 1 to %d that no other has had", most))
		return 0
	}
	return n
}

func (l *loader) reasons() {
	if n := len(l.doc.Reasons); n == 0 || n > maxReasons {
		l.problem(0, "there are no reasons, or too many", fmt.Sprintf("list 1 to %d under reasons:", maxReasons))
		return
	}
	for _, d := range l.doc.Reasons {
		r := Reason{Code: d.Code.value, Indonesian: oneLine(d.Indonesian.value), English: oneLine(d.English.value)}
		if !isCode(r.Code, 32) {
			l.problem(d.Code.line, "a reason has no proper code", "write code: with 1 to 32 lower-case letters, digits, hyphens and underscores, such as one_dose")
		}
		r.Number = ReasonNumber(l.numeral(d.Number, int(MaxReason), "the number of reason "+strconv.Quote(r.Code)))
		for _, s := range []string{r.Indonesian, r.English} {
			if n := utf8.RuneCountInString(s); n < 10 || n > maxText {
				l.problem(d.Code.line, fmt.Sprintf("reason %q lacks a text", r.Code), fmt.Sprintf("write id: (Indonesian) and en: (English), 10 to %d characters each", maxText))
			}
		}
		for _, other := range l.set.reasons {
			if other.Code == r.Code || other.Number == r.Number {
				l.problem(d.Code.line, fmt.Sprintf("reason %q has the code or number of an earlier one", r.Code), "give it its own")
			}
		}
		l.set.reasons = append(l.set.reasons, r)
	}
}

func (l *loader) rules() {
	if n := len(l.doc.Rules); n == 0 || n > maxRules {
		l.problem(0, "there are no rules, or too many", fmt.Sprintf("list 1 to %d under rules:", maxRules))
		return
	}
	language, err := theLanguage()
	if err != nil {
		l.problem(0, "the rule language is not available", "report this as a defect")
		return
	}
	total := 0
	for i, d := range l.doc.Rules {
		total += len(d.Cases)
		l.rule = d.Name.value
		if !isCode(d.Name.value, 32) {
			l.rule = fmt.Sprintf("#%d", i+1)
			l.problem(d.Name.line, "the rule has no proper name", "write name: with 1 to 32 lower-case letters, digits, hyphens and underscores")
		}
		if slices.ContainsFunc(l.set.rules, func(r rule) bool { return r.name == d.Name.value }) {
			l.problem(d.Name.line, "an earlier rule has this name", "give it its own")
		}
		l.set.rules = append(l.set.rules, l.readRule(language, d))
		if len(d.Cases) == 0 {
			l.problem(d.Name.line, "the rule has no case", "add under cases: at least one that this rule decides")
		}
		if i == len(l.doc.Rules)-1 && d.When.value != "true" {
			l.problem(d.When.line, "the last rule does not always hold", "end with a rule that says when: \"true\"")
		}
	}
	l.rule = ""
	if total > maxCases {
		l.problem(0, fmt.Sprintf("there are %d cases, more than %d", total, maxCases), "keep those that differ")
	}
	if n := l.set.thresholds.size(); n > maxThresholds {
		l.problem(0, fmt.Sprintf("the conditions compare with %d different constants, more than %d", n, maxThresholds), "use fewer")
	}
	l.unused()
}

func (l *loader) readRule(language *language, d ruleDoc) rule {
	r := rule{name: d.Name.value}
	var err error
	if r.colour, err = ParseColour(d.Colour.value); err != nil {
		l.problem(cmpLine(d.Colour, d.Name), "the rule's colour is none", "write colour: green, yellow, red or black")
	}
	i := slices.IndexFunc(l.set.reasons, func(x Reason) bool { return x.Code == d.Reason.value })
	if i < 0 {
		l.problem(cmpLine(d.Reason, d.Name), fmt.Sprintf("the rule's reason %q is not among the reasons", d.Reason.value), "write the code of one of them, or add it")
	} else {
		r.reason = l.set.reasons[i]
	}
	for _, b := range d.Because {
		g := grounds(0)
		for g < groundCount && g.String() != b.value {
			g++
		}
		if g == groundCount {
			l.problem(b.line, fmt.Sprintf("because: %q names no kind of evidence", b.value), "use doses, positive, negatives, contact, recovery, exemption, arrival, inquiry")
			continue
		}
		r.because = append(r.because, g)
	}
	program, flaws := language.compile(d.When.value, &l.set.thresholds)
	for _, f := range flaws {
		l.problem(cmpLine(d.When, d.Name)+f.line-1, fmt.Sprintf("when, column %d: %s", f.column, f.what), f.mend)
	}
	r.program = program
	return r
}

// cmpLine returns the line of t, or of near when t is missing.
func cmpLine(t, near text) int {
	if t.line == 0 {
		return near.line
	}
	return t.line
}

func (l *loader) unused() {
	for i, d := range l.doc.Reasons {
		used := func(r rule) bool { return r.reason.Number == l.set.reasons[i].Number }
		if !slices.ContainsFunc(l.set.rules, used) {
			l.problem(d.Code.line, fmt.Sprintf("no rule gives the reason %q", d.Code.value), "leave it out, or use it")
		}
	}
}

// parseMinute reads "2022-02-22 23:59" in Western Indonesian Time.
func parseMinute(s string) (minute, error) {
	t, err := time.ParseInLocation(minuteLayout, s, day.Zone())
	if err != nil || t.Format(minuteLayout) != s {
		return 0, day.ErrFormat
	}
	m := minuteOf(t)
	if m < 0 || m >= startOf(lastDay) {
		return 0, day.ErrFormat
	}
	return m, nil
}
