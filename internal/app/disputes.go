package app

import "github.com/amanah-project/amanah/internal/flow/rights"

// Disputes is what the desk that answers people's disputes may do.
func (o *Operator) Disputes() *rights.Disputes {
	return &rights.Disputes{DB: o.DB, Keeper: o.Keeper, Now: o.now}
}
