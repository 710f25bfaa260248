package status_test

import (
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"testing"

	. "github.com/amanah-project/amanah/internal/domain/status"
)

// conditions finds the lines of a file's conditions.
func conditions(lines []string) []int {
	var out []int
	inside := false
	for i, l := range lines {
		switch {
		case strings.HasPrefix(l, "    when:"):
			inside = true
			out = append(out, i)
		case inside && strings.HasPrefix(l, "      "):
			out = append(out, i)
		default:
			inside = false
		}
	}
	return out
}

// mutants returns a line with one thing changed, each that can be.
func mutants(l string) []string {
	var out []string
	at := func(re string, change func(string) []string) {
		for _, m := range regexp.MustCompile(re).FindAllStringIndex(l, -1) {
			for _, c := range change(l[m[0]:m[1]]) {
				out = append(out, l[:m[0]]+c+l[m[1]:])
			}
		}
	}
	at(`\b\d+`, func(s string) []string {
		n, _ := strconv.Atoi(s)
		return []string{strconv.Itoa(n + 1), strconv.Itoa(n - 1)}
	})
	swap := map[string]string{"&&": "||", "||": "&&", " < ": " <= ", " >= ": " > ", `"pcr"`: `"antigen"`, "!t": "t", "!tests": "tests", "!(": "(", "!cleared": "cleared", "!a": "a", "!b": "b"}
	for from, to := range swap {
		at(regexp.QuoteMeta(from), func(string) []string { return []string{to} })
	}
	return out
}

// TestCasesCatchEveryMutant changes one number, sign or word of one condition at
// a time: the cases of the shipped sets must notice each, or they prove nothing.
func TestCasesCatchEveryMutant(t *testing.T) {
	files := BuiltinFiles()
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, name := range names {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(b), "\n")
		for _, i := range conditions(lines) {
			was := lines[i]
			for _, m := range mutants(was) {
				tried++
				lines[i] = m
				if _, err := ParseRuleSet(name, []byte(strings.Join(lines, "\n"))); err == nil {
					t.Errorf("%s:%d: no case notices %s", name, i+1, strings.TrimSpace(m))
				}
			}
			lines[i] = was
		}
	}
	t.Logf("%d mutants", tried)
	if tried < 200 {
		t.Errorf("only %d mutants: the search is broken", tried)
	}
}

// TestHeadsAndResultsAreHeld changes what surrounds the conditions.
func TestHeadsAndResultsAreHeld(t *testing.T) {
	b, err := fs.ReadFile(BuiltinFiles(), "2022-07-17.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(b), "\n")
	tried := 0
	for i, was := range lines {
		for _, prefix := range []string{"    colour: ", "    reason: ", "    because: [", "        next: ", "        gives: "} {
			if !strings.HasPrefix(was, prefix) || was == "    because: []" {
				continue
			}
			tried++
			lines[i] = fmt.Sprintf("%sx%s", prefix, was[len(prefix):])
			if _, err := ParseRuleSet("x", []byte(strings.Join(lines, "\n"))); err == nil {
				t.Errorf("line %d: %s goes unnoticed", i+1, lines[i])
			}
			lines[i] = was
		}
	}
	if tried < 80 {
		t.Errorf("only %d changes", tried)
	}
}
