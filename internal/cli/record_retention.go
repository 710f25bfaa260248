package cli

import (
	"time"

	"github.com/amanah-project/amanah/internal/app"
)

type recordRetentionCmd struct {
	settings
	JSON bool `help:"Print JSON."`
}

// Help says what is listed.
func (recordRetentionCmd) Help() string {
	return `Opens, under intents of its own, what everybody has who has health records, shows none
of it, and lists by number whose last visit was 25 years ago or more (Permenkes 24/2022)
and whom no legal hold keeps. It destroys nothing: an officer asks for each by number at
/console/desk, another approves, and then amanah record erase does. Who never visited is
not listed.

Example:
  amanah record retention --json`
}

// Run lists who is due.
func (cmd *recordRetentionCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		bar := c.progress("looking")
		due, err := o.Due(c.ctx, func(people int64) { bar.show(people, people, people) })
		bar.end()
		if err != nil {
			return err
		}
		return c.table(cmd.JSON, due, []string{"PERSON", "LAST VISIT", "DUE SINCE"}, func(row func(...any)) {
			for _, d := range due {
				row(d.Person, d.LastVisit.Format(time.DateOnly), d.Since.Format(time.DateOnly))
			}
		})
	})
}
