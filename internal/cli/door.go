package cli

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"time"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/internal/fault"
)

type doorCmd struct {
	Check     doorCheckCmd     `cmd:"" help:"Check the ticket or pass on a visitor's screen, read from standard input; with a kit, without network.\n\nExample: amanah door check --credential door.json --door 1 --kit kit.json --list admitted.jsonl < scan.txt"`
	Kit       doorKitCmd       `cmd:"" help:"Fetch what the door needs to check passes without network; it is good for a day.\n\nExample: amanah door kit --credential door.json --out kit.json"`
	Seen      doorSeenCmd      `cmd:"" help:"Report the passes that were admitted without network: each counts once, however often it is reported.\n\nExample: amanah door seen --credential door.json --list admitted.jsonl"`
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

func (p post) credential() (client.DoorCredential, error) {
	raw, err := os.ReadFile(p.Credential)
	if err != nil {
		return client.DoorCredential{}, fault.New(fault.Invalid, "the credential file cannot be read")
	}
	credential, err := client.ParseDoor(raw)
	if err != nil {
		return credential, fault.Newf(fault.Invalid, "the credential file is not one of 'amanah venue door': %v", err)
	}
	return credential, nil
}

func (p post) do(c *console, ask func(ctx context.Context, d *client.Door) error) error {
	credential, err := p.credential()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx, 30*time.Second)
	defer cancel()
	d, err := client.OpenDoor(ctx, credential, client.Options{})
	if err != nil {
		return deviceError(err)
	}
	return deviceError(ask(ctx, d))
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
		return c.table(cmd.JSON, o, []string{"INSIDE", "LIMIT", "CATEGORY", "LEVEL"}, func(row func(...any)) {
			row(o.Inside, o.Limit, o.Category, o.Level)
		})
	})
}
