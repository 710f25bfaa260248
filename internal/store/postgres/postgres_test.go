package postgres_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/postgres"
	"github.com/amanah-project/amanah/internal/store/storetest"
)

// cluster returns the URL of a superuser on a throw-away cluster. Without one the
// tests fail, so that nobody takes silence for a pass.
func cluster(t testing.TB) string {
	t.Helper()
	u := os.Getenv("TEST_POSTGRES")
	switch {
	case u != "":
		return u
	case os.Getenv("SKIP_POSTGRES") == "1":
		t.Skip("NOT TESTED ON POSTGRESQL: SKIP_POSTGRES=1")
	}
	t.Fatal("TEST_POSTGRES is not set: run scripts/postgres.sh go test ./... or set SKIP_POSTGRES=1 to leave PostgreSQL untested")
	return ""
}

// database makes an empty database of the test's own.
func database(t testing.TB) string {
	t.Helper()
	at := cluster(t)
	admin := func(sql string) {
		t.Helper()
		conn, err := pgx.Connect(context.Background(), at)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(context.Background(), sql); err != nil {
			t.Fatal(err)
		}
	}
	name := "test_" + rand.Text()
	admin(fmt.Sprintf(`CREATE DATABASE "%s"`, name))
	t.Cleanup(func() { admin(fmt.Sprintf(`DROP DATABASE "%s" WITH (FORCE)`, name)) })
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

func openAt(t testing.TB, url string, opt postgres.Options) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(context.Background(), url, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func open(t *testing.T) store.DB { return openAt(t, database(t), postgres.Options{}) }

func TestContract(t *testing.T) { storetest.Run(t, open) }

func TestCopy(t *testing.T) {
	storetest.RunCopy(t, func(t *testing.T) storetest.CopyDB { return openAt(t, database(t), postgres.Options{}) })
}

func TestLedger(t *testing.T) {
	storetest.RunLedger(t, func(t *testing.T) (db, other storetest.LedgerDB, exec func(sql string)) {
		at := database(t)
		return openAt(t, at, postgres.Options{}), openAt(t, at, postgres.Options{}), func(sql string) {
			t.Helper()
			conn, err := pgx.Connect(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(context.Background())
			if _, err := conn.Exec(t.Context(), "SET session_replication_role = replica; "+sql); err != nil { // constraints aside
				t.Fatalf("%s: %v", sql, err)
			}
		}
	})
}
