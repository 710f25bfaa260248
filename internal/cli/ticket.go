package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/amanah-project/amanah/internal/app"
)

type ticketCmd struct {
	Check ticketCheckCmd `cmd:"" help:"Check the ticket on a visitor's screen, read from standard input.\n\nExample: amanah ticket check --platform https://health.example.id --pin-of door.json < scan.txt"`
}

type ticketCheckCmd struct {
	Platform string `required:"" help:"URL of the platform, for its signed keys."`
	PinOf    string `required:"" help:"A credential file of this platform; its pin vouches for the keys."`
	Venue    uint64 `help:"Accept tickets of this venue only."`
	Door     uint16 `help:"And of this door only."`
	JSON     bool   `help:"Print JSON."`
}

// Run checks one presentation.
func (cmd *ticketCheckCmd) Run(c *console) error {
	text, err := io.ReadAll(io.LimitReader(c.in, 4096))
	if err != nil {
		return err
	}
	t, err := app.CheckTicket(c.ctx, cmd.Platform, cmd.PinOf, strings.TrimSpace(string(text)), cmd.Venue, cmd.Door)
	if err != nil {
		return err
	}
	return c.table(cmd.JSON, t, []string{"DECISION", "VENUE", "DOOR", "PARTY", "AGE", "EXPIRES"}, func(row func(...any)) {
		row(t.Decision, t.Venue, t.Door, t.Party, fmt.Sprintf("%d min", t.AgeMinutes), t.Expires.UTC().Format("2006-01-02T15:04Z"))
	})
}
