package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/internal/fault"
)

type doorLookupCmd struct {
	post
	Door  uint16 `default:"1" help:"Number of the door."`
	Party int    `default:"1" help:"People entering, the person included."`
}

// Run asks. What is asked comes by standard input because a command line is readable
// by everybody on the host.
func (cmd *doorLookupCmd) Run(c *console) error {
	raw, err := io.ReadAll(io.LimitReader(c.in, 4096))
	if err != nil {
		return err
	}
	lines := strings.Fields(string(raw))
	q := client.LookUp{Door: cmd.Door, Party: cmd.Party}
	switch len(lines) {
	case 1:
		q.Card = lines[0]
	case 2:
		q.NIK, q.PIN = lines[0], lines[1]
	default:
		return fault.New(fault.Invalid, "give the text of a card's code on one line, or a NIK and a PIN on two")
	}
	return cmd.do(c, func(ctx context.Context, d *client.Door) error {
		f, err := d.LookUp(ctx, q)
		if err != nil {
			return err
		}
		return c.table(cmd.JSON, f, []string{"DECISION", "VISIT"}, func(row func(...any)) { row(f.Decision, f.Visit) })
	})
}

type devicePINCmd struct {
	phone
	Remove bool `help:"Remove the PIN: from then on a NIK and a PIN prove nothing."`
}

// Run sets or removes the PIN.
func (cmd *devicePINCmd) Run(c *console) error {
	if cmd.Remove {
		return cmd.with(c, func(ctx context.Context, d *client.Device) error { return d.RemovePIN(ctx) })
	}
	line, err := bufio.NewReader(c.in).ReadString('\n')
	if err != nil && line == "" {
		return fault.New(fault.Invalid, "no PIN on standard input: give it as one line of 6 digits")
	}
	return cmd.with(c, func(ctx context.Context, d *client.Device) error {
		return d.SetPIN(ctx, strings.TrimRight(line, "\r\n"))
	})
}

type deviceCardsCmd struct {
	phone
	Revoke bool `required:"" help:"Revoke them; there is nothing else to do with cards from a device."`
}

// Run revokes the cards.
func (cmd *deviceCardsCmd) Run(c *console) error {
	var n int
	err := cmd.with(c, func(ctx context.Context, d *client.Device) (err error) {
		n, err = d.RevokeCards(ctx)
		return err
	})
	if err == nil {
		fmt.Fprintf(c.out, "revoked %d\n", n)
	}
	return err
}
