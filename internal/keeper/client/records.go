package client

import (
	"context"

	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/wire"
)

// WriteRecords begins writes of health records.
func (c *Client) WriteRecords(ctx context.Context, e []keeper.Enter) ([]keeper.Entered, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.WriteRecords, Enters: e})
	if err != nil {
		return nil, err
	}
	out := make([]keeper.Entered, len(a.Entered))
	for i, one := range a.Entered {
		out[i] = one.Entered(a.Faults[i])
	}
	return out, nil
}

// SettleRecords confirms writes of health records.
func (c *Client) SettleRecords(ctx context.Context, s []keeper.Settled) error {
	_, err := c.call(ctx, &wire.Request{Call: wire.SettleRecords, Settled: s})
	return err
}
