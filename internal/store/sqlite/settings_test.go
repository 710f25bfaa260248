package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	zs "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// TestSettings: what durability and secrecy rest on is what SQLite says of its own
// connections, whatever the list in connect.go says. No test here cuts the power.
func TestSettings(t *testing.T) {
	r := newRig(t, Options{})
	value := func(conn *zs.Conn, name string) (got string) {
		err := sqlitex.ExecuteTransient(conn, "PRAGMA "+name, &sqlitex.ExecOptions{ResultFunc: func(s *zs.Stmt) error {
			got = s.ColumnText(0)
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	release := r.hold()
	defer release()
	for name, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "secure_delete": "1",
		"temp_store": "2", "wal_autocheckpoint": "0", "trusted_schema": "0", "page_size": "2048",
	} {
		if got := value(r.db.writer.s.conn, name); got != want {
			t.Errorf("writer: %s is %q, want %q", name, got, want)
		}
	}
	reader := <-r.db.readers.free
	defer func() { r.db.readers.free <- reader }()
	if got := value(reader.s.conn, "query_only"); got != "1" {
		t.Errorf("reader: query_only is %q", got)
	}
}

// TestPrivate: nobody but the owner reads the file or what lies beside it, and a
// file that others may read is refused.
func TestPrivate(t *testing.T) {
	r := newRig(t, Options{})
	r.want([]error{r.db.Update(t.Context(), put(1))}, nil)
	for _, name := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(r.path + name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%q has mode %v", name, info.Mode())
		}
	}
	if err := r.db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(r.path, 0o640); err != nil {
		t.Fatal(err)
	}
	if db, err := Open(r.path, Options{}); err == nil {
		db.Close()
		t.Error("opened a file that others may read")
	} else if !strings.Contains(err.Error(), "0600") {
		t.Errorf("got %v", err)
	}
}

// TestOlderPages: a file made with pages of another size is opened and keeps them.
func TestOlderPages(t *testing.T) {
	r := &rig{T: t, path: filepath.Join(t.TempDir(), "amanah.db")}
	conn, err := zs.OpenConn(r.path, zs.OpenReadWrite|zs.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"PRAGMA page_size=4096", "PRAGMA journal_mode=WAL", "CREATE TABLE older (n INTEGER)"} {
		if err := sqlitex.ExecuteTransient(conn, sql, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(conn.Close(), os.Chmod(r.path, 0o600)); err != nil {
		t.Fatal(err)
	}
	r.open(Options{})
	r.want([]error{r.db.Update(t.Context(), put(1))}, nil)
	r.wantSeen("after opening an older file", 1)
}
