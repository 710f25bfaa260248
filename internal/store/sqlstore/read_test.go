package sqlstore

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/store"
)

// statements are the constants of this package that are SQL, by name.
func statements(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	consts := map[string]ast.Expr{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		ast.Inspect(file, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.ValueSpec:
				for i, id := range node.Names {
					if i < len(node.Values) {
						consts[id.Name] = node.Values[i]
					}
				}
			case *ast.CompositeLit:
				for _, e := range node.Elts {
					n++
					consts[name+strconv.Itoa(n)] = e
				}
			}
			return true
		})
	}
	out := map[string]string{}
	var text func(e ast.Expr) (string, bool)
	text = func(e ast.Expr) (string, bool) {
		switch e := e.(type) {
		case *ast.BasicLit:
			s, err := strconv.Unquote(e.Value)
			return s, err == nil && e.Kind == token.STRING
		case *ast.Ident:
			if of, ok := consts[e.Name]; ok && of != ast.Expr(e) {
				return text(of)
			}
		case *ast.BinaryExpr:
			a, ok := text(e.X)
			b, ok2 := text(e.Y)
			return a + b, ok && ok2
		}
		return "", false
	}
	for name, e := range consts {
		if s, ok := text(e); ok {
			out[name] = s
		}
	}
	return out
}

// tablesOf reads the ledger's tables out of the migrations: their primary keys are enough.
func tablesOf(t *testing.T) (out []store.Table) {
	t.Helper()
	files, err := filepath.Glob("../sqlite/migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	create := regexp.MustCompile(`(?s)CREATE TABLE (\w+) \((.*?)\n\)`)
	column := regexp.MustCompile(`(?m)^\s+([a-z]\w*)\s+(INTEGER|BLOB|TEXT)(.*)$`)
	together := regexp.MustCompile(`PRIMARY KEY \(([^)]*)\)`)
	for _, name := range files {
		sql, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range create.FindAllStringSubmatch(string(sql), -1) {
			table := store.Table{Name: m[1]}
			keys := map[string]int{}
			if k := together.FindStringSubmatch(m[2]); k != nil {
				for i, c := range strings.Split(k[1], ",") {
					keys[strings.TrimSpace(c)] = i + 1
				}
			}
			for _, c := range column.FindAllStringSubmatch(m[2], -1) {
				key := keys[c[1]]
				if strings.Contains(c[3], "PRIMARY KEY") {
					key = 1
				}
				table.Columns = append(table.Columns, store.Column{Name: c[1], Kind: store.IntValue, Key: key})
			}
			out = append(out, table)
		}
	}
	return out
}

// TestEveryStatementIsHeld: each statement that reads or writes a table of the ledger is one
// whose rows are held against it.
func TestEveryStatementIsHeld(t *testing.T) {
	l := NewLedger(store.LedgerKey("key"), tablesOf(t))
	if len(l.rows) != len(store.LedgerTables()) {
		t.Fatalf("%d tables of %d", len(l.rows), len(store.LedgerTables()))
	}
	// Why others need not be.
	argued := map[string]string{
		"claimants": "each person's binding is held afterwards",
		"putFollow": "the engine gives the number, so that it is nobody's",
	}
	from := regexp.MustCompile(`\b(?:FROM|JOIN|INTO|UPDATE) "?(\w+)"?`)
	reads, lookups, writes := 0, 0, 0
	for name, sql := range statements(t) {
		verb, _, _ := strings.Cut(line(sql), " ")
		ours := false
		for _, m := range from.FindAllStringSubmatch(sql, -1) {
			_, is := l.rows[m[1]]
			ours = ours || is
		}
		if _, ok := argued[name]; !ours || ok {
			continue
		}
		switch verb {
		case "SELECT":
			reads++
			rd := l.reads(sql)
			if rd == nil {
				t.Errorf("%s is read as it lies there", name)
			} else if rd.keys != nil {
				lookups++
			}
		case "INSERT", "UPDATE":
			writes++
			if n := l.of(sql); n == nil || n.keys == nil {
				t.Errorf("%s writes over what was altered", name)
			}
		}
	}
	if reads < 40 || lookups < 15 || writes < 30 {
		t.Errorf("%d reads, %d of them by primary key, %d writes: fewer than there are", reads, lookups, writes)
	}
}
