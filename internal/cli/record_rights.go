package cli

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/fault"
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

type personEraseCmd struct {
	settings
	Person  uint64   `help:"The person's number, as amanah record retention and a certificate have it, instead of a NIK on standard input."`
	Officer []string `required:"" help:"The two who decided it, as --officer officer-7 --officer officer-9; never people's names."`
	Reason  string   `required:"" help:"A code for why, as own-request; it stands in the certificate."`
	JSON    bool     `help:"Print JSON."`
}

// Help says what is left.
func (personEraseCmd) Help() string {
	return `The person's key is destroyed: nothing sealed to them opens again, and older states of
the keeper's files and its backups open it no more from the date that the certificate
names. A legal hold, and 25 years from the last visit (Permenkes 24/2022), forbid it.
Then what is left of them is removed: their rows, their links, and with the server's next
sweep their documents. Disputes stay, for their numbers have no gaps, and do not open. The
keeper keeps the certificate: asked again with the person's number, the command prints it,
and removes what an interruption left.`
}

// erasedRow is a certificate as it is printed.
type erasedRow struct {
	Person     identity.PersonID `json:"person"`
	Reason     string            `json:"reason"`
	At         time.Time         `json:"at"`
	Unreadable time.Time         `json:"backups_unreadable"`
	KeyHash    string            `json:"key_hash"`
	Seq        uint64            `json:"seq"`
	Signature  string            `json:"signature"`
}

// Run erases.
func (cmd *personEraseCmd) Run(c *console) error {
	if len(cmd.Officer) != 2 {
		return fault.New(fault.Invalid, "an erasure is decided by two: give --officer twice")
	}
	whom := app.Whom{Person: identity.PersonID(cmd.Person)}
	if whom.Person == 0 {
		var err error
		if whom.NIK, err = readNIK(bufio.NewReader(c.in)); err != nil {
			return err
		}
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		done, err := o.Erase(c.ctx, whom, [2]string(cmd.Officer), record.Reason(cmd.Reason))
		if err != nil {
			return err
		}
		out := erasedRow{done.Person, done.Reason, done.At.UTC(), done.Unreadable.UTC(), hex.EncodeToString(done.KeyHash[:]), done.Seq, hex.EncodeToString(done.Signature[:])}
		return c.table(cmd.JSON, out, []string{"PERSON", "REASON", "ERASED", "BACKUPS UNREADABLE FROM", "KEY HASH"}, func(row func(...any)) {
			row(out.Person, out.Reason, out.At.Format(time.RFC3339), out.Unreadable.Format(time.DateOnly), fmt.Sprintf("%.16s…", out.KeyHash))
		})
	})
}
