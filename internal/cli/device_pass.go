package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/fault"
)

type devicePassCmd struct {
	Fetch devicePassFetchCmd `cmd:"" help:"Fetch a pass: a ticket for one visit to a door without network, good for 12 hours at most. It counts one of the day's colours.\n\nExample: amanah device pass fetch --link phone.json --category mall --level 3 --out pass.json"`
	Show  devicePassShowCmd  `cmd:"" help:"Print what a screen shows of a pass, without network. It is good for half a minute.\n\nExample: amanah device pass show pass.json"`
}

type devicePassFetchCmd struct {
	phone
	Category string   `required:"" help:"Category of the place: mall, market, cinema and so on."`
	Level    int      `default:"0" help:"The strictest level of restrictions it is to be good for, 1 to 4; 0: that of all such places now."`
	Hours    int      `default:"12" help:"Its life, 1 to 12 hours."`
	Party    int      `default:"1" help:"People entering."`
	With     []string `help:"Credential files of linked members of the party on this device."`
	Out      string   `required:"" help:"File to write the pass to, with the key of its one visit: keep it secret."`
	JSON     bool     `help:"Print JSON."`
}

// Run fetches a pass. A refused one is printed and not written.
func (cmd *devicePassFetchCmd) Run(c *console) error {
	in := client.PassRequest{Category: cmd.Category, Level: cmd.Level, Hours: cmd.Hours, Party: cmd.Party}
	var err error
	if in.With, err = members(cmd.With); err != nil {
		return err
	}
	if _, err := os.Stat(cmd.Out); err == nil {
		return fault.Newf(fault.Conflict, "%s is there: name another file", cmd.Out)
	}
	var p *client.Pass
	if err := cmd.with(c, func(ctx context.Context, d *client.Device) (err error) {
		p, err = d.Pass(ctx, in)
		return err
	}); err != nil {
		return err
	}
	if p.Pass != "" {
		doc, err := p.Marshal()
		if err != nil {
			return err
		}
		if err := app.WriteSecret(cmd.Out, doc); err != nil {
			return err
		}
	}
	return c.table(cmd.JSON, p, []string{"DECISION", "CATEGORY", "LEVEL", "COLOUR", "EXPIRES", "LEFT", "TEXT"}, func(row func(...any)) {
		expires := "-"
		if !p.Expires.IsZero() {
			expires = p.Expires.Local().Format("2006-01-02 15:04")
		}
		row(p.Decision, p.Category, p.Level, p.Colour, expires, p.LeftToday, p.Text)
	})
}

// members reads the tokens of a party's other members.
func members(files []string) ([]string, error) {
	var out []string
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			return nil, fault.New(fault.Invalid, "a member's credential file cannot be read")
		}
		member, err := client.ParseCredential(raw)
		if err != nil {
			return nil, fault.Newf(fault.Invalid, "a member's credential file: %v", err)
		}
		out = append(out, member.Token)
	}
	return out, nil
}

type devicePassShowCmd struct {
	Pass string `arg:"" help:"File of 'amanah device pass fetch'."`
	JSON bool   `help:"Print JSON."`
}

// Run prints the screen of now.
func (cmd *devicePassShowCmd) Run(c *console) error {
	f, err := os.Open(cmd.Pass)
	if err != nil {
		return fault.New(fault.Invalid, "the file of the pass cannot be read")
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return err
	}
	p, err := client.ParsePass(raw)
	if err != nil {
		return fault.New(fault.Invalid, "the file is not one of 'amanah device pass fetch'")
	}
	screen, err := p.Present(time.Now())
	if err != nil {
		return fault.Newf(fault.Invalid, "the pass cannot be shown: %v", err)
	}
	if cmd.JSON {
		return c.table(true, map[string]string{"screen": screen}, nil, nil)
	}
	_, err = fmt.Fprintln(c.out, screen)
	return err
}
