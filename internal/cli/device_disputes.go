package cli

import (
	"context"

	"github.com/amanah-project/amanah/client"
)

type deviceDisputeCmd struct {
	phone
	About string `default:"colour" help:"What is contested: colour, the number of a visit, or the code of a reason."`
	JSON  bool   `help:"Print JSON."`
}

// Run files a dispute with the text from standard input.
func (cmd *deviceDisputeCmd) Run(c *console) error {
	text, err := c.readText("text")
	if err != nil {
		return err
	}
	var filed *client.Dispute
	err = cmd.with(c, func(ctx context.Context, d *client.Device) (err error) {
		filed, err = d.Dispute(ctx, cmd.About, text)
		return err
	})
	if err != nil {
		return err
	}
	return c.disputes(cmd.JSON, filed, []client.Dispute{*filed})
}

// disputes prints disputes as the person sees them.
func (c *console) disputes(asJSON bool, doc any, all []client.Dispute) error {
	return c.table(asJSON, doc, []string{"NUMBER", "STATE", "FILED", "DUE", "OVERDUE"}, func(row func(...any)) {
		for _, d := range all {
			overdue := "-"
			if d.Overdue {
				overdue = "yes"
			}
			row(d.Number, d.State, d.Filed.Local().Format("2006-01-02 15:04"), d.Due.Local().Format("2006-01-02 15:04"), overdue)
		}
	})
}

type deviceDisputesCmd struct {
	phone
	Number string `arg:"" optional:"" help:"Number of one dispute, to read it with its answer."`
	JSON   bool   `help:"Print JSON."`
}

// Run prints the person's disputes, or one with its words.
func (cmd *deviceDisputesCmd) Run(c *console) error {
	if cmd.Number != "" {
		return cmd.do(c, func(ctx context.Context, d *client.Device) (any, error) { return d.DisputeWords(ctx, cmd.Number) })
	}
	var all []client.Dispute
	err := cmd.with(c, func(ctx context.Context, d *client.Device) error {
		for page := 0; ; page++ {
			p, err := d.Disputes(ctx, page)
			if err != nil {
				return err
			}
			if all = append(all, p.Disputes...); !p.More {
				return nil
			}
		}
	})
	if err != nil {
		return err
	}
	return c.disputes(cmd.JSON, all, all)
}
