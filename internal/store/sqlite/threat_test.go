package sqlite_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/sqlite"
)

// columns are those of the newest schema, as table.column.
func columns(t *testing.T) map[string]bool {
	t.Helper()
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "amanah.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	out := map[string]bool{}
	err = db.Snapshot(t.Context(), func(s store.Snapshot) error {
		tables, err := s.Tables()
		for _, table := range tables {
			for _, c := range table.Columns {
				out[table.Name+"."+c.Name] = true
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// named are the columns that one cell of the threat model's table names: "table.a, b,
// other.c", "table.*", "table.* except a", or "a of table, other"; several by semicolon.
func named(cell string, all map[string]bool) []string {
	var out []string
	for clause := range strings.SplitSeq(cell, "; ") {
		list, tables, of := strings.Cut(clause, " of ")
		list, except, _ := strings.Cut(list, " except ")
		table := ""
		for name := range strings.SplitSeq(list, ", ") {
			if of {
				for t := range strings.SplitSeq(tables, ", ") {
					out = append(out, t+"."+name)
				}
				continue
			}
			if before, after, ok := strings.Cut(name, "."); ok {
				table, name = before, after
			}
			if name != "*" {
				out = append(out, table+"."+name)
				continue
			}
			n := len(out)
			for c := range all {
				if t, name, _ := strings.Cut(c, "."); t == table && !slices.Contains(strings.Split(except, ", "), name) {
					out = append(out, c)
				}
			}
			if len(out) == n {
				out = append(out, table+".*") // of a table that is not there
			}
		}
	}
	return out
}

// untold returns the columns of which the threat model's table does not say what they
// tell, and those that it names and that are not there.
func untold(text string, all map[string]bool) (lack, extra []string) {
	_, text, _ = strings.Cut(text, "\n## Columns in clear\n")
	text, _, _ = strings.Cut(text, "\n## ")
	told := map[string]bool{}
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(line, "|\n "), " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) != 2 || cells[0] == "table.column" {
			continue
		}
		for _, c := range named(cells[0], all) {
			if told[c] = true; !all[c] {
				extra = append(extra, c)
			}
		}
	}
	for _, c := range slices.Sorted(maps.Keys(all)) {
		if !told[c] {
			lack = append(lack, c)
		}
	}
	return lack, extra
}

// TestThreatModel: docs/threat-model.md says of each column of the newest schema what it
// tells a thief, and names none that is not there. Columns that it does not name, and a
// row about none, are the control.
func TestThreatModel(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/threat-model.md")
	if err != nil {
		t.Fatal(err)
	}
	text, all := string(raw), columns(t)
	if len(all) < 250 {
		t.Fatalf("only %d columns: the schema is not read", len(all))
	}
	if lack, extra := untold(text, all); len(lack)+len(extra) > 0 {
		t.Errorf("not told: %q\nnot there: %q", lack, extra)
	}
	all["identity_link.new"], all["later_table.id"] = true, true
	if lack, _ := untold(text, all); !slices.Equal(lack, []string{"identity_link.new", "later_table.id"}) {
		t.Errorf("of two columns more, not told: %q", lack)
	}
	gone := strings.Replace(text, "\n| table.column | tells |\n|---|---|\n", "\n| table.column | tells |\n|---|---|\n| gone_table.* | x |\n| id of gone_other; venue_visit.gone | x |\n", 1)
	if _, extra := untold(gone, all); !slices.Equal(extra, []string{"gone_table.*", "gone_other.id", "venue_visit.gone"}) {
		t.Errorf("of three that are not there: %q", extra)
	}
}
