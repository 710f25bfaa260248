package sqlite

import (
	"errors"
	"slices"
	"testing"

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
	n, seen int
	how     breakage
	hit     string // the statement that failed
	conn    *zs.Conn
}

func (b *breaker) step(sql string, step func() (bool, error)) (bool, error) {
	if b.seen++; b.seen != b.n {
		return step()
	}
	b.hit = sql
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
	r := newRig(t, Options{})
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
		t.Errorf("%d %q: the next Update: %v", n, b.hit, after)
	}
	if b.seen >= b.n && after != nil && !r.db.Stats().Broken && !errors.Is(after, store.ErrUnavailable) {
		t.Errorf("%d %q: refuses work and is not broken: %v", n, b.hit, after)
	}
	before := r.seen()
	r.db.writer.s = newSession(r.db.writer.s.conn) // the seam goes with it; the writer waits
	r.reopen()
	if now := r.seen(); !slices.Equal(now, before) {
		t.Errorf("%d %q: %v before it was opened again, %v after", n, b.hit, before, now)
	}
	if err := r.db.Update(t.Context(), put(10)); err != nil {
		t.Errorf("%d %q: opened again: %v", n, b.hit, err)
	}
	return b.hit
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
				r.Errorf("mode %d, statement %d %q: member %d was told %v, visit %d found %t", b.how, b.n, b.hit, i+1, err, id, found)
			}
		}
	}
	if there > 0 && missing > 0 {
		r.Errorf("mode %d, statement %d %q: half a batch: %v", b.how, b.n, b.hit, seen)
	}
	if slices.Contains(seen, 3) {
		r.Errorf("mode %d, statement %d %q: a closure that failed is there", b.how, b.n, b.hit)
	}
}
