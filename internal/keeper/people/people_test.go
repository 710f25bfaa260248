package people

import (
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/keeper"
)

func FuzzErased(f *testing.F) {
	c := keeper.Erased{Person: 1, Reason: "asked", At: time.Unix(1, 0), Unreadable: time.Unix(2, 0)}
	f.Add(erasePayload(c, staff.RequestID{7}, []staff.ActorID{"officer-1", "officer-2"}))
	f.Fuzz(func(t *testing.T, payload []byte) {
		p := New(Config{})
		p.slots.add(newSlot(make([]byte, 32)))
		if err := p.replayErase(1, payload); err == nil && p.slots.at(0).fate != erased {
			t.Error("an erasure of nobody")
		}
	})
}

func TestRecordsOfWhoHasNoneCostNothing(t *testing.T) {
	var s healths
	for id := range identity.PersonID(3 * healthChunk) {
		if s.of(id) != nil {
			t.Fatalf("person %d has records", id)
		}
	}
	if n := len(s.chunks); n != 0 {
		t.Fatalf("%d chunks before the first record", n)
	}
	s.make(2*healthChunk).begin(noRecords, openWrite{version: 1})
	if len(s.chunks) != 2 || s.chunks[0] != nil || s.of(2*healthChunk) == nil || s.of(2*healthChunk-1) != nil {
		t.Errorf("%d chunks after one record of one person", len(s.chunks))
	}
}
