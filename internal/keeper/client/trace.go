package client

import (
	"context"

	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/wire"
)

// Tags asks for people's tags in the trace index.
func (c *Client) Tags(ctx context.Context, asks []keeper.TagAsk) ([]keeper.Tagged, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.Tags, Tags: asks})
	if err != nil {
		return nil, err
	}
	return a.Tagged, nil
}

// Seeds asks for the keys of an approved export's marks.
func (c *Client) Seeds(ctx context.Context, e keeper.Export) (keeper.CopyKeys, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.Seeds, Export: e})
	if err != nil {
		return keeper.CopyKeys{}, err
	}
	return a.CopyKeys, nil
}

// Deliver commits to a copy's marks and to what it is of: manifest is the hash of that
// list, of so many records. Nothing of an export is opened before.
func (c *Client) Deliver(ctx context.Context, e keeper.Export, manifest [32]byte, records int) (keeper.Delivery, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.Deliver, Export: e, Digest: manifest, N: records})
	if err != nil {
		return keeper.Delivery{}, err
	}
	return a.Delivery, nil
}

// Trace asks for one step of an approved trace; on the admin socket only.
func (c *Client) Trace(ctx context.Context, ask keeper.TraceAsk) (keeper.TraceGiven, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.Trace, Trace: ask})
	if err != nil {
		return keeper.TraceGiven{}, err
	}
	return a.Trace, nil
}
