package cli

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/fault"
)

type personCardCmd struct {
	settings
	Out    string `xor:"what" help:"File for the card, as PDF, mode 0600. Older cards of the person are revoked."`
	Days   int    `default:"365" help:"How long the card holds."`
	Revoke bool   `xor:"what" help:"Revoke the person's cards and print none."`
}

// Run prints or revokes.
func (cmd *personCardCmd) Run(c *console) error {
	if !cmd.Revoke && cmd.Out == "" {
		return fault.New(fault.Invalid, "give --out FILE to print a card, or --revoke")
	}
	nik, err := readNIK(bufio.NewReader(c.in))
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		if cmd.Revoke {
			n, err := o.RevokeCards(c.ctx, nik)
			if err == nil {
				fmt.Fprintf(c.out, "revoked %d\n", n)
			}
			return err
		}
		pdf, card, err := o.PrintCard(c.ctx, nik, cmd.Days)
		if err != nil {
			return err
		}
		if err := app.WriteSecret(cmd.Out, pdf); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "card until %s\n", card.Expires.UTC().Format("2006-01-02T15:04Z"))
		return nil
	})
}

type personPINCmd struct {
	settings
	Remove bool `help:"Remove the PIN; only the NIK is read."`
}

// Run sets or removes the PIN.
func (cmd *personPINCmd) Run(c *console) error {
	in := bufio.NewReader(c.in)
	nik, err := readNIK(in)
	if err != nil {
		return err
	}
	if cmd.Remove {
		return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error { return o.RemovePIN(c.ctx, nik) })
	}
	pin, err := readPIN(in)
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error { return o.SetPIN(c.ctx, nik, pin) })
}

// readPIN takes one line.
func readPIN(in *bufio.Reader) (identity.PIN, error) {
	line, err := in.ReadString('\n')
	if err != nil && line == "" {
		return identity.PIN{}, fault.New(fault.Invalid, "no PIN on standard input: give it as one line of 6 digits")
	}
	return identity.ParsePIN(strings.TrimRight(line, "\r\n"))
}
