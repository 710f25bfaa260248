package internal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// named is a test as a document names it: a script, or folder, function and case.
var named = regexp.MustCompile("`([a-z][a-zA-Z0-9_/.]*\\.txtar)`|`([a-z][a-z0-9/]*)` `(Test\\w+)(?:/([^`]+))?`")

// missing returns the tests of a table's last column that are not in the source,
// and the rows that name none; n counts those named.
func missing(t *testing.T, table string) (out []string, n int) {
	t.Helper()
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(line, "|\n "), " | ")
		if !strings.HasPrefix(line, "| ") || cells[0] == "input" {
			continue
		}
		tests := named.FindAllStringSubmatch(cells[len(cells)-1], -1)
		if len(cells) != 3 || len(tests) == 0 || len(tests) != 1+strings.Count(cells[2], ";") {
			out = append(out, "the row of "+cells[0])
		}
		n += len(tests)
		out = append(out, absent(t, tests)...)
	}
	return out, n
}

// absent returns which of the tests found by named are not there.
func absent(t *testing.T, tests [][]string) (out []string) {
	t.Helper()
	for _, m := range tests {
		if m[1] != "" {
			if _, err := os.Stat(filepath.Join("..", m[1])); err != nil {
				out = append(out, m[1])
			}
			continue
		}
		text := testsOf(t, m[2])
		if !strings.Contains(text, "\nfunc "+m[3]+"(t *testing.T)") || m[4] != "" && !strings.Contains(text, `"`+m[4]+`"`) {
			out = append(out, m[2]+" "+m[3]+" "+m[4])
		}
	}
	return out
}

// testsOf returns the text of a folder's tests.
func testsOf(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(raw)
	}
	return b.String()
}

// TestBadInputTable: each test that docs/bad-input.md names exists, and each row
// names one. Rows that name none, or one that is not there, are the control.
func TestBadInputTable(t *testing.T) {
	raw, err := os.ReadFile("../docs/bad-input.md")
	if err != nil {
		t.Fatal(err)
	}
	out, n := missing(t, string(raw))
	if len(out) > 0 || n < 40 {
		t.Errorf("of %d tests named, not there: %q", n, out)
	}
	for _, row := range []string{
		"| a | b | c |\n",
		"| a | b | `internal` `TestNone` |\n",
		"| a | b | `internal/nowhere` `TestBadInputTable` |\n",
		"| a | b | `internal` `TestBadInputTable/no such case of it" + "` |\n",
		"| a | b | `internal` `TestBadInputTable`; internal TestNone |\n",
		"| a | b | `internal/none.txtar` |\n",
	} {
		if out, _ := missing(t, row); len(out) == 0 {
			t.Errorf("nothing is missing in %q", row)
		}
	}
}

// unproven returns what is wrong with the tables of docs/promises.md: a row whose last
// cell names no test, no command and no document and does not say that it is not built,
// and a test that is not there.
func unproven(t *testing.T, text string) (out []string, n int) {
	t.Helper()
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.ReplaceAll(strings.Trim(line, "|\n "), "\\|", ""), " | ")
		if !strings.HasPrefix(line, "| ") || cells[0] == "claim" {
			continue
		}
		last := cells[len(cells)-1]
		if len(cells) != 3 || !strings.Contains(last, "`") && last != "not built yet" {
			out = append(out, "the row of "+cells[0])
		}
		tests := named.FindAllStringSubmatch(last, -1)
		n += len(tests)
		out = append(out, absent(t, tests)...)
	}
	return out, n
}

// TestPromises: docs/promises.md has all eight promises, and says of each row how it is
// checked, by tests that exist, or that it is not built. Rows that do not are the control.
func TestPromises(t *testing.T) {
	raw, err := os.ReadFile("../docs/promises.md")
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 8; n++ {
		if !strings.Contains(string(raw), fmt.Sprintf("\n## %d. ", n)) {
			t.Errorf("promise %d is missing", n)
		}
	}
	if out, n := unproven(t, string(raw)); len(out) > 0 || n < 30 {
		t.Errorf("of %d tests named: %q", n, out)
	}
	for _, row := range []string{
		"| a | b | c |\n", "| a | b |\n", "| a | b | run `internal` `TestNone` |\n", "| a | b | `internal` `TestPromises/nothing of the kind" + "` |\n",
	} {
		if out, _ := unproven(t, row); len(out) == 0 {
			t.Errorf("nothing is wrong with %q", row)
		}
	}
}
