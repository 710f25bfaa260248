// Package bench measures what a check-in costs, against the floor of the
// operations it cannot do without, all in one run on one machine.
//
// The server and the keeper are processes of their own; requests are prepared
// before anything is measured and sent by plain connections, each used once. CPU
// is what the kernel charged to the processes over the measured stretch. It
// measures only the machine it runs on: loopback, no TLS, a client beside it.
package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/fault"
)

// Options of a run.
type Options struct {
	People      int
	CheckIns    int    // measured at saturation
	Connections int    // in flight
	Workers     int    // batches in flight at the gate
	Procs       int    // processors that the server may use
	PostgresURL string // a file holding the URL; empty for SQLite
	Data        string // a folder to keep; empty for one that is removed
	Log         io.Writer
}

const (
	venueCount = 200
	warmUp     = 2000
	maxPhones  = 20_000
)

// Result is one run's table.
type Result struct {
	Machine     string
	At          time.Time
	Engine      string
	People      int
	CheckIns    int
	Connections int
	Rate        float64       // check-ins a second at saturation
	Server      time.Duration // CPU per check-in
	Keeper      time.Duration
	Database    time.Duration // of the database's own processes
	PerCore     float64       // check-ins a second for each core of server CPU
	Batch       float64       // mean requests in a commit
	Floor       []Cost
	FloorSum    time.Duration
	Ratio       float64       // of server and keeper to the floor
	P50, P99    time.Duration // at saturation
	Half        Half
	Fsyncs      float64 // per check-in, of the database's files
	FsyncsFrom  string  // how they are known
	Written     float64 // bytes per check-in, server and keeper
	ServerRSS   int64   // bytes, at the end
	KeeperRSS   int64
	Cluster     *Cluster `json:",omitempty"`
	Import      float64  // people with their evidence a second
}

// Cluster is what PostgreSQL's own processes cost, those of all its databases together.
type Cluster struct {
	Written   float64 // bytes per check-in that the kernel charged to them
	LogBytes  float64 // of the write-ahead log per check-in, as the cluster counts
	LogWrites float64 // per check-in
	Memory    int64   // bytes, at the end: proportional shares
	Processes int     // on this host
	Hidden    int     // of them, whose bytes and memory this user may not read
}

// Half is the open loop at half of the maximum; waits count from when a request
// was due.
type Half struct {
	Rate          float64
	P50, P99, Max time.Duration
}

// run is one bench in progress.
type run struct {
	opt  Options
	site *app.Site
	prep preparer
	out  Result
}

// Run measures. It needs Linux.
func Run(ctx context.Context, opt Options) (res Result, err error) {
	if opt.People < 1000 || opt.CheckIns < 1000 || opt.CheckIns > 8*min(opt.People, maxPhones) || opt.Connections < 1 || opt.Connections > 1024 {
		return res, fault.Newf(fault.Invalid, "a bench has at least 1,000 people, 1,000 check-ins and at most 8 for each of %d people, over 1 to 1,024 connections", maxPhones)
	}
	if _, err := used(os.Getpid()); err != nil {
		return res, err
	}
	if opt.Data == "" {
		if opt.Data, err = os.MkdirTemp("", "amanah-bench-"); err != nil {
			return res, err
		}
		defer os.RemoveAll(opt.Data)
	}
	r := &run{opt: opt, prep: preparer{as: day.Of(time.Now())}, out: Result{
		Machine: machine(), At: time.Now().UTC().Truncate(time.Second), Engine: "sqlite", People: opt.People, CheckIns: opt.CheckIns, Connections: opt.Connections,
	}}
	if opt.PostgresURL != "" {
		r.out.Engine = "postgres"
	}
	if r.site, err = app.OpenSite(ctx, app.SiteOptions{Dir: filepath.Join(opt.Data, "site"), PostgresURL: opt.PostgresURL, Workers: opt.Workers, Procs: opt.Procs}); err != nil {
		return res, err
	}
	defer r.site.Close()
	if err := r.all(ctx); err != nil {
		return res, err
	}
	return r.out, nil
}

func (r *run) say(format string, args ...any) { fmt.Fprintf(r.opt.Log, format+"\n", args...) }

func (r *run) all(ctx context.Context) error {
	pin, err := r.found(ctx)
	if err != nil {
		return err
	}
	r.say("starting the server")
	if err := r.site.StartServer(ctx); err != nil {
		return err
	}
	if err := r.prep.learn(ctx, r.site.Platform(), pin); err != nil {
		return err
	}
	spare, err := r.saturate(ctx)
	if err != nil {
		return err
	}
	if err := r.half(ctx); err != nil {
		return err
	}
	if err := r.check(ctx); err != nil {
		return err
	}
	r.site.StopServer()
	return r.ground(ctx, spare)
}

// found registers people, links and venues.
func (r *run) found(ctx context.Context) ([]byte, error) {
	r.say("registering %d synthetic people with their evidence", r.opt.People)
	began := time.Now()
	if _, err := r.site.Synthesize(ctx, seed, r.prep.as, r.opt.People, func(int) {}); err != nil {
		return nil, err
	}
	r.out.Import = float64(r.opt.People) / time.Since(began).Seconds()
	r.say("  %.0f people/s", r.out.Import)
	var err error
	if r.prep.codes, err = places(ctx, r.site, venueCount); err != nil {
		return nil, err
	}
	return r.prep.equip(ctx, r.site, min(r.opt.People, maxPhones))
}

// moment is what is read before and after a stretch.
type moment struct {
	server, keeper usage
	database       charged
	commits, syncs float64
	batches, asks  float64
}

func (r *run) now(ctx context.Context) (m moment, err error) {
	text, err := r.site.Metrics(ctx)
	if err != nil {
		return m, err
	}
	m.commits, m.syncs = metric(text, "amanah_store_commits"), metric(text, "amanah_store_checkpoints")
	m.batches, m.asks = metric(text, "amanah_gate_batch_asks_count"), metric(text, "amanah_gate_batch_asks_sum")
	m.database = database()
	if m.server, err = used(r.site.ServerPID()); err == nil {
		m.keeper, err = used(r.site.KeeperPID())
	}
	return m, err
}

// half measures the open loop at half of the rate found.
func (r *run) half(ctx context.Context) error {
	rate := r.out.Rate / 2
	n := min(int(rate*10), 2*len(r.prep.phones))
	r.say("measuring %d check-ins at %.0f/s", n, rate)
	requests, err := r.prep.make(n)
	if err != nil {
		return err
	}
	f, err := fly(ctx, r.site.Listen(), requests, 2*r.opt.Connections, rate)
	if err != nil {
		return err
	}
	r.out.Half = Half{rate, f.at(0.5), f.at(0.99), f.at(1)}
	return nil
}

// check counts the events in the access log: an answer without its intent would
// make every figure worthless.
func (r *run) check(ctx context.Context) error {
	c, err := r.site.Counts(ctx)
	if err != nil {
		return err
	}
	want := int64(warmUp + r.opt.CheckIns + min(int(r.out.Half.Rate*10), 2*len(r.prep.phones)))
	if c.Intents != want {
		return fault.Newf(fault.Internal, "%d check-ins were answered, but the log holds %d intents", want, c.Intents)
	}
	return nil
}

// ground measures the floor.
func (r *run) ground(ctx context.Context, spent []request) error {
	r.say("measuring the floor")
	http, err := hello(ctx, spent, r.opt.Connections)
	if err != nil {
		return err
	}
	costs, err := floor(r.out.Batch)
	if err != nil {
		return err
	}
	rows, err := stored(ctx, r, max(1, int(r.out.Batch+0.5)))
	if err != nil {
		return err
	}
	r.out.Floor = append(append([]Cost{http}, costs...), rows...)
	for _, c := range r.out.Floor {
		r.out.FloorSum += c.Sum()
	}
	r.out.Ratio = float64(r.out.Server+r.out.Keeper) / float64(r.out.FloorSum)
	return nil
}
