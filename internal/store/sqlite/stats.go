package sqlite

import (
	"sync/atomic"
	"time"
)

// Stats are counts since Open. A commit that wrote anything is one fsync of the
// log; a checkpoint is about three.
type Stats struct {
	Commits        uint64 // group and bulk commits
	Closures       uint64 // Updates run, failed ones included
	Failed         uint64 // Updates whose closure failed
	Slow           uint64 // closures that used up their own time
	Lost           uint64 // batches given up whole
	Bulks          uint64 // Bulk closures run
	Views          uint64 // Views run
	Cuts           uint64 // Views cut for the log's sake
	Checkpoints    uint64 // times the log was written back
	Unkept         uint64 // times looking after the log failed
	CommitTime     time.Duration
	CheckpointTime time.Duration
	LogPages       int  // length of the log, in pages
	Waiting        int  // Updates queued now
	Broken         bool // writes are refused until the database is opened again
}

type counters struct {
	commits, closures, failed, slow, lost, bulks, cuts, checkpoints, unkept atomic.Uint64

	commitTime, checkpointTime, log atomic.Int64
	broken                          atomic.Bool
}

// Stats returns the counts, for metrics.
func (db *DB) Stats() Stats {
	c := &db.writer.stats
	return Stats{
		Commits:        c.commits.Load(),
		Closures:       c.closures.Load(),
		Failed:         c.failed.Load(),
		Slow:           c.slow.Load(),
		Lost:           c.lost.Load(),
		Bulks:          c.bulks.Load(),
		Views:          db.readers.views.Load(),
		Cuts:           c.cuts.Load(),
		Checkpoints:    c.checkpoints.Load(),
		Unkept:         c.unkept.Load(),
		CommitTime:     time.Duration(c.commitTime.Load()),
		CheckpointTime: time.Duration(c.checkpointTime.Load()),
		LogPages:       int(c.log.Load()),
		Waiting:        len(db.writer.updates),
		Broken:         c.broken.Load(),
	}
}
