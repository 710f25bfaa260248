package heads

import (
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
)

func TestRecordsOfWhoHasNoneCostNothing(t *testing.T) {
	var s Records
	for id := range identity.PersonID(3 * chunkOf) {
		if s.Of(id) != nil {
			t.Fatalf("person %d has records", id)
		}
	}
	if n := len(s.chunks); n != 0 {
		t.Fatalf("%d chunks before the first record", n)
	}
	s.Make(2*chunkOf).Begin(None, Write{Version: 1})
	if len(s.chunks) != 2 || s.chunks[0] != nil || s.Of(2*chunkOf) == nil || s.Of(2*chunkOf-1) != nil {
		t.Errorf("%d chunks after one record of one person", len(s.chunks))
	}
}
