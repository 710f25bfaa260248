package cli

import (
	"fmt"
	"time"

	"github.com/amanah-project/amanah/internal/bench"
)

type benchCmd struct {
	Gate  benchGateCmd  `cmd:"" help:"Measure check-ins: rate, CPU against the floor, latency, fsyncs, memory."`
	Vault benchVaultCmd `cmd:"" help:"Measure the vault: sealing, import of records, opening, memory."`
	Leak  benchLeakCmd  `cmd:"" help:"Measure tracing: extraction, keyed look-up, rows traced, beside wc and ripgrep."`
	Hello benchHelloCmd `cmd:"" hidden:"" help:"Serve the floor of HTTP, for bench gate."`
}

type benchGateCmd struct {
	People      int    `default:"20000" help:"Synthetic people."`
	CheckIns    int    `default:"40000" help:"Check-ins measured at saturation."`
	Connections int    `default:"64" help:"Requests in flight."`
	Workers     int    `default:"1" help:"Batches in flight at the gate."`
	Procs       int    `default:"1" help:"Processors that the server may use."`
	PostgresURL string `name:"postgres-url-file" help:"Measure on PostgreSQL: a file holding the URL of an empty database."`
	Data        string `help:"Folder to keep the bench's data in; by default it is removed."`
	JSON        bool   `help:"Print JSON."`
}

// Help says what is measured.
func (benchGateCmd) Help() string {
	return `A keeper and a server run as processes of their own on loopback. Requests are
prepared beforehand; the floor's operations are measured in the same run. It needs
Linux, and a machine that does nothing else.

Examples:
  amanah bench gate
  amanah bench gate --people 1000000 --json
  POSTGRES_FSYNC=on scripts/postgres.sh sh -c 'umask 077; printenv TEST_POSTGRES >url;
      amanah bench gate --postgres-url-file url'`
}

// Run measures and prints one table.
func (cmd *benchGateCmd) Run(c *console) error {
	r, err := bench.Run(c.ctx, bench.Options{
		People: cmd.People, CheckIns: cmd.CheckIns, Connections: cmd.Connections, Workers: cmd.Workers, Procs: cmd.Procs,
		PostgresURL: cmd.PostgresURL, Data: cmd.Data, Log: c.errors,
	})
	if err != nil {
		return err
	}
	return c.table(cmd.JSON, r, []string{"FIGURE", "VALUE", ""}, func(row func(...any)) {
		row("machine", r.Machine, r.At.Format(time.RFC3339))
		row("database", r.Engine, fmt.Sprintf("%d people", r.People))
		row("check-ins", fmt.Sprintf("%.0f/s", r.Rate), fmt.Sprintf("%d over %d connections, p50 %s p99 %s", r.CheckIns, r.Connections, short(r.P50), short(r.P99)))
		row("per server core", fmt.Sprintf("%.0f/s", r.PerCore), "")
		row("server CPU", micros(r.Server), "per check-in")
		row("keeper CPU", micros(r.Keeper), "per check-in")
		row("database CPU", micros(r.Database), "per check-in, processes of its own")
		for _, f := range r.Floor {
			row("floor", micros(f.Sum()), fmt.Sprintf("%s: %s × %.2f", f.Name, micros(f.Each), f.Times))
		}
		row("floor, sum", micros(r.FloorSum), "")
		row("ratio", fmt.Sprintf("%.2f", r.Ratio), "server and keeper to floor")
		row("at half", fmt.Sprintf("%.0f/s", r.Half.Rate), fmt.Sprintf("p50 %s p99 %s max %s", short(r.Half.P50), short(r.Half.P99), short(r.Half.Max)))
		row("mean batch", fmt.Sprintf("%.1f", r.Batch), "")
		row("fsyncs", fmt.Sprintf("%.4f", r.Fsyncs), "per check-in, "+r.FsyncsFrom)
		row("written", fmt.Sprintf("%.0f B", r.Written), "per check-in, server and keeper")
		row("memory", fmt.Sprintf("%d MiB", r.ServerRSS>>20), fmt.Sprintf("server; keeper %d MiB", r.KeeperRSS>>20))
		clusterRows(r.Cluster, row)
		row("import", fmt.Sprintf("%.0f/s", r.Import), "people with their evidence")
	})
}

// clusterRows are those of PostgreSQL's own processes.
func clusterRows(p *bench.Cluster, row func(...any)) {
	if p == nil {
		return
	}
	row("log", fmt.Sprintf("%.0f B", p.LogBytes), fmt.Sprintf("of PostgreSQL's write-ahead log per check-in, in %.4f writes", p.LogWrites))
	if p.Processes == 0 || p.Hidden > 0 {
		row("written", "unknown", fmt.Sprintf("by PostgreSQL: of its %d processes on this host, %d let only their owner and root look", p.Processes, p.Hidden))
		return
	}
	row("written", fmt.Sprintf("%.0f B", p.Written), "per check-in, PostgreSQL, the log among it")
	row("memory", fmt.Sprintf("%d MiB", p.Memory>>20), fmt.Sprintf("PostgreSQL, %d processes, what they share counted once", p.Processes))
}

func micros(d time.Duration) string {
	return fmt.Sprintf("%.1f µs", float64(d)/float64(time.Microsecond))
}

func short(d time.Duration) string { return d.Round(10 * time.Microsecond).String() }

type benchHelloCmd struct {
	Addr string `arg:"" help:"Address to listen on."`
}

// Run serves until standard input ends.
func (cmd *benchHelloCmd) Run(c *console) error { return bench.Hello(c.in, cmd.Addr) }
