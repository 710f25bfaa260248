package postgres

import (
	"context"

	"github.com/amanah-project/amanah/internal/store/sqlstore"
)

// Stats are counts of the whole cluster since they were last reset, of this program's
// databases and of all others in it.
type Stats struct {
	LogBytes  int64 // of the write-ahead log
	LogWrites int64 // times that a part of it was handed to the system
	LogSyncs  int64 // times that it was synced; none with fsync off
}

// A server of version 18 has the writes and syncs of the log in pg_stat_io, one before
// it beside its bytes; before version 14 nobody counts.
const (
	statsVersion = `SELECT current_setting('server_version_num')::bigint`
	stats14      = `SELECT wal_bytes::bigint, wal_write::bigint, wal_sync::bigint FROM pg_stat_wal`
	stats18      = `SELECT w.wal_bytes::bigint, COALESCE(sum(i.writes), 0)::bigint, COALESCE(sum(i.fsyncs), 0)::bigint
		FROM pg_stat_wal w LEFT JOIN pg_stat_io i ON i.object = 'wal' GROUP BY w.wal_bytes`
)

// Stats returns the counts. A process of the server reports what it did at most once a
// second, and for the last time ten seconds after it became idle.
func (db *DB) Stats(ctx context.Context) (st Stats, err error) {
	err = db.run(ctx, kind{begin: beginView, silence: 2 * db.opt.Statement}, func(s *session) error {
		version := int64(0)
		one := func(sql string, scan func(r sqlstore.Row)) error {
			return s.QueryEach(sql, 1, func(int, *sqlstore.Args) {}, func(_ int, r sqlstore.Row) error {
				scan(r)
				return nil
			})
		}
		if err := one(statsVersion, func(r sqlstore.Row) { version = r.Int(0) }); err != nil {
			return err
		}
		sql := stats14
		if version >= 180000 {
			sql = stats18
		}
		return one(sql, func(r sqlstore.Row) { st = Stats{r.Int(0), r.Int(1), r.Int(2)} })
	})
	return st, err
}
