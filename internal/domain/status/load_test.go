package status_test

import (
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	. "github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/fault"
)

const minimal = `id: test-1
number: 900
valid_from: 2022-01-01 00:00
source: an example for tests
reasons:
  - {code: case, number: 5, id: positif sekarang, en: positive just now}
  - {code: no_data, number: 1, id: tidak ada data, en: nothing is known}
rules:
  - name: case
    when: since_positive < 10
    colour: black
    reason: case
    because: [positive]
    cases:
      - at: 2022-02-01 12:00
        born: 1990-01-01
        tests: [2022-01-31 08:00 pcr positive]
        gives: black case
        next: 2022-02-10 00:00 red no_data
  - name: rest
    when: "true"
    colour: red
    reason: no_data
    cases:
      - {at: 2022-02-01 12:00, born: 1990-01-01, gives: red no_data, next: never}
`

func TestMinimalLoads(t *testing.T) {
	report, err := CheckFile("minimal.yaml", []byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	want := Report{File: "minimal.yaml", ID: "test-1", Number: 900, Rules: 2, Cases: 2}
	if d := cmp.Diff(want, report); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	set, err := ParseRuleSet("minimal.yaml", []byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	if set.ID() != "test-1" || set.Number() != 900 || !set.ValidFrom().Equal(at(t, "2022-01-01 00:00")) ||
		set.Source() != "an example for tests" || len(set.Reasons()) != 2 || set.Digest() != sha256.Sum256([]byte(minimal)) {
		t.Error("the set says otherwise than its file")
	}
}

// TestBrokenRuleSets changes the minimal set in one way each and wants the place
// and a word of the complaint.
func TestBrokenRuleSets(t *testing.T) {
	for _, c := range []struct {
		name, from, to string
		line           int
		rule, says     string
	}{
		{"unknown key", "source:", "sauce:", 4, "", `no key "sauce"`},
		{"unknown key in a case", "gives: black", "give: black", 18, "", `no key "give"`},
		{"key twice", "number: 900", "number: 900\nnumber: 901", 3, "", "already defined"},
		{"bad YAML", "rules:\n", "rules: [\n", 0, "", ""},
		{"list for a value", "id: test-1", "id: [test-1]", 1, "", "one value"},
		{"value for a list", "because: [positive]", "because: positive", 13, "", "cannot unmarshal"},
		{"alias", "id: test-1", "id: &x test-1", 1, "", "anchors"},
		{"tag", "id: test-1", "id: !!str test-1", 1, "", "tags"},
		{"two documents", "id: test-1", "id: test-1\n---\nid: a", 0, "", ""},
		{"no id", "id: test-1", `id: ""`, 1, "", "proper id"},
		{"number too large", "number: 900", "number: 65536", 2, "", "the set's number"},
		{"number with zeros", "number: 900", "number: 0900", 2, "", "the set's number"},
		{"no date", "2022-01-01 00:00", "2022-01-01", 3, "", "valid_from"},
		{"no such day", "2022-01-01 00:00", "2022-02-30 00:00", 3, "", "valid_from"},
		{"too early", "2022-01-01 00:00", "2019-12-31 00:00", 3, "", "valid_from"},
		{"no source", "an example for tests", `""`, 4, "", "authority"},
		{"reason's code", "code: case", "code: Case", 6, "", "proper code"},
		{"reason's number", "number: 5", "number: 0", 6, "", `number of reason "case"`},
		{"reason's number too large", "number: 5", "number: 16384", 6, "", `number of reason "case"`},
		{"reason twice", "code: no_data, number: 1", "code: no_data, number: 5", 7, "", "earlier one"},
		{"no Indonesian text", "id: positif sekarang, ", "", 6, "", "lacks a text"},
		{"no English text", "en: nothing is known", `en: ""`, 7, "", "lacks a text"},
		{"reason unused", "reason: case\n", "reason: no_data\n", 6, "", `no rule gives the reason "case"`},
		{"reason unknown", "reason: case\n", "reason: cases\n", 12, "case", "not among the reasons"},
		{"no colour", "colour: black", "colour: purple", 11, "case", "colour is none"},
		{"because", "[positive]", "[positive, luck]", 13, "case", `"luck"`},
		{"no name", "name: case", "name: A case", 9, "#1", "proper name"},
		{"name twice", "name: rest", "name: case", 20, "case", "earlier rule"},
		{"last rule", `when: "true"`, "when: age >= 0", 21, "rest", "always hold"},
		{"no case", "    cases:\n      - {at", "    cases: []\n    #  - {at", 20, "rest", "no case"},
		{"syntax", "since_positive < 10", "since_positive <", 10, "case", "Syntax error"},
		{"unknown name", "since_positive < 10", "since_positiv < 10", 10, "case", "undeclared reference"},
		{"in a block", "when: since_positive < 10", "when: |\n      since_positive < 10 &&\n      nonsense", 12, "case", "undeclared reference"},
		{"not a condition", "when: since_positive < 10", "when: dose_count", 10, "case", "not true or false"},
		{"case of another rule", "08:00 pcr positive", "08:00 pcr negative", 15, "case", "by rule rest"},
		{"case gives another colour", "gives: black case", "gives: red case", 15, "case", "gives black case"},
		{"case changes next otherwise", "next: 2022-02-10 00:00", "next: 2022-02-11 00:00", 15, "case", "2022-02-10 00:00 red no_data"},
		{"case never changes", "next: never", "next: 2022-03-01 00:00 red no_data", 25, "rest", `"never"`},
		{"case before the set", "- at: 2022-02-01 12:00", "- at: 2021-12-31 12:00", 15, "case", "from valid_from on"},
		{"case without birth", "        born: 1990-01-01\n", "", 0, "case", "no proper date"},
		{"case's test", "08:00 pcr positive", "pcr positive", 17, "case", "cannot be read"},
		{"case's evidence", "born: 1990-01-01\n        tests", "born: 2022-02-02\n        tests", 15, "case", "between the birth"},
		{"too much text", "an example for tests", strings.Repeat("long ", 60_000), 0, "", "longer than"},
		{"too many values", "because: [positive]", "because: [" + strings.Repeat("positive, ", 20_000) + "positive]", 13, "", "more than 20000 values"},
	} {
		t.Run(c.name, func(t *testing.T) {
			broken := strings.Replace(minimal, c.from, c.to, 1)
			if broken == minimal {
				t.Fatal("the set was not changed")
			}
			report, err := CheckFile("x.yaml", []byte(broken))
			if !errors.Is(err, ErrRuleSet) || len(report.Problems) == 0 {
				t.Fatalf("it loads: %v", err)
			}
			for _, p := range report.Problems {
				if strings.Contains(p.What, c.says) && p.Rule == c.rule && (p.Line == c.line || c.line == 0) && p.Mend != "" {
					return
				}
			}
			t.Errorf("want line %d, rule %q, %q among\n%v", c.line, c.rule, c.says, err)
		})
	}
}

func TestEveryProblemIsTold(t *testing.T) {
	broken := minimal
	for _, c := range [][2]string{{"colour: black", "colour: blak"}, {"since_positive < 10", "now > 3"}, {"id: tidak ada data", `id: ""`}} {
		broken = strings.Replace(broken, c[0], c[1], 1)
	}
	_, err := ParseRuleSet("x.yaml", []byte(broken))
	var set *RuleSetError
	if !errors.As(err, &set) {
		t.Fatal(err)
	}
	for i, want := range []int{7, 10, 11} {
		if i >= len(set.Problems) || set.Problems[i].Line != want {
			t.Fatalf("want problems in lines 7, 10, 11:\n%v", err)
		}
	}
	if got := fault.KindOf(err); got != fault.Invalid {
		t.Errorf("kind %v", got)
	}
}

func TestLanguageRefuses(t *testing.T) {
	for when, says := range map[string]string{
		"since_dose + 1 < 10":                                     "is not in the language",
		"since_dose < dose_count":                                 "something else than a constant",
		"since_dose < since_contact":                              "something else than a constant",
		"since_dose < 3661":                                       "constant of its range",
		"since_dose > -1":                                         "constant of its range",
		"(primary ? since_dose : since_contact) < 10":             "may only be compared",
		"since_dose in [1, 2]":                                    "may only be compared",
		"tests.map(t, t.days).exists(d, d < 10)":                  "may only be compared",
		"[since_dose][0] < 10":                                    "is not in the language",
		"tests[0].positive":                                       "is not in the language",
		"dyn(tests).exists(t, t.days < 10)":                       "type is not known",
		"[tests, 1].size() == 2":                                  "expected type",
		"tests.exists(t, t.at < now)":                             "something else than a constant",
		"tests.exists(t, now - t.at < duration('72h'))":           "may only be compared",
		"now.getHours() < 12":                                     "may only be compared",
		"now < timestamp('2021-12-14T00:00:30Z')":                 "whole minute",
		"now < timestamp('1899-12-14T00:00:00Z')":                 "before 1900",
		"now < timestamp('someday')":                              "timestamp",
		"now < timestamp(dose_count)":                             "not in the language",
		"tests.exists(t, t.at - t.at < duration(t.kind))":         "not made from a constant",
		"string(age) == '5'":                                      "may only be compared",
		"type(age) == int":                                        "may only be compared",
		"dose_count / 0 == 1":                                     "not in the language",
		"dose_count * 9223372036854775807 > 1":                    "not in the language",
		"doses.exists(d, d.vaccine.matches('(a+)+'))":             "not in the language",
		"doses.exists(d, d.vaccine.contains('a'))":                "not in the language",
		"has(doses[0].abroad)":                                    "not in the language",
		"{'a': age}.size() == 1":                                  "not in the language",
		"Dose{vaccine: 'x'}.abroad":                               "not in the language",
		"tests.exists_one(t, t.positive)":                         "not in the language",
		"tests.exists(a, tests.exists(b, tests.exists(c, true)))": "nesting",
		"age < 10.0":                                              "no matching overload",
		"primary":                                                 "",
		"tests.exists(a, a.positive && tests.all(b, b.at - a.at < duration('24h')))": "",
		"now >= timestamp('2021-12-14T00:00:00+07:00') || 10 > since_dose":           "",
		"doses.filter(d, d.days >= 14).size() >= 2":                                  "",
		"tests.map(t, t.kind).exists(k, k == 'pcr')":                                 "",
	} {
		flaws := strings.Join(Flaws(when), "\n")
		if says == "" && flaws != "" {
			t.Errorf("%s: refused: %s", when, flaws)
		}
		if says != "" && !strings.Contains(flaws, says) {
			t.Errorf("%s: want %q, got %q", when, says, flaws)
		}
	}
	if f := Flaws(strings.Repeat("(", 100) + "true" + strings.Repeat(")", 100)); len(f) == 0 {
		t.Error("any depth is let pass")
	}
	if f := Flaws("true" + strings.Repeat(" || primary", 300)); len(f) == 0 {
		t.Error("any length is let pass")
	}
	expensive := "tests.exists(a, tests.exists(b, " + strings.Repeat("a.at != b.at && ", 60) + "true))"
	if f := strings.Join(Flaws(expensive), ""); !strings.Contains(f, "may cost") {
		t.Errorf("any cost is let pass: %q", f)
	}
}

func FuzzParseRuleSet(f *testing.F) {
	f.Add([]byte("rules: [&a [*a]]"))
	f.Add([]byte(minimal))
	f.Add([]byte("id: a\nrules:\n  - name: x\n    when: tests.exists(t, t.hours < 5)\n    cases:\n      - doses: [2021-01-01 sinovac]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		report, err := CheckFile("fuzz.yaml", b)
		if (err != nil) != (len(report.Problems) > 0) {
			t.Fatalf("error %v with %d problems", err, len(report.Problems))
		}
		if err != nil && !errors.Is(err, ErrRuleSet) {
			t.Fatalf("another error: %v", err)
		}
		for _, p := range report.Problems {
			if p.What == "" || p.Mend == "" || strings.Contains(p.What, "miss a change") {
				t.Fatalf("problem %v", p)
			}
		}
	})
}
