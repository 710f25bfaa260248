package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// written finds commands as documents write them: at the start of a line of a block,
// after a pipe, or in a sentence.
var written = regexp.MustCompile("(?m)(?:^|`|\\| )(amanah [a-z][^`#>|\n]*)")

// wrong says what of a written command does not exist, or nothing.
func wrong(model *kong.Application, command string) string {
	node := model.Node
	words := strings.Fields(command)[1:]
	for len(words) > 0 {
		var next *kong.Node
		for _, c := range node.Children {
			if c.Name == words[0] {
				next = c
			}
		}
		if next == nil {
			break
		}
		node, words = next, words[1:]
	}
	if len(node.Children) > 0 {
		return "is no command"
	}
	flags := map[string]bool{"help": true}
	for _, group := range node.AllFlags(false) {
		for _, f := range group {
			flags[f.Name] = true
		}
	}
	for _, w := range words {
		name, ok := strings.CutPrefix(w, "--")
		name, _, _ = strings.Cut(name, "=")
		if ok && !flags[name] {
			return "has no flag --" + name
		}
	}
	return ""
}

// TestCommandsInDocuments: every command that a document tells to type exists, with its
// flags. Commands that do not are the control.
func TestCommandsInDocuments(t *testing.T) {
	var tree commands
	parser, err := kong.New(&tree, kong.Name("amanah"), kong.Configuration(loadTOML))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range append(files, "../../README.md") {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range written.FindAllStringSubmatch(strings.ReplaceAll(string(raw), "\\\n", " "), -1) {
			found++
			if what := wrong(parser.Model, m[1]); what != "" && m[1] != "amanah COMMAND --help" {
				t.Errorf("%s: %q %s", filepath.Base(name), m[1], what)
			}
		}
	}
	if found < 25 {
		t.Errorf("only %d commands were found", found)
	}
	for _, command := range []string{"amanah partner", "amanah partner dance", "amanah partner list --jsonn"} {
		if wrong(parser.Model, command) == "" {
			t.Errorf("nothing is wrong with %q", command)
		}
	}
}
