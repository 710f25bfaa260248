package server

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"runtime"
	"testing"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

// TestAnOldJournalIsNotTakenForTheNewOne: whoever puts back an older copy of the
// journal puts back the heads in it, and with them a rolled-back database.
func TestAnOldJournalIsNotTakenForTheNewOne(t *testing.T) {
	c, d := newClock(), durabletest.New(1)
	k := start(t, d, c)
	register(t, k, 2)
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	old, err := durable.ReadFile(d, "journal")
	if err != nil {
		t.Fatal(err)
	}
	k = start(t, d, c)
	register(t, k, 2)
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	d.Corrupt("journal", func([]byte) []byte { return old })
	if _, err := Open(options(d, c)); !errors.Is(err, journal.ErrBroken) {
		t.Errorf("error %v", err)
	}
}

func FuzzJournal(f *testing.F) {
	f.Fuzz(func(t *testing.T, raw []byte, kind byte, payload []byte) {
		d := durabletest.New(1)
		// A whole record with whatever type and payload, then whatever bytes.
		whole := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))
		whole = append(append(whole, kind), payload...)
		chain := sha256.Sum256(append(append(make([]byte, 32), kind), payload...))
		whole = append(append(whole, chain[:]...), raw...)
		for _, content := range [][]byte{raw, whole} {
			if err := durable.WriteFile(d, "journal", content); err != nil {
				t.Fatal(err)
			}
			k := newKeeper(options(d, newClock()))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			j, err := journal.Open(d, journal.Mark{}, k.replay)
			runtime.ReadMemStats(&after)
			if limit := uint64(8<<20 + 64*len(content)); after.TotalAlloc-before.TotalAlloc > limit {
				t.Fatalf("%d bytes of journal made %d of garbage", len(content), after.TotalAlloc-before.TotalAlloc)
			}
			if err == nil {
				if _, _, err := j.Append(journal.KindStart, nil); err != nil {
					t.Fatalf("a journal that opens cannot go on: %v", err)
				}
				_ = j.Close()
			}
		}
	})
}
