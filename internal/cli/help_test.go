package cli

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/amanah-project/amanah/internal/fault"
)

// TestHelp asks every command of the tree for its help.
func TestHelp(t *testing.T) {
	var tree commands
	parser, err := kong.New(&tree, kong.Name("amanah"), kong.Configuration(loadTOML))
	if err != nil {
		t.Fatal(err)
	}
	leaves := 0
	for _, n := range parser.Model.Leaves(true) {
		leaves++
		words := strings.Fields(n.Path())
		for i, w := range words {
			if strings.HasPrefix(w, "<") || strings.HasPrefix(w, "(") { // its arguments
				words = words[:i]
				break
			}
		}
		t.Run(strings.Join(words, "_"), func(t *testing.T) {
			var out, errOut bytes.Buffer
			if code := Main(append(words, "--help"), strings.NewReader(""), &out, &errOut); code != 0 {
				t.Fatalf("exit %d: %s", code, errOut.String())
			}
			if !strings.Contains(out.String(), "Example") {
				t.Errorf("help without an example:\n%s", out.String())
			}
			if !strings.HasPrefix(out.String(), "Usage: amanah "+strings.Join(words, " ")) {
				t.Errorf("help of something else:\n%s", out.String())
			}
			if errOut.Len() > 0 {
				t.Errorf("on standard error: %s", errOut.String())
			}
		})
	}
	if leaves < 30 {
		t.Errorf("only %d commands: the walk is broken", leaves)
	}
}

// TestHelpOfNouns asks for a noun alone, and for the program alone.
func TestHelpOfNouns(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"person", "--help"}, {"door", "--help"}} {
		var out, errOut bytes.Buffer
		if code := Main(args, strings.NewReader(""), &out, &errOut); code != 0 || !strings.Contains(out.String(), "Commands:") {
			t.Errorf("%v: exit %d\n%s%s", args, code, out.String(), errOut.String())
		}
	}
}

// TestUsageErrors: what is mistyped ends with status 2 and says where to look.
func TestUsageErrors(t *testing.T) {
	for _, args := range [][]string{
		{}, {"persn"}, {"person"}, {"person", "import"}, {"person", "import", "a", "b"}, {"venue", "list", "--jsonn"},
		{"venue", "code", "three"}, {"serve", "--database-engine", "oracle"}, {"rules", "check"},
		{"venue", "list", "--config", "/nonexistent/amanah.toml"},
	} {
		var out, errOut bytes.Buffer
		code := Main(args, strings.NewReader(""), &out, &errOut)
		if code != 2 || !strings.Contains(errOut.String(), "--help") || out.Len() > 0 {
			t.Errorf("%q: exit %d, out %q, err %q", args, code, out.String(), errOut.String())
		}
	}
}

// TestExitStatuses: no two kinds of error share a status, and the help names each.
func TestExitStatuses(t *testing.T) {
	ended, stop := context.WithCancel(t.Context())
	stop()
	failures := map[error]*console{
		&errPartly{"a part"}:    {ctx: t.Context(), errors: &bytes.Buffer{}},
		&errNotPassed{"a case"}: {ctx: t.Context(), errors: &bytes.Buffer{}},
		context.Canceled:        {ctx: ended, errors: &bytes.Buffer{}},
	}
	for _, k := range fault.Kinds() {
		failures[fmt.Errorf("somewhere: %w", fault.New(k, k.String()))] = &console{ctx: t.Context(), errors: &bytes.Buffer{}}
	}
	seen := map[int]error{}
	for err, c := range failures {
		code := c.fail(err)
		if other, ok := seen[code]; ok || code == 0 {
			t.Errorf("status %d of %v is that of %v, too", code, err, other)
		}
		seen[code] = err
		if !strings.Contains(strings.Join(strings.Fields(about), " "), fmt.Sprintf(" %d ", code)) {
			t.Errorf("the help does not say what status %d is", code)
		}
	}
}
