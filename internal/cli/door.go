package cli

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/fault"
)

type doorCmd struct {
	Check     doorCheckCmd     `cmd:"" help:"Check the ticket on a visitor's screen, read from standard input.\n\nExample: amanah door check --credential door.json --door 1 < scan.txt"`
	Lookup    doorLookupCmd    `cmd:"" help:"Ask about somebody without a phone: the code of their card, or their NIK and PIN, a line each, from standard input.\n\nExample: amanah door lookup --credential door.json --door 1 < card.txt"`
	Leave     doorLeaveCmd     `cmd:"" help:"End the visit of a ticket, by its serial.\n\nExample: amanah door leave 0123456789abcdef0123456789abcdef --credential door.json"`
	Code      doorCodeCmd      `cmd:"" help:"Ask for the code that a kiosk shows for the next 30 seconds.\n\nExample: amanah door code --credential door.json --door 1 --exit"`
	Occupancy doorOccupancyCmd `cmd:"" help:"See how full the venue is.\n\nExample: amanah door occupancy --credential door.json"`
}

// post is what every door command needs.
type post struct {
	Credential string `required:"" help:"The door's credential, from 'amanah venue door'."`
	JSON       bool   `help:"Print JSON."`
}

func (p post) do(c *console, ask func(ctx context.Context, d *client.Door) error) error {
	raw, err := os.ReadFile(p.Credential)
	if err != nil {
		return fault.New(fault.Invalid, "the credential file cannot be read")
	}
	credential, err := client.ParseDoor(raw)
	if err != nil {
		return fault.Newf(fault.Invalid, "the credential file is not one of 'amanah venue door': %v", err)
	}
	ctx, cancel := context.WithTimeout(c.ctx, 30*time.Second)
	defer cancel()
	d, err := client.OpenDoor(ctx, credential, client.Options{})
	if err != nil {
		return deviceError(err)
	}
	return deviceError(ask(ctx, d))
}

type doorCheckCmd struct {
	post
	Door uint16 `default:"1" help:"Number of the door."`
}

type ticketAnswer struct {
	Decision string    `json:"decision"`
	Serial   string    `json:"serial"`
	Party    uint16    `json:"party"`
	Expires  time.Time `json:"expires_at"`
}

// Run checks one presentation.
func (cmd *doorCheckCmd) Run(c *console) error {
	screen, err := io.ReadAll(io.LimitReader(c.in, 4096))
	if err != nil {
		return err
	}
	return cmd.do(c, func(_ context.Context, d *client.Door) error {
		t, err := d.Check(strings.TrimSpace(string(screen)), cmd.Door)
		if err != nil {
			return app.RefuseTicket(err)
		}
		a := ticketAnswer{t.Decision.String(), hex.EncodeToString(t.Serial[:]), t.Party, t.Expires}
		return c.table(cmd.JSON, a, []string{"DECISION", "SERIAL", "PARTY", "EXPIRES"}, func(row func(...any)) {
			row(a.Decision, a.Serial, a.Party, a.Expires.UTC().Format(time.RFC3339))
		})
	})
}

type doorLeaveCmd struct {
	post
	Serial string `arg:"" help:"Serial of the ticket, as 'door check' printed it."`
}

// Run ends the visit.
func (cmd *doorLeaveCmd) Run(c *console) error {
	serial, err := hex.DecodeString(cmd.Serial)
	if err != nil || len(serial) != 16 {
		return fault.New(fault.Invalid, "a serial is 32 hexadecimal digits")
	}
	return cmd.do(c, func(ctx context.Context, d *client.Door) error { return d.CheckOut(ctx, [16]byte(serial)) })
}

type doorCodeCmd struct {
	post
	Door uint16 `default:"1" help:"Number of the door."`
	Exit bool   `help:"The code of an exit."`
}

// Run prints the code's URL.
func (cmd *doorCodeCmd) Run(c *console) error {
	return cmd.do(c, func(ctx context.Context, d *client.Door) error {
		code, err := d.Code(ctx, cmd.Door, cmd.Exit)
		if err != nil {
			return err
		}
		if cmd.JSON {
			return c.table(true, code, nil, nil)
		}
		fmt.Fprintln(c.out, code.URL)
		return nil
	})
}

type doorOccupancyCmd struct{ post }

// Run prints the counts.
func (cmd *doorOccupancyCmd) Run(c *console) error {
	return cmd.do(c, func(ctx context.Context, d *client.Door) error {
		o, err := d.Occupancy(ctx)
		if err != nil {
			return err
		}
		return c.table(cmd.JSON, o, []string{"INSIDE", "LIMIT"}, func(row func(...any)) { row(o.Inside, o.Limit) })
	})
}
