package client

import (
	"context"

	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/wire"
)

// Erase destroys a person's key for good; asked again it gives the same certificate.
// It is answered on the admin socket only.
func (c *Client) Erase(ctx context.Context, e keeper.Erase) (keeper.Erased, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.Erase, Erase: e})
	if err != nil {
		return keeper.Erased{}, err
	}
	return a.Erased[0], nil
}

// Erasures lists the people erased, in the order of it; on the admin socket only.
func (c *Client) Erasures(ctx context.Context) ([]keeper.Erased, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.Erasures})
	if err != nil {
		return nil, err
	}
	return a.Erased, nil
}
