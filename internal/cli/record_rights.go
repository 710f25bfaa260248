package cli

import (
	"bufio"
	"context"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
)

// orderFlags are of what the office for data protection orders about somebody.
type orderFlags struct {
	settings
	Off     bool   `help:"End it."`
	Officer string `required:"" help:"Who decided it, as officer-7; never a person's name."`
	Reason  string `required:"" help:"A code for why, as court-order: lower-case letters, digits and hyphens."`
}

func (f *orderFlags) run(c *console, order func(*app.Operator, context.Context, identity.NIK, string, bool, record.Reason) error) error {
	why, err := record.ParseReason(f.Reason)
	if err != nil {
		return err
	}
	nik, err := readNIK(bufio.NewReader(c.in))
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, f.Config, c.errors, func(o *app.Operator) error {
		return order(o, c.ctx, nik, f.Officer, !f.Off, why)
	})
}

type recordHoldCmd struct{ orderFlags }

// Run holds or lets go.
func (cmd *recordHoldCmd) Run(c *console) error { return cmd.run(c, (*app.Operator).Hold) }

type recordRestrictCmd struct{ orderFlags }

// Run restricts or ends it.
func (cmd *recordRestrictCmd) Run(c *console) error { return cmd.run(c, (*app.Operator).Restrict) }
