package sqlite

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	zs "zombiezen.com/go/sqlite"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
)

// breakage is how the n-th statement fails.
type breakage int

const (
	without breakage = iota // it did nothing
	with                    // it did its work, and says that it failed
	lost                    // SQLite rolled everything back, as it may on such errors
)

// breaker fails the n-th statement of a writer.
type breaker struct {
	n    int
	how  breakage
	conn *zs.Conn

	seen atomic.Int64
	hit  atomic.Value // the statement that failed
}

func (b *breaker) String() string {
	return fmt.Sprintf("mode %d, statement %d %q", b.how, b.n, b.hit.Load())
}

func (b *breaker) step(sql string, step func() (bool, error)) (bool, error) {
	if b.seen.Add(1) != int64(b.n) {
		return step()
	}
	b.hit.Store(sql)
	switch b.how {
	case with:
		if more, err := step(); err != nil {
			return more, err
		}
	case lost:
		if st, err := b.conn.Prepare("ROLLBACK"); err == nil && !b.conn.AutocommitEnabled() {
			_, _ = st.Step()
		}
	}
	return false, zs.ResultIOErrWrite.ToError()
}

// TestNthStatementFails: whichever statement of a batch fails, and however, every
// success that was told is there, every failure that was told is not, and what is
// told to be unknown is there as a whole or not at all.
func TestNthStatementFails(t *testing.T) {
	for _, how := range []breakage{without, with, lost} {
		hits := map[string]bool{}
		n := 1
		for ; ; n++ {
			hit := nth(t, n, how)
			if hit == "" {
				break
			}
			hits[hit] = true
		}
		for _, sql := range []string{"BEGIN IMMEDIATE", "SAVEPOINT closure", "ROLLBACK TO closure", "RELEASE closure", "COMMIT"} {
			if !hits[sql] {
				t.Errorf("control: %q never failed in %d runs", sql, n)
			}
		}
		t.Logf("mode %d: %d statements broken, one a run", how, n-1)
	}
}

func nth(t *testing.T, n int, how breakage) (hit string) {
	t.Helper()
	r := newRig(t, Options{Limit: time.Minute}) // a busy machine must not be what fails
	defer r.db.Close()
	b := &breaker{n: n, how: how, conn: r.db.writer.s.conn}
	release := r.hold()
	r.db.writer.s.seam = b.step
	fail := func(store.Stores) error { return errMine }
	var batch []chan error
	for _, fn := range []closure{put(1), put(2), then(put(3), fail), then(put(4), put(5)), put(6)} {
		batch = append(batch, r.enqueue(t.Context(), stores(fn)))
	}
	release()
	r.judge(b, r.results(batch), [][]int{{1}, {2}, nil, {4, 5}, {6}})
	after := r.db.Update(t.Context(), put(9))
	if after != nil && fault.KindOf(after) != fault.Unavailable {
		t.Errorf("%v: the next Update: %v", b, after)
	}
	broke := b.hit.Load() != nil
	if again := r.db.Update(t.Context(), put(9)); broke && (again != nil) != r.db.Stats().Broken {
		t.Errorf("%v: the Update after it: %v, broken %t", b, again, r.db.Stats().Broken)
	}
	before := r.seen()
	r.reopen()
	if now := r.seen(); !slices.Equal(now, before) {
		t.Errorf("%v: %v before it was opened again, %v after", b, before, now)
	}
	if err := r.db.Update(t.Context(), put(10)); err != nil {
		t.Errorf("%v: opened again: %v", b, err)
	}
	hit, _ = b.hit.Load().(string)
	return hit
}

// judge compares what a batch's members were told with what is in the file.
func (r *rig) judge(b *breaker, told []error, wrote [][]int) {
	r.Helper()
	seen := r.seen()
	there, missing := 0, 0
	for i, err := range told {
		for _, id := range wrote[i] {
			found := slices.Contains(seen, id)
			switch {
			case errors.Is(err, store.ErrUnknown) && found:
				there++
			case errors.Is(err, store.ErrUnknown):
				missing++
			case found != (err == nil):
				r.Errorf("%v: member %d was told %v, visit %d found %t", b, i+1, err, id, found)
			}
		}
	}
	if there > 0 && missing > 0 {
		r.Errorf("%v: half a batch: %v", b, seen)
	}
	if slices.Contains(seen, 3) {
		r.Errorf("%v: a closure that failed is there", b)
	}
}
