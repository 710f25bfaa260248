package cli

import (
	"fmt"
	"time"

	"github.com/amanah-project/amanah/internal/bench"
)

type benchLeakCmd struct {
	People int    `default:"200000" help:"Synthetic people in the index."`
	Rows   int    `default:"200000" help:"Rows of the dump, some 180 bytes each."`
	Data   string `help:"Folder to keep the bench's data in; by default it is removed."`
	JSON   bool   `help:"Print JSON."`
}

// Help says what is measured.
func (benchLeakCmd) Help() string {
	return `A dump of synthetic people is searched for NIKs, held against an index of them, and
traced row by row; wc and, where it is installed, ripgrep read the same file in the same
run. Speeds are of CPU time. It needs Linux, a machine that does nothing else, and some
700 bytes of memory for each person while the index is loaded.

Examples:
  amanah bench leak
  amanah bench leak --people 6000000 --rows 6000000 --json`
}

// Run measures and prints one table.
func (cmd *benchLeakCmd) Run(c *console) error {
	l, err := bench.RunLeak(c.ctx, bench.LeakOptions{People: cmd.People, Rows: cmd.Rows, Data: cmd.Data, Log: c.errors})
	if err != nil {
		return err
	}
	return c.table(cmd.JSON, l, []string{"FIGURE", "VALUE", ""}, func(row func(...any)) {
		row("machine", l.Machine, l.At.Format(time.RFC3339))
		row("dump", fmt.Sprintf("%.2f GB", float64(l.Bytes)/1e9), fmt.Sprintf("%d rows; %d people in the index", l.Rows, l.People))
		row("index", fmt.Sprintf("%.1f B", l.Identity), fmt.Sprintf("a person, decoys included; %.1f B a record's version", l.Version))
		row("table", fmt.Sprintf("%d MiB", l.Table>>20), fmt.Sprintf("of memory, loaded and keyed for a job in %s", short(l.Load)))
		row("extraction", fmt.Sprintf("%.2f GB/s", l.Extract), "of a core")
		row("look-up", fmt.Sprintf("%.2f GB/s", l.LookUp), fmt.Sprintf("of a core; %d NIKs of the index's people", l.Found))
		t := l.RowsTrace
		row("traced", fmt.Sprintf("%.0f rows/s", t.PerSec), fmt.Sprintf("%d rows in %s on two goroutines, CPU %s, %.2f GB/s; %d matched, %d records", t.Rows, short(t.Took), short(t.CPU), t.GBps, t.Matched, t.Records))
		row("memory", fmt.Sprintf("%d MiB", t.Memory>>20), "resident while tracing, the table included")
		for _, o := range []struct {
			name string
			bench.Other
		}{{"wc -l", l.Lines}, {"rg -c", l.Grep}, {"rg -F -f", l.Patterns}} {
			if o.GBps == 0 {
				row(o.name, "", o.Note)
				continue
			}
			row(o.name, fmt.Sprintf("%.3f GB/s", o.GBps), o.Note)
		}
	})
}
