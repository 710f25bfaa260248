package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/amanah-project/amanah/"

// file is one source file outside testdata, with what it imports.
type file struct {
	path    string // from the module's root, slash-separated
	pkg     string // its folder
	test    bool
	imports []string
	syntax  *ast.File
	lines   int
	fset    *token.FileSet
}

func sources(t *testing.T) []file {
	t.Helper()
	var out []file
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != ".." && (name == "testdata" || name == "tools" || strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		fset := token.NewFileSet()
		syntax, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel("..", path)
		if err != nil {
			return err
		}
		f := file{path: filepath.ToSlash(rel), test: strings.HasSuffix(name, "_test.go"), syntax: syntax, fset: fset}
		f.pkg = filepath.ToSlash(filepath.Dir(rel))
		f.lines = fset.File(syntax.Pos()).LineCount()
		for _, i := range syntax.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, p)
		}
		out = append(out, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("found only %d source files: the walk is broken", len(out))
	}
	return out
}

// never lists, for packages below from, the imports that would turn the
// direction of the house. A rule without except holds for all.
var never = []struct {
	from   string
	to     []string
	except []string
	why    string
}{
	{"internal/domain", []string{"internal/store", "internal/web", "internal/flow", "internal/keeper", "internal/app", "internal/cli"}, nil, "the domain knows no adapters"},
	{"internal/format", []string{"internal/domain", "internal/store", "internal/flow", "internal/web"}, nil, "formats know no domain"},
	{"internal/flow", []string{"internal/web", "internal/app", "internal/cli", "internal/store/"}, nil, "flows know ports, not edges"},
	{"internal/web", []string{"internal/store/", "internal/app", "internal/cli"}, nil, "the web knows no store adapter"},
	{"internal/keeper", []string{"internal/store/", "internal/web", "internal/flow", "internal/app", "internal/cli"}, nil, "the keeper knows no server"},
	{"internal/trace", []string{"internal/store", "internal/web", "internal/flow", "internal/keeper", "internal/app", "internal/cli"}, nil, "a trace reads files and an index, and knows no server"},
	{"internal/store", []string{"internal/web", "internal/flow", "internal/keeper", "internal/app", "internal/cli"}, nil, "adapters point inward"},
	{"internal", []string{"internal/cli"}, []string{"internal/cli"}, "only main calls the command line"},
	{"internal", []string{"internal/app"}, []string{"internal/cli", "internal/app", "internal/bench", "internal/demo"}, "only the command line wires"},
	{"internal", []string{"internal/web/contract"}, []string{"internal/web/contract"}, "the contract is for tests"},
	{"internal", []string{"internal/keeper/root"}, []string{"internal/keeper/root", "internal/keeper/server", "internal/keeper/keepertest", "internal/app"}, "the root key is reached by the keeper's wiring and the commands about its credential alone"},
	{"internal", []string{"internal/keeper/people", "internal/keeper/gate", "internal/keeper/traces", "internal/keeper/backups", "internal/keeper/lent"}, []string{"internal/keeper/server"}, "keys are reached by what the keeper answers alone, and by no other part"},
	{"internal", []string{"internal/keeper/days"}, []string{"internal/keeper/gate", "internal/keeper/server"}, "days' keys are reached by the gate, which seals under them, and what the keeper answers"},
	{"internal/keeper/people", []string{"internal/keeper/permit"}, nil, "who holds people's keys asks nobody"},
	{"internal/keeper/permit", []string{"internal/keeper/seal"}, nil, "who says who may opens nothing"},
	{"client", []string{"internal"}, nil, "public packages import nothing internal"},
	{"client", []string{"client/certify"}, []string{"client/certify"}, "an app does not carry what examines it"},
	{"ohttp", []string{"internal", "client"}, nil, "public packages import nothing internal"},
	{"verify", []string{"internal", "client", "ohttp"}, nil, "public packages import nothing internal"},
}

// only lists packages outside the module that may be imported below some
// folders and nowhere else.
var only = []struct {
	pkg string
	in  []string
}{
	{"database/sql", []string{"internal/store"}},
	{"zombiezen.com/go/sqlite", []string{"internal/store/sqlite"}},
	{"github.com/jackc/pgx", []string{"internal/store/postgres"}},
	{"net/http", []string{"internal/web", "client", "ohttp", "internal/store/s3", "internal/tlog", "internal/notify", "internal/bench", "internal/app", "internal/demo", "internal/telemetry"}},
	{"github.com/prometheus", []string{"internal/telemetry"}},
	{"github.com/alecthomas/kong", []string{"internal/cli"}},
	{"cel.dev/cel-go", []string{"internal/domain/status"}},
	{"github.com/santhosh-tekuri/jsonschema", []string{"internal/web/contract"}},
}

func below(path, folder string) bool {
	return path == strings.TrimSuffix(folder, "/") || strings.HasPrefix(path, strings.TrimSuffix(folder, "/")+"/")
}

func reaches(imported, folder string) bool {
	rel, ours := strings.CutPrefix(imported, module)
	if !ours {
		return false
	}
	if strings.HasSuffix(folder, "/") { // what is below it, not itself
		return strings.HasPrefix(rel, folder)
	}
	return below(rel, folder)
}

func anyBelow(path string, folders []string) bool {
	for _, f := range folders {
		if below(path, f) {
			return true
		}
	}
	return false
}

// turns says why a package may not import another, rule by rule.
func turns(pkg, imported string) (why []string) {
	for _, r := range never {
		if !below(pkg, r.from) || anyBelow(pkg, r.except) {
			continue
		}
		for _, to := range r.to {
			if reaches(imported, to) {
				why = append(why, r.why)
			}
		}
	}
	return why
}

func TestImportsRunDown(t *testing.T) {
	for _, f := range sources(t) {
		if f.test {
			continue
		}
		for _, imported := range f.imports {
			for _, why := range turns(f.pkg, imported) {
				t.Errorf("%s imports %s: %s", f.path, imported, why)
			}
			for _, o := range only {
				if below(imported, o.pkg) && !anyBelow(f.pkg, o.in) {
					t.Errorf("%s imports %s, which belongs in %v", f.path, imported, o.in)
				}
			}
		}
	}
}

// TestKeysOfPartsAreReachedByTheWiringAlone: of each part of the keeper and each that holds
// keys, whether the one may import the other (decision 16).
func TestKeysOfPartsAreReachedByTheWiringAlone(t *testing.T) {
	may := map[string][]string{
		"root": {"root", "server", "keepertest"}, "people": {"server"}, "gate": {"server"}, "traces": {"server"},
		"backups": {"server"}, "lent": {"server"}, "days": {"gate", "server"},
	}
	parts := []string{
		"root", "people", "journal", "heads", "permit", "desk", "once", "gate", "days", "lent", "traces", "copies", "backups", "client", "wire", "mutual", "keepertest", "server",
	}
	for held, by := range may {
		for _, part := range parts {
			if part == held {
				continue // no package imports itself
			}
			if got := len(turns("internal/keeper/"+part, module+"internal/keeper/"+held)) == 0; got != slices.Contains(by, part) {
				t.Errorf("%s may import %s: %t", part, held, got)
			}
		}
	}
	for from, to := range map[string]string{"people": "permit", "permit": "seal"} {
		if len(turns("internal/keeper/"+from, module+"internal/keeper/"+to)) == 0 {
			t.Errorf("%s may import %s", from, to)
		}
	}
}

func TestPublicVerifierIsStdOnly(t *testing.T) {
	for _, f := range sources(t) {
		if f.test || !below(f.pkg, "verify") {
			continue
		}
		for _, imported := range f.imports {
			if foreign(imported) {
				t.Errorf("%s imports %s: verify is std-only", f.path, imported)
			}
		}
	}
}

// TestHouse holds what style asks of every file: no init, no os.Getenv outside
// app, files of a size that can be read, packages that say what they promise.
func TestHouse(t *testing.T) {
	documented := map[string]bool{}
	packages := map[string]int{}
	for _, f := range sources(t) {
		if f.test {
			continue
		}
		packages[f.pkg] += f.lines
		if f.syntax.Doc != nil {
			documented[f.pkg] = true
		}
		if f.lines > 400 {
			t.Errorf("%s has %d lines, more than 400", f.path, f.lines)
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.Name == "init" {
					t.Errorf("%s has an init function", f.path)
				}
				if l := f.fset.Position(n.End()).Line - f.fset.Position(n.Pos()).Line; l > 80 {
					t.Errorf("%s: %s has %d lines", f.path, n.Name.Name, l)
				}
			case *ast.InterfaceType:
				if len(n.Methods.List) > 7 {
					t.Errorf("%s has an interface of %d methods", f.path, len(n.Methods.List))
				}
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "os" && (n.Sel.Name == "Getenv" || n.Sel.Name == "LookupEnv") &&
					!below(f.pkg, "internal/app") && !below(f.pkg, "internal/store/storetest") { // a contract's child process is told its part this way
					t.Errorf("%s reads the environment", f.path)
				}
			}
			return true
		})
	}
	for pkg := range packages {
		if !documented[pkg] {
			t.Errorf("package %s says nowhere what it promises", pkg)
		}
		for _, banned := range []string{"util", "utils", "common", "models", "services", "helpers", "types"} {
			if strings.HasSuffix(pkg, "/"+banned) {
				t.Errorf("package %s is named for nothing", pkg)
			}
		}
	}
}

// TestImportsAreGrouped: what the standard library has stands apart from what it has not, in
// tests too.
func TestImportsAreGrouped(t *testing.T) {
	for _, f := range sources(t) {
		for i := 1; i < len(f.imports); i++ {
			last, line := f.fset.Position(f.syntax.Imports[i-1].End()).Line, f.fset.Position(f.syntax.Imports[i].Pos()).Line
			if one, two := f.imports[i-1], f.imports[i]; line == last+1 && foreign(one) != foreign(two) {
				t.Errorf("%s: %s and %s stand in one group", f.path, one, two)
			}
		}
	}
}

// foreign reports whether a package is not of the standard library.
func foreign(pkg string) bool { return strings.Contains(strings.Split(pkg, "/")[0], ".") }

// TestKeepersCoreIsReadInOneSitting: what has the root key or people's in clear, and what asks
// people for them, is at most 2,000 lines (decision 16), and no package of the keeper more than
// 1,500. The wiring, which can have both, counts as a package only.
func TestKeepersCoreIsReadInOneSitting(t *testing.T) {
	core, packages := 0, map[string]int{}
	for _, f := range sources(t) {
		if f.test || !below(f.pkg, "internal/keeper") {
			continue
		}
		packages[f.pkg] += f.lines
		if anyBelow(f.pkg, []string{"internal/keeper/root", "internal/keeper/seal", "internal/keeper/people"}) || f.path == "internal/keeper/server/opening.go" {
			core += f.lines
		}
	}
	if core < 1000 || core > 2000 {
		t.Errorf("the keeper's core has %d lines", core)
	}
	for pkg, lines := range packages {
		if lines > 1500 {
			t.Errorf("%s has %d lines", pkg, lines)
		}
	}
}
