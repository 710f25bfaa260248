package traces

import (
	"crypto/hkdf"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/copies"
)

// Trace answers one step of a trace that two officers approved, on the admin socket: the
// index's key at once, counted; copies' codes, and who opened what, only after the hash of
// what was observed is durable, so that nothing of them can guide the eye.
func (t *Traces) Trace(role keeper.Role, a keeper.TraceAsk) (g keeper.TraceGiven, err error) {
	if role != keeper.RoleAdmin {
		return g, keeper.ErrRole
	}
	now := t.now().Truncate(time.Millisecond)
	if a.Step == keeper.TraceNames {
		g.People, err = t.names(a, now)
		return g, err
	}
	if _, err := staff.ParseTrace(a.Trace.Request.Body); err != nil || t.permits.Approved(staff.AskTrace, a.Trace.Request, a.Trace.Approvals) == nil {
		return g, keeper.ErrTrace
	}
	id := a.Trace.Request.ID()
	if a.Step == keeper.TraceBegin {
		g.Traced, err = t.beginTrace(a.Trace.Request, now)
		return g, err
	}
	if a.Step == keeper.TraceFreeze {
		return g, t.freeze(id, a.Frozen, now)
	}
	t.mu.Lock()
	err = t.book.Opens(id)
	t.mu.Unlock()
	if err == nil {
		err = t.durable() // the hash was put, and is on disk only now
	}
	if err != nil {
		return g, err
	}
	switch a.Step {
	case keeper.TraceCodes:
		g.Codes = t.codes(int(min(a.At, 1<<40)))
	case keeper.TraceReads:
		g.Reads, g.Next, err = t.readings(a.At)
	case keeper.TraceViews:
		g, err = t.viewed(a.At, a.Views)
	default:
		err = keeper.ErrRole
	}
	return g, err
}

// beginTrace counts a trace, once, and gives the index's key.
func (t *Traces) beginTrace(r staff.Request, now time.Time) (keeper.Traced, error) {
	id := r.ID()
	t.mu.Lock()
	trace, known := t.book.Trace(id)
	wait, err := t.durable, error(nil)
	if !known {
		trace = copies.Trace{ID: id, N: t.book.Begins(), Began: now}
		_, wait, err = t.note(copies.Made{At: now, Began: &copies.Began{Trace: id, N: trace.N, Body: string(r.Body)}})
	}
	t.mu.Unlock()
	if err == nil {
		err = wait()
	}
	if err != nil {
		return keeper.Traced{}, err
	}
	job, err := hkdf.Expand(sha256.New, t.tags, "amanah trace job v1\x00"+string(id[:]), 32)
	t.mu.Lock()
	defer t.mu.Unlock()
	return keeper.Traced{N: trace.N, Began: trace.Began, Tags: t.tags, Job: job, Frozen: trace.Frozen, Canaries: t.book.Canaries()}, err
}

// freeze takes the hash of what a trace observed, once.
func (t *Traces) freeze(id staff.RequestID, hash [32]byte, now time.Time) error {
	t.mu.Lock()
	fresh, err := t.book.MayFreeze(id, hash)
	wait := t.durable
	if err == nil && fresh {
		_, wait, err = t.note(copies.Made{At: now, Froze: &copies.Froze{Trace: id, Hash: hash}})
	}
	t.mu.Unlock()
	if err != nil {
		return err
	}
	return wait()
}

// codes are copies' codes from a place on.
func (t *Traces) codes(from int) keeper.Codes {
	t.mu.Lock()
	defer t.mu.Unlock()
	page, all := t.book.Copies(from, keeper.MaxCopies)
	out := keeper.Codes{Base: t.base, All: all}
	for _, c := range page {
		one := keeper.Code{Copy: c.Copy, Seed: t.seed(c.Copy), Made: c.Made, Deliveries: slices.Clone(c.Deliveries)}
		for i := range one.Deliveries {
			one.Deliveries[i].Sign(t.logKey)
		}
		out.Codes = append(out.Codes, one)
	}
	return out
}
