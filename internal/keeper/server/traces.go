package server

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
func (k *Keeper) Trace(role keeper.Role, a keeper.TraceAsk) (g keeper.TraceGiven, err error) {
	if role != keeper.RoleAdmin {
		return g, keeper.ErrRole
	}
	now := k.now().Truncate(time.Millisecond)
	if a.Step == keeper.TraceNames {
		g.People, err = k.names(a, now)
		return g, err
	}
	if _, err := staff.ParseTrace(a.Trace.Request.Body); err != nil || !k.approved(staff.AskTrace, a.Trace.Request, a.Trace.Approvals, now) {
		return g, keeper.ErrTrace
	}
	id := a.Trace.Request.ID()
	if a.Step == keeper.TraceBegin {
		g.Traced, err = k.beginTrace(a.Trace.Request, now)
		return g, err
	}
	if a.Step == keeper.TraceFreeze {
		return g, k.freeze(id, a.Frozen, now)
	}
	k.marks.mu.Lock()
	err = k.marks.book.Opens(id)
	k.marks.mu.Unlock()
	if err == nil {
		err = k.durable() // the hash was put, and is on disk only now
	}
	if err != nil {
		return g, err
	}
	switch a.Step {
	case keeper.TraceCodes:
		g.Codes = k.codes(int(min(a.At, 1<<40)))
	case keeper.TraceReads:
		g.Reads, g.Next, err = k.readings(a.At)
	case keeper.TraceViews:
		g, err = k.viewed(a.At, a.Views)
	default:
		err = keeper.ErrRole
	}
	return g, err
}

// beginTrace counts a trace, once, and gives the index's key.
func (k *Keeper) beginTrace(r staff.Request, now time.Time) (keeper.Traced, error) {
	m, id := &k.marks, r.ID()
	m.mu.Lock()
	t, known := m.book.Trace(id)
	wait, err := k.durable, error(nil)
	if !known {
		t = copies.Trace{ID: id, N: m.book.Begins(), Began: now}
		_, wait, err = k.note(copies.Made{At: now, Began: &copies.Began{Trace: id, N: t.N, Body: string(r.Body)}})
	}
	m.mu.Unlock()
	if err == nil {
		err = wait()
	}
	if err != nil {
		return keeper.Traced{}, err
	}
	job, err := hkdf.Expand(sha256.New, m.tags, "amanah trace job v1\x00"+string(id[:]), 32)
	m.mu.Lock()
	defer m.mu.Unlock()
	return keeper.Traced{N: t.N, Began: t.Began, Tags: m.tags, Job: job, Frozen: t.Frozen, Canaries: m.book.Canaries()}, err
}

// freeze takes the hash of what a trace observed, once.
func (k *Keeper) freeze(id staff.RequestID, hash [32]byte, now time.Time) error {
	m := &k.marks
	m.mu.Lock()
	fresh, err := m.book.MayFreeze(id, hash)
	wait := k.durable
	if err == nil && fresh {
		_, wait, err = k.note(copies.Made{At: now, Froze: &copies.Froze{Trace: id, Hash: hash}})
	}
	m.mu.Unlock()
	if err != nil {
		return err
	}
	return wait()
}

// codes are copies' codes from a place on.
func (k *Keeper) codes(from int) keeper.Codes {
	m := &k.marks
	m.mu.Lock()
	defer m.mu.Unlock()
	page, all := m.book.Copies(from, keeper.MaxCopies)
	out := keeper.Codes{Base: m.base, All: all}
	for _, c := range page {
		one := keeper.Code{Copy: c.Copy, Seed: m.seed(c.Copy), Made: c.Made, Deliveries: slices.Clone(c.Deliveries)}
		for i := range one.Deliveries {
			one.Deliveries[i].Sign(k.logKey)
		}
		out.Codes = append(out.Codes, one)
	}
	return out
}
