package memory_test

import (
	"testing"

	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/memory"
	"github.com/amanah-project/amanah/internal/store/storetest"
)

func open(t *testing.T) store.DB {
	db := memory.New()
	t.Cleanup(func() { db.Close() })
	return db
}

func TestContract(t *testing.T) { storetest.Run(t, open) }
