package verify

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The package stands on the standard library alone, tests included, and has no
// way to open a URL, a file or a clock of its own.
func TestImports(t *testing.T) {
	const self = "github.com/amanah-project/amanah/verify" // of external tests
	barred := []string{"net", "net/http", "net/url", "os", "os/exec", "syscall", "unsafe", "reflect", "plugin"}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		test := strings.HasSuffix(file, "_test.go")
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range f.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(path, "/")
			if strings.Contains(first, ".") && !(test && path == self) {
				t.Errorf("%s imports %s, which is not of the standard library", file, path)
			}
			if !test && slices.Contains(barred, path) {
				t.Errorf("%s imports %s, which verification has no use for", file, path)
			}
		}
	}
}
