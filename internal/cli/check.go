package cli

import (
	"errors"

	"github.com/amanah-project/amanah/internal/app"
)

type checkCmd struct {
	settings
	JSON bool `help:"Print JSON."`
}

// Help shows what is looked at.
func (checkCmd) Help() string {
	return `Opens every person's rows under intents of its own and holds them against the
keeper's heads, the blind indexes, the log's signatures and each other. It changes
nothing and may run beside a server. Exit status 4 when a row is missing, altered,
swapped, rolled back or nobody's: each is named by table and number.

It does not see leaves cut off the end of a gate's chain, nor a binding of a telephone
number that was put back whole.

Example:
  amanah check --config /etc/amanah/amanah.toml --json`
}

// Run checks and fails when something is found.
func (cmd *checkCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		bar := c.progress("checking")
		got, err := o.Check(c.ctx, func(people, of int64) { bar.show(people, of, people) })
		bar.end()
		if err != nil && !errors.Is(err, app.ErrCheck) {
			return err
		}
		return errors.Join(c.checked(cmd.JSON, got), err)
	})
}

func (c *console) checked(asJSON bool, got app.Checked) error {
	return c.table(asJSON, got, []string{"TABLE", "ROW", "IS", "WHY"}, func(row func(...any)) {
		for _, f := range got.Wrong {
			row(f.Table, f.Row, f.What, f.Why)
		}
		people := got.Rows["identity_person"]
		row("people", people, "looked at", "")
		row("people", got.Erased, "erased", "")
		row("people", got.Unstored, "registered with the keeper and never stored", "")
	})
}
