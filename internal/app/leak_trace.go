package app

import (
	"context"
	"runtime"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/flow/indexing"
	"github.com/amanah-project/amanah/internal/flow/response"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// Trace traces leaked files by an approved request into a case folder; read is told how many
// bytes of how many were read.
func (o *Operator) Trace(ctx context.Context, id staff.RequestID, paths []string, folder, version string, read func(done, of int64)) (c *response.Case, err error) {
	to := durable.OS(folder)
	if err := to.MkdirAll(""); err != nil {
		return nil, err
	}
	begun, err := response.Begun(to)
	if err != nil {
		return nil, err
	}
	var now staff.Trace
	if !begun { // a run that goes on reads what is left, and hashes that
		if now, err = Evidence(ctx, paths); err != nil {
			return nil, err
		}
	}
	size, err := o.evidenceSize(ctx, id)
	if err != nil {
		return nil, err
	}
	flow := indexing.Flow{DB: o.DB, Keeper: o.Keeper, Actor: "operator", Budget: keeper.BudgetImport, Page: 2048}
	err = withIndex(ctx, o.cfg, flow, func(_ *indexing.Flow, s *index.Store) error {
		run := response.Flow{
			DB: o.DB, Keeper: o.Keeper, Index: s, Case: to, Workers: runtime.GOMAXPROCS(0), Version: version,
			Progress: func(n int64) { read(n, size) },
		}
		c, err = run.Run(ctx, id, paths, now)
		return err
	})
	return c, err
}

// evidenceSize is how many bytes a request's evidence has.
func (o *Operator) evidenceSize(ctx context.Context, id staff.RequestID) (int64, error) {
	var r staff.Request
	err := o.DB.View(ctx, func(s store.Stores) (err error) {
		r, err = s.Requests.Get(id)
		return err
	})
	if err != nil {
		return 0, err
	}
	body, err := staff.ParseTrace(r.Body)
	return body.Size, err
}
