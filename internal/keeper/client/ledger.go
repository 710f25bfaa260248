package client

import (
	"context"

	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/wire"
)

// Ledger returns the keeper's mark of how far the database's ledger has come.
func (c *Client) Ledger(ctx context.Context) (keeper.Ledger, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.Ledger})
	if err != nil {
		return keeper.Ledger{}, err
	}
	return a.Ledger, nil
}

// MoveLedger moves it on.
func (c *Client) MoveLedger(ctx context.Context, m keeper.MoveLedger) (keeper.Ledger, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.MoveLedger, Ledger: m})
	if err != nil {
		return keeper.Ledger{}, err
	}
	return a.Ledger, nil
}
