package memory_test

import (
	"testing"

	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/memory"
	"github.com/amanah-project/amanah/internal/store/storetest"
)

func TestBlobs(t *testing.T) {
	storetest.RunBlobs(t, func(*testing.T) store.Blobs { return memory.NewBlobs() })
}
