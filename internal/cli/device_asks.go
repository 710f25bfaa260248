package cli

import (
	"context"
	"fmt"

	"github.com/amanah-project/amanah/client"
)

type deviceAsksCmd struct {
	phone
	Page int  `default:"0" help:"Page, from 0."`
	JSON bool `help:"Print JSON."`
}

// Run prints a page of what asked for the person's colour, and how many are left.
func (cmd *deviceAsksCmd) Run(c *console) error {
	var got *client.Asks
	err := cmd.with(c, func(ctx context.Context, d *client.Device) (err error) {
		got, err = d.Asks(ctx, cmd.Page)
		return err
	})
	if err != nil {
		return err
	}
	err = c.table(cmd.JSON, got, []string{"AT", "PARTNER", "THIS", "FOR", "OUTCOME", "COLOUR", "TIMES"}, func(row func(...any)) {
		for _, a := range got.Asks {
			this, what := "-", a.Act
			if a.This {
				this = "yes"
			}
			if a.Category != "" {
				what += " " + a.Category
			}
			row(a.At.Local().Format("2006-01-02 15:04"), a.Partner, this, what, a.Outcome, dash(a.Colour), a.Times)
		}
	})
	if err != nil || cmd.JSON {
		return err
	}
	more := ""
	if got.More {
		more = fmt.Sprintf("; see --page %d for earlier ones", cmd.Page+1)
	}
	_, err = fmt.Fprintf(c.out, "%d colours told today, %d left until %s%s\n",
		got.Today.Told, got.Today.Left, got.Today.Resets.Local().Format("2006-01-02 15:04"), more)
	return err
}

// dash stands for what is not there.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
