package cli

import (
	"fmt"
	"slices"

	"github.com/skip2/go-qrcode"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/venue"
)

type venueCmd struct {
	Add   venueAddCmd   `cmd:"" help:"Register a venue.\n\nExample: amanah venue add 'Pasar Badung' --category market --level 2 --holds 4000 --doors 12"`
	List  venueListCmd  `cmd:"" help:"List venues and how full they are.\n\nExample: amanah venue list --json"`
	Code  venueCodeCmd  `cmd:"" help:"Make the signed code of a door.\n\nExample: amanah venue code 3 --door 1 --png door1.png"`
	Count venueCountCmd `cmd:"" help:"Count anew who is inside a venue, by the visits that last: where amanah check says that its count was altered.\n\nExample: amanah venue count 3"`
	Door  venueDoorCmd  `cmd:"" help:"Make the credential of the staff at a venue's doors.\n\nExample: amanah venue door 3 --platform https://health.example.id --out door.json"`
}

type venueAddCmd struct {
	settings
	Name     string `arg:"" help:"Name as visitors know it."`
	Category string `required:"" help:"mall, supermarket, market, cinema, restaurant, hotel, transport, office, factory, school, worship or health."`
	Level    string `default:"1" help:"Level of the district's restrictions, 1 to 4."`
	District string `default:"9901" help:"Administrative code of the district."`
	Holds    int    `required:"" help:"People it holds by its own declaration."`
	Doors    int    `default:"1" help:"Number of doors."`
	JSON     bool   `help:"Print JSON."`
}

// Run registers the venue and prints its number.
func (cmd *venueAddCmd) Run(c *console) error {
	category, err := venue.ParseCategory(cmd.Category)
	if err != nil {
		return err
	}
	level, err := venue.ParseLevel(cmd.Level)
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		v, err := o.AddVenue(c.ctx, venue.Venue{
			Name: cmd.Name, Category: category, Level: level, District: cmd.District, Declared: cmd.Holds, Doors: cmd.Doors,
		})
		if err != nil {
			return err
		}
		all, err := o.Venues(c.ctx) // which know how many it may hold now
		if err != nil {
			return err
		}
		return c.venues(cmd.JSON, slices.DeleteFunc(all, func(r app.VenueRow) bool { return r.ID != v.ID }))
	})
}

type venueListCmd struct {
	settings
	JSON bool `help:"Print JSON."`
}

// Run lists the venues.
func (cmd *venueListCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		rows, err := o.Venues(c.ctx)
		if err != nil {
			return err
		}
		return c.venues(cmd.JSON, rows)
	})
}

type venueCountCmd struct {
	settings
	Venue uint64 `arg:"" help:"Number of the venue."`
	JSON  bool   `help:"Print JSON."`
}

// Run counts and prints the venue.
func (cmd *venueCountCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		row, err := o.Recount(c.ctx, venue.ID(cmd.Venue))
		if err != nil {
			return err
		}
		return c.venues(cmd.JSON, []app.VenueRow{row})
	})
}

type venueRow struct {
	Venue    uint64 `json:"venue"`
	Name     string `json:"name"`
	Category string `json:"category"`
	Level    int    `json:"level"`
	District string `json:"district"`
	Holds    int    `json:"holds"`
	Doors    int    `json:"doors"`
	Inside   int    `json:"inside"`
	Limit    int    `json:"limit"`
}

func (c *console) venues(asJSON bool, all []app.VenueRow) error {
	rows := make([]venueRow, len(all))
	for i, v := range all {
		rows[i] = venueRow{uint64(v.ID), v.Name, string(v.Category), int(v.Level), v.District, v.Declared, v.Doors, v.Inside, v.Limit}
	}
	return c.table(asJSON, rows, []string{"VENUE", "NAME", "CATEGORY", "LEVEL", "HOLDS", "DOORS", "INSIDE", "LIMIT"}, func(row func(...any)) {
		for _, r := range rows {
			row(r.Venue, r.Name, r.Category, r.Level, r.Holds, r.Doors, r.Inside, r.Limit)
		}
	})
}

type venueCodeCmd struct {
	settings
	Venue uint64 `arg:"" help:"Number of the venue."`
	Door  uint16 `default:"1" help:"Number of the door."`
	Exit  bool   `help:"The code of an exit."`
	PNG   string `name:"png" help:"Write a poster's QR code to this file as well."`
}

// Run prints the code's URL.
func (cmd *venueCodeCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		url, err := o.VenueCode(c.ctx, venue.ID(cmd.Venue), venue.Door(cmd.Door), cmd.Exit)
		if err != nil {
			return err
		}
		if cmd.PNG != "" {
			if err := qrcode.WriteFile(url, qrcode.Medium, 1024, cmd.PNG); err != nil {
				return err
			}
		}
		fmt.Fprintln(c.out, url)
		return nil
	})
}

type venueDoorCmd struct {
	settings
	Venue    uint64 `arg:"" help:"Number of the venue."`
	Platform string `required:"" help:"URL by which the door reaches the platform."`
	Out      string `required:"" help:"File to write the credential to, mode 0600."`
}

// Run writes the credential.
func (cmd *venueDoorCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		credential, err := o.AddDoor(c.ctx, venue.ID(cmd.Venue), cmd.Platform)
		if err != nil {
			return err
		}
		raw, err := credential.Marshal()
		if err != nil {
			return err
		}
		return app.WriteSecret(cmd.Out, raw)
	})
}
