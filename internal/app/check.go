package app

import (
	"context"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/check"
)

// ErrCheck is returned when what is stored is not as it should be.
var ErrCheck = fault.New(fault.Conflict, "what is stored is not as it should be: see the rows named; restore them from a backup, and find out who wrote to the database")

// Checked is what a check found.
type Checked struct {
	check.Report
	Wrong []check.Finding `json:"wrong"` // the first of them
}

// maxNamed bounds the findings that a check names.
const maxNamed = 100_000

// Check goes over everything that is stored; with lengths it reads no document. Step,
// which may be nil, is told how many people of how many were looked at.
func (o *Operator) Check(ctx context.Context, lengths bool, step func(people, of int64)) (Checked, error) {
	out := Checked{Wrong: []check.Finding{}}
	h, err := o.Keeper.Health(ctx)
	if err != nil {
		return out, err
	}
	db, ok := o.DB.(check.Database)
	if !ok {
		return out, fault.New(fault.Invalid, "this database cannot be checked")
	}
	blobs, err := o.cfg.lookBlobs(ctx)
	if err != nil {
		return out, err
	}
	mark, err := o.Keeper.Ledger(ctx)
	if err != nil {
		return out, err
	}
	keys := o.ring.set.Load()
	c := check.Check{
		DB: db, Keeper: o.Keeper, Blobs: blobs, Lengths: lengths, Log: keys.log, LedgerKey: keys.ledger, Mark: mark,
		Site: o.cfg.site(), Actor: "operator", VisitDays: o.cfg.Retention.VisitDays,
		Found: func(f check.Finding) error {
			if len(out.Wrong) < maxNamed {
				out.Wrong = append(out.Wrong, f)
			}
			return nil
		},
		Step: func(table string, rows int64) {
			if table == "identity_person" && step != nil {
				step(rows, int64(h.People))
			}
		},
	}
	out.Report, err = c.Run(ctx)
	if err == nil && out.Findings > 0 {
		err = ErrCheck
	}
	return out, err
}

// AcceptLedger has the keeper go by the ledger of rows as it is.
func (o *Operator) AcceptLedger(ctx context.Context) error {
	return check.AcceptLedger(ctx, o.DB, o.Keeper)
}
