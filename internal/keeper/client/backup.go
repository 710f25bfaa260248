package client

import (
	"context"

	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/wire"
)

// Backup asks for one step of a backup; on the admin socket only.
func (c *Client) Backup(ctx context.Context, ask keeper.BackupAsk) (keeper.BackupGiven, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.Backup, Backup: ask})
	if err != nil {
		return keeper.BackupGiven{}, err
	}
	return a.Backup, nil
}
