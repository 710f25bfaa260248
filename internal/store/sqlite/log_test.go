package sqlite

import (
	"os"
	"testing"
	"time"
)

// TestIdleWriterLeavesTheLog: who wrote last empties the log once; whoever wrote nothing
// since leaves another process's log alone, for that one would wait for it.
func TestIdleWriterLeavesTheLog(t *testing.T) {
	l := &logRig{rig: newRig(t, Options{idle: time.Millisecond})}
	l.write(l.db)
	l.until("an idle writer did not empty its log", func() bool { return l.db.Stats().Checkpoints > 0 && l.length() == 0 })
	l.leaves(l.open(time.Hour))
	l.write(l.db)
	l.until("a writer that wrote again did not empty the log", func() bool { return l.length() == 0 })
}

// TestEmptiedByAnother: who finds its log emptied by another process leaves alone what a third
// writes later.
func TestEmptiedByAnother(t *testing.T) {
	l := &logRig{rig: newRig(t, Options{idle: 200 * time.Millisecond})}
	other, third := l.open(time.Millisecond), l.open(time.Hour)
	for alone := false; !alone; {
		before := l.db.Stats().Checkpoints
		l.write(l.db)
		l.until("a writer did not look after its log", func() bool { return l.db.Stats().LogPages > 0 || l.db.Stats().Checkpoints != before })
		l.write(other)
		l.until("nobody emptied the log", func() bool { return l.length() == 0 })
		l.until("an idle writer did not look", func() bool { return l.db.Stats().LogPages == 0 })
		alone = l.db.Stats().Checkpoints == before // else it came first
	}
	l.leaves(third)
}

// logRig is a database whose log is looked at.
type logRig struct {
	*rig
	n int
}

func (l *logRig) open(idle time.Duration) *DB {
	l.Helper()
	db, err := Open(l.path, Options{idle: idle})
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { db.Close() })
	return db
}

func (l *logRig) write(db *DB) {
	l.Helper()
	l.n++
	if err := db.Update(l.Context(), put(l.n)); err != nil {
		l.Fatal(err)
	}
}

func (l *logRig) length() int64 {
	info, err := os.Stat(l.path + "-wal")
	if err != nil {
		l.Fatal(err)
	}
	return info.Size()
}

func (l *logRig) until(what string, ok func() bool) {
	l.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			l.Fatal(what)
		}
	}
}

// leaves has another write for many times the idle writer's patience, which stays out of it.
func (l *logRig) leaves(other *DB) {
	l.Helper()
	before, patience := l.db.Stats().Checkpoints, l.db.writer.opt.idle
	end := time.Now().Add(4 * patience)
	for n := 0; n < 20 || time.Now().Before(end); n++ {
		l.write(other)
		time.Sleep(2 * time.Millisecond)
	}
	if now := l.db.Stats().Checkpoints; now != before || l.length() == 0 {
		l.Errorf("an idle writer emptied another's log %d times", now-before)
	}
}
