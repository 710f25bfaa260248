package sqlite

import (
	"os"
	"testing"
	"time"
)

// TestIdleWriterLeavesTheLog: who wrote last empties the log once; whoever wrote nothing
// since leaves another process's log alone, for that one would wait for it.
func TestIdleWriterLeavesTheLog(t *testing.T) {
	r := newRig(t, Options{idle: time.Millisecond})
	until := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal(what)
			}
		}
	}
	length := func() int64 {
		info, err := os.Stat(r.path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	n := 0
	write := func(db *DB) {
		t.Helper()
		n++
		if err := db.Update(t.Context(), put(n)); err != nil {
			t.Fatal(err)
		}
	}
	write(r.db)
	until("an idle writer did not empty its log", func() bool { return r.db.Stats().Checkpoints > 0 && length() == 0 })
	before := r.db.Stats().Checkpoints

	other, err := Open(r.path, Options{idle: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for range 20 {
		write(other)
		time.Sleep(2 * time.Millisecond) // many times the idle writer's patience
	}
	if now := r.db.Stats().Checkpoints; now != before || length() == 0 {
		t.Errorf("an idle writer emptied another's log %d times", now-before)
	}
	write(r.db)
	until("a writer that wrote again did not empty the log", func() bool { return length() == 0 })
}
