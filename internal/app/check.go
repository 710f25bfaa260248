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

// Check goes over everything that is stored. Step, which may be nil, is told how many
// people of how many were looked at.
func (o *Operator) Check(ctx context.Context, step func(people, of int64)) (Checked, error) {
	out := Checked{Wrong: []check.Finding{}}
	h, err := o.Keeper.Health(ctx)
	if err != nil {
		return out, err
	}
	db, ok := o.DB.(check.Database)
	if !ok {
		return out, fault.New(fault.Invalid, "this database cannot be checked")
	}
	c := check.Check{
		DB: db, Keeper: o.Keeper, Log: o.ring.set.Load().log, Actor: "operator",
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
