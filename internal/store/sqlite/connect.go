package sqlite

import (
	"fmt"
	"time"

	zs "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// busy is how long a statement waits for another process that has the file.
const busy = 5 * time.Second

// pageSize is half of SQLite's own: random keys touch a page of each index, and
// what is written for one is a page. Its balancing of pages also asks for working
// room by the page's size, which above 16 KiB the allocator maps and unmaps each
// time: at 4,096 that was a fifth of an import's CPU.
const pageSize = "2048"

// pragma is a setting and the value that must be read back; none when it may differ.
type pragma struct{ name, set, want string }

// pragmas says how a connection works. The writer checkpoints by itself, after
// the answers have left; temporary tables would be files in clear; deleted rows
// are overwritten.
func pragmas(flags zs.OpenFlags, cache int) []pragma {
	p := []pragma{
		{"page_size", pageSize, ""}, // before the file has its first page; an older one keeps its own
		{"journal_mode", "WAL", "wal"},
		{"synchronous", "FULL", "2"},
		{"foreign_keys", "ON", "1"},
		{"temp_store", "MEMORY", "2"},
		{"trusted_schema", "OFF", "0"},
		{"cell_size_check", "ON", "1"},
		{"cache_size", fmt.Sprint(-cache), fmt.Sprint(-cache)},
		{"wal_autocheckpoint", "0", "0"},
	}
	if flags == reading {
		return append(p[2:], pragma{"query_only", "ON", "1"})
	}
	return append(p, pragma{"secure_delete", "ON", "1"}, pragma{"journal_size_limit", "67108864", "67108864"})
}

// connect opens a connection and refuses one that did not take its settings.
func connect(path string, flags zs.OpenFlags, cache int) (*zs.Conn, error) {
	conn, err := zs.OpenConn(path, flags)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", translate(err))
	}
	conn.SetBusyTimeout(busy)
	if err := configure(conn, pragmas(flags, cache)); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func configure(conn *zs.Conn, list []pragma) error {
	for _, p := range list {
		if err := sqlitex.ExecuteTransient(conn, "PRAGMA "+p.name+"="+p.set, nil); err != nil {
			return fmt.Errorf("set %s: %w", p.name, translate(err))
		}
		var got string
		err := sqlitex.ExecuteTransient(conn, "PRAGMA "+p.name, &sqlitex.ExecOptions{
			ResultFunc: func(s *zs.Stmt) error {
				got = s.ColumnText(0)
				return nil
			},
		})
		if err != nil {
			return fmt.Errorf("read %s: %w", p.name, translate(err))
		}
		if p.want != "" && got != p.want {
			return fmt.Errorf("the database does not take %s=%s: it says %q", p.name, p.set, got)
		}
	}
	return conn.SetDefensive(true)
}
