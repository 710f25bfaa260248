package cli

import (
	"fmt"
	"time"

	"github.com/amanah-project/amanah/internal/bench"
)

type benchVaultCmd struct {
	Patients int    `default:"1000" help:"Synthetic patients."`
	Each     int    `default:"50" help:"Resources of each."`
	Opens    int    `default:"4000" help:"Records opened one by one."`
	Docs     int    `name:"documents" default:"1000" help:"Documents of 50 kB that are kept; of 100 MB a hundredth as many."`
	Data     string `help:"Folder to keep the bench's data in; by default it is removed."`
	JSON     bool   `help:"Print JSON."`
}

// Help says what is measured.
func (benchVaultCmd) Help() string {
	return `Documents are sealed and opened in memory, beside the raw cipher of the same run;
documents are kept on the disk by number; synthetic patients' resources are imported from NDJSON, registered on the way; records
are opened through a keeper that is a process of its own, each under an intent that is
durable first, by the operator: a caller's signature costs besides what docs/performance.md
says of it. It needs Linux, and a machine that does nothing else.

Examples:
  amanah bench vault
  amanah bench vault --patients 20000 --json`
}

// Run measures and prints one table.
func (cmd *benchVaultCmd) Run(c *console) error {
	v, err := bench.RunVault(c.ctx, bench.VaultOptions{Patients: cmd.Patients, Each: cmd.Each, Opens: cmd.Opens, Documents: cmd.Docs, Data: cmd.Data, Log: c.errors})
	if err != nil {
		return err
	}
	return c.table(cmd.JSON, v, []string{"FIGURE", "VALUE", ""}, func(row func(...any)) {
		row("machine", v.Machine, v.At.Format(time.RFC3339))
		for i, what := range []string{"sealing", "opening"} {
			row(what, fmt.Sprintf("%.2f GB/s", v.Sealed[i]), fmt.Sprintf("of a core; raw AES-256-GCM %.2f GB/s, ratio %.2f", v.Raw[i], v.Ratio[i]))
		}
		row("overhead", fmt.Sprintf("%.3f %%", 100*v.Overhead), "of a sealed document of 1 MiB")
		row("import", fmt.Sprintf("%.0f/s", v.Rate), fmt.Sprintf("%d resources, patients registered on the way", v.Resources))
		row("import CPU", micros(v.ImportCPU), "per resource, and the keeper "+micros(v.KeeperCPU))
		row("stored", fmt.Sprintf("%.0f B", v.Stored), fmt.Sprintf("per resource of %.0f B of JSON, database and keeper", v.Plain))
		row("memory", fmt.Sprintf("%d MiB", v.Memory>>20), fmt.Sprintf("keeper %d MiB", v.KeeperMemory>>20))
		for _, o := range v.Opens {
			row("opens", fmt.Sprintf("%.0f/s", o.Rate), fmt.Sprintf("%d in flight, p50 %s p99 %s", o.Flight, short(o.P50), short(o.P99)))
		}
		for _, d := range v.Documents {
			row("documents", fmt.Sprintf("%.1f/s", d.Rate), fmt.Sprintf("of %d kB, %d in flight, %.0f MB/s, CPU %s, of it the kernel's %s, and of the keeper %s each, %d MiB resident",
				d.Size/1000, d.Flight, d.Bytes/1e6, micros(d.CPU), micros(d.Kernel), micros(d.KeeperCPU), d.Memory>>20))
		}
		row("SHA-256", fmt.Sprintf("%.2f GB/s", v.InStore.Hash), "of a core; each document is hashed twice as it is kept, in the clear and sealed")
		row("opening", fmt.Sprintf("%.2f GB/s", v.InStore.Open), fmt.Sprintf("of a core, of a stored document of 100 MB; %.0f MB/s", v.InStore.OpenRate/1e6))
	})
}
