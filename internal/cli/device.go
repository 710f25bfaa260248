package cli

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"time"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/web/problem"
	"github.com/amanah-project/amanah/verify"
)

type deviceCmd struct {
	Checkin  deviceCheckinCmd  `cmd:"" help:"Check in at a venue.\n\nExample: amanah device checkin --link phone.json --code 'https://…/v/…'"`
	Pass     devicePassCmd     `cmd:"" help:"Fetch a pass for a door without network, and show it.\n\nExample: amanah device pass fetch --link phone.json --category mall --level 3 --out pass.json"`
	Leave    deviceLeaveCmd    `cmd:"" help:"Check out, by visit or by the code of an exit.\n\nExample: amanah device leave --link phone.json --code 'https://…/v/…'"`
	Cover    deviceCoverCmd    `cmd:"" help:"Send check-outs that end nothing, until the time is over.\n\nExample: amanah device cover --link phone.json --every 30m --timeout 8h"`
	Status   deviceStatusCmd   `cmd:"" help:"See one's own colour, why, and when it changes.\n\nExample: amanah device status --link phone.json"`
	History  deviceHistoryCmd  `cmd:"" help:"See one's own visits of the last 14 days.\n\nExample: amanah device history --link phone.json --page 1"`
	Asks     deviceAsksCmd     `cmd:"" help:"See who asked for one's own colour in the last 14 days, by which link, and what became of it.\n\nExample: amanah device asks --link phone.json --page 1"`
	Dispute  deviceDisputeCmd  `cmd:"" help:"Contest one's own colour, a visit or a reason, with the text from standard input.\n\nExample: amanah device dispute --link phone.json --about colour < text.txt"`
	Disputes deviceDisputesCmd `cmd:"" help:"See one's own disputes with their clocks, or one with its answer.\n\nExample: amanah device disputes D-2026-000123-8 --link phone.json"`
	Venue    deviceVenueCmd    `cmd:"" help:"See how full a venue is.\n\nExample: amanah device venue 3 --link phone.json"`
	PIN      devicePINCmd      `cmd:"" name:"pin" help:"Set the PIN for days without a phone, read from standard input, or remove it.\n\nExample: amanah device pin --link phone.json < pin.txt"`
	Cards    deviceCardsCmd    `cmd:"" help:"Revoke all printed cards of one's own: for one that was lost.\n\nExample: amanah device cards --revoke --link phone.json"`
	Link     deviceLinkCmd     `cmd:"" help:"Link a new device by its person's consent, on the platform's own pages.\n\nExample: amanah device link --credential relay.json --relay https://relay.toko.example/amanah --redirect https://toko.example/back --client-key keys/client.jwk --out phone.json"`
	Renew    deviceRenewCmd    `cmd:"" help:"Get the next token of a device that was linked by consent.\n\nExample: amanah device renew --link phone.json --client-key keys/client.jwk"`
	Links    deviceLinksCmd    `cmd:"" help:"See what may ask for one's own colour, on every device.\n\nExample: amanah device links --link phone.json"`
	Unlink   deviceUnlinkCmd   `cmd:"" help:"Remove one of one's own links, of any device.\n\nExample: amanah device unlink 0123456789abcdef0123456789abcdef --link phone.json"`
}

// phone is what every device command needs.
type phone struct {
	Link    string        `required:"" help:"The device's credential, from 'amanah link add'."`
	Timeout time.Duration `default:"30s" help:"How long to try."`
}

func (p phone) open() (*client.Device, error) {
	raw, err := os.ReadFile(p.Link)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the credential file cannot be read")
	}
	credential, err := client.ParseCredential(raw)
	if err != nil {
		return nil, fault.Newf(fault.Invalid, "the credential file is not one of 'amanah link add': %v", err)
	}
	return client.Open(credential, client.Options{})
}

// with opens the device and asks.
func (p phone) with(c *console, ask func(ctx context.Context, d *client.Device) error) error {
	d, err := p.open()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx, p.Timeout)
	defer cancel()
	return deviceError(ask(ctx, d))
}

// do opens the device, asks, and prints the answer as JSON.
func (p phone) do(c *console, ask func(ctx context.Context, d *client.Device) (any, error)) error {
	var answer any
	err := p.with(c, func(ctx context.Context, d *client.Device) (err error) {
		answer, err = ask(ctx, d)
		return err
	})
	if err != nil {
		return err
	}
	e := json.NewEncoder(c.out)
	e.SetIndent("", "  ")
	return e.Encode(answer)
}

// deviceError gives the platform's refusal the exit status of its kind.
func deviceError(err error) error {
	var p *client.Problem
	switch {
	case err == nil:
		return nil
	case errors.As(err, &p):
		for _, k := range []fault.Kind{fault.Invalid, fault.NotFound, fault.Conflict, fault.Denied, fault.Busy, fault.Unavailable} {
			if problem.Status(k) == p.Status {
				return fault.New(k, p.Error())
			}
		}
	case errors.Is(err, client.ErrReturn), errors.Is(err, client.ErrNoRefresh):
		return fault.Newf(fault.Invalid, "%v", err)
	case errors.Is(err, client.ErrDeclined):
		return fault.Newf(fault.Denied, "%v", err)
	case errors.Is(err, client.ErrUnavailable):
		return fault.Newf(fault.Unavailable, "%v", err)
	case errors.Is(err, client.ErrExit), errors.Is(err, verify.ErrHost), errors.Is(err, verify.ErrSignature),
		errors.Is(err, verify.ErrMalformed), errors.Is(err, verify.ErrExpired), errors.Is(err, verify.ErrUnknownKey):
		return fault.Newf(fault.Invalid, "%v", err)
	}
	return err
}

type deviceCheckinCmd struct {
	phone
	Code  string   `required:"" help:"The URL scanned at the door."`
	Party int      `default:"1" help:"People entering."`
	With  []string `help:"Credential files of linked members of the party on this device."`
}

// Run checks in and prints the answer, with the ticket as a screen would show it.
func (cmd *deviceCheckinCmd) Run(c *console) error {
	return cmd.do(c, func(ctx context.Context, d *client.Device) (any, error) {
		with, err := members(cmd.With)
		if err != nil {
			return nil, err
		}
		v, err := d.CheckIn(ctx, client.CheckIn{Code: cmd.Code, Party: cmd.Party, With: with})
		if err != nil {
			return nil, err
		}
		out := struct {
			client.Visit
			Screen string `json:"screen,omitempty"`
		}{Visit: *v}
		if v.Ticket != "" {
			if out.Screen, err = v.Present(d.Now()); err != nil {
				return nil, err
			}
		}
		return out, nil
	})
}

type deviceLeaveCmd struct {
	phone
	Visit string `help:"The visit, as check-in printed it."`
	Code  string `help:"The URL scanned at an exit."`
}

// Run checks out.
func (cmd *deviceLeaveCmd) Run(c *console) error {
	return cmd.do(c, func(ctx context.Context, d *client.Device) (any, error) {
		if cmd.Code != "" {
			return d.LeaveByCode(ctx, cmd.Code)
		}
		return d.Leave(ctx, cmd.Visit)
	})
}

type deviceStatusCmd struct{ phone }

// Run prints the colour.
func (cmd *deviceStatusCmd) Run(c *console) error {
	return cmd.do(c, func(ctx context.Context, d *client.Device) (any, error) { return d.Status(ctx) })
}

type deviceHistoryCmd struct {
	phone
	Page int `default:"0" help:"Page, from 0."`
}

// Run prints a page of visits.
func (cmd *deviceHistoryCmd) Run(c *console) error {
	return cmd.do(c, func(ctx context.Context, d *client.Device) (any, error) { return d.History(ctx, cmd.Page) })
}

type deviceVenueCmd struct {
	phone
	Venue uint64 `arg:"" help:"Number of the venue."`
}

// Run prints how full the venue is.
func (cmd *deviceVenueCmd) Run(c *console) error {
	return cmd.do(c, func(ctx context.Context, d *client.Device) (any, error) { return d.Venue(ctx, cmd.Venue) })
}
