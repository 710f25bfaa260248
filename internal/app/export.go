package app

import (
	"context"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/care"
	vaultflow "github.com/amanah-project/amanah/internal/flow/document"
	"github.com/amanah-project/amanah/internal/flow/export"
	"github.com/amanah-project/amanah/internal/flow/signin"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// exports is the flow of bulk exports, which the keeper's socket gives no more to an
// operator than to anybody: two officers approve.
func (o *Operator) exports() *export.Flow {
	return &export.Flow{
		DB: o.DB, Keeper: o.Keeper, Now: o.now,
		Care: &care.Flow{DB: o.DB, Keeper: o.Keeper, Now: o.now, Actor: "operator", Budget: keeper.BudgetImport},
	}
}

// AskExport asks for an export of the people under these NIKs, whom terms need not name.
func (o *Operator) AskExport(ctx context.Context, purpose string, terms staff.Export, niks []identity.NIK) (staff.Request, error) {
	f := o.exports()
	people, err := f.People(ctx, niks)
	if err == nil {
		f.Canaries, err = o.cfg.Canaries.spec()
	}
	if err != nil {
		return staff.Request{}, err
	}
	return f.Ask(ctx, purpose, terms, people)
}

// RunExport writes what an approved export still lacks in a folder.
func (o *Operator) RunExport(ctx context.Context, id staff.RequestID, niks []identity.NIK, dir string) (export.Done, error) {
	f := o.exports()
	people, err := f.People(ctx, niks)
	if err != nil {
		return export.Done{}, err
	}
	if blobs, err := o.cfg.lookBlobs(ctx); err == nil { // without, an export with documents says so
		f.Documents = vaultflow.Reader{Blobs: blobs}
	}
	to := durable.OS(dir)
	if err := to.MkdirAll(""); err != nil {
		return export.Done{}, fault.New(fault.Invalid, "the folder for the parts cannot be made: check its place and rights")
	}
	return f.Run(ctx, id, people, to)
}

// Exports returns the exports asked for lately, the newest first, with their approvals.
func (o *Operator) Exports(ctx context.Context) ([]signin.Pending, error) {
	all, err := o.asked(ctx)
	return slices.DeleteFunc(all, func(p signin.Pending) bool { return p.Kind != staff.AskExport }), err
}

// asked returns what was asked for lately, the newest first.
func (o *Operator) asked(ctx context.Context) (out []signin.Pending, err error) {
	err = o.DB.View(ctx, func(s store.Stores) error {
		out = nil
		all, err := s.Requests.Since(o.now().Add(-30*24*time.Hour), 1000)
		if err != nil {
			return err
		}
		for _, r := range all {
			had, err := s.Requests.Approvals(r.ID())
			if err != nil {
				return err
			}
			out = append(out, signin.Pending{Request: r, Approvals: had})
		}
		return nil
	})
	return out, err
}

// DeskURL is where officers approve.
func (o *Operator) DeskURL() string { return o.cfg.site().Origin + "/console/desk" }
