package cli

import (
	"fmt"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/staff"
)

type leakNamesRequestCmd struct {
	settings
	Case    string `arg:"" name:"case" help:"Folder of a case that was traced."`
	Purpose string `required:"" help:"What for: officers read it, and it is kept. No name and no NIK."`
	To      string `required:"" help:"The recipient's age public key."`
	Part    int    `default:"1" help:"Which 262,144 of the case's people, from 1."`
}

// Help says what follows.
func (leakNamesRequestCmd) Help() string {
	return `A case has keyed ids. Whose they are is told for two officers' approval alone, each by a
passkey, over the list of ids and the recipient, within 72 hours; the keeper enforces it, and
names nobody whom the trace did not find. UU 27/2022 art. 46 gives 3×24 hours to tell people.`
}

// Run asks.
func (cmd *leakNamesRequestCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		r, err := o.AskNames(c.ctx, cmd.Case, cmd.Purpose, cmd.To, cmd.Part)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "number   %s\napprove  %s\n%s", r.ID(), o.DeskURL(), r.Body)
		return nil
	})
}

type leakNamesCmd struct {
	settings
	Number string `arg:"" name:"number" help:"The request's number."`
	Case   string `arg:"" name:"case" help:"The same folder."`
	Out    string `required:"" help:"File to write, sealed to the recipient's age key."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// Run writes the names.
func (cmd *leakNamesCmd) Run(c *console) error {
	id, err := staff.ParseRequestID(cmd.Number)
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		done, err := o.Names(c.ctx, id, cmd.Case, cmd.Out)
		if err != nil {
			return err
		}
		return c.table(cmd.JSON, done, []string{"NAMED", "GONE"}, func(yield func(...any)) { yield(done.People, done.Gone) })
	})
}

type leakNamesListCmd struct {
	settings
	JSON bool `name:"json" help:"Print JSON."`
}

type leakNamesRow struct {
	Number    string          `json:"number"`
	Purpose   string          `json:"purpose"`
	Trace     string          `json:"trace"`
	People    int             `json:"people"`
	Recipient string          `json:"recipient"`
	Until     string          `json:"until"`
	Approved  []staff.ActorID `json:"approved"`
}

// Run lists requests for names.
func (cmd *leakNamesListCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		all, err := o.NamesAsked(c.ctx)
		if err != nil {
			return err
		}
		rows := []leakNamesRow{}
		for _, p := range all {
			n, err := staff.ParseNames(p.Body)
			if err != nil {
				return err
			}
			rows = append(rows, leakNamesRow{p.ID().String(), p.Purpose, n.Trace.String(), n.Count, n.Recipient, p.Until.UTC().Format("2006-01-02T15:04Z"), p.Signed()})
		}
		return c.table(cmd.JSON, rows, []string{"NUMBER", "PURPOSE", "PEOPLE", "UNTIL", "APPROVED"}, func(yield func(...any)) {
			for _, r := range rows {
				yield(r.Number, r.Purpose, r.People, r.Until, len(r.Approved))
			}
		})
	})
}
