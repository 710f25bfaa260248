package cli

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/fault"
)

type personBindCmd struct{ settings }

// Help says where each number goes.
func (personBindCmd) Help() string {
	return `Standard input holds the NIK and the telephone number, a line each, because a
command line is readable by everybody on the host. The registry's number needs no
binding, unless it is registered for two people: such a number proves neither.`
}

// Run binds somebody's first number.
func (cmd *personBindCmd) Run(c *console) error {
	nik, phone, err := readNumber(c)
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		err := o.BindNumber(c.ctx, nik, phone)
		if err == nil {
			fmt.Fprintln(c.out, "bound")
		}
		return err
	})
}

type personRebindCmd struct{ settings }

// Help says how long it takes.
func (personRebindCmd) Help() string {
	return `Standard input holds the NIK and the new telephone number, a line each. The new
number waits 72 hours; the old one is told at once and can cancel it on the page
/link/phone. When the old one cannot be told, nothing changes.`
}

// Run lets a new number wait.
func (cmd *personRebindCmd) Run(c *console) error {
	nik, phone, err := readNumber(c)
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		ripe, err := o.RebindNumber(c.ctx, nik, phone)
		switch {
		case err != nil:
			return err
		case ripe.IsZero():
			fmt.Fprintln(c.out, "bound or waiting already")
		default:
			fmt.Fprintf(c.out, "waits until %s\n", ripe.UTC().Format("2006-01-02T15:04Z"))
		}
		return nil
	})
}

func readNumber(c *console) (identity.NIK, identity.Phone, error) {
	in := bufio.NewReader(c.in)
	nik, err := readNIK(in)
	if err != nil {
		return nik, identity.Phone{}, err
	}
	line, err := in.ReadString('\n')
	if err != nil && line == "" {
		return nik, identity.Phone{}, fault.New(fault.Invalid, "no telephone number on standard input: give it as the second line")
	}
	phone, err := identity.ParsePhone(strings.TrimRight(line, "\r\n"))
	return nik, phone, err
}

type guardianCmd struct {
	Add guardianAddCmd `cmd:"" help:"Record a guardian of a child, whose documents were seen.\n\nExample: amanah guardian add --proof family-card --office facility-12 < guardian-and-child.txt"`
	End guardianEndCmd `cmd:"" help:"End a guardianship, and with it every link of the child.\n\nExample: amanah guardian end < guardian-and-child.txt"`
}

type guardianAddCmd struct {
	settings
	Proof  string `required:"" enum:"birth-certificate,family-card,court-order" help:"The kind of document seen: birth-certificate, family-card or court-order."`
	Office string `required:"" help:"The facility that saw it, as facility-12; never a person."`
}

// Run records the guardian. Both NIKs come by standard input, the guardian's first.
func (cmd *guardianAddCmd) Run(c *console) error {
	proof, err := identity.ParseProof(cmd.Proof)
	if err != nil {
		return err
	}
	guardian, child, err := readPair(c)
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		if err := o.Guard(c.ctx, guardian, child, proof, cmd.Office); err != nil {
			return err
		}
		fmt.Fprintln(c.out, "recorded, until the child's eighteenth birthday")
		return nil
	})
}

type guardianEndCmd struct{ settings }

// Run ends the guardianship.
func (cmd *guardianEndCmd) Run(c *console) error {
	guardian, child, err := readPair(c)
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error { return o.Unguard(c.ctx, guardian, child) })
}

func readPair(c *console) (guardian, child identity.NIK, err error) {
	in := bufio.NewReader(c.in)
	if guardian, err = readNIK(in); err != nil {
		return guardian, child, err
	}
	child, err = readNIK(in)
	return guardian, child, err
}
