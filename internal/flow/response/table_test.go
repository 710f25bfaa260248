package response_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/flow/response"
	"github.com/amanah-project/amanah/internal/trace/dump"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestTable: the table that people read says, for each grade that was given, what it means and
// what would refute it, in English and in Indonesian; and of each file that was not read whole,
// how many bytes were skipped and why, a password among the reasons.
func TestTable(t *testing.T) {
	c := response.Case{
		Trace: "R-1", N: 2, Frozen: "ab", Copies: 3, Threshold: 8.5, Decoys: response.Control{Copies: 1000, Most: 1.5},
		Ours: leak.Ours{Finding: leak.Proven, Share: 0.5},
		Found: []response.Found{
			{Copy: "c0ffee", Grade: leak.Established, Log10E: 40, Parts: []leak.Part{{Domain: leak.Tokens, Found: 7, Used: 7}}},
			{Copy: "0ddba11", Grade: leak.CannotTell, Log10E: -2}, {Account: "staff-1", Grade: leak.CannotTell},
		},
		Files: []response.File{
			{Number: 0, Parent: -1, Kind: dump.Zip, Size: 1000, Parsed: 700, Skipped: []dump.Skipped{{Why: dump.Locked, Bytes: 290}, {Why: dump.Rest, Bytes: 10}}},
			{Number: 1, Parent: 0, Kind: dump.Table, Size: 4000, Parsed: 4000},
		},
	}
	for i := range 60 {
		c.Files = append(c.Files, response.File{Number: 2 + i, Parent: -1, Kind: dump.Unknown, Size: 5, Skipped: []dump.Skipped{{Why: dump.Binary, Bytes: 5}}})
	}
	golden := filepath.Join("testdata", "table.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(c.Table()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), c.Table()); d != "" {
		t.Error(d)
	}
}
