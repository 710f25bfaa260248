package client

import (
	"context"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/wire"
)

// Heads returns what the keeper knows of people's rows; on the admin socket only.
func (c *Client) Heads(ctx context.Context, people []identity.PersonID) ([]keeper.Head, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.Heads, People: people})
	if err != nil {
		return nil, err
	}
	return a.Heads, nil
}

// CheckColours says of sealed colours whether they open; on the admin socket only.
func (c *Client) CheckColours(ctx context.Context, rows []status.SealedColour) ([]keeper.Seal, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.CheckColours, Colours: rows})
	if err != nil {
		return nil, err
	}
	return a.Seals, nil
}

// CheckNotes says of sealed texts whether they open; on the admin socket only.
func (c *Client) CheckNotes(ctx context.Context, notes []keeper.Note) ([]keeper.Seal, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.CheckNotes, Notes: notes})
	if err != nil {
		return nil, err
	}
	return a.Seals, nil
}
