package bench

import (
	"context"
	"time"

	"github.com/amanah-project/amanah/internal/store/postgres"
)

// syncsPerCheckpoint is how often SQLite syncs when it writes its log back:
// measured with strace, 3 to 4 times.
const syncsPerCheckpoint = 4

// The ways in which fsyncs are known. Nobody counts the keeper's: it syncs its own files
// by the clock, not by the check-in.
const (
	fromCommits = "derived: one a commit and 4 a checkpoint of SQLite; the keeper's are not counted"
	fromCluster = "as PostgreSQL counts its log's; those of its data files and the keeper's are not counted"
	fromNothing = "PostgreSQL counts none: its fsync is off, or each write of its log syncs"
)

// reported is how long PostgreSQL's processes may keep their counts to themselves.
const reported = 11 * time.Second

// cluster reads what PostgreSQL counted, when all of its processes have reported. It is
// read outside of the measured stretch.
func (r *run) cluster(ctx context.Context) (st postgres.Stats, err error) {
	db, ok := r.site.DB.(*postgres.DB)
	if !ok {
		return st, nil
	}
	r.say("waiting %s for PostgreSQL's counts", reported)
	select {
	case <-ctx.Done():
		return st, ctx.Err()
	case <-time.After(reported):
	}
	return db.Stats(ctx)
}

// saturate measures the closed loop; it returns spent requests, of the same sizes.
func (r *run) saturate(ctx context.Context) ([]request, error) {
	r.say("preparing %d check-ins", warmUp+r.opt.CheckIns)
	requests, err := r.prep.make(warmUp + r.opt.CheckIns)
	if err != nil {
		return nil, err
	}
	if _, err := fly(ctx, r.site.Listen(), requests[:warmUp], r.opt.Connections, 0); err != nil {
		return nil, err
	}
	logBefore, err := r.cluster(ctx)
	if err != nil {
		return nil, err
	}
	before, err := r.now(ctx)
	if err != nil {
		return nil, err
	}
	r.say("measuring %d check-ins over %d connections", r.opt.CheckIns, r.opt.Connections)
	f, err := fly(ctx, r.site.Listen(), requests[warmUp:], r.opt.Connections, 0)
	if err != nil {
		return nil, err
	}
	after, err := r.now(ctx)
	if err != nil {
		return nil, err
	}
	logAfter, err := r.cluster(ctx)
	if err != nil {
		return nil, err
	}
	r.out.charge(f, before, after)
	if r.out.Engine == "postgres" {
		r.out.chargeCluster(f.Answered, before.database, after.database, logBefore, logAfter)
	}
	return requests[warmUp:], nil
}

// charge divides what was used between two moments among the check-ins.
func (o *Result) charge(f *flight, before, after moment) {
	n := time.Duration(f.Answered)
	server, keeper := after.server.since(before.server), after.keeper.since(before.keeper)
	o.Rate, o.P50, o.P99 = float64(f.Answered)/f.Took.Seconds(), f.at(0.5), f.at(0.99)
	o.Server, o.Keeper, o.Database = server.CPU/n, keeper.CPU/n, after.database.since(before.database.usage).CPU/n
	o.PerCore = float64(time.Second) / float64(o.Server)
	o.Batch = (after.asks - before.asks) / (after.batches - before.batches)
	o.Fsyncs = (after.commits - before.commits + syncsPerCheckpoint*(after.syncs-before.syncs)) / float64(n)
	o.FsyncsFrom = fromCommits
	o.Written = float64(server.Written+keeper.Written) / float64(n)
	o.ServerRSS, o.KeeperRSS = server.Memory, keeper.Memory
}

// chargeCluster does so with what PostgreSQL and the kernel counted of PostgreSQL.
func (o *Result) chargeCluster(answered int, before, after charged, logBefore, logAfter postgres.Stats) {
	each := func(count int64) float64 { return float64(count) / float64(answered) }
	o.Fsyncs, o.FsyncsFrom = each(logAfter.LogSyncs-logBefore.LogSyncs), fromCluster
	if o.Fsyncs == 0 {
		o.FsyncsFrom = fromNothing
	}
	o.Cluster = &Cluster{
		Written:  each(after.Written - before.Written),
		LogBytes: each(logAfter.LogBytes - logBefore.LogBytes), LogWrites: each(logAfter.LogWrites - logBefore.LogWrites),
		Memory: after.Memory, Processes: after.processes, Hidden: after.hidden,
	}
}
