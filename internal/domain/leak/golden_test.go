package leak_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/leak"
)

var update = flag.Bool("update", false, "write the golden file anew")

// TestWeighedGolden: what small samples come to, frozen and weighed, to the last digit of what
// it came to before there was a bound on how much is weighed.
func TestWeighedGolden(t *testing.T) {
	copies := holdings(40)
	for j := range copies {
		if j%3 == 0 {
			continue // has every row
		}
		copies[j].Rows = []leak.Row{}
		for r := range 150 {
			if (r+j)%5 != 0 {
				copies[j].Rows = append(copies[j].Rows, base.Row([]byte{byte(r), byte(r >> 8)}))
			}
		}
		slices.Sort(copies[j].Rows)
	}
	samples := map[string]leak.Sample{"one": sampleOf(7, 60), "decoy": sampleOf(1000, 60), "nothing": {}}
	merged := leak.Sample{}
	for i, o := range sampleOf(3, 150).Cells {
		from := seedOf([]int{4, 8, 12}[(i/4)%3])
		o.Symbol = from.Symbol(&base, o.Cell)
		merged.Cells = append(merged.Cells, o)
		if i%40 == 0 {
			merged.Tokens = append(merged.Tokens, leak.SeenToken{Row: o.Cell.Row, Token: from.Token(o.Cell.Row)}, leak.SeenToken{Token: from.Token(o.Cell.Row)})
			merged.Documents = append(merged.Documents, leak.SeenToken{Row: o.Cell.Row, Token: from.Identifier(o.Cell.Row)})
		}
		if i%97 == 0 {
			o.Symbol = !o.Symbol
			merged.Cells = append(merged.Cells, o)
		}
		if o.Cell.Family == families[2] {
			merged.Cells[len(merged.Cells)-1].Symbol = true
		}
	}
	samples["merged"] = merged
	var b strings.Builder
	for _, name := range []string{"nothing", "one", "decoy", "merged"} {
		f := leak.Freeze(samples[name])
		fmt.Fprintf(&b, "%s %x dead %v differ %d\n", name, f.Digest(), f.Dead(), f.Differ())
		for _, e := range f.Weigh(&base, copies) {
			fmt.Fprintf(&b, "%x %.6f", e.Copy[:2], e.LnE)
			for _, p := range e.Parts {
				fmt.Fprintf(&b, "; %s %d/%d %.6f", p.Domain, p.Found, p.Used, p.LnE)
			}
			b.WriteString("\n")
		}
	}
	const path = "testdata/weighed.golden"
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Error(d)
	}
}
