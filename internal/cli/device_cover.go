package cli

import (
	"context"
	"time"

	"github.com/amanah-project/amanah/client"
)

type deviceCoverCmd struct {
	phone
	Every time.Duration `required:"" help:"Mean time between two."`
}

// Run sends covers until the time is over. It fails when none went through.
func (cmd *deviceCoverCmd) Run(c *console) error {
	return cmd.with(c, func(ctx context.Context, d *client.Device) error {
		if err := d.Cover(ctx); err != nil {
			return err
		}
		d.StartCover(ctx, cmd.Every, nil)
		return c.ctx.Err()
	})
}
