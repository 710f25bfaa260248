package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/sqlite"
	"github.com/amanah-project/amanah/internal/store/storetest"
)

func open(t *testing.T) store.DB {
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "amanah.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestContract(t *testing.T) { storetest.Run(t, open) }
