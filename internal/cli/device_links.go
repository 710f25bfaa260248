package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/amanah-project/amanah/client"
)

type deviceLinksCmd struct {
	phone
	JSON bool `help:"Print JSON."`
}

// Run prints all of the person's links.
func (cmd *deviceLinksCmd) Run(c *console) error {
	var all []client.Link
	err := cmd.with(c, func(ctx context.Context, d *client.Device) error {
		for page := 0; ; page++ {
			p, err := d.Links(ctx, page)
			if err != nil {
				return err
			}
			if all = append(all, p.Links...); !p.More {
				return nil
			}
		}
	})
	if err != nil {
		return err
	}
	return c.table(cmd.JSON, all, []string{"LINK", "PARTNER", "SCOPE", "SINCE", "THIS"}, func(row func(...any)) {
		for _, l := range all {
			this := "-"
			if l.This {
				this = "yes"
			}
			row(l.Link, l.Partner, l.Scope, l.Since.Format("2006-01-02"), this)
		}
	})
}

type deviceUnlinkCmd struct {
	phone
	ID   string `arg:"" name:"id" help:"The link to remove, as 'amanah device links' printed it."`
	JSON bool   `help:"Print JSON."`
}

// Run removes the link.
func (cmd *deviceUnlinkCmd) Run(c *console) error {
	var done *client.Unlinked
	err := cmd.with(c, func(ctx context.Context, d *client.Device) (err error) {
		done, err = d.Unlink(ctx, cmd.ID)
		return err
	})
	if err != nil {
		return err
	}
	if cmd.JSON {
		return json.NewEncoder(c.out).Encode(done)
	}
	_, err = fmt.Fprintf(c.out, "unlinked %s\n", done.Unlinked)
	return err
}
