package cli

import (
	"errors"

	"github.com/amanah-project/amanah/internal/app"
)

type checkCmd struct {
	settings
	Lengths      bool `help:"Look at the lengths of documents alone, and read none."`
	AcceptLedger bool `help:"Go by the ledger of rows as it is, when a restored database explains that it is shorter than the keeper knows."`
	JSON         bool `help:"Print JSON."`
}

// Help shows what is looked at.
func (checkCmd) Help() string {
	return `Opens every person's rows and health records under intents of its own and holds them
against the keeper's heads, reads every document and holds it against its name, the blind
indexes, the log's signatures, whom the keeper enrolled, the ledger of rows, and rows
against each other. It changes nothing and may run beside a server. Exit status 4 when a
row or a document is missing, altered, swapped, rolled back or nobody's: each is named by
table and number. docs/dba.md says for every table and column what it sees.

Example:
  amanah check --config /etc/amanah/amanah.toml --json`
}

// Run checks and fails when something is found.
func (cmd *checkCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		if cmd.AcceptLedger {
			if err := o.AcceptLedger(c.ctx); err != nil {
				return err
			}
		}
		bar := c.progress("checking")
		got, err := o.Check(c.ctx, cmd.Lengths, func(people, of int64) { bar.show(people, of, people) })
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
