package sqlite_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	zs "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/sqlite"
	"github.com/amanah-project/amanah/internal/store/storetest"
)

func open(t *testing.T) store.DB {
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "amanah.db"), sqlite.Options{Limit: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestContract(t *testing.T) { storetest.Run(t, open) }

// TestContractNoted is the contract over a database that keeps a ledger.
func TestContractNoted(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.DB {
		db := open(t)
		if err := db.(*sqlite.DB).KeepLedger(t.Context(), store.LedgerKey("key"), true); err != nil {
			t.Fatal(err)
		}
		return db
	})
}

func TestLedger(t *testing.T) {
	storetest.RunLedger(t, func(t *testing.T) (db, other storetest.LedgerDB, exec func(sql string)) {
		path := filepath.Join(t.TempDir(), "amanah.db")
		open := func() *sqlite.DB {
			db, err := sqlite.Open(path, sqlite.Options{Limit: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			return db
		}
		return open(), open(), func(sql string) {
			t.Helper()
			conn, err := zs.OpenConn(path, zs.OpenReadWrite)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(sqlitex.ExecuteTransient(conn, sql, nil), conn.Close()); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
		}
	})
}

func TestKill(t *testing.T) {
	storetest.Kill(t,
		func() string { return filepath.Join(t.TempDir(), "amanah.db") },
		func(path string) (store.DB, error) { return sqlite.Open(path, sqlite.Options{Limit: time.Minute}) })
}

func BenchmarkOneVenue(b *testing.B) {
	db, err := sqlite.Open(filepath.Join(b.TempDir(), "amanah.db"), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	storetest.OneVenue(b, db, func() uint64 { return db.Stats().Commits })
}

func TestFromTheFuture(t *testing.T) {
	path := filepath.Join(t.TempDir(), "amanah.db")
	db, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ sql, want string }{
		{`INSERT INTO schema_migration (number, name, sum, applied) SELECT max(number) + 1, 'later', 'x', 1 FROM schema_migration`, "newer than this program"},
		{`UPDATE schema_migration SET sum = 'other' WHERE number = 1`, "another text"},
		{`DELETE FROM schema_migration WHERE number = 1`, "lacks migration 0001"},
	} {
		conn, err := zs.OpenConn(path, zs.OpenReadWrite)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(sqlitex.ExecuteTransient(conn, c.sql, nil), conn.Close()); err != nil {
			t.Fatal(err)
		}
		db, err := sqlite.Open(path, sqlite.Options{})
		if err == nil {
			db.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

func TestCopy(t *testing.T) {
	storetest.RunCopy(t, func(t *testing.T) storetest.CopyDB { return open(t).(*sqlite.DB) })
}
